"""A task as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SIGNS = {"passed": "✓", "failed": "✗", "flagged": "⚑", "skipped": "·", "running": "…"}
TAIL_LINES = 20


def page(task: dict[str, Any]) -> str:
    """The whole task: state and why, every attempt with the gate's findings, the end of what verify printed."""
    head = f"task {task['id']}  {task['title']}\n  {task['state']}" + (f": {task['reason']}" * bool(task["reason"]))
    facts = [f"priority {task['priority']}"] if task["priority"] else []
    facts += [f"after {', '.join(map(str, task['depends_on']))}"] if task["depends_on"] else []
    facts += [f"spec {task['spec_version'][:10]}"]
    return "\n".join([head, f"  {', '.join(facts)}", *_attempts(task["attempts"])])


def _attempts(attempts: list[dict[str, Any]]) -> Iterator[str]:
    for attempt in attempts:
        usage = attempt["usage"]
        tokens = usage["input_tokens"] + usage["cache_read_tokens"] + usage["output_tokens"]
        cost = "" if usage["cost_usd"] is None else f", ${usage['cost_usd']:.2f}"
        yield f"\n  {attempt['n']}. {attempt['agent']} on {attempt['branch']}: {attempt['outcome']}"
        if attempt["reason"]:
            yield f"     {attempt['reason']}"
        yield f"     {attempt['started']} to {attempt['ended'] or 'now'}, {tokens:,} tokens{cost}"
        for step in attempt["gate"]:
            yield f"     {SIGNS[step['state']]} {step['step']:9} {step['reason']}"
        if attempt["verify"]:
            yield f"     $ {attempt['verify']['command']}"
            yield from (f"     | {line}" for line in attempt["verify"]["output_tail"].splitlines()[-TAIL_LINES:])
