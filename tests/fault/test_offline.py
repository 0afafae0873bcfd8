"""Lore has no network code: none of its objects names a socket call, and a run makes none."""

import re
import subprocess

from lore_program import BIN

SOCKET_CALLS = {"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "send", "sendto", "sendmsg", "recv",
                "recvfrom", "recvmsg", "getaddrinfo", "gethostbyname", "gethostbyname_r", "getnameinfo", "res_query"}


def test_no_object_of_lore_refers_to_a_socket_call():
    build = BIN.parent
    objects = [*(build / "lib").rglob("liblore_*.a"), *(build / "apps").rglob("*.o")]
    assert len(objects) > 20
    needed = subprocess.run(["nm", "-u", *objects], check=True, capture_output=True, text=True).stdout
    names = {match[1].split("@")[0] for match in re.finditer(r"^\s+U (\S+)$", needed, re.MULTILINE)}
    assert "pwrite" in names or "pwrite64" in names  # the list is one of calls
    assert names & SOCKET_CALLS == set()


def traced(folder, *arguments):
    """The network calls of a run of the program."""
    log = folder / "network"
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=%network", "-o", log, BIN / "lore", *arguments], check=True,
                   capture_output=True)
    return [line for line in log.read_text().splitlines() if re.search(r"\b(socket|connect|bind|sendto)\(", line)]


def test_training_evaluating_merging_and_generating_make_no_socket(recipe, tmp_path):
    run, model = tmp_path / "run", recipe.parent / "model"
    adapter = ["--base", model, "--adapter", run / "adapter"]
    assert traced(tmp_path, "train", recipe, "--output", run) == []
    assert traced(tmp_path, "evaluate", *adapter, "--data", recipe.parent / "heldout.jsonl") == []
    assert traced(tmp_path, "merge", *adapter, "--output", tmp_path / "merged") == []
    assert traced(tmp_path, "generate", *adapter, "--prompt", "a", "--max-new-tokens", "2") == []
