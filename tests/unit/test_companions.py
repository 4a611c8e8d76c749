"""A human's terminal beside an agent: its name, when it goes, and what it keeps from going."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.errors import AgentDeckError, TryAgain
from agentdeck.models.agent import NAME, Agent
from agentdeck.services import rows
from agentdeck.services.tools import companions

ADA = Agent(
    id="a1", name="ada", harness="builtin", repo="/r", worktree="/t/ada", branch="b", base="", base_oid="", life="live"
)
SHELL = replace(ADA, id="c1", name="ada-sh", harness="shell", beside="a1", argv=("/bin/zsh",), here=True)
TOOL = replace(SHELL, id="c2", name="ada-lazygit", argv=("lazygit",))


@pytest.mark.parametrize(
    ("name", "what", "taken", "found"),
    [
        ("ada", "sh", (), "ada-sh"),
        ("ada", "sh", ("ada-sh", "ada-sh2"), "ada-sh3"),
        ("ada", "Lazy Git!", (), "ada-lazy-git"),
        ("ada", "日本", (), "ada-tool"),
        ("a" * 32, "lazygit", (), "a" * 24 + "-lazygit"),
    ],
)
def test_a_companion_is_named_after_its_agent(name: str, what: str, taken: tuple[str, ...], found: str) -> None:
    made = companions.name(replace(ADA, name=name), what, taken)
    assert made == found and NAME.match(made)


def test_it_is_made_in_the_agents_worktree_and_is_never_its_owner() -> None:
    order = companions.order(ADA, "sh", ("/bin/zsh",), {"ada"})
    assert (order.repo, order.here, order.beside, order.harness, order.setup) == ("/t/ada", True, "a1", "shell", "skip")
    with pytest.raises(AgentDeckError, match="'ada-sh' is no agent"):
        companions.order(SHELL, "sh", (), ())
    with pytest.raises(TryAgain):
        companions.order(replace(ADA, worktree=""), "sh", (), ())


@pytest.mark.parametrize(
    ("companion", "goes"),
    [
        (SHELL, False),
        (replace(SHELL, life="stopped", exit_code=130), True),
        (replace(SHELL, life="stopped"), True),
        (replace(TOOL, life="stopped", exit_code=0), True),
        (replace(TOOL, life="stopped"), True),
        (replace(TOOL, life="stopped", exit_code=1), False),
        (replace(ADA, life="stopped", exit_code=0), False),
    ],
)
def test_it_goes_when_it_ends_but_for_a_tool_that_failed(companion: Agent, goes: bool) -> None:
    assert companions.spent(companion) is goes


def test_an_agent_is_not_let_go_while_a_terminal_is_open_in_its_tree() -> None:
    with closing(store.write(paths.database_file())) as conn:
        for each in (ADA, SHELL, replace(TOOL, life="stopped", exit_code=1)):
            rows.insert(conn, "agents", rows.agent_columns(each))
        with pytest.raises(AgentDeckError, match="a terminal open beside 'ada': ada-sh$"):
            companions.release(conn, ADA)
        rows.update(conn, "agents", "id", "c1", life="removed")
        assert [each.id for each in companions.release(conn, ADA)] == ["c2"]
        assert companions.release(conn, SHELL) == []
