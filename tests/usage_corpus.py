"""Transcripts of our own making with every nasty case we know, and the sums that are right for them.

Nothing here is read back: each response adds to the truth when it is made, so the expected
sums share no code with the readers.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

START = int(datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp() * 1000)
MODELS = ("claude-opus-5-5", "claude-haiku-4-5")
NESTED = (
    b'{"type":"user","message":{"role":"user","content":[{"type":"tool_result",'
    b'"content":"{\\"usage\\":{\\"input_tokens\\":9}}"}]}}\n'
)
AGGREGATE = (
    b'{"type":"user","message":{"role":"user","content":[]},"toolUseResult":{"totalTokens":77,'
    b'"usage":{"input_tokens":70,"output_tokens":7}}}\n'
)


@dataclass
class Truth:
    """Of one session: token sums by class, and the number of responses."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    messages: int = 0


@dataclass
class Corpus:
    """`files`: path below the project folder -> bytes. `truth`: session -> sums. `damaged`: a floor of diagnostics."""

    files: dict[str, bytes] = field(default_factory=dict)
    truth: dict[str, Truth] = field(default_factory=lambda: defaultdict(Truth))
    damaged: int = 0


class Writer:
    """Makes the rows of one corpus; `seed` decides everything."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._clock = START
        self._serial = 0
        self.corpus = Corpus()

    def response(self, session: str, **extra: Any) -> dict[str, Any]:
        """The final row of one response; it is not yet written anywhere, and not yet in the truth."""
        pick = self._random
        self._serial += 1
        self._clock += pick.randrange(1, 400_000)
        written, hour = pick.choice((0, 900, 12861)), pick.choice((0, 0, 400))
        output = pick.randrange(1, 5000)
        usage: dict[str, Any] = {
            "input_tokens": pick.randrange(1, 50),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": pick.randrange(0, 100_000),
            "output_tokens": output,
            "output_tokens_details": {"thinking_tokens": pick.randrange(0, output)},
            "service_tier": "standard",
        }
        if pick.random() < 0.7:
            hour = min(hour, written)
            usage["cache_creation"] = {"ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour}
        moment = datetime.fromtimestamp(self._clock / 1000, UTC).isoformat(timespec="milliseconds")
        return {
            "type": "assistant",
            "isSidechain": False,
            "requestId": f"req_{self._serial}",
            "timestamp": moment.replace("+00:00", "Z"),
            "sessionId": session,
            "cwd": "/w",
            "message": {
                "id": f"msg_{self._serial}",
                "role": "assistant",
                "model": pick.choice(MODELS),
                "content": [{"type": "text", "text": 'Zeile\u2028 mit "usage":{ und ✓'}],
                "usage": usage,
            },
            **extra,
        }

    def count(self, row: dict[str, Any], session: str) -> None:
        """Enter a response in the truth of the session that paid."""
        usage, sums = row["message"]["usage"], self.corpus.truth[session]
        hour = usage.get("cache_creation", {}).get("ephemeral_1h_input_tokens", 0)
        sums.input += int(usage["input_tokens"])
        sums.cache_read += int(usage["cache_read_input_tokens"])
        sums.cache_write_1h += hour
        sums.cache_write_5m += usage["cache_creation_input_tokens"] - hour
        sums.output += int(usage["output_tokens"])
        sums.reasoning += usage["output_tokens_details"]["thinking_tokens"]
        sums.messages += 1

    def write(self, path: str, *rows: dict[str, Any] | bytes) -> None:
        """Append rows; bytes go in as they are."""
        text = b"".join(row if isinstance(row, bytes) else dump(row) + b"\n" for row in rows)
        self.corpus.files[path] = self.corpus.files.get(path, b"") + text

    def blocks(self, row: dict[str, Any], copies: int) -> list[dict[str, Any]]:
        """One row per content block: some of a stream still in progress, in no fixed order."""
        rows = [json.loads(json.dumps(row)) for _ in range(copies)]
        for early in self._random.sample(rows, copies // 2):
            early["message"]["usage"]["output_tokens"] = 1
            early["message"]["usage"]["output_tokens_details"] = {"thinking_tokens": 0}
        return rows


def dump(row: dict[str, Any], spaced: bool = False) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(", ", ": ") if spaced else (",", ":")).encode()


def main_file(session: str) -> str:
    return f"{session}.jsonl"


def side_file(session: str, agent: str) -> str:
    return f"{session}/subagents/agent-{agent}.jsonl"


def session(writer: Writer, name: str, turns: int) -> list[dict[str, Any]]:
    """An ordinary conversation with tool output between the blocks, and one subagent. Returns its responses."""
    path, made = main_file(name), []
    writer.write(path, {"type": "mode", "mode": "normal", "sessionId": name})
    for turn in range(turns):
        row = writer.response(name)
        first, *others = writer.blocks(row, 1 + turn % 4)
        writer.write(path, first, NESTED, *others, AGGREGATE)
        writer.write(path, row)
        writer.count(row, name)
        made.append(row)
    for _ in range(2):
        row = writer.response(name, isSidechain=True, agentId="a1")
        writer.write(side_file(name, "a1"), *writer.blocks(row, 2), row)
        writer.count(row, name)
    return made


def oddities(writer: Writer, name: str) -> None:
    """Rows that other counters drop or count twice."""
    path = main_file(name)
    plain = [writer.response(name) for _ in range(9)]
    del plain[0]["requestId"]
    plain[1]["requestId"] = None
    plain[2]["message"]["content"] = [{"type": "tool_use", "input": {"id": None, "model": None}}]
    plain[3]["message"]["usage"]["speed"] = None
    plain[4]["message"]["usage"]["output_tokens"] += 0.0
    plain[4]["version"], plain[4]["cwd"] = "dev", None
    plain[5]["timestamp"] = plain[5]["timestamp"].replace("Z", "123Z")
    for row in plain:
        writer.count(row, name)
    writer.write(path, *plain[:6])
    writer.write(path, dump(plain[6], spaced=True) + b"\r\n")
    writer.write(path, b"\0" * 512 + dump(plain[7]) + b"\n")
    writer.write(path, dump(plain[8]).replace("✓".encode(), b"\xff\xfe") + b"\n")
    writer.corpus.damaged += 2
    error = writer.response(name, isApiErrorMessage=True)
    error["message"]["model"] = "<synthetic>"
    writer.write(path, error, b"not json at all\n", b'{"type":"later","usage":[1]}\n', b"\n\n", b"[]\n")
    writer.write(path, b'{"type":"assistant","message":{"usage":{"input_tokens":\n')
    writer.corpus.damaged += 1
    replay(writer, name, plain[6])
    advisor(writer, name)


def replay(writer: Writer, name: str, row: dict[str, Any]) -> None:
    """A side chain that repeats a response of the main chain under a request of its own."""
    copy = json.loads(json.dumps(row)) | {"isSidechain": True, "agentId": "a2", "requestId": "req_replay"}
    writer.write(side_file(name, "a2"), copy)


def advisor(writer: Writer, name: str) -> None:
    row = writer.response(name)
    usage = row["message"]["usage"]
    own = {
        key: usage[key]
        for key in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    }
    advice = {"type": "advisor_message", "model": "claude-haiku-4-5", "input_tokens": 40, "output_tokens": 3}
    usage["iterations"] = [{"type": "message", **own}, advice]
    writer.write(main_file(name), row, row)
    writer.count(row, name)
    sums = writer.corpus.truth[name]
    sums.input, sums.output, sums.messages = sums.input + 40, sums.output + 3, sums.messages + 1


def fork(writer: Writer, name: str, of: str, made: list[dict[str, Any]]) -> None:
    """Copies of another session's history, some zeroed by a compaction before the fork, then a turn of its own."""
    for number, row in enumerate(made):
        copy = json.loads(json.dumps(row)) | {"sessionId": name, "requestSessionId": of}
        if number % 2:
            usage = copy["message"]["usage"]
            usage.update(dict.fromkeys(("input_tokens", "output_tokens", "cache_read_input_tokens"), 0))
            usage["cache_creation_input_tokens"] = 0
            usage["cache_creation"] = {"ephemeral_5m_input_tokens": 3000}
        writer.write(main_file(name), copy)
    orphan = writer.response(name, requestSessionId="gone")  # what it copies is on disk no more
    zeroed = json.loads(json.dumps(orphan))
    zeroed["message"]["usage"] = dict.fromkeys(zeroed["message"]["usage"], 0)
    zeroed["message"]["usage"]["cache_creation"] = {"ephemeral_5m_input_tokens": 3000}
    row = writer.response(name)
    writer.write(main_file(name), zeroed, row)
    writer.count(row, name)


def corpus(seed: int, turns: int = 4) -> Corpus:
    """Sessions `one`, `two` (after a /clear), `odd`, and `fork` of `one`."""
    writer = Writer(seed)
    made = session(writer, "one", turns)
    session(writer, "two", turns)
    oddities(writer, "odd")
    fork(writer, "fork", "one", made)
    return writer.corpus
