"""The scripted model as the real `anthropic` client meets it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from agentdeck.demo.server import ScriptedModel, main

BASH = {"name": "bash", "description": "run", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as running:
        yield running


@pytest.fixture
def client(model: ScriptedModel) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=model.url, api_key="sk-dummy", max_retries=0) as made:
        yield made


def ask(client: anthropic.Anthropic, prompt: str, **more: Any) -> anthropic.types.Message:
    messages: list[Any] = [{"role": "user", "content": prompt}]
    with client.messages.stream(model="m", max_tokens=99, messages=messages, tools=[BASH], **more) as stream:
        return stream.get_final_message()


def test_text_thinking_and_tool_arrive_by_stream(client: anthropic.Anthropic) -> None:
    found = ask(client, "Go ::think Hmm, a  double blank. ::say Grüße, 世界 🌍!\\n  indented ::bash echo 'a b' | wc")
    assert [block.type for block in found.content] == ["thinking", "text", "tool_use"]
    thought, text, call = found.content
    assert thought.thinking == "Hmm, a  double blank."
    assert text.text == "Grüße, 世界 🌍!\n  indented"
    assert (call.name, call.input) == ("bash", {"command": "echo 'a b' | wc"})
    assert found.stop_reason == "tool_use"


def test_the_next_step_follows_from_the_conversation_alone(client: anthropic.Anthropic, model: ScriptedModel) -> None:
    first = ask(client, "::bash ls ::say Done with $HOME")
    answered = [
        {"role": "user", "content": "::bash ls ::say Done with $HOME"},
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": first.content[0].id, "content": "a b"}]},
    ]
    for _ in range(2):
        found = client.messages.create(model="m", max_tokens=99, messages=answered, tools=[BASH])
        assert found.content[0].text == "Done with $HOME"
        assert found.stop_reason == "end_turn"
    assert [served.step for served in model.requests] == [0, 1, 1]


@pytest.mark.parametrize("stream", [True, False])
def test_given_usage_reaches_the_client_and_the_list(
    client: anthropic.Anthropic, model: ScriptedModel, stream: bool
) -> None:
    prompt = "::usage input=4 read=9000 write5m=30 write1h=20 output=250 ::say Hi"
    if stream:
        found = ask(client, prompt)
    else:
        found = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": prompt}])
    usage = found.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (4, 9000, 250)
    assert usage.cache_creation_input_tokens == 50
    (served,) = model.requests
    assert (served.usage.cache_write_5m_tokens, served.usage.cache_write_1h_tokens) == (30, 20)
    assert (served.finished, served.stream, served.status, served.message) == (True, stream, 200, found.id)


def test_an_error_comes_as_often_as_scripted(client: anthropic.Anthropic, model: ScriptedModel) -> None:
    for _ in range(2):
        with pytest.raises(anthropic.APIStatusError, match="Too busy") as caught:
            ask(client, "::fail 529 x2 Too busy ::say At last")
        assert caught.value.status_code == 529
    assert ask(client, "::fail 529 x2 Too busy ::say At last").content[0].text == "At last"
    assert [(served.status, served.finished) for served in model.requests] == [(529, False), (529, False), (200, True)]
    assert model.requests[0].usage.output_tokens == 0


def test_the_client_s_own_retries_get_past_a_short_outage(model: ScriptedModel) -> None:
    with anthropic.Anthropic(base_url=model.url, api_key="sk-dummy", max_retries=2) as client:
        assert ask(client, "::fail 529 x1 ::say At last").content[0].text == "At last"
    assert len(model.requests) == 2


def test_a_cut_breaks_the_stream_once(client: anthropic.Anthropic, model: ScriptedModel) -> None:
    with pytest.raises(Exception, match="peer closed"):
        ask(client, "::cut x1 ::say one two three four five six")
    (served,) = model.requests
    assert not served.finished
    assert served.usage.input_tokens > 0 and served.usage.output_tokens == 1
    assert ask(client, "::cut x1 ::say one two three four five six").content[0].text == "one two three four five six"


def test_wait_and_slow_take_their_time(client: anthropic.Anthropic) -> None:
    began = time.monotonic()
    arrivals = []
    messages: list[Any] = [{"role": "user", "content": "::wait 0.3 ::slow 0.4 ::say a b c d e f g h"}]
    with client.messages.stream(model="m", max_tokens=99, messages=messages) as stream:
        for _ in stream.text_stream:
            arrivals.append(time.monotonic() - began)
    assert arrivals[0] >= 0.3
    assert arrivals[-1] >= 0.65
    assert arrivals[3] < arrivals[-1] - 0.1, "the text must come bit by bit"


def test_stop_ends_a_long_wait(client: anthropic.Anthropic, model: ScriptedModel) -> None:
    failed = threading.Event()

    def wait() -> None:
        try:
            ask(client, "::wait 600 ::say never")
        except anthropic.APIConnectionError:
            failed.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    deadline = time.monotonic() + 5
    while not model.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    model.stop()
    waiting.join(5)
    assert failed.is_set()


def test_a_client_that_hangs_up_is_not_waited_for(client: anthropic.Anthropic, model: ScriptedModel) -> None:
    messages: list[Any] = [{"role": "user", "content": "::slow 600 ::say " + "word " * 50}]
    with client.messages.stream(model="m", max_tokens=99, messages=messages) as stream:
        next(iter(stream))
    before = {thread.name for thread in threading.enumerate()}
    deadline = time.monotonic() + 5
    while any("process_request_thread" in name for name in before) and time.monotonic() < deadline:
        time.sleep(0.02)
        before = {thread.name for thread in threading.enumerate()}
    assert not [name for name in before if "process_request_thread" in name]
    (served,) = model.requests
    assert (served.finished, served.usage.output_tokens) == (False, 1)


def test_a_script_without_a_fitting_tool_says_so(client: anthropic.Anthropic) -> None:
    found = ask(client, "::write a.txt := hi")
    assert found.stop_reason == "end_turn"
    assert "write" in found.content[0].text


def test_a_bad_directive_is_a_400_that_names_it(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="::write"):
        ask(client, "::write nothing")


def status(model: ScriptedModel, method: str, path: str, body: bytes | None = None) -> int:
    connection = http.client.HTTPConnection(model.url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_small_routes(client: anthropic.Anthropic, model: ScriptedModel) -> None:
    counted = client.messages.count_tokens(model="m", messages=[{"role": "user", "content": "x" * 400}])
    assert counted.input_tokens > 90
    assert any(entry.id == "claude-sonnet-4-5" for entry in client.models.list())
    assert status(model, "HEAD", "/") == 200
    assert status(model, "GET", "/nowhere") == 404
    assert status(model, "POST", "/v1/messages", b"{") == 400
    assert status(model, "POST", "/v1/messages", b"[]") == 400


def test_many_clients_at_once(model: ScriptedModel) -> None:
    said: list[str] = []

    def one(number: int) -> None:
        with anthropic.Anthropic(base_url=model.url, api_key="sk-dummy", max_retries=0) as client:
            said.append(ask(client, f"::slow 0.3 ::say I am number {number}").content[0].text)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(said) == sorted(f"I am number {number}" for number in range(12))
    assert sum(served.finished for served in model.requests) == 12


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    ready, scenario = tmp_path / "ready.json", tmp_path / "scenario.json"
    scenario.write_text(json.dumps({"default": [{"say": "from the file"}]}))
    command = [sys.executable, "-m", "agentdeck.demo.server", "--scenario", str(scenario), "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while not ready.exists():
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.02)
            told = json.loads(ready.read_text())
            assert told["pid"] == process.pid
            with anthropic.Anthropic(base_url=told["url"], api_key="sk-dummy") as client:
                assert ask(client, "hello").content[0].text == "from the file"
            with urllib.request.urlopen(told["url"] + "/debug/requests") as answer:
                (served,) = json.load(answer)
            assert served["finished"] and served["usage"]["output_tokens"] > 0
        finally:
            os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_taken_port_and_a_bad_scenario_are_errors(model: ScriptedModel, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", model.url.rsplit(":", 1)[1]]) == 1
    assert main(["--scenario", "/nowhere.json"]) == 2
    told = capsys.readouterr().err
    assert "cannot be used" in told and "/nowhere.json" in told
