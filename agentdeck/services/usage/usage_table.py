"""A usage report as a person reads it: the lines of its table, and what stands beside the sums. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

COLUMNS = ("INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "RESPONSES", "COST")
EMPTY = "nothing was counted yet; `agentdeck usage import` takes in what clients have written on this machine"
_NOBODY = {
    "agent": "outside the deck", "task": "no task", "team": "no team", "model": "no model told",
    "repo": "no repository", "session": "no session told",
}  # fmt: skip
Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""(heads, lines)"""


def table(found: dict[str, Any]) -> Table:
    """The heads and the lines, the total last; a column tells the tokens without a price when there are any."""
    unpriced = found["unpriced"]
    blind = unpriced["tokens"] > 0
    head = (found["by"].upper(), *COLUMNS, *(("UNPRICED",) if blind else ()))
    lines = [(_name(row, found["by"]), *_amounts(row), unpriced["rows"].get(row["key"], 0)) for row in found["rows"]]
    lines.append(("total", *_amounts(found["total"]), unpriced["tokens"]))
    return head, [(*line, *((f"{without:,}" if without else "",) if blind else ())) for *line, without in lines]


def _name(row: dict[str, Any], by: str) -> str:
    key, name = row["key"], row.get("name", "")
    if not key:
        return _NOBODY.get(by, "unknown")
    return f"#{key} {name}".rstrip() if by == "task" else name or key


def _amounts(row: dict[str, Any]) -> Iterator[str]:
    written = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    for count in (row["input_tokens"], row["cache_read_tokens"], written, row["output_tokens"], row["messages"]):
        yield f"{count:,}"
    yield "unpriced" if row["cost_usd"] is None else f"${row['cost_usd']:,.4f}"


def notes(found: dict[str, Any]) -> Iterator[str]:
    """What a person should know beside the sums."""
    unpriced, auxiliary = found["unpriced"], found["auxiliary"]
    if not found["rows"]:
        bounded = found["since"] or found["until"]
        yield "nothing was used in this time" if bounded else EMPTY
    if unpriced["tokens"]:
        models = ", ".join(model or "a model without a name" for model in unpriced["models"])
        share = unpriced["tokens"] / (_whole(found["total"]) or 1)
        yield (
            f"unpriced: {unpriced['tokens']:,} tokens ({share:.1%}) of {models} are in no cost; "
            "[prices] in config.toml gives a model its price"
        )
    if auxiliary["tokens"]:
        worth = f", ${auxiliary['cost_usd']:,.4f}" if auxiliary["cost_usd"] else ""
        yield (
            f"auxiliary: {auxiliary['tokens']:,} tokens more{worth} that clients counted and recorded nowhere "
            "(compaction, titles); `agentdeck usage doctor` tells of which sessions"
        )


def _whole(row: dict[str, Any]) -> int:
    names = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
    return sum(row[f"{name}_tokens"] for name in names)
