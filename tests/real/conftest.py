"""The real Claude Code (npm, pinned) against the scripted model."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from agentdeck.demo.server import ScriptedModel
from tests.real import client

ClaudeEnv = Callable[[str, Path], dict[str, str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.realcli)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(180))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that tests recorded: how late statuses were, and what the client leaves out of its records."""
    late: dict[str, list[float]] = defaultdict(list)
    reports = [report for group in terminalreporter.stats.values() for report in group]
    ends = [report for report in reports if getattr(report, "when", "") == "teardown"]
    for name, value in (pair for report in ends for pair in report.user_properties):
        if name == "unrecorded":
            terminalreporter.write_line(f"not in the client's records: {value}")
        elif name == "delays":
            for event, seconds in value:
                late[event].append(seconds * 1000)
    for event, times in late.items():
        terminalreporter.write_line(
            f"{event} hook to status: median {median(times):.0f} ms, worst {max(times):.0f} ms of {len(times)}"
        )


@pytest.fixture(scope="session")
def claude() -> Path:
    """The pinned binary, installed when it is missing; the test is skipped where npm is not to be had."""
    binary, reason = client.install()
    if binary is None:
        pytest.skip(reason)
    return binary


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as running:
        yield running


@pytest.fixture
def claude_env(claude: Path, own_machine: Path) -> ClaudeEnv:
    """`claude_env(url, repo)`: a complete environment for a client that asks nothing before its first prompt.

    Its HOME is this test's own. `repo` is the main checkout: trust covers its linked worktrees too.
    """

    def make(url: str, repo: Path) -> dict[str, str]:
        home = own_machine / "home"
        client.seed_home(home, repo)
        kept = {name: os.environ[name] for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")}
        return client.environment(claude, home, url, **kept)

    return make


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[client.Pane]:
    """A pane of 120x40 in a tmux server of its own."""
    made = client.Pane(tmp_path / "tmux")
    yield made
    made.close()
