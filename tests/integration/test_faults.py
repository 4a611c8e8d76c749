"""A tmux server, a disk or a model server that stops for a while, here all at once: the benchmark, scaled down."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from benchmarks import faults
from benchmarks.rig import rig


@pytest.mark.slow
def test_nothing_is_said_wrong_and_all_is_as_before_afterwards(git_repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with faults.model_server(git_repo.parent) as (url, pid), rig(git_repo) as deck:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
        deck.deck.environ |= {name: os.environ[name] for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY")}
        faults.fill(deck, 2.0, ("works", "files"))
        deck.open()
        with contextlib.ExitStack() as all_at_once:
            for fault in faults.kinds(deck, pid).values():
                all_at_once.enter_context(fault())
            found = faults.endure("everything", deck, 2.0, all_at_once.pop_all())
    assert found.wrong == [], faults.report(found, 2.0)
    assert [len(states) for states in found.seen.values()] == [1, 1], faults.report(found, 2.0)
    assert found.recovered >= 0 and len(found.keys) >= 4
