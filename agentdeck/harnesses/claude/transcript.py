"""Reads usage out of Claude Code's transcripts. The format is internal to the client: nothing here may crash on it.

What was observed with 2.1.330 and, where said, older versions:
- One `assistant` row per content block; all rows of a response share message id and request id.
  Copies may differ (a stream in progress, a fork made after compaction), so the key is both ids
  and the largest total wins, which the ingest sees to.
- `input_tokens` excludes the cache; `output_tokens` includes thinking.
- When the four flat counts are all 0 the row is 0, whatever its nested object says.
- `requestSessionId` on a forked copy names the session that really paid.
- An `advisor_message` iteration is billed on its own model and is not in the top-level counts.
"""

from __future__ import annotations

import os
import re

from agentdeck.harnesses.claude import quick, totals
from agentdeck.harnesses.claude.quick import HARNESS, is_side_file, signs
from agentdeck.harnesses.jsonl import Row, count, mapping, moment, text, usage_rows
from agentdeck.models.usage import Found, Tokens, UsageRecord

PARSER = 3
PAYER = re.compile(rb'"requestSessionId": ?"([^"\\]{1,300})"')
OWN = re.compile(rb'"sessionId": ?"([^"\\]{1,300})"')
QUIET = {"user", "assistant", "progress", "system", "attachment"}


def read(chunk: bytes, path: str, state: str) -> Found:
    """What whole lines of the transcript `path` tell: usage, damage, and the client's own running totals."""
    found, strange, parent, sums = quick.records(chunk, path)
    more, damaged = records(b"\n".join(strange), path) if strange else ([], 0)
    parent = next(filter(None, map(_parent, reversed(strange))), "") or parent
    at, told = totals.read(chunk, sums, state, parent)
    return Found([*found, *more], damaged, at, told)


def _parent(line: bytes) -> str:
    """The session that paid for a copied row."""
    payer, own = PAYER.search(line), OWN.search(line)
    return str(payer[1], "utf-8", "replace") if payer and own and payer[1] != own[1] else ""


def records(chunk: bytes, path: str) -> tuple[list[UsageRecord], int]:
    """The same by a tolerant parser: the records of whole lines, and how many damaged or strange rows were met."""
    found_rows, strange = usage_rows(chunk)
    found: list[UsageRecord] = []
    for outer in found_rows:
        row = _unwrapped(outer) if outer.get("type") == "progress" else outer
        if row.get("type") == "assistant":
            found.extend(_of_row(row, path))
        elif text(row.get("type")) not in QUIET and mapping(mapping(row.get("message")).get("usage")):
            strange += 1
    return found, strange


def _unwrapped(row: Row) -> Row:
    """Versions before 2.0 wrote a subagent's responses as `progress` rows around the real one."""
    inner = mapping(mapping(row.get("data")).get("message"))
    outer = {key: row.get(key) for key in ("timestamp", "sessionId", "cwd")}
    agent = mapping(row.get("data")).get("agentId") or row.get("agentId")
    return {**outer, **inner, "isSidechain": True, "agentId": agent}


def _of_row(row: Row, path: str) -> list[UsageRecord]:
    message = mapping(row.get("message"))
    usage = mapping(message.get("usage"))
    model = text(message.get("model"))
    tokens = _tokens(usage)
    cost = _own_cost(row)
    if model == "<synthetic>" or row.get("isApiErrorMessage") or not (tokens.total or cost):
        return []
    sidechain = _sidechain(row, path)
    response, request = text(message.get("id")), text(row.get("requestId"))
    name = f"{HARNESS}:{response}" if response else f"{HARNESS}:row:{text(row.get('uuid'))}"
    main = UsageRecord(
        key=f"{name}/{request}",
        message=name,
        harness=HARNESS,
        session=text(row.get("requestSessionId")) or text(row.get("sessionId")) or _session_of(path),
        ts=moment(row.get("timestamp")),
        model=model or text(row.get("requestedModel")),
        tokens=tokens,
        sidechain=sidechain,
        cwd=text(row.get("cwd")),
        client_cost=cost,
        context_tokens=0 if sidechain else _context(usage, tokens),
        variant=signs(text(usage.get("speed")), text(usage.get("service_tier")), text(usage.get("inference_geo"))),
        searches=count(mapping(usage.get("server_tool_use")).get("web_search_requests")),
    )
    return [main, *_advisors(main, request, usage)]


def _tokens(usage: Row) -> Tokens:
    fresh, read_ = count(usage.get("input_tokens")), count(usage.get("cache_read_input_tokens"))
    output = count(usage.get("output_tokens"))
    nested = mapping(usage.get("cache_creation"))
    hour = count(nested.get("ephemeral_1h_input_tokens"))
    written = usage.get("cache_creation_input_tokens")
    written = count(written) if written is not None else hour + count(nested.get("ephemeral_5m_input_tokens"))
    hour = min(hour, written)
    thinking = count(mapping(usage.get("output_tokens_details")).get("thinking_tokens"))
    return Tokens(fresh, read_, written - hour, hour, output, min(thinking, output))


def _advisors(main: UsageRecord, request: str, usage: Row) -> list[UsageRecord]:
    found = []
    for number, step in enumerate(_iterations(usage)):
        if step.get("type") != "advisor_message":
            continue
        tokens = _tokens(step)
        if tokens.total:
            name = f"{main.message}#advisor{number}"
            found.append(
                UsageRecord(
                    f"{name}/{request}", HARNESS, main.session, main.ts, text(step.get("model")), tokens,
                    sidechain=main.sidechain, cwd=main.cwd, message=name,
                )
            )  # fmt: skip
    return found


def _iterations(usage: Row) -> list[Row]:
    steps = usage.get("iterations")
    return [mapping(step) for step in steps] if isinstance(steps, list) else []


def _context(usage: Row, whole: Tokens) -> int:
    """The last `message` iteration: the top-level counts double on turns that asked an advisor."""
    own = [step for step in _iterations(usage) if step.get("type") == "message"]
    tokens = _tokens(own[-1]) if own else whole
    return tokens.total - tokens.output


def _own_cost(row: Row) -> int | None:
    """Versions before 1.0.10 priced each row themselves."""
    dollars = row.get("costUSD")
    if isinstance(dollars, bool) or not isinstance(dollars, int | float) or not 0 <= dollars < 10**6:
        return None
    return round(dollars * 10**9)


def _sidechain(row: Row, path: str) -> str:
    if not row.get("isSidechain") and not is_side_file(path):
        return ""
    return text(row.get("agentId")) or "subagent"


def _session_of(path: str) -> str:
    """The file's name; a subagent's file lies in `<session>/subagents/`."""
    if is_side_file(path):
        return os.path.basename(os.path.dirname(os.path.dirname(path)))
    return os.path.splitext(os.path.basename(path))[0]
