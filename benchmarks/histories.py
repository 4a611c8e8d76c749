"""A history of Claude Code for measuring: about 2 MB a session, most of it tool output, every fifth with a subagent."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SESSION_BYTES = 2_014_000
RESPONSES = 200  # per session; 220 rows of 400 and more tell them
MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
WORDS = ("def", "return", "import", "self", "value", "index", "error", "result", "path", "lines", "while", "test")


def write(root: Path, megabytes: int, seed: int = 1) -> int:
    """Fill `root`/projects; returns the number of responses. Two rows of three are copies, as one block is one row."""
    pick = random.Random(seed)
    outputs = [_output(pick, 2600 + 190 * step) for step in range(40)]
    made = 0
    for number in range(max(1, megabytes * 1_000_000 // SESSION_BYTES)):
        made += _session(root / "projects" / f"-work-repo-{number % 12}", number, pick, outputs)
    return made


def _session(folder: Path, number: int, pick: random.Random, outputs: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    session = f"00000000-0000-4000-8000-{number:012}"
    side = folder / session / "subagents" / "agent-a1.jsonl"
    start = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=number * 3)
    rows = list(_rows(session, start, pick, outputs))
    cut = len(rows) * 4 // 5 if number % 5 == 0 else len(rows)
    (folder / f"{session}.jsonl").write_text("".join(rows[:cut]))
    if cut < len(rows):
        side.parent.mkdir(parents=True)
        mark = '"isSidechain":false', '"isSidechain":true,"agentId":"a1"'
        side.write_text("".join(row.replace(*mark) for row in rows[cut:]))
    return RESPONSES


def _rows(session: str, start: datetime, pick: random.Random, outputs: list[str]) -> Iterator[str]:
    for turn in range(RESPONSES):
        at = (start + timedelta(seconds=turn * 20)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row = _response(session, f"{session[-12:]}{turn:04}", at, pick)
        for _ in range(2 + (turn % 5 == 0)):
            row["message"]["content"] = [{"type": "text", "text": pick.choice(outputs)[:1200]}]
            yield json.dumps(row, separators=(",", ":")) + "\n"
        result = {"type": "tool_result", "tool_use_id": f"toolu_{turn}", "content": pick.choice(outputs)}
        message = {"role": "user", "content": [result]}
        outer = {"type": "user", "sessionId": session, "timestamp": at, "cwd": "/work/repo", "message": message}
        yield json.dumps(outer, separators=(",", ":")) + "\n"


def _response(session: str, name: str, at: str, pick: random.Random) -> dict[str, Any]:
    """The keys of a row of Claude Code 2.1.330, in its order."""
    written, hour = pick.randrange(6000), pick.choice((0, 0, 300))
    usage = {
        "input_tokens": pick.randrange(1, 60),
        "cache_creation_input_tokens": written + hour,
        "cache_read_input_tokens": pick.randrange(180_000),
        "output_tokens": pick.randrange(1, 2500),
        "output_tokens_details": {"thinking_tokens": 0},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": {"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": written},
        "inference_geo": "", "iterations": [], "speed": "standard", "fallback_credit": None,
    }  # fmt: skip
    model = pick.choice(MODELS)
    message = {
        "id": f"msg_{name}", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": "tool_use", "stop_sequence": None, "usage": usage, "stop_details": None,
    }  # fmt: skip
    return {
        "parentUuid": "bdf7d727-882a-4ba6-a964-ec3036a44461", "isSidechain": False, "message": message,
        "apiBlockIndex": 0, "requestId": f"req_{name}", "requestRef": "0f67c826-bb6c-4305-a0c8-92e098e2dac0",
        "requestedModel": model, "promptCacheRequested": "5m", "type": "assistant", "uuid": f"u-{name}",
        "timestamp": at, "effort": "medium", "perTurnEffort": "medium", "madeBy": "model", "userType": "external",
        "entrypoint": "cli", "cwd": "/work/repo", "sessionId": session, "version": "2.1.330", "gitBranch": "main",
    }  # fmt: skip


def _output(pick: random.Random, size: int) -> str:
    lines: list[str] = []
    length = 0
    while length < size:
        line = "    " * pick.randrange(4) + " ".join(pick.choice(WORDS) for _ in range(pick.randrange(3, 14)))
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)
