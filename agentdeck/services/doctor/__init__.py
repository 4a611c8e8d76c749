"""What is missing or wrong on this machine, in words, each with the command that mends it. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agentdeck.errors import AgentDeckError
from agentdeck.services.doctor import clients, deck, machine, terminal
from agentdeck.services.doctor.finding import Finding

__all__ = ["Finding", "examine"]


def examine(directory: Path) -> list[Finding]:
    """Every check, in order; `directory` is where the human stands. Blocks: clients are asked for their version."""
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("tmux", machine.tmux_itself),
        ("git", lambda: machine.git_itself(directory)),
        ("disk", machine.disk),
        ("limits", machine.limits),
        ("config", deck.settings),
        ("database", deck.database),
        ("engine", deck.engine),
        ("socket", deck.sockets),
        ("locks", deck.locks),
        ("terminal", terminal.here),
        ("clients", clients.all_of_them),
    ]
    with ThreadPoolExecutor(len(checks)) as pool:
        return [found for part in pool.map(lambda check: _guarded(*check), checks) for found in part]


def _guarded(topic: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """A check that fails is a finding like any other, and hides no other."""
    found: list[Finding] = []
    try:
        found.extend(check())
    except AgentDeckError as error:
        found.append(Finding(topic, "bad", error.title, error.hint))
    except OSError as error:
        found.append(Finding(topic, "bad", f"could not be looked at: {error}"))
    return found
