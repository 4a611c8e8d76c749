"""Finding usage rows in bytes, whatever those bytes are."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st

from agentdeck.errors import UsageError
from agentdeck.harnesses import loader
from agentdeck.harnesses.builtin import transcript as builtin
from agentdeck.harnesses.claude import transcript as claude
from agentdeck.harnesses.jsonl import count, is_complete, moment, text, usage_rows
from agentdeck.harnesses.readers import reader
from agentdeck.models.usage import Tokens

ROW = b'{"type":"assistant","message":{"id":"m","usage":{"output_tokens":3}}}'
ROWS = ([json.loads(ROW)], 0)
REPAIRED = ([json.loads(ROW)], 1)


def test_line_ends_and_spacing() -> None:
    assert usage_rows(ROW) == ROWS
    assert usage_rows(b"\n\n" + ROW + b"\r\n\n") == ROWS
    assert usage_rows(ROW.replace(b'"usage":{', b'"usage": {')) == ROWS
    assert usage_rows(ROW.replace(b'"usage":{', b'"usage":  {')) == ROWS
    assert usage_rows(ROW + b"\n" + ROW + b"\n") == (ROWS[0] * 2, 0)


def test_only_objects_named_usage_are_looked_at() -> None:
    for line in (
        b'{"usage":null}',
        b'{"usage":[1]}',
        b'{"text":"\\"usage\\":{}"}',
        b'{"text":"{\\"usage\\": {"}',
        b"{",
    ):
        assert usage_rows(line + b"\n" + ROW + b"\n") == ROWS


def test_a_usage_that_is_no_object_does_not_hide_one_in_the_same_line() -> None:
    line = ROW.replace(b'"type"', b'"usage":null,"type"')
    assert len(usage_rows(line)[0]) == 1


def test_damage_is_counted_and_repaired_where_it_can_be() -> None:
    assert usage_rows(b"\0" * 4096 + ROW) == REPAIRED
    assert usage_rows(b"\xef\xbb\xbf" + ROW) == REPAIRED
    assert usage_rows(ROW[:20] + ROW) == REPAIRED
    assert usage_rows(ROW[:-1]) == ([], 1)
    assert usage_rows(b'{"a":"\xff","usage":{}}') == ([{"a": "\ufffd", "usage": {}}], 1)
    assert usage_rows(b'["usage":{]\n') == ([], 1)
    assert usage_rows(b'{"usage":{"a":' + b"[" * 100_000 + b"\n" + ROW)[0] == ROWS[0]


def test_a_row_that_is_a_list_is_damage() -> None:
    assert usage_rows(b'[{"usage":{}}]') == ([], 1)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_bytes_of_any_kind_break_nothing(noise: bytes, at: int) -> None:
    for chunk in (noise, noise[:at] + ROW + noise[at:], noise.replace(b"\n", b"") + b'"usage":{' + noise):
        for read in (claude.records, builtin.records):
            found, bad = read(chunk, "/p/s.jsonl")
            assert bad >= 0
            assert all(record.tokens.total for record in found)
    rows, _ = usage_rows(noise.replace(b"\n", b" ") + b"\n" + ROW + b"\n" + noise)
    assert json.loads(ROW) in rows


def test_a_huge_damaged_line_takes_no_time() -> None:
    line = b'{"type":"x","usage":{' + b'{"type":"y",' * 400_000 + b"\n"
    start = time.process_time()
    assert usage_rows(line + ROW) == REPAIRED
    assert time.process_time() - start < 5  # a parser started at every brace would take minutes


def test_a_complete_tail() -> None:
    assert is_complete(ROW)
    assert is_complete(ROW + b"  ")
    for tail in (b"", ROW[:-1], ROW[:-2] + b"}", b"[1]", b"}", b"{" * 100_000 + b"}"):
        assert not is_complete(tail)


def test_numbers_that_are_none() -> None:
    wrong = (None, True, "7", -1, float("nan"), float("inf"), 10**15, 1e300, [], {})
    assert [count(value) for value in wrong] == [0] * len(wrong)
    assert (count(7), count(7.0), count(7.9)) == (7, 7, 7)


def test_times() -> None:
    assert moment("2026-11-22T18:32:53.421Z") == 1795372373421
    assert moment("2026-11-22T18:32:53.421999Z") == 1795372373422
    assert moment("2026-11-22T19:32:53.421+01:00") == 1795372373421
    assert moment(1795372373421) == 1795372373421
    for wrong in (None, "", "yesterday", True, float("nan"), -5, 1e300, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00"):
        assert moment(wrong) == 0


def test_texts_that_no_database_takes() -> None:
    assert text("a\ud800b") == "a?b"
    assert text(None) == ""
    assert len(text("x" * 10_000)) == 300


def test_builtin_rows() -> None:
    usage = {
        "input_tokens": 5,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 20,
        "cache_creation": {"ephemeral_1h_input_tokens": 4},
        "output_tokens": 9,
    }
    row = {
        "type": "assistant",
        "ts": "2026-11-22T18:32:53.421Z",
        "session": "s",
        "id": "m1",
        "request_id": "r1",
        "model": "claude-opus-5-5",
        "usage": usage,
    }
    broken = {**row, "id": "", "request_id": None, "partial": True, "content": []}
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in (row, broken, {**row, "type": "user"}))
    (whole, partial), bad = builtin.records(lines, "/t/s.jsonl")
    assert bad == 0
    assert (whole.key, whole.message, whole.session, whole.ts) == ("builtin:m1/r1", "builtin:m1", "s", 1795372373421)
    assert (whole.tokens, whole.context_tokens) == (Tokens(5, 7, 16, 4, 9), 32)
    assert partial.key == "builtin:s@2026-11-22T18:32:53.421Z/"


def test_every_harness_that_names_a_reader_has_one() -> None:
    named = {harness.transcript.reader for harness in loader.load_all().values()} - {""}
    assert named == {"claude", "builtin", "codex", "gemini", "opencode"}
    assert all(reader(name).version >= 1 for name in named)
    for wrong in ("", "no_such", "../claude", "shell"):
        try:
            reader(wrong)
        except UsageError as error:
            assert wrong in error.title
        else:
            raise AssertionError(wrong)
