"""Which lines of a transcript are looked at, whatever stands where in them."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from agentdeck.harnesses.claude import transcript
from agentdeck.harnesses.claude.lines import HEAD, NEAR, TAIL, tell

USAGE = '"usage":{"input_tokens":1}'
OPEN = re.compile(rb'"usage":\s{0,7}\{')
PADS = st.sampled_from([0, 1, NEAR, HEAD - 30, HEAD, TAIL - 40, TAIL - 20, TAIL, TAIL + 30, 4 * TAIL])
PARTS = st.sampled_from([
    '{"type":"user",', '{"type":"assistant",', '{"parentUuid":null,"type":"user","message":{', '{"type":"system",',
    '{"type": "assistant",', f"{USAGE},", '"usage": {},', '"usage":null,', '"usage":', '{"message":{"type":"message",',
    '{"type":"cost-state",', '{"sessionId":"s","type":"cost-state",', '"type":"user",', "\\n", "}",
])  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Rows, whole, torn and glued, with texts of any length between what is looked for."""
    parts = draw(st.lists(st.tuples(PARTS, PADS), max_size=6))
    return "".join(part + "x" * length for part, length in parts).encode()


@given(st.lists(lines(), max_size=6), st.booleans())
def test_every_line_with_a_usage_object_and_no_other(rows: list[bytes], ended: bool) -> None:
    chunk = b"\n".join(rows) + b"\n" * ended
    totals: list[int] = []
    assert list(tell(chunk, totals)) == [row for row in chunk.split(b"\n") if OPEN.search(row)]
    assert all(b"cost-state" in chunk[start:].partition(b"\n")[0] for start in totals)


def test_the_clients_totals_are_found_wherever_their_type_stands() -> None:
    for keys in (("type", "sessionId", "modelUsage"), ("sessionId", "modelUsage", "usage", "type")):
        whole = {
            "type": "cost-state", "sessionId": "s", "usage": {"a": "x" * TAIL},
            "modelUsage": {"m": {"inputTokens": 3}},
        }  # fmt: skip
        line = json.dumps({key: whole[key] for key in keys}, separators=(",", ":")).encode()
        for above in (b"", b'{"type":"user","timestamp":"2026-11-22T18:32:53.421Z"}\n'):
            (total,) = transcript.read(above + line + b"\n", "/p/s.jsonl", "").totals
            assert (total.session, total.model, total.tokens.input) == ("s", "m", 3)


def test_a_response_glued_to_a_torn_row_of_a_tool() -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "cache_creation_input_tokens": 0}
    message = {"id": "m", "model": "x", "usage": usage, "content": [{"type": "text", "text": "y" * 3 * TAIL}]}
    row = {
        "type": "assistant", "timestamp": "2026-11-22T18:32:53.421Z", "sessionId": "s", "requestId": "r",
        "message": message,
    }  # fmt: skip
    torn = b'{"type":"user","message":{"role":"user","content":"abc'
    found = transcript.read(torn + json.dumps(row).encode() + b"\n", "/p/s.jsonl", "")
    assert [(one.key, one.tokens.total) for one in found.records] == [("claude:m/r", 12)]
    assert found.damaged == 1
