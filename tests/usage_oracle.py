"""A second opinion on what histories hold: slow, plain, written from the rules alone, sharing nothing with the readers.

One response counts once, the largest copy wins, a copied history is its parent's, input and cache are apart. It reads
whole files into memory and every line of them.
"""

from __future__ import annotations

import gzip
import json
import lzma
import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

import zstandard

Row = dict[str, Any]
Counts = tuple[int, int, int, int, int]
"""Uncached input, cache read, 5-minute writes, 1-hour writes, output."""
Sums = dict[str, tuple[int, ...]]
"""Model -> responses, then the counts."""


def sums(root: Path) -> Sums:
    """Of all histories below `root`, which has `claude`, `codex`, `gemini` and `opencode`."""
    found: list[tuple[str, Counts]] = [*claude(root / "claude"), *codex(root / "codex"), *gemini(root / "gemini")]
    found += opencode(root / "opencode")
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for model, counts in found:
        for place, amount in enumerate((1, *counts)):
            totals[model][place] += amount
    return {model: tuple(amounts) for model, amounts in totals.items()}


def text(file: Path) -> str:
    data = file.read_bytes()
    unpack = {".gz": gzip.decompress, ".xz": lzma.decompress, ".zst": _unzstd}.get(file.suffix)
    return (unpack(data) if unpack else data).decode("utf-8", "replace")


def _unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def rows(file: Path) -> list[Row]:
    """Every line that is a row, or that ends in one."""
    return [row for line in text(file).split("\n") if (row := row_of(line.replace("\0", "").strip("\ufeff \r")))]


def row_of(line: str) -> Row | None:
    start = line.find("{")
    while start >= 0:
        try:
            row = json.loads(line[start:])
        except ValueError:
            start = line.find("{", start + 1)
            continue
        return row if isinstance(row, dict) else None
    return None


def files(root: Path, *patterns: str) -> list[Path]:
    return sorted({file for pattern in patterns for file in root.rglob(pattern) if file.is_file()})


# -- Claude Code


def claude(root: Path) -> list[tuple[str, Counts]]:
    best: dict[tuple[str, str], tuple[int, bool, str, Counts]] = {}
    for file in files(root, "*.jsonl", "*.jsonl.*"):
        for row in rows(file):
            for key, main, model, counts in _claude_row(row, file.parent.name == "subagents"):
                known = best.get(key)
                if known is None or sum(counts) > known[0]:
                    best[key] = (sum(counts), main or bool(known and known[1]), model, counts)
                elif main:
                    best[key] = (known[0], True, *known[2:])
    by_message: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key in best:
        by_message[key[0]].append(key)
    for keys in by_message.values():
        _one_of_copies(best, keys)
    return [(model, counts) for _, _, model, counts in best.values()]


def _one_of_copies(best: dict[tuple[str, str], Any], keys: list[tuple[str, str]]) -> None:
    """A side chain repeats what the main chain paid for; a copy without a request is any of those that tell theirs."""
    if any(best[key][1] for key in keys):
        for key in [key for key in keys if not best[key][1]]:
            del best[key]
            keys.remove(key)
    named = sorted(key for key in keys if key[1])
    for key in [key for key in keys if not key[1]] if named else []:
        best[named[0]] = max(best[named[0]], best.pop(key), key=lambda one: one[0])


def _claude_row(row: Row, side_file: bool) -> list[tuple[tuple[str, str], bool, str, Counts]]:
    message = row.get("message") or {}
    usage = message.get("usage")
    if row.get("type") != "assistant" or not isinstance(usage, dict) or message.get("model") == "<synthetic>":
        return []
    main = not (row.get("isSidechain") or side_file)
    request = row.get("requestId") or ""
    found = [((message["id"], request), main, message["model"], _claude_counts(usage))]
    for number, step in enumerate(usage.get("iterations") or []):
        if step.get("type") == "advisor_message":
            found.append(((f"{message['id']} advice {number}", request), main, step["model"], _claude_counts(step)))
    return [one for one in found if sum(one[3])]


def _claude_counts(usage: Row) -> Counts:
    nested = usage.get("cache_creation") or {}
    fresh, read, out = (int(usage.get(f"{name}_tokens") or 0) for name in ("input", "cache_read_input", "output"))
    written = usage.get("cache_creation_input_tokens")
    if written is None:
        written = sum(nested.values())
    hour = min(written, nested.get("ephemeral_1h_input_tokens", 0))
    return fresh, read, written - hour, hour, out


# -- Codex


def codex(root: Path) -> list[tuple[str, Counts]]:
    threads: dict[str, tuple[str, list[Row]]] = {}
    for file in files(root, "rollout-*"):
        told = rows(file)
        first = next((row["payload"] for row in told if row.get("type") == "session_meta"), {})
        thread = first.get("id") or file.name.partition(".")[0][-36:]
        if len(told) > len(threads.get(thread, ("", []))[1]):
            threads[thread] = first.get("forked_from_id", ""), told
    events = {thread: _events(told) for thread, (_, told) in threads.items()}
    found: list[tuple[str, Counts]] = []
    for thread, (parent, told) in threads.items():
        if any(row.get("type") == "token_usage_record" for row in told):
            found += _by_records(told)
        else:
            found += _by_events(events[thread], events.get(parent, []) if parent else None)
    return found


def _by_records(told: list[Row]) -> list[tuple[str, Counts]]:
    model, models, seen = "", dict[str, str](), dict[str, tuple[str, Counts]]()
    for row in told:
        payload = row.get("payload") or {}
        if row.get("type") == "turn_context":
            models[payload["turn_id"]] = model = payload["model"]
        elif row.get("type") == "token_usage_record":
            seen[payload["response_id"]] = models.get(payload["turn_id"], model), _apart(payload["usage"])
    return list(seen.values())


Event = tuple[str, Row, Row]


def _events(told: list[Row]) -> list[Event]:
    """Model, total and last of each event that tells a new total."""
    model, found = "", list[Event]()
    for row in told:
        payload = row.get("payload") or {}
        if row.get("type") == "turn_context":
            model = payload["model"]
        info = payload.get("info") if payload.get("type") == "token_count" else None
        if info and (not found or found[-1][1] != info["total_token_usage"]):
            found.append((model, info["total_token_usage"], info["last_token_usage"]))
    return found


def _by_events(told: list[Event], parents: list[Event] | None) -> list[tuple[str, Counts]]:
    copied = 0
    while parents and copied < min(len(told), len(parents)) and told[copied][1:] == parents[copied][1:]:
        copied += 1
    found: list[tuple[str, Counts]] = []
    before = told[copied - 1][1] if copied else None
    for number, (model, total, last) in enumerate(told[copied:]):
        first_of_fork = parents is not None and not copied and not number
        fell = before is not None and any(total.get(name, 0) < before.get(name, 0) for name in total)
        grown = {name: total[name] - (before or {}).get(name, 0) for name in total}
        found.append((model, _apart(last if fell or first_of_fork else grown)))
        before = total
    return [one for one in found if sum(one[1])]


def _apart(usage: Row) -> Counts:
    whole = usage["input_tokens"]
    read = min(whole, usage.get("cached_input_tokens", 0))
    written = min(whole - read, usage.get("cache_write_input_tokens", 0))
    return whole - read - written, read, written, 0, usage["output_tokens"]


# -- Gemini CLI and opencode


def gemini(root: Path) -> list[tuple[str, Counts]]:
    best: dict[str, tuple[str, Counts]] = {}
    for file in files(root, "*.json", "*.jsonl", "*.jsonl.*"):
        told = [json.loads(text(file))] if file.suffix == ".json" else rows(file)
        for outer in told:
            for row in outer.get("messages") or (outer.get("$set") or {}).get("messages") or [outer]:
                tokens = row.get("tokens")
                if row.get("type") != "gemini" or not tokens:
                    continue
                read = min(tokens["input"], tokens.get("cached", 0))
                fresh = tokens["input"] - read + tokens.get("tool", 0)
                counts = fresh, read, 0, 0, tokens["output"] + tokens.get("thoughts", 0)
                if sum(counts) > sum(best.get(row["id"], ("", (0,)))[1]):
                    best[row["id"]] = row["model"], counts
    return list(best.values())


def opencode(root: Path) -> list[tuple[str, Counts]]:
    told = [json.loads(file.read_text()) for file in files(root, "msg_*.json")]
    for file in files(root, "*.db"):
        conn = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        told += [json.loads(row[0]) for row in conn.execute("SELECT data FROM message")]
        conn.close()
    found = {}
    for one in told:
        if one.get("role") == "assistant" and one["time"].get("completed"):
            tokens = one["tokens"]
            out = tokens["output"] + tokens["reasoning"]
            counts = tokens["input"], tokens["cache"]["read"], tokens["cache"]["write"], 0, out
            found[one["time"]["created"], one["time"]["completed"], one["modelID"], counts] = one["modelID"], counts
    return [one for one in found.values() if sum(one[1])]
