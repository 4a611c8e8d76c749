"""The lines of `gemini --output-format stream-json`, as seen of 0.61.0. It tells tokens and no price."""

from __future__ import annotations

from agentdeck.harnesses.headless import Line, about
from agentdeck.harnesses.jsonl import Row, mapping, text


def line(row: Row) -> Line:
    """The model's words come in pieces (`delta`); the prompt comes back as a message of the user."""
    kind = row.get("type")
    if kind == "init":
        return Line(session=text(row.get("session_id")))
    if kind == "message" and row.get("role") == "assistant":
        return Line(text=str(row.get("content") or ""), more=row.get("delta") is True)
    if kind == "tool_use":
        return Line(doing=about(row.get("tool_name"), row.get("parameters")))
    if kind == "error" or (kind == "result" and row.get("status") == "error"):
        return Line(text=text(row.get("message") or mapping(row.get("error")).get("message")))
    return Line()
