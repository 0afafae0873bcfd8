"""`lore generate`: prompts in batches, sampling, stop strings, streaming and the chat."""

import json
import os
import pty
import signal
import subprocess
import time

import pytest
from lore_program import BIN, run

USAGE = 2
QUESTIONS = ["什么是风控阈值？", "What is churn?", "Explain supply-chain resilience in a few words, please.", "?"]


def generate(model, *arguments, **keywords):
    return run("lore", "generate", "--base", model, "--dtype", "float32", *arguments, **keywords)


def answers(model, *arguments):
    return [json.loads(line) for line in generate(model, *arguments, "--json").stdout.splitlines()]


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(QUESTIONS) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("sampling", [[], ["--temperature", "1", "--top-p", "0.9", "--seed", "5"]])
def test_a_file_of_prompts_is_answered_in_its_order_as_each_prompt_alone(model, prompts, sampling):
    options = ["--max-new-tokens", "9", *sampling]
    together = answers(model, "--prompts", prompts, *options)
    assert [answer["prompt"] for answer in together] == QUESTIONS
    one_by_one = answers(model, "--prompts", prompts, *options, "--cache-tokens", "1")
    assert [answer["text"] for answer in one_by_one] == [answer["text"] for answer in together]
    for answer in together:
        assert answer["finish_reason"] in ("length", "stop")
        assert answer["new_tokens"] == 9 or answer["finish_reason"] == "stop"
        assert 0 < answer["first_token_seconds"] <= answer["seconds"]
        assert answer["tokens_per_second"] == pytest.approx(answer["new_tokens"] / answer["seconds"])


def test_prompts_can_come_from_stdin(model):
    piped = subprocess.run([BIN / "lore", "generate", "--base", model, "--prompts", "-", "--max-new-tokens", "2", "--json"],
                           input="one\n\ntwo\r\n", capture_output=True, text=True, check=True)
    assert [json.loads(line)["prompt"] for line in piped.stdout.splitlines()] == ["one", "two"]


def test_a_seed_chooses_the_answer(model):
    def text(seed):
        return answers(model, "--prompt", "risk", "--temperature", "1", "--seed", seed, "--max-new-tokens", "12")[0]["text"]

    assert text(1) == text(1) != text(2)


def test_a_stop_string_ends_the_answer_right_before_it(model):
    options = ["--prompt", "risk", "--max-new-tokens", "16"]
    whole = answers(model, *options)[0]
    assert whole["finish_reason"] == "length"
    stop = whole["text"][11:14]
    cut = answers(model, *options, "--stop", stop)[0]
    assert cut["text"] == whole["text"][: whole["text"].index(stop)]
    assert cut["finish_reason"] == "stop" and cut["new_tokens"] <= whole["new_tokens"]
    streamed = generate(model, *options, "--stop", stop, "--stream").stdout
    assert streamed == f"\n> risk\n{cut['text']}\n"


def test_streamed_answers_are_the_same_and_in_the_same_order(model, prompts):
    options = ["--prompts", prompts, "--max-new-tokens", "7"]
    assert generate(model, *options, "--stream").stdout == generate(model, *options).stdout


def test_what_cannot_be_is_refused(model):
    for wrong in (["--prompt", "x", "--top-p", "0.5"], ["--prompt", "x", "--stop", ""], [],
                  ["--chat", "--prompt", "x"], ["--chat", "--template", "none"], ["--prompt", "x", "--top-p", "0"],
                  ["--prompt", "x", "--json", "--stream"], ["--prompt", "x", "--temperature", "-1"]):
        result = generate(model, *wrong, check=False)
        assert result.returncode == USAGE and result.stdout == "", wrong


def test_a_piped_chat_remembers_what_was_said(model):
    options = ["generate", "--base", model, "--dtype", "float32", "--chat", "--json", "--max-new-tokens", "5"]
    chat = subprocess.run([BIN / "lore", *options], input="first question\nsecond question\n", capture_output=True,
                          text=True, check=True)
    first, second = (json.loads(line) for line in chat.stdout.splitlines())
    assert first["text"] == answers(model, "--prompt", "first question", "--max-new-tokens", "5")[0]["text"]
    alone = answers(model, "--prompt", "second question", "--max-new-tokens", "5")[0]
    assert second["prompt_tokens"] > alone["prompt_tokens"] + first["new_tokens"]


def read_until(terminal, wanted, seconds=60):
    """What the program writes to its terminal, up to `wanted`."""
    seen, end = b"", time.time() + seconds
    while wanted not in seen:
        assert time.time() < end, seen
        seen += os.read(terminal, 65536)
    return seen


def test_ctrl_c_ends_the_answer_and_ctrl_d_the_chat(model):
    child, terminal = pty.fork()
    if child == 0:
        os.execv(BIN / "lore", ["lore", "generate", "--base", str(model), "--chat", "--max-new-tokens", "1000000"])
    read_until(terminal, b"> ")
    os.write(terminal, b"go on for ever\n")
    read_until(terminal, b"for ever\r\n")
    time.sleep(0.5)  # some of the answer
    os.write(terminal, b"\x03")
    read_until(terminal, b"\n> ")
    os.write(terminal, b"\x04")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0


def listens(pid):
    """Whether a process has its handler for SIGINT."""
    with open(f"/proc/{pid}/status") as status:
        caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt:"))
    return bool(caught >> (signal.SIGINT - 1) & 1)


def test_an_interrupted_file_of_prompts_ends_with_the_signal(model, prompts):
    process = subprocess.Popen([BIN / "lore", "generate", "--base", model, "--prompts", prompts, "--max-new-tokens", "1000000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not listens(process.pid):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 128 + signal.SIGINT
