"""The loops of docs/research.md: examples/research/tinybyte under a script, under chance, under the real Claude Code.

    python -m benchmarks.tinybyte scripted|random|claude [--experiments N] [--policy fast|confirm] [--keep DIRECTORY]

Every run trains for 4 seconds of processor time. Claude Code (pinned, a HOME of its own) asks a scripted model, whose
words are the steps of ladder.toml: its edits, runs and measurements are real. `--keep` gets the ledger and the chart.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from agentdeck.demo.rules import Rule, Scenario
from agentdeck.demo.script import Call, Step
from agentdeck.demo.server import ScriptedModel
from agentdeck.research import loop, proposers, report, start
from agentdeck.research.places import Place
from tests.real import client

EXAMPLE = Path(__file__).parents[1] / "examples/research/tinybyte"
COUNTS = {"scripted": 25, "random": 50, "claude": 10}
PROPOSERS = {
    "scripted": 'kind = "scripted"\nscript = "ladder.toml"',
    "random": 'kind = "random"\nbackoff = 0.1',
    "claude": 'kind = "harness"\nharness = "claude"',
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("who", choices=sorted(COUNTS))
    parser.add_argument("--experiments", type=int, default=0)
    parser.add_argument("--policy", choices=("fast", "confirm"), default="confirm")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="deck-tinybyte-"))
    try:
        count = given.experiments or COUNTS[given.who]
        place = run(home, given.who, count, given.policy)
        told = report.standing(place)
        print(" ".join(f"{key}={told[key]}" for key in ("experiments", "kept", "crashed", "baseline", "best", "audit")))
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(place.ledger, given.keep / "ledger.jsonl")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run(home: Path, who: str, count: int, policy: str) -> Place:
    """A whole loop in `home`: its place."""
    repo = laboratory(home / f"tinybyte-{who}", who, count, policy)
    with ScriptedModel(ladder(repo / "ladder.toml")) as model:
        _surround(home, repo, model.url if who == "claude" else "")
        began = time.monotonic()
        place = start.begin(repo.name, repo)
        loop.Loop(place, patient=False, tell=lambda line: print(line, flush=True)).run()
    print(f"{who}, {policy}: {time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}")
    return place


def laboratory(repo: Path, who: str, count: int, policy: str) -> Path:
    """A repository with the example, its proposer and its policy."""
    shutil.copytree(EXAMPLE, repo)
    file = repo / "research.toml"
    text = file.read_text().replace('policy = "fast"', f'policy = "{policy}"')
    text = re.sub(r"kind = .*\nscript = .*", PROPOSERS[who], text)
    file.write_text(re.sub(r"experiments = \d+", f"experiments = {count}", text))
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "tinybyte"]):
        subprocess.run([*git, *words], cwd=repo, check=True)
    return repo


def ladder(script: Path) -> Scenario:
    """A model that proposes, step by step, what `script` holds: the prompt tells it which step was the last."""
    steps = proposers.steps(script.read_text())
    said = [re.escape(step["hypothesis"]) for step in steps]
    rules = [Rule(before, _answer(step)) for before, step in zip(said, steps[1:], strict=False)]
    return Scenario(tuple(reversed(rules)), _answer(steps[0]))


def _answer(step: dict[str, Any]) -> tuple[Step, ...]:
    """Read, edit, say why; the constant is found as whatever its line is."""
    file, new = step["edit"][0]["file"], step["edit"][0]["new"]
    name = new.partition(" = ")[0]
    old = next(line for line in (EXAMPLE / file).read_text().splitlines() if line.startswith(f"{name} = "))
    old = "LR = 3e-3" if new == "LR = 1e-2" else old  # an earlier step of the ladder changed it
    edit = Step(say="One constant.", calls=(Call("edit", (file, old, new)),))
    return Step(calls=(Call("read", (file,)),)), edit, Step(say=f"HYPOTHESIS: {step['hypothesis']}")


def _surround(home: Path, repo: Path, url: str) -> None:
    """The loop's environment: a Python that has numpy, and, with a model's `url`, Claude Code in a HOME of its own."""
    found = subprocess.run(
        ["python3", "-c", "import numpy, sys; print(sys.executable)"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise SystemExit("tinybyte needs a python3 with numpy on the PATH")
    environ = dict(os.environ)
    if url:
        binary, reason = client.install()
        if binary is None:
            raise SystemExit(reason)
        client.seed_home(home, repo)
        environ = client.environment(binary, home, url)
    environ["PATH"] = os.pathsep.join([str(Path(found.stdout.strip()).parent), environ["PATH"]])
    for name, value in (("NAME", "bench"), ("EMAIL", "bench@localhost")):
        environ[f"GIT_AUTHOR_{name}"] = environ[f"GIT_COMMITTER_{name}"] = value
    os.environ.clear()
    os.environ.update(environ, DECK_HOME=str(home / "deck"))


if __name__ == "__main__":
    sys.exit(main())
