"""The lines of `opencode run --format json`, as seen of 1.18.33: each step ends with its own price."""

from __future__ import annotations

from agentdeck.harnesses.headless import Line, about, dollars
from agentdeck.harnesses.jsonl import Row, mapping, text


def line(row: Row) -> Line:
    """A tool is told when it is done."""
    part, session = mapping(row.get("part")), text(row.get("sessionID"))
    kind = row.get("type")
    if kind == "text":
        return Line(text=str(part.get("text") or ""), session=session)
    if kind == "tool_use":
        return Line(doing=about(part.get("tool"), mapping(part.get("state")).get("input")), session=session)
    if kind == "step_finish":
        return Line(session=session, dollars=dollars(part.get("cost")))
    if kind == "error":
        return Line(text=text(mapping(mapping(row.get("error")).get("data")).get("message")), session=session)
    return Line(session=session)
