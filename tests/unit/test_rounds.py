"""Work that comes round again: a failing round is told and tried again, a lost epoch ends it."""

from __future__ import annotations

import logging

import pytest

from agentdeck.adapters.database.store import EpochLost
from agentdeck.errors import AgentDeckError
from agentdeck.services.rounds import forever

log = logging.getLogger("agentdeck.test")


async def test_a_failing_round_is_told_and_only_a_lost_epoch_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = [None, AgentDeckError("no space left"), OSError("broken"), None, EpochLost()]
    done: list[object] = []

    async def work() -> None:
        done.append(outcome := outcomes[len(done)])
        if outcome is not None:
            raise outcome

    with caplog.at_level(logging.INFO, "agentdeck.test"), pytest.raises(EpochLost):
        await forever(work, 0, "looking", log)
    assert done == outcomes
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "looking failed: no space left"),
        ("ERROR", "looking failed"),
    ]
