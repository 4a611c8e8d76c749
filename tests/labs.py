"""Small laboratories for AutoResearch: a repository with a contract whose trainer takes milliseconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from agentdeck.models.experiment import Experiment
from agentdeck.research import ledger, loop, start, state
from agentdeck.research.places import Place

TRAIN = """\
import os
X = 8.0
Y = 3
seed = int(os.environ["RESEARCH_SEED"])
print("loss:", round(abs(X - 2.0) + abs(Y - 1), 6))
"""
CONTRACT = """\
run = "{python} -I -S train.py"
editable = ["train.py", "src/**"]
[metric]
name = "loss"
regex = '^loss: (.+)$'
low = 0.0
[budget]
seconds = 5.0
[noise]
policy = "fast"
[proposer]
kind = "random"
backoff = 0.01
[stop]
experiments = 5
"""


def git(where: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


def lab(where: Path, contract: str = CONTRACT, **files: str) -> Path:
    """A repository with a contract; `files` are more of its files, `/` in a name written `__`."""
    where.mkdir(parents=True)
    files = {"train.py": TRAIN, "program.md": "# Goal\nMake it small.\n", **files}
    for name, text in files.items():
        file = where / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (where / "research.toml").write_text(contract.replace("{python}", sys.executable))
    for words in (("init", "-q"), ("add", "-A", "-f"), ("commit", "-qm", "the lab")):
        git(where, *words)
    return where


def script(*steps: tuple[str, ...]) -> str:
    """A script of (hypothesis, old, new) steps, and the file where it is not train.py."""
    return "\n".join(
        f"[[step]]\nhypothesis = {json.dumps(words)}\n"
        f"edit = [{{ file = {json.dumps(*file or ['train.py'])}, old = {json.dumps(old)}, new = {json.dumps(new)} }}]"
        for words, old, new, *file in steps
    )


def scripted(where: Path, *steps: tuple[str, ...], contract: str = CONTRACT, **files: str) -> Path:
    text = contract.replace('kind = "random"', 'kind = "scripted"\nscript = "script.toml"')
    return lab(where, text, **{"script.toml": script(*steps), **files})


def run(where: Path, name: str = "lab", **given: Any) -> Place:
    """A whole loop, here, to its end."""
    place = start.begin(name, where)
    loop.Loop(place, patient=False, **given).run()
    return place


def experiments(place: Place) -> list[Experiment]:
    return list(state.fold(ledger.read(place.ledger)).experiments.values())
