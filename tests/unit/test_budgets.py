"""What a budget decides: levels, the one interrupt, what counts as going on, and limits as people write them."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from agentdeck import config, paths
from agentdeck.errors import UsageError
from agentdeck.models.budget import Act, Amounts, Budget, Spent, Standing
from agentdeck.models.status import State
from agentdeck.services.budgets import budget_keeper
from agentdeck.services.budgets.budgets import (
    GRACE_MS,
    Seen,
    Shares,
    amount,
    amounts,
    decide,
    holds,
    parse_limits,
    standings,
    words,
    worst,
)
from agentdeck.services.queue import specs

OF = Budget("agent", "a", Amounts(turns=10))
NOW = 1_000_000


def at(used: int, blind: int = 0) -> Standing:
    return Standing(OF, "turns", used, 10, blind)


def seen(state: State = "working", turns: int = 10, newest: int = NOW) -> Seen:
    return Seen(state, turns, newest)


@pytest.mark.parametrize(("used", "level"), [(0, ""), (7, ""), (8, "warn"), (9, "hold"), (10, "interrupt")])
def test_levels_by_share(used: int, level: str) -> None:
    act, order = decide(None, at(used), seen("idle"), NOW)
    assert (act.level if act else "") == level
    assert order == ""


def test_one_at_work_is_interrupted_once() -> None:
    act, order = decide(None, at(10), seen(), NOW)
    assert act is not None
    assert (order, act.pressed, act.turns) == ("interrupt", NOW, 10)
    again, order = decide(act, at(10), seen(), NOW + 1000)
    assert (again, order) == (act, "")


def test_one_at_rest_is_interrupted_when_it_works_again() -> None:
    act, order = decide(None, at(10), seen("needs_input"), NOW)
    assert act is not None
    assert (order, act.pressed) == ("", 0)
    assert decide(act, at(10), seen(), NOW + 5)[1] == "interrupt"


@pytest.mark.parametrize(
    ("state", "turns", "order"),
    [("unknown", 10, ""), ("unknown", 11, "interrupt"), ("idle", 11, ""), ("idle", 12, "interrupt"),
     ("needs_input", 12, ""), ("exited", 12, "")],
)  # fmt: skip
def test_one_whose_status_hides_that_it_spends_is_known_by_its_responses(state: State, turns: int, order: str) -> None:
    act, _ = decide(None, at(10), seen("unknown"), NOW)
    act, found = decide(act, at(max(10, turns)), seen(state, turns), NOW + 900)
    assert found == order


@pytest.mark.parametrize(
    ("turns", "newest", "later", "state", "order"),
    [
        (11, NOW + 400, 450, "working", ""),  # it was under way
        (11, NOW + 900, 950, "working", "stop"),
        (11, NOW + 900, 950, "idle", "stop"),  # it has gone on, whatever it does now
        (12, NOW + 300, 350, "working", "stop"),
        (10, NOW, GRACE_MS + 1, "working", "stop"),
        (10, NOW, GRACE_MS + 1, "idle", ""),
        (12, NOW + 900, 950, "exited", ""),
    ],
)
def test_what_counts_as_going_on(turns: int, newest: int, later: int, state: State, order: str) -> None:
    act, _ = decide(None, at(10), seen(), NOW)
    after, found = decide(act, at(max(10, turns)), seen(state, turns, newest), NOW + later)
    assert found == order
    assert after is not None
    assert after.level == ("stop" if order else "interrupt")


@pytest.mark.parametrize("state", ["working", "exited", "unknown"])
def test_a_stop_stands_however_long_it_takes_until_the_agent_is_started_again(state: State) -> None:
    stopped = Act("stop", "why", "agent", NOW, NOW - 900, 10)
    act, order = decide(stopped, at(14), Seen(state, 14, NOW + 50, born=NOW - 60_000), NOW + 100)
    assert (act.level if act else "", order) == ("stop", "")
    act, order = decide(stopped, at(14), Seen("working", 14, NOW + 50, born=NOW + 60_000), NOW + 90_000)
    assert order == "interrupt"


def test_a_higher_limit_opens_everything() -> None:
    act, _ = decide(None, at(10), seen(), NOW)
    assert decide(act, at(5), seen(), NOW + 9) == (None, "")
    assert decide(act, None, seen(), NOW + 9) == (None, "")


def test_the_worst_limit_counts_and_what_cannot_be_judged_is_said() -> None:
    assert worst([at(2), at(9), at(5)], Shares()) == at(9)
    blind = replace(at(0, blind=4000), unit="usd", limit=5_000_000_000)
    assert worst([at(7), blind], Shares()) == blind
    assert worst([at(9), blind], Shares()) == at(9)
    act, order = decide(None, blind, seen(), NOW)
    assert act is not None
    assert (act.level, order) == ("warn", "")
    assert act.why == "$0.00 of $5.00; 4k tokens without a known price cannot be judged"
    assert holds(act) == ""


def test_only_named_limits_stand() -> None:
    both = Budget("team", "red", Amounts(usd=2_000_000_000, minutes=60_000))
    found = standings(both, Spent(Amounts(1_000_000_000, 70, 90_000, 3), 5))
    assert [(one.unit, one.share, one.blind) for one in found] == [("usd", 0.5, 5), ("minutes", 1.5, 0)]
    assert words(found[1]) == "1.5 of 1 min of team red"


def test_amounts_for_one_glance() -> None:
    shown = [amount("usd", 4_200_000_000), amount("usd", 1_500_000), amount("minutes", 750_000), amount("turns", 40)]
    assert shown == ["$4.20", "$0.0015", "12.5 min", "40 turns"]
    assert [amount("tokens", n) for n in (950, 12_345, 999_900, 1_234_567)] == [
        "950 tokens", "12.3k tokens", "1M tokens", "1.23M tokens",
    ]  # fmt: skip


def test_limits_as_people_write_them() -> None:
    assert parse_limits("usd=5, tokens=2M,minutes=30") == Amounts(5_000_000_000, 2_000_000, 1_800_000, 0)
    assert parse_limits("usd=$2.50") == Amounts(usd=2_500_000_000)
    for wrong in ("", "5", "euro=5", "usd=", "usd=-1", "usd=1k", "usd=1,usd=2", "turns=0", "turns=0.4", "tokens=1e9"):
        with pytest.raises(UsageError):
            parse_limits(wrong)


def test_the_file_of_docs_says_what_the_configuration_takes() -> None:
    text = (Path(__file__).parents[2] / "docs" / "budgets.md").read_text()
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(text.split("```toml\n")[1].split("```")[0])
    found = budget_keeper.rules(config.load().budgets)
    assert found.shares == Shares()
    assert found.limits == {
        ("agent", ""): Amounts(usd=10_000_000_000),
        ("day", ""): Amounts(usd=100_000_000_000),
        ("team", "red"): Amounts(minutes=36_000_000),
    }
    spec = specs.parse(text.split("```yaml\n")[1].split("```")[0] + "\nMend it.\n")
    assert amounts(**asdict(spec.budget)) == Amounts(usd=3_000_000_000, minutes=1_800_000)


def test_a_limit_that_cannot_be_is_refused_with_its_place() -> None:
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    for wrong in ("warn = 0.95", "hold = 2", "[budgets.day]\nusd = -1", "[budgets.day]\neuro = 1"):
        paths.config_file().write_text(f"[budgets]\n{wrong}\n")
        with pytest.raises(UsageError):
            config.load()
