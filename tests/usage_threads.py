"""Rollouts of Codex, chats of Gemini CLI and a database of opencode, made at random, with the sums that are right.

As in `usage_corpus`, each response adds to the truth when it is made: nothing here is read back.
"""

from __future__ import annotations

import json
import random
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import opencode_rows
from tests.usage_corpus import START, Corpus

GPT = ("gpt-5.5", "gpt-6-sol")
Row = dict[str, Any]


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Threads:
    """Makes the histories of one seed; `corpus.files` lie below a root that has `codex` and `gemini`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._clock = START
        self._serial = 0
        self.corpus = Corpus()

    def _tick(self, least: int = 5_000) -> int:
        self._clock += self._random.randrange(least, 400_000)
        return self._clock

    def _usage(self) -> Row:
        pick = self._random
        whole, output = pick.randrange(1, 90_000), pick.randrange(1, 4000)
        cached = pick.randrange(whole)
        return {
            "input_tokens": whole, "cached_input_tokens": cached,
            "cache_write_input_tokens": pick.choice((0, (whole - cached) // 3)), "output_tokens": output,
            "reasoning_output_tokens": pick.randrange(output), "total_tokens": whole + output,
        }  # fmt: skip

    def _count(self, session: str, usage: Row) -> None:
        sums = self.corpus.truth[session]
        sums.input += usage["input_tokens"] - usage["cached_input_tokens"] - usage["cache_write_input_tokens"]
        sums.cache_read += usage["cached_input_tokens"]
        sums.cache_write_5m += usage["cache_write_input_tokens"]
        sums.output += usage["output_tokens"]
        sums.reasoning += usage["reasoning_output_tokens"]
        sums.messages += 1

    def _write(self, path: str, rows: list[Row]) -> None:
        data = b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)
        self.corpus.files[path] = self.corpus.files.get(path, b"") + data

    def _thread(self) -> str:
        self._serial += 1
        return f"01a2048e-0000-7371-beb3-{self._serial:012}"

    def codex(
        self, turns: int, records: bool, parent: str = "", history: list[Row] | None = None
    ) -> tuple[str, list[Row]]:
        """A thread, told by records (with the events that repeat them) or by events alone; a fork of `parent` begins
        with its total, and with a copy of its whole `history` under the time of the fork when that is given."""
        thread, born = self._thread(), self._tick()
        rows: list[Row] = [_row("session_meta", born, id=thread, cwd="/w", timestamp=iso(born), **_fork(parent))]
        total = dict.fromkeys(self._usage(), 0)
        for row in history or []:
            rows.append({**row, "timestamp": iso(born + 3)})
            total = _total(row, total)
        events: list[Row] = []
        for number in range(turns):
            turn = f"turn-{number}"
            rows.append(_row("turn_context", self._tick(), turn_id=turn, model=self._random.choice(GPT), cwd="/w"))
            usage, at = self._usage(), self._tick()
            total = {name: total[name] + usage[name] for name in usage}
            self._count(thread, usage)
            if records:
                told = {
                    "thread_id": thread,
                    "session_id": thread,
                    "turn_id": turn,
                    "response_id": f"resp_{thread}_{number}",
                }
                rows.append(_row("token_usage_record", at, **told, usage=usage, thread_token_usage=total))
            event = _event(at, total, usage)
            events.append(event)
            compaction_only = records and self._random.random() < 0.2
            rows += (
                []
                if compaction_only
                else [event, _event(at + 1, None, None), *([event] if self._random.random() < 0.5 else [])]
            )
        folder = self._random.choice(("sessions/2026/11/20", "archived_sessions"))
        self._write(f"codex/{folder}/rollout-2026-11-20T09-00-00-{thread}.jsonl", rows)
        return thread, events

    def gemini(self, turns: int) -> None:
        """A chat whose messages are written again when their tools attach, and once more when it is resumed."""
        self._serial += 1
        session, rows, answers = f"gemini-{self._serial}", [], []
        for _ in range(turns):
            self._serial += 1
            usage = self._usage() | {"cache_write_input_tokens": 0}
            thoughts = usage["reasoning_output_tokens"]
            tokens = {
                "input": usage["input_tokens"], "cached": usage["cached_input_tokens"], "thoughts": thoughts, "tool": 0,
                "output": usage["output_tokens"] - thoughts, "total": usage["total_tokens"],
            }  # fmt: skip
            answer = {
                "id": f"g{self._serial}",
                "timestamp": iso(self._tick()),
                "type": "gemini",
                "model": "gemini-2.5-pro",
            }
            answers.append({**answer, "tokens": tokens})
            rows += [answers[-1], {**answers[-1], "toolCalls": []}][: self._random.randrange(1, 3)]
            self._count(session, usage)
        head = {"sessionId": session, "projectHash": "0"}
        name = f"gemini/.gemini/tmp/p/chats/session-1-{session}"
        self._write(f"{name}.jsonl", [head, *rows])
        self._write(f"{name}-resumed.jsonl", [head, {"$set": {"messages": answers}}])

    def opencode(self, file: Path, turns: int) -> None:
        """A session, a subagent of it, and a fork that copies its messages under new ids."""
        made = opencode_rows.Database(file)
        for name, parent, born in (("main", None, 1), ("kid", "main", 1), ("fork", None, START + 10**11)):
            made.session(name, parent, born=born)  # the fork after all that it copies
        for number in range(turns):
            tokens = tuple(self._random.randrange(1, 9000) for _ in range(5))
            at = self._tick()
            told = opencode_rows.answer(at, tokens)  # type: ignore[arg-type]
            made.message(f"m{number}", "kid" if number % 3 == 2 else "main", at, told)
            made.message(f"f{number}", "fork", at + 1, told)
            sums = self.corpus.truth["main"]
            sums.input, sums.output = sums.input + tokens[0], sums.output + tokens[1] + tokens[2]
            sums.reasoning += tokens[2]
            sums.cache_read, sums.cache_write_5m = sums.cache_read + tokens[3], sums.cache_write_5m + tokens[4]
            sums.messages += 1
        made.close()


def _row(kind: str, at: int, **payload: object) -> Row:
    return {"timestamp": iso(at), "type": kind, "payload": payload}


def _event(at: int, total: Row | None, last: Row | None) -> Row:
    info = None if total is None else {"total_token_usage": total, "last_token_usage": last}
    return _row("event_msg", at, type="token_count", info=info)


def _fork(parent: str) -> Row:
    return {"forked_from_id": parent} if parent else {}


def _total(row: Row, before: Row) -> Row:
    info = row["payload"]["info"]
    return info["total_token_usage"] if info else before


def threads(seed: int, root: Path) -> Corpus:
    """Threads of both kinds, a fork with a copied history and one without, a chat, and a database below `root`."""
    made = Threads(seed)
    made.codex(6, records=True)
    parent, history = made.codex(6, records=False)
    made.codex(3, records=False, parent=parent, history=history)
    made.codex(4, records=False)
    made.gemini(6)
    made.opencode(root / "opencode/opencode.db", 7)
    return made.corpus


def answers(root: Path) -> list[Row]:
    """What the database below `root` tells of its responses."""
    conn = sqlite3.connect(f"file:{root}/opencode/opencode.db?mode=ro", uri=True)
    found = [json.loads(row[0]) for row in conn.execute("SELECT data FROM message ORDER BY id")]
    conn.close()
    return found
