#!/usr/bin/env python3
"""Measures the data pipeline by hand; docs/numbers.md says with what result.

make FILE MEGABYTES    writes chat rows of varied text, of which 1% repeat an earlier one
run COMMAND...         runs a command; prints its peak of anonymous memory and its times
peer TOKENIZER FILE    tokenizes chat or Alpaca rows with transformers
"""
import json
import random
import resource
import subprocess
import sys
import time

SYLLABLES = "ba co di ter men an ing re th st or al us ea".split()


def make(path, megabytes):
    draw = random.Random(7)

    def word():
        if draw.random() < 0.3:
            return "".join(chr(0x4E00 + int(3000 * draw.random() ** 2)) for _ in range(draw.randint(2, 4)))
        return "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(1, 3)))

    words = [word() for _ in range(50000)]

    def text(count):
        return " ".join(words[int(50000 * draw.random() ** 3)] for _ in range(count)).capitalize() + "."

    earlier, written = [], 0
    with open(path, "w", encoding="utf-8") as file:
        while written < int(megabytes) * 1_000_000:
            if earlier and draw.random() < 0.01:
                line = draw.choice(earlier)
            else:
                turns = [("user", text(draw.randint(6, 19))), ("assistant", text(draw.randint(15, 54)))]
                messages = [{"role": role, "content": content} for role, content in turns]
                line = json.dumps({"messages": messages}, ensure_ascii=False) + "\n"
                if len(earlier) < 20000:
                    earlier.append(line)
                elif draw.random() < 0.02:
                    earlier[draw.randrange(20000)] = line
            file.write(line)
            written += len(line.encode())


def run(*command):
    begin = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            peak = max([peak, *(int(line.split()[1]) for line in status if line.startswith("RssAnon"))])
        time.sleep(0.01)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"exit {process.returncode}, anonymous memory {peak * 1024 / 1e6:.0f} MB, "
          f"{used.ru_utime + used.ru_stime:.1f} s of processor time, {time.time() - begin:.1f} s")


def chat_of(row):
    if "messages" in row:
        return row["messages"]
    asked = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}]


def peer(tokenizer, path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer)
    begin, size = time.process_time(), 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            tokenizer.apply_chat_template(chat_of(json.loads(line)))
            size += len(line.encode())
    print(f"{size / 1e6 / (time.process_time() - begin):.2f} MB/s of processor time")


if __name__ == "__main__":
    {"make": make, "run": run, "peer": peer}[sys.argv[1]](*sys.argv[2:])
