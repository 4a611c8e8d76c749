"""The lines of `claude -p --output-format stream-json --verbose`, as seen of 2.1.330."""

from __future__ import annotations

from agentdeck.harnesses.headless import Line, about, dollars
from agentdeck.harnesses.jsonl import Row, mapping, text


def line(row: Row) -> Line:
    """An `assistant` row holds one part of a message; the last row, `result`, says it all once more, with the price."""
    session = text(row.get("session_id"))
    if row.get("type") == "result":
        return Line(session=session, dollars=dollars(row.get("total_cost_usd")))
    if row.get("type") != "assistant":
        return Line(session=session)
    parts = mapping(row.get("message")).get("content")
    parts = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    said = "\n".join(str(part.get("text") or "") for part in parts if part.get("type") == "text")
    calls = (about(part.get("name"), part.get("input")) for part in parts if part.get("type") == "tool_use")
    return Line(text=said, doing=", ".join(calls), session=session)
