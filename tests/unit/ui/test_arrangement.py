"""The order of a view: a stable total order that nobody changes by what he does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.models.view import GROUPINGS, View, ViewChange
from agentdeck.services.fleet import AgentRow
from agentdeck.ui.arrangement import arranged, following_grouping, group_names, groups, marked_by, moved, sections
from tests.ui.deck_fakes import row

ROWS = (row("ada", team="web"), row("bo"), row("cleo", team="api", repo="/repo/till"), row("dov", team="web"))


def names(rows) -> list[str]:
    return [one.agent.name for one in rows]


def ids(*called: str) -> tuple[str, ...]:
    return tuple(f"id-{name}" for name in called)


@pytest.mark.parametrize(
    ("view", "order", "titles"),
    [
        (View(), "bo cleo ada dov", ["no team", "api", "web"]),
        (View(grouping="none"), "ada bo cleo dov", [""]),
        (View(grouping="repository"), "ada bo dov cleo", ["shop", "till"]),
        (View(pinned=frozenset(ids("dov"))), "dov bo cleo ada", ["pinned", "no team", "api", "web"]),
        (View(grouping="none", pinned=frozenset(ids("dov"))), "dov ada bo cleo", ["", ""]),
        (View(grouping="none", order=ids("dov", "gone", "bo")), "dov bo ada cleo", [""]),
        (View(order=ids("dov", "ada")), "bo cleo dov ada", ["no team", "api", "web"]),
    ],
)
def test_pins_come_first_then_groups_by_name_then_the_order_by_hand(view: View, order: str, titles: list[str]) -> None:
    assert names(arranged(ROWS, view)) == order.split()
    assert [section.title for section in sections(ROWS, view)] == titles


def test_without_a_team_there_is_no_heading() -> None:
    assert [section.title for section in sections(ROWS[1:2], View())] == [""]


def test_repositories_of_one_name_are_told_apart() -> None:
    assert group_names(["/a/shop", "/b/shop", "/b/till"], "repository") == {
        "/a/shop": "a/shop", "/b/shop": "b/shop", "/b/till": "till",
    }  # fmt: skip


def test_a_group_is_everybody_in_it() -> None:
    pinned_and_hidden = marked_by(ROWS, View(pinned=frozenset(ids("ada")), hidden=frozenset(ids("dov"))))
    assert {team: names(found) for team, found in groups(pinned_and_hidden, "team").items()} == {
        "": ["bo"], "api": ["cleo"], "web": ["ada", "dov"],
    }  # fmt: skip


def test_groupings_take_turns() -> None:
    assert [following_grouping(grouping) for grouping in GROUPINGS] == ["repository", "none", "team"]


@pytest.mark.parametrize(
    ("targets", "step", "order"),
    [
        ("cleo", -1, "ada cleo bo dov eve"),
        ("cleo", 1, "ada bo dov cleo eve"),
        ("ada", -1, "ada bo cleo dov eve"),
        ("eve", 1, "ada bo cleo dov eve"),
        ("bo cleo", 1, "ada dov bo cleo eve"),
        ("ada bo", -1, "ada bo cleo dov eve"),
        ("ada cleo", -1, "ada cleo bo dov eve"),  # who stands at the end stays, the other goes on
        ("cleo dov eve", 1, "ada bo cleo dov eve"),
    ],
)
def test_moving_takes_all_targets_one_place(targets: str, step: int, order: str) -> None:
    rows = tuple(row(name) for name in ("ada", "bo", "cleo", "dov", "eve"))
    new = moved(rows, View(), {one.agent.id for one in rows}, ids(*targets.split()), step)
    assert names(arranged(rows, View(order=new))) == order.split()


def test_moving_passes_over_those_that_are_not_shown_and_they_stay() -> None:
    rows = tuple(row(name) for name in ("ada", "bo", "cleo", "dov"))
    new = moved(rows, View(), ids("ada", "cleo", "dov"), ids("cleo"), -1)
    assert names(arranged(rows, View(order=new))) == ["cleo", "bo", "ada", "dov"]


def test_nobody_leaves_his_group_and_an_unpinned_one_is_back_where_he_was() -> None:
    view = View(pinned=frozenset(ids("dov")))
    new = moved(ROWS, view, {one.agent.id for one in ROWS}, ids("cleo", "dov", "ada"), -1)
    assert names(arranged(ROWS, replace(view, order=new))) == ["dov", "bo", "cleo", "ada"]
    assert names(arranged(ROWS, View(order=new))) == ["bo", "cleo", "ada", "dov"]


# -- whatever the agents, the view and the move

AGENTS = st.lists(st.tuples(st.sampled_from(["", "api", "web"]), st.sampled_from(["/r/a", "/r/b"])), max_size=9)
SOME = st.frozensets(st.integers(0, 11))


def fleet(made: list[tuple[str, str]]) -> tuple[AgentRow, ...]:
    return tuple(row(str(number), team=team, repo=repo) for number, (team, repo) in enumerate(made))


@st.composite
def arrangements(draw: st.DrawFn) -> tuple[tuple[AgentRow, ...], View]:
    rows = fleet(draw(AGENTS))
    order = draw(st.permutations([f"id-{number}" for number in range(12)]))
    view = View(
        grouping=draw(st.sampled_from(GROUPINGS)),
        pinned=frozenset(f"id-{number}" for number in draw(SOME)),
        order=tuple(order[: draw(st.integers(0, 12))]),
    )
    return rows, view


@given(arrangements())
def test_it_is_a_total_order_whatever_the_status_and_the_order_of_arrival(found) -> None:
    rows, view = found
    once = arranged(rows, view)
    assert sorted(one.agent.id for one in once) == sorted(one.agent.id for one in rows)
    assert arranged(once, replace(view, order=tuple(one.agent.id for one in once))) == once
    waiting = tuple(replace(one, status=row("x", "needs_input").status) for one in rows)
    assert names(arranged(waiting, view)) == names(once)


@given(arrangements(), st.sampled_from(["", "api", "web"]))
def test_a_new_agent_comes_last_in_his_group_and_nobody_else_moves(found, team: str) -> None:
    rows, view = found
    new = row("new", team=team, repo="/r/a")
    after = arranged((*rows, new), view)
    assert tuple(one for one in after if one is not new) == arranged(rows, view)
    section = next(section for section in sections((*rows, new), view) if new in section.rows)
    assert section.rows[-1] is new


@given(arrangements(), st.integers(0, 9))
def test_a_removed_agent_leaves_no_gap(found, gone: int) -> None:
    rows, view = found
    left = tuple(one for one in rows if one.agent.id != f"id-{gone}")
    assert arranged(left, view) == tuple(one for one in arranged(rows, view) if one in left)


@given(arrangements(), SOME, SOME, st.sampled_from([-1, 1]))
def test_a_move_keeps_sections_hidden_places_and_the_order_of_all_others(found, chosen, away, step: int) -> None:
    rows, view = found
    targets = {f"id-{number}" for number in chosen}
    shown = {one.agent.id for one in rows} - {f"id-{number}" for number in away}
    before = arranged(rows, view)
    after = arranged(rows, replace(view, order=moved(rows, view, shown, targets, step)))
    kept = lambda seen: [one.agent.id for one in seen if one.agent.id not in targets and one.agent.id in shown]  # noqa: E731
    assert kept(after) == kept(before)
    assert [place for place, one in enumerate(after) if one.agent.id not in shown] == [
        place for place, one in enumerate(before) if one.agent.id not in shown
    ]
    for old, new in zip(sections(before, view), sections(after, view), strict=True):
        assert sorted(old.ids) == sorted(new.ids)


@given(arrangements(), st.integers(0, 9), st.sampled_from([-1, 1]))
def test_one_agent_moved_there_and_back_stands_where_it_stood(found, chosen: int, step: int) -> None:
    rows, view = found
    everybody, target = {one.agent.id for one in rows}, {f"id-{chosen}"}
    there = replace(view, order=moved(rows, view, everybody, target, step))
    back = replace(there, order=moved(rows, there, everybody, target, -step))
    if arranged(rows, there) != arranged(rows, view):
        assert arranged(rows, back) == arranged(rows, view)


CHANGES = st.builds(
    ViewChange,
    filter=st.none() | st.sampled_from(["", "a"]),
    grouping=st.none() | st.sampled_from(GROUPINGS),
    panel=st.none() | st.sampled_from(["", "usage"]),
    hidden=st.dictionaries(st.sampled_from("abc"), st.booleans()),
    pinned=st.dictionaries(st.sampled_from("abc"), st.booleans()),
    order=st.none() | st.just(("b", "a")),
)


@given(CHANGES, CHANGES)
def test_two_changes_as_one_do_the_same(first: ViewChange, second: ViewChange) -> None:
    view = View(filter="x", hidden=frozenset("ab"), pinned=frozenset("c"), order=("c",))
    assert first.then(second).applied(view) == second.applied(first.applied(view))
