"""Compares the tokens that Lore trains in stock chat templates with what others say of the same templates.

  chat_masks.py --probe PATH/mask_probe --templates FOLDER [--verbose]

For each NAME.jinja below FOLDER:
- where a NAME_training.jinja with `{% generation %}` marks lies beside it and renders a conversation to the same
  text, the marks that transformers reports are the oracle. Left out of the comparison are white space at either end
  of a turn (some mark the line break behind the end of turn, which Lore does not train), the template's generation
  prompt where the marks include it, and an EOS behind the whole conversation.
- always: the ids are transformers' own; each answer lies within one trained run, which ends with a special token
  where the template has such tokens; nothing a user, a tool or the system says is trained.
Prints the counts. Exits 1 when a mask differs or breaks one of these rules.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import chat_templates
from chat_templates import CALL, NOW, RESULT, TOOLS, assistant, user
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SYSTEM = {"role": "system", "content": "SYS-TEXT"}
CALL1 = {**CALL, "content": "ANS-1"}

# Contents that can be told apart: Q... must never be trained, ANS... always where the template shows them.
CONVERSATIONS = {
    "one turn": [user("Q-1"), assistant("ANS-1")],
    "turns": [user("Q-1"), assistant("ANS-1"), user("Q-2"), assistant("ANS-2"), user("Q-3"), assistant("ANS-3")],
    "system": [SYSTEM, user("Q-1"), assistant("ANS-1"), user("Q-2"), assistant("ANS-2")],
    "spaces": [user(" Q-1 \n"), assistant("\n ANS-1  "), user("\tQ-2"), assistant("  ANS-2\n\n")],
    "repeats": [user("ANS"), assistant("ANS"), user("ANS"), assistant("ANS"), user("user"), assistant("assistant")],
    "empty": [user("Q-1"), assistant(""), user("Q-2"), assistant("ANS-2")],
    "empty last": [user("Q-1"), assistant("ANS-1"), user("Q-2"), assistant("")],
    "thinking": [user("Q-1"), assistant("<think>\nhm\n</think>\n\nANS-1"), user("Q-2"), assistant("<think>\nwell\n</think>\n\nANS-2")],
    "reasoning": [user("Q-1"), assistant("ANS-1", reasoning_content="hm"), user("Q-2"), assistant("ANS-2", reasoning_content="well")],
    "calls": [user("Q-1"), CALL, RESULT, assistant("ANS-2")],
    "calls, null": [user("Q-1"), {**CALL, "content": None}, RESULT, assistant("ANS-2"), user("Q-3"), assistant("ANS-3")],
    "calls, text": [SYSTEM, user("Q-1"), CALL1, RESULT, assistant("ANS-2"), user("Q-3"), assistant("ANS-3")],
    "calls, text arguments": [user("Q-1"), {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "function": {"name": "now", "arguments": "{}"}}]}, RESULT, assistant("ANS-2")],
    "call last": [user("Q-1"), assistant("ANS-1"), user("Q-2"), CALL],
    "call thoughts": [user("Q-1"), {**CALL, "reasoning_content": "hm"}, RESULT, assistant("ANS-2", reasoning_content="well"), user("Q-3"), assistant("ANS-3")],
    "in a row": [user("Q-1"), assistant("ANS-1"), assistant("ANS-2"), user("Q-3"), assistant("ANS-3")],
    "first": [assistant("ANS-0"), user("Q-1"), assistant("ANS-1")],
    "user last": [user("Q-1"), assistant("ANS-1"), user("Q-2")],
}


def specials_of(source):
    found = set(re.findall(r"<[|｜][^|｜<>\s']{1,40}[|｜]>", source))
    found |= set(re.findall(r"<\|[a-z_]{3,20}>|<[a-z_]{3,20}\|>", source))
    found |= set(re.findall(r"<(?:s|/s|start_of_turn|end_of_turn|end_of_utterance|seed:bos|seed:eos|end_of_sentence|beginning_of_sentence|SPECIAL_[0-9]+|sep)>", source))
    found |= set(re.findall(r"\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT|ARGS|CALL_ID|THINK)\]", source))
    found |= set(re.findall(r"\]~b\]|\[e~\[|\]~!b\[", source))
    return sorted(found | {"<s>", "</s>"})


def make_tokenizer(folder, source):
    """Bytes, with the special tokens of the template."""
    vocabulary = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in specials_of(source)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(folder)
    return fast


def runs(ids, mask, tokenizer):
    """[(begin, end)] of the trained runs, without white space at the ends."""
    spans, begin = [], None
    for i, trained in enumerate([*mask, 0]):
        if trained and begin is None:
            begin = i
        elif not trained and begin is not None:
            spans.append((begin, i))
            begin = None
    space = {i for i in set(ids) if tokenizer.decode([i]).isspace()}
    trimmed = []
    for begin, end in spans:
        while begin < end and ids[begin] in space:
            begin += 1
        while end > begin and ids[end - 1] in space:
            end -= 1
        if end > begin:
            trimmed.append((begin, end))
    return trimmed


def same_turns(ids, expected, trained, tokenizer, opening):
    """Whether two masks are the same, but for what the head of this file names."""
    def without_eos(mask):
        last = tokenizer.decode(ids[:-1]).rstrip()
        ended = any(last.endswith(token) for token in tokenizer.get_added_vocab())
        return [*mask[:-1], 0] if ids[-1] == tokenizer.eos_token_id and ended else mask

    theirs, ours = runs(ids, without_eos(expected), tokenizer), runs(ids, without_eos(trained), tokenizer)
    if len(theirs) != len(ours):
        return False
    for (begin, end), (our_begin, our_end) in zip(theirs, ours):
        opened = tokenizer.decode(ids[begin:our_begin]).strip()
        if end != our_end or our_begin < begin or opened not in opening:
            return False
    return True


def by_transformers(tokenizer, template, messages, tools, marked, **more):
    try:
        out = tokenizer.apply_chat_template(messages, tools=tools, chat_template=template, return_dict=True,
                                            return_assistant_tokens_mask=marked, **more)
    except Exception:  # noqa: BLE001: whatever the template provokes
        return None, None
    return out["input_ids"], out["assistant_masks"] if marked else None


def shown(tokenizer, ids, mask):
    text, last = "", 0
    for i, trained in zip([*ids, None], [*mask, 0]):
        if trained != last:
            text += "⟦" if trained else "⟧"
            last = trained
        if i is not None:
            text += tokenizer.convert_ids_to_tokens(i) if i in tokenizer.all_special_ids or i > 255 else tokenizer.decode([i])
    return text


def broken_rule(tokenizer, messages, ids, trained):
    """What is wrong with a mask, by the contents alone."""
    spans = runs(ids, trained, tokenizer)
    texts = [tokenizer.decode(ids[begin:end], skip_special_tokens=False) for begin, end in spans]
    whole = tokenizer.decode(ids, skip_special_tokens=False)
    joined = "\0".join(texts)
    if re.search(r"Q-\d|SYS-TEXT|\"stock\"", joined):
        return "what is no answer is trained"
    for message in messages:
        answer = re.search(r"ANS-\d", str(message["content"])) if message["role"] == "assistant" else None
        if answer and answer[0] in whole and joined.count(answer[0]) != 1:
            return f"{answer[0]} is trained {joined.count(answer[0])} times"
    special = {i for i in ids if i > 255}
    if len(special - {tokenizer.bos_token_id}) > 0:
        for begin, end in spans:
            if ids[end - 1] not in special:
                return f"the turn {tokenizer.decode(ids[begin:end])!r} does not end with a special token"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--templates", required=True)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    probe = subprocess.Popen([options.probe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    counts = dict.fromkeys(("equal to the marks", "other than the marks", "no marks, rules kept", "rule broken", "other ids",
                            "refused by Lore", "refused by the template"), 0)
    failed = False
    for path in sorted(pathlib.Path(options.templates).rglob("*.jinja")):
        if path.stem.endswith("_training"):
            continue
        source = path.read_text(encoding="utf-8")
        training = path.with_name(path.stem + "_training.jinja")
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = make_tokenizer(folder, source)
            opening, _ = by_transformers(tokenizer, source, [user("Q-1")], None, False, add_generation_prompt=True)
            opening = tokenizer.decode(opening or [])
            for name, messages in CONVERSATIONS.items():
                tools = TOOLS if "call" in name else None
                ids, _ = by_transformers(tokenizer, source, messages, tools, False)
                if ids is None:
                    counts["refused by the template"] += 1
                    continue
                expected = None
                if training.exists():
                    marked_ids, marks = by_transformers(tokenizer, training.read_text(encoding="utf-8"), messages, tools, True)
                    expected = marks if marked_ids == ids else None
                row = {"messages": messages, "tools": tools}
                request = {"tokenizer": folder, "template": source, "row": row, "now": str(NOW)}
                probe.stdin.write(json.dumps(request) + "\n")
                probe.stdin.flush()
                answer = json.loads(probe.stdout.readline())
                report = None
                if "error" in answer:
                    kind = "refused by Lore"
                    report = answer["error"]
                elif answer["ids"] != ids:
                    kind = "other ids"
                elif expected and not same_turns(ids, expected, answer["trained"], tokenizer, opening):
                    kind = "other than the marks"
                    report = shown(tokenizer, ids, expected) + "\n   lore: " + shown(tokenizer, ids, answer["trained"])
                elif report := broken_rule(tokenizer, messages, ids, answer["trained"]):
                    kind = "rule broken"
                    report += ": " + shown(tokenizer, ids, answer["trained"])
                else:
                    kind = "equal to the marks" if expected else "no marks, rules kept"
                counts[kind] += 1
                failed |= kind in ("other than the marks", "rule broken", "other ids")
                if kind in ("other than the marks", "rule broken", "other ids", "refused by Lore") or options.verbose:
                    print(f"{kind}: {path.name}, {name}: {report or shown(tokenizer, ids, answer['trained'])}")
    probe.stdin.close()
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
