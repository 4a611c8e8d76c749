"""The lines of `codex exec --json`, as seen of 0.169.0. It tells tokens and no price."""

from __future__ import annotations

from agentdeck.harnesses.headless import Line, about
from agentdeck.harnesses.jsonl import Row, mapping, text

_CALLS = {"command_execution": "shell", "mcp_tool_call": "tool", "web_search": "search"}


def line(row: Row) -> Line:
    """Only the first row names the thread. An item is told when it begins, what is said when it is whole."""
    if row.get("type") == "thread.started":
        return Line(session=text(row.get("thread_id")))
    item = mapping(row.get("item"))
    kind = item.get("type")
    if row.get("type") == "item.completed" and kind == "agent_message":
        return Line(text=str(item.get("text") or ""))
    if row.get("type") == "item.completed" and kind == "file_change":
        changes = item.get("changes")
        paths = [text(mapping(one).get("path")) for one in changes] if isinstance(changes, list) else []
        return Line(doing=f"edit {', '.join(paths)}")
    if row.get("type") == "item.started" and kind in _CALLS:
        return Line(doing=about(_CALLS[kind], item))
    if row.get("type") in ("error", "turn.failed"):
        return Line(text=text(row.get("message") or mapping(row.get("error")).get("message")))
    return Line()
