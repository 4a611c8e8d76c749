"""`usage --json`: groups, bounds, zones, and what it says of nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agentdeck.adapters.database import store
from agentdeck.errors import UsageError
from agentdeck.services.usage import usage_report, usage_sums, usage_table

ZERO = {
    "input_tokens": 0, "cache_read_tokens": 0, "cache_write_5m_tokens": 0, "cache_write_1h_tokens": 0,
    "output_tokens": 0, "reasoning_tokens": 0, "messages": 0, "cost_usd": 0.0, "priced": True,
}  # fmt: skip


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


# agent, task, harness, repo, session, model, quarter, input, output, cost in nano-dollars, unpriced tokens
ROWS = [
    ("a1", 1, "claude", "/r", "s1", "big", "2026-10-24T21:45", 10, 1, 5_000_000_000, 0),
    ("a1", 1, "claude", "/r", "s1", "big", "2026-10-24T22:00", 20, 2, 1_000_000_000, 0),
    ("a2", 2, "builtin", "/r", "s2", "odd", "2026-10-25T23:15", 30, 3, 0, 33),
    ("", 0, "claude", "/q", "s3", "big", "2026-11-01T12:00", 40, 4, 500_000_000, 0),
]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "deck.db"
    conn = store.write(file)
    for agent, team in (("a1", "blue"), ("a2", "")):
        conn.execute(
            "INSERT INTO agents (id, name, harness, team, repo, worktree, life, created) "
            "VALUES (?, ?, 'x', ?, '/r', '/w', 'live', 1)",
            (agent, f"name-{agent}", team),
        )
    conn.execute("INSERT INTO specs (version, text, created) VALUES ('v', '', 1)")
    for task in (1, 2):
        conn.execute(
            "INSERT INTO tasks (id, title, state, spec_version, repo, created) VALUES (?, ?, 'review', 'v', '/r', 1)",
            (task, f"title-{task}"),
        )
    for agent, task, harness, repo, session, model, quarter, fresh, output, cost, unpriced in ROWS:
        bucket = (agent, task, 1, harness, repo, session, model, _ms(quarter))
        usage_sums.add(conn, {bucket: [1, fresh, 0, 0, 0, output, 0, cost, unpriced]})
    conn.close()
    return file


@pytest.fixture
def report(database: Path) -> Iterator[Any]:
    conn = store.read(database)
    assert conn is not None
    yield lambda *args, **kwargs: usage_report.report(conn, *args, **kwargs)
    conn.close()


def _inputs(found: dict[str, Any]) -> dict[str, int]:
    return {row["key"]: row["input_tokens"] for row in found["rows"]}


@pytest.mark.parametrize(
    ("by", "inputs"),
    [
        ("agent", {"a1": 30, "": 40, "a2": 30}),
        ("task", {"1": 30, "": 40, "2": 30}),
        ("team", {"blue": 30, "": 70}),
        ("model", {"big": 70, "odd": 30}),
        ("harness", {"claude": 70, "builtin": 30}),
        ("repo", {"/r": 60, "/q": 40}),
        ("session", {"s1": 30, "s2": 30, "s3": 40}),
    ],
)
def test_groups(report: Any, by: str, inputs: dict[str, int]) -> None:
    found = report(by)
    assert _inputs(found) == inputs
    assert found["total"]["input_tokens"] == 100
    assert (found["schema"], found["by"]) == (1, by)


def test_the_dearest_comes_first_and_names_stand_beside_ids(report: Any) -> None:
    found = report("agent")
    assert [(row["key"], row.get("name")) for row in found["rows"]] == [
        ("a1", "name-a1"),
        ("", None),
        ("a2", "name-a2"),
    ]
    assert report("task")["rows"][0]["name"] == "title-1"


def test_what_has_no_price_costs_nothing_known(report: Any) -> None:
    costs = {row["key"]: (row["cost_usd"], row["priced"]) for row in report("model")["rows"]}
    assert costs == {"big": (6.5, True), "odd": (None, False)}
    found = report()
    assert (found["total"]["cost_usd"], found["total"]["priced"]) == (6.5, False)
    assert found["unpriced"] == {"tokens": 33, "models": ["odd"], "rows": {"a2": 33}}
    assert report(until="2026-10-24", tz="UTC")["unpriced"] == {"tokens": 0, "models": [], "rows": {}}


def test_days_are_those_of_the_zone_summer_time_included(report: Any) -> None:
    assert _inputs(report("day", tz="UTC")) == {"2026-10-24": 30, "2026-10-25": 30, "2026-11-01": 40}
    assert _inputs(report("day", tz="Europe/Berlin")) == {
        "2026-10-24": 10, "2026-10-25": 20, "2026-10-26": 30, "2026-11-01": 40,
    }  # fmt: skip
    assert list(_inputs(report("day", tz="Europe/Berlin"))) == sorted(_inputs(report("day", tz="Europe/Berlin")))


def test_bounds(report: Any) -> None:
    def total(**bounds: str) -> int:
        return report(**bounds)["total"]["input_tokens"]

    assert total(since="2026-10-25", tz="UTC") == 70
    assert total(since="2026-10-25", tz="Europe/Berlin") == 90
    assert total(until="2026-10-25", tz="Europe/Berlin") == 30
    assert total(since="2026-10-25", until="2026-10-25", tz="UTC") == 30
    assert total(since="2026-10-24T22:05:00Z") == 90  # good to a quarter of an hour
    assert total(until="2026-10-24T22:00:00Z") == 10
    assert report(since="2026-10-25", tz="Europe/Berlin")["since"] == "2026-10-24T22:00:00Z"


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "colour"}, {"since": "soon"}, {"until": "2026-02-30"}, {"tz": "Mars/Up"}, {"tz": "../x"}, {"tz": ""},
        {"since": ""}, {"since": "2026-11-02", "until": "2026-11-01"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked(report: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError) as error:
        report(**wrong)
    assert error.value.exit_code == 2
    assert error.value.hint


def test_nothing_is_zero() -> None:
    found = usage_report.report(None)
    assert (found["rows"], found["total"]) == ([], ZERO)


def test_csv(report: Any) -> None:
    lines = list(csv.DictReader(io.StringIO(usage_report.as_csv(report("agent")))))
    assert [(line["key"], line["name"], line["input_tokens"]) for line in lines] == [
        ("a1", "name-a1", "30"), ("", "", "40"), ("a2", "name-a2", "30"), ("total", "", "100"),
    ]  # fmt: skip
    assert lines[2]["cost_usd"] == ""
    assert [line["unpriced_tokens"] for line in lines] == ["0", "0", "33", "33"]


def test_the_table_calls_unpriced_what_has_no_price_and_the_total_says_how_much(report: Any) -> None:
    head, lines = usage_table.table(report("model"))
    assert head[-2:] == ("COST", "UNPRICED")
    assert [(line[0], *line[-2:]) for line in lines] == [
        ("big", "$6.5000", ""), ("odd", "unpriced", "33"), ("total", "$6.5000", "33"),
    ]  # fmt: skip
    (note,) = usage_table.notes(report("model"))
    assert note.startswith("unpriced: 33 tokens (30.0%) of odd")
    head, lines = usage_table.table(report(until="2026-10-24", tz="UTC"))
    assert head[-1] == "COST" and lines == [
        ("name-a1", "30", "0", "0", "3", "2", "$6.0000"), ("total", "30", "0", "0", "3", "2", "$6.0000"),
    ]  # fmt: skip


def test_the_table_names_what_is_nobodys(report: Any) -> None:
    assert [line[0] for line in usage_table.table(report("agent"))[1]] == [
        "name-a1", "outside the deck", "name-a2", "total",
    ]  # fmt: skip
    assert [line[0] for line in usage_table.table(report("task"))[1]][0] == "#1 title-1"


def test_the_document_names_every_field(report: Any) -> None:
    told = (Path(__file__).parents[2] / "docs/usage.md").read_text().partition("## JSON")[2]
    found = report("agent")
    assert [name for name in (*found, *found["total"], *found["unpriced"]) if f"`{name}`" not in told] == []


def test_nothing_says_where_more_may_be() -> None:
    assert list(usage_table.notes(usage_report.report(None))) == [usage_table.EMPTY]
    assert list(usage_table.notes(usage_report.report(None, since="2026-11-01"))) == ["nothing was used in this time"]
