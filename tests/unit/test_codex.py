"""What Codex keeps and takes: usage from rollouts, the newest session of a tree, hooks on its command line."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from agentdeck.harnesses.codex import sessions, start, transcript
from agentdeck.models.usage import Tokens, UsageRecord

THREAD = "01a2048e-3520-7371-beb3-211b3ec047a9"


def row(kind: str, **payload: object) -> dict[str, Any]:
    return {"timestamp": "2026-11-22T18:39:58.272Z", "ordinal": 1, "type": kind, "payload": payload}


def usage(whole: int, cached: int = 0, written: int = 0, output: int = 16, reasoning: int = 0) -> dict[str, int]:
    return {
        "input_tokens": whole, "cached_input_tokens": cached, "cache_write_input_tokens": written,
        "output_tokens": output, "reasoning_output_tokens": reasoning, "total_tokens": whole + output,
    }  # fmt: skip


def response(name: str, turn: str, used: dict[str, int], thread: str = THREAD) -> dict[str, Any]:
    told = {"thread_id": thread, "session_id": THREAD, "turn_id": turn, "response_id": name}
    return row("token_usage_record", **told, usage=used, turn_token_usage=used, thread_token_usage=used)


def counted(last: dict[str, int], total: int) -> dict[str, Any]:
    info = {"total_token_usage": {"total_tokens": total}, "last_token_usage": last, "model_context_window": 258400}
    return row("event_msg", type="token_count", info=info)


def write(file: Path, *rows: dict[str, Any]) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return file.read_bytes()


def _read(chunk: bytes, path: str) -> tuple[list[UsageRecord], int]:
    found = transcript.read(chunk, path, "")
    return found.records, found.damaged


@pytest.fixture
def rollout(tmp_path: Path) -> Path:
    return tmp_path / "codex/sessions/2026/11/22" / f"rollout-2026-11-22T18-39-18-{THREAD}.jsonl"


def test_each_response_counts_once_in_disjoint_classes_with_the_model_of_its_turn(rollout: Path) -> None:
    used = usage(1000, cached=600, written=100, output=50, reasoning=20)
    chunk = write(
        rollout,
        row("turn_context", turn_id="t1", model="gpt-5.5"),
        response("r1", "t1", used),
        counted(used, 1050),  # what older versions wrote comes besides
        row("turn_context", turn_id="t2", model="gpt-6-sol"),
        response("r2", "t2", usage(10)),
    )
    found, damaged = _read(chunk, str(rollout))
    assert damaged == 0
    assert [(one.model, one.tokens) for one in found] == [
        ("gpt-5.5", Tokens(input=300, cache_read=600, cache_write_5m=100, output=50, reasoning=20)),
        ("gpt-6-sol", Tokens(input=10, output=16)),
    ]
    assert found[0].context_tokens == 1000
    assert {one.session for one in found} == {THREAD} and len({one.key for one in found}) == 2


def test_a_piece_of_a_rollout_knows_the_models_above_it(rollout: Path) -> None:
    head = [row("turn_context", turn_id="t1", model="gpt-5.5"), row("turn_context", turn_id="t2", model="gpt-6-sol")]
    above = transcript.read(write(rollout, *head), str(rollout), "")
    piece = (json.dumps(response("r1", "t1", usage(10))) + "\n").encode()
    found = transcript.read(piece, str(rollout), above.state)
    assert [one.model for one in found.records] == ["gpt-5.5"]


def test_a_subagent_is_a_sidechain_of_the_session_that_pays(rollout: Path) -> None:
    chunk = write(rollout, response("r1", "t1", usage(10), thread="child"))
    found, _ = _read(chunk, str(rollout))
    assert [(one.session, one.sidechain, one.context_tokens) for one in found] == [(THREAD, "child", 0)]


def test_older_rollouts_count_by_their_running_total_and_repeats_are_one(rollout: Path) -> None:
    first, second = usage(100, cached=40), usage(200)
    chunk = write(
        rollout, row("turn_context", turn_id="t1", model="gpt-5.5"),
        counted(first, 116), counted(first, 116), counted(second, 332), row("event_msg", type="token_count", info=None),
    )  # fmt: skip
    found, _ = _read(chunk, str(rollout))
    kept = {one.key: one for one in found}
    assert [one.tokens.total for one in kept.values()] == [116, 216]
    assert {one.model for one in found} == {"gpt-5.5"}


def test_what_the_context_holds_is_told_by_the_client_and_remembered(rollout: Path) -> None:
    first = transcript.read(write(rollout, counted(usage(100), 116)), str(rollout), "")
    assert first.context_window == 258_400
    assert transcript.read(b"", str(rollout), first.state).context_window == 258_400


def test_damage_is_counted_and_kills_nothing(rollout: Path) -> None:
    good = json.dumps(response("r1", "t1", usage(10))).encode()
    chunk = b'{"type": "token_usage_record", "payload": {"usage": {"inp\n' + good + b"\n\xff\xfe{{{\n"
    found, damaged = _read(chunk, str(rollout))
    assert (len(found), damaged) == (1, 1)


def test_the_newest_session_of_a_tree_is_found_and_never_another_agents(tmp_path: Path) -> None:
    home, tree = tmp_path / "codex", str(tmp_path / "tree")

    def begin(name: str, second: int, cwd: str = tree, source: str = "user") -> Path:
        at = f"2026-11-22T18:39:{second:02}.000Z"
        file = home / "sessions/2026/11/22" / f"rollout-2026-11-22T18-39-{second:02}-{name}.jsonl"
        write(file, row("session_meta", id=name, cwd=cwd, timestamp=at, thread_source=source))
        return file

    since = 1795372750_000  # 18:39:10
    begin("early", 5)
    mine = begin("mine", 20)
    begin("elsewhere", 30, cwd="/other")
    begin("child", 40, source="subagent")
    begin("theirs", 50)
    (home / "sessions/2026/11/22/rollout-2026-11-22T18-39-59-broken.jsonl").write_bytes(b"\xff")
    found = sessions.newest(str(home), tree, since, frozenset({"theirs"}))
    assert found and (found.session, found.transcript) == ("mine", str(mine))
    assert sessions.newest(str(home), tree, since, frozenset({"theirs", "mine"})) is None
    assert sessions.newest(str(tmp_path / "nothing"), tree, since, frozenset()) is None
    os.utime(mine, (1, 1))
    assert sessions.newest(str(home), tree, since, frozenset({"theirs"})) is None


def test_a_hook_is_known_by_the_hash_that_codex_stores_when_a_human_trusts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "SECONDS", 10)
    words = start.words("/tmp/h/foreign-play/hook.sh")
    # what 0.169.0 wrote into config.toml for a Stop hook with this command and a timeout of 10
    key, value = (
        "/<session-flags>/config.toml:stop:0:0",
        "f15c97219f192f1eb1e5fc3c803907c0678f157ca61f8cc00039f1995c9668c1",
    )
    assert tomllib.loads(words[-1])["hooks"]["state"][key] == {"trusted_hash": f"sha256:{value}"}


def test_every_setting_on_the_command_line_is_toml_whatever_the_hook_says() -> None:
    hook = 'if [ -n "$X" ]; then cat >"$f" && mv "$f" "${f##*.}"; fi \\ ünï'
    words = start.words(hook)
    assert words[::2] == ["-c"] * (len(words) // 2)
    for setting in words[1:-1:2]:
        (event,) = tomllib.loads(setting)["hooks"].values()
        assert event[0]["hooks"][0]["command"] == hook
