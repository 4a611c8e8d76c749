"""Who is in whose way: the decisions, and the rows and events they become."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.models.collision import Collision
from agentdeck.services.radar import collisions
from agentdeck.services.radar.collisions import by_file, clashes, collided, legible, sharing
from agentdeck.services.radar.radar import ROUND_SECONDS, SHARE, Budget

NOW = 1_790_000_000_000
NAMES = {"a": "ada", "b": "bo", "c": "cleo"}


@pytest.fixture
def conn(deck_home: object) -> Iterator[sqlite3.Connection]:
    conn = store.write(paths.database_file())
    yield conn
    conn.close()


def made(one: str, other: str, kind: str = "file", *names: str, since: int = NOW, base: str = "") -> Collision:
    return Collision(one, other, kind, names or ("x.py",), len(names) or 1, since, base)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("touched", "found"),
    [
        ({}, {}),
        ({"a": ["x"], "b": ["y"]}, {}),
        ({"b": ["x", "y"], "a": ["y", "x"]}, {("a", "b"): ("x", "y")}),
        ({"a": ["x"], "b": ["x"], "c": ["x"]}, {("a", "b"): ("x",), ("a", "c"): ("x",), ("b", "c"): ("x",)}),
        ({"a": ["x", "z"], "b": ["x"], "c": ["z"]}, {("a", "b"): ("x",), ("a", "c"): ("z",)}),
    ],
)
def test_pairs_that_share_a_path(touched: dict[str, list[str]], found: dict[tuple[str, str], tuple[str, ...]]) -> None:
    assert sharing(touched) == found


def test_a_collision_that_goes_on_keeps_its_beginning_and_one_that_is_over_goes() -> None:
    before = [made("a", "b", since=5), made("a", "c", since=6)]
    found = collided({("a", "b"): ["x.py", "y.py"]}, {}, {}, before, [], NOW)
    assert found == (made("a", "b", "file", "x.py", "y.py", since=5),)


def test_what_could_not_be_looked_at_is_not_said_to_be_over_nor_to_have_begun() -> None:
    before = [made("a", "b", since=5), made("c", "", "merge", since=7, base="main")]
    found = collided({("b", "c"): ["x.py"]}, {}, {}, before, ["a", "c"], NOW)
    assert found == tuple(before)


def test_a_merge_is_told_beside_the_file_and_that_with_the_base_names_it() -> None:
    found = collided({("a", "b"): ["x"]}, {("a", "b"): ["x"], ("c", ""): ["z"]}, {"c": "main"}, [], [], NOW)
    assert [(one.key, one.base) for one in found] == [
        (("a", "b", "file"), ""), (("a", "b", "merge"), ""), (("c", "", "merge"), "main"),
    ]  # fmt: skip


def test_a_lock_file_that_both_wrote_anew_is_told_only_when_its_merge_fails() -> None:
    both = {("a", "b"): ["web/package-lock.json", "x.py"], ("a", "c"): ["uv.lock"]}
    found = collided(both, {("a", "c"): ["uv.lock"]}, {}, [], [], NOW)
    assert found == (made("a", "b"), made("a", "c", "merge", "uv.lock"))


def test_many_paths_are_counted_and_some_are_named() -> None:
    many = [f"f{n:03}" for n in range(120)]
    (found,) = collided({("a", "b"): many}, {}, {}, [], [], NOW)
    assert (found.paths, found.total) == (tuple(many[: collisions.KEPT]), 120)


def test_each_agent_sees_one_clash_per_opponent_the_worse_one_first() -> None:
    some = [
        made("a", "b", "file", "x", "y"), made("a", "b", "merge", "x"), made("a", "c"),
        made("b", "", "merge", "m", base="main"),
    ]  # fmt: skip
    seen = clashes(some, NAMES)
    assert [(one.name, one.kind, one.paths) for one in seen["a"]] == [
        ("bo", "merge", ("x",)), ("cleo", "file", ("x.py",)),
    ]  # fmt: skip
    assert [(one.name, one.kind, one.agent) for one in seen["b"]] == [("ada", "merge", "a"), ("main", "merge", "")]
    assert [one.name for one in seen["c"]] == ["ada"]


def test_by_file_conflicts_come_first_with_their_base_and_a_pair_is_told_once_a_file() -> None:
    some = [
        made("a", "b", "file", "a.py", "x"), made("a", "b", "merge", "x"), made("b", "c", "file", "a.py", "x"),
        made("c", "", "merge", "z", base="main"),
    ]  # fmt: skip
    assert by_file(some) == [
        ("x", "merge", ("a", "b"), ""), ("z", "merge", ("c",), "main"),
        ("a.py", "file", ("a", "b", "c"), ""), ("x", "file", ("b", "c"), ""),
    ]  # fmt: skip


def test_names_that_are_no_text_can_be_printed_and_stored(conn: sqlite3.Connection) -> None:
    assert legible("a\x1b[31m\udcff.py") == "a?[31m\ufffd.py".replace("\ufffd", legible("\udcff"))
    (found,) = collided({("a", "b"): ["odd\udcff\n", "ünï"]}, {}, {}, [], [], NOW)
    with store.transaction(conn):
        collisions.store(conn, [found], NOW)
    assert collisions.load(conn) == (found,)
    found.paths[0].encode()


def test_begin_and_end_are_events_of_both_agents(conn: sqlite3.Connection) -> None:
    first, changed = made("a", "b"), made("a", "b", "file", "x.py", "y.py")
    for some in ([first], [first], [changed, made("b", "", "merge", base="main")], []):
        with store.transaction(conn):
            collisions.store(conn, some, NOW)
        assert collisions.load(conn) == tuple(some)
    told = [(row["agent"], json.loads(row["data"])) for row in conn.execute("SELECT * FROM events ORDER BY id")]
    short = [(agent, data["action"], data["collision"], data.get("with") or data["base"]) for agent, data in told]
    assert short[:2] == [("a", "begin", "file", "b"), ("b", "begin", "file", "a")]
    assert short[2] == ("b", "begin", "merge", "main")
    assert sorted(short[3:]) == [("a", "end", "file", "b"), ("b", "end", "file", "a"), ("b", "end", "merge", "main")]


def test_a_burst_of_looking_is_free_and_a_lasting_load_is_a_small_share() -> None:
    budget = Budget()
    assert budget.rest(0.3, 1.0) == budget.rest(0.3, 1.0) == ROUND_SECONDS
    looked, passed = 0.0, 0.0
    pause = 0.0
    for _ in range(200):
        looked, passed = looked + 0.3, passed + pause + 0.3
        pause = budget.rest(0.3, pause + 0.3)
    assert looked / passed < SHARE * 1.1
    assert budget.rest(0.0, 600.0) == ROUND_SECONDS
