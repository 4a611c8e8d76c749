"""The real Claude Code proposes experiments, without a terminal, on the scripted model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentdeck.demo.server import ScriptedModel
from tests import labs
from tests.integration.research.test_proposers import GOAL, LINES, with_proposer
from tests.real.conftest import ClaudeEnv


def test_ten_experiments_that_claude_code_proposes(
    model: ScriptedModel, claude_env: ClaudeEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = with_proposer('kind = "harness"\nharness = "claude"', 10)
    repo = labs.lab(tmp_path / "lab", contract, **{"train.py": LINES, "program.md": GOAL})
    theirs = claude_env(model.url, repo)
    for name in [name for name in os.environ if not name.startswith("DECK_")]:
        monkeypatch.delenv(name)
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    found = labs.experiments(labs.run(repo))[1:]
    assert [each.outcome for each in found] == ["keep"] * 10, [each.reason for each in found]
    assert all(each.hypothesis == "a line more" and each.cost > 0 for each in found)
