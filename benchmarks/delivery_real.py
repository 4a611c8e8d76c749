"""A hundred texts of every kind to the real Claude Code and the real Codex, with a scripted model.

    python -m benchmarks.delivery_real [--texts 100]

Half of them go out while the client works, so that they wait for its rest. What reached the model is compared with
what was sent. Prints counts, faults (lost, doubled, changed) and the seconds from the opening of the gate (the text was
sent, and the turn before it had ended) to the receipt. Exit code 1 when there is any fault.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from agentdeck.demo.server import ScriptedModel
from agentdeck.harnesses import loader
from agentdeck.services.delivery import wording
from benchmarks.delivery import report
from benchmarks.delivery_world import Tally
from benchmarks.rig import place
from tests.real import client, others
from tests.real.deck import Deck
from tests.real.dialects import Dialects
from tests.waiting import wait_for

KINDS = (
    "plain words", "/help with this", "!ls of it", "# a heading", "@file_1.py and more", "a\ttab", "👩‍💻 漢字 é",
    "two\nlines", "six\nlines\nof\ntext\nin\nall", "word " * 400,
)  # fmt: skip
LIMIT_SECONDS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=100)
    share = parser.parse_args().texts // 2
    tally = Tally()
    with place() as repo:
        with ScriptedModel() as model:
            binary = _binary("claude")
            client.seed_home(repo.parent, repo)
            environ = client.environment(binary, repo.parent, model.url, DECK_HOME=str(repo.parent / "one"))
            _run(Deck(repo, environ), "claude", ("--permission-mode", "default"), share, tally,
                 lambda: [served.prompt for served in model.requests if not served.side])  # fmt: skip
        with Dialects() as model:
            binary = _binary("codex")
            others.seed("codex", repo.parent, model.url, repo)
            environ = others.environment("codex", binary, repo.parent, model.url)
            deck = Deck(repo, {**environ, "DECK_HOME": str(repo.parent / "two")})
            _run(deck, "codex", ("-a", "on-request", "-s", "workspace-write"), share, tally, lambda: model.prompts)
    print(f"{2 * share} texts to two real clients, load average {os.getloadavg()[0]:.1f}")
    report(tally)
    raise SystemExit(bool(tally.faults))


def _binary(name: str) -> Path:
    binary, reason = client.install(name)
    if binary is None:
        raise SystemExit(reason)
    return binary


def _run(deck: Deck, harness: str, args: tuple[str, ...], count: int, tally: Tally, asked: Any) -> None:
    try:
        deck.new(harness, harness=harness, args=args)
        deck.until(harness, "idle")
        texts = [f"{KINDS[n % len(KINDS)]} [{n}] ::wait {n % 2} ::say done {n}" for n in range(count)]
        for first, second in zip(texts[::2], texts[1::2], strict=False):
            deck.start("send", harness, "-", "--follow-up", stdin=first)
            deck.start("send", harness, "-", "--follow-up", stdin=second)
            wait_for(lambda: not _open(deck, harness), 60, "both to be settled")
        deck.until(harness, "idle")
        _judge(deck, harness, texts, asked(), tally)
    finally:
        deck.start("halt", "--yes")
        subprocess.run(["rm", "-rf", deck.environ["DECK_HOME"]], check=False)


def _open(deck: Deck, harness: str) -> bool:
    return any(row["state"] in ("queued", "pasted", "submitted") for row in deck.json("outbox", harness))


def _judge(deck: Deck, harness: str, texts: list[str], asked: list[str], tally: Tally) -> None:
    wrap, receipts = loader.get(harness).typing.wrap, deck.json("outbox", harness)
    heard = Counter(dict.fromkeys(asked))
    ends = [event.ts for event in deck.told(harness, "status") if event.data["state"] == "idle"]
    for text, receipt in zip(texts, receipts, strict=True):
        tally.states[receipt["state"]] += 1
        came = [prompt for prompt in heard if wording.same(prompt, text, wrap)]
        if receipt["state"] != "acknowledged" or len(came) != 1:
            tally.faults.append(f"{harness}: {json.dumps(text[:40])} is {receipt['state']} and came {len(came)} times")
            continue
        created, submitted, settled = (
            datetime.fromisoformat(receipt[key]).timestamp() for key in ("created", "submitted", "settled")
        )
        waited = settled - max([created, *[end for end in ends if end < submitted][-1:]])
        tally.waits.append(waited)
        tally.kinds.setdefault(harness, []).append(waited)
        if waited > LIMIT_SECONDS:
            tally.faults.append(f"{harness}: {json.dumps(text[:40])} took {waited:.1f} s")
    prompts = [event for event in deck.told(harness, "hook") if event.data["name"] == "UserPromptSubmit"]
    if len(prompts) != len(texts):
        tally.faults.append(f"{harness}: {len(texts)} sent, {len(prompts)} reported by its hook")


if __name__ == "__main__":
    main()
