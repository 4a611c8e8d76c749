from __future__ import annotations

import json
from typing import Any

from agentdeck.demo.reply import count, side_step
from agentdeck.demo.request import read

TOOLS = [{"name": "Bash"}, {"name": "Write"}]


def asked(messages: list[dict[str, Any]], **more: Any) -> Any:
    return read({"model": "m", "messages": messages, "tools": TOOLS, **more}, {})


def test_the_newest_typed_text_is_the_prompt_and_responses_after_it_are_counted() -> None:
    found = asked(
        [
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": [{"type": "text", "text": "one"}]},
            {"role": "user", "content": [{"type": "text", "text": "second"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": "ok"},
                    {"type": "text", "text": "<system-reminder>Mind the gap</system-reminder>"},
                ],
            },
        ]
    )
    assert (found.prompt, found.taken, found.turns, found.side) == ("second", 1, 5, False)


def test_context_merged_prompts_and_paste_marks_are_seen_through() -> None:
    found = asked(
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "<system-reminder>\ncontext\n</system-reminder>"},
                    {"type": "text", "text": "unanswered"},
                    {"type": "text", "text": '\n\n<pasted_content id="b4">\n::say Hi\n</pasted_content id="b4">\n'},
                    {"type": "text", "text": "[Request interrupted by user]"},
                    {"type": "text", "text": "[The user interrupted this turn.]"},
                ],
            }
        ]
    )
    assert found.prompt == "::say Hi"


def test_a_queued_prompt_is_the_newest_one() -> None:
    wrapped = "The user sent a new message while you were working:\nnow ::say Hi\n\nThis is how Claude Code says it."
    found = asked(
        [
            {"role": "user", "content": "::bash ls"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result"}, {"type": "text", "text": wrapped}]},
        ]
    )
    assert (found.prompt, found.taken) == ("now ::say Hi", 0)


def test_directory_and_session_are_read_where_clients_put_them() -> None:
    user = json.dumps({"device_id": "d", "session_id": "s-1"})
    system = [{"type": "text", "text": "# Environment\n - Primary working directory: /tmp/a-b/repo\n"}]
    found = asked([{"role": "user", "content": "hi"}], metadata={"user_id": user}, system=system)
    assert (found.cwd, found.session) == ("/tmp/a-b/repo", "s-1")
    assert asked([{"role": "user", "content": "hi"}]).cwd == ""


def test_what_a_client_asks_for_itself_is_a_side_request() -> None:
    title = {"messages": [{"role": "user", "content": "fix it"}], "system": "Write a short title for this session"}
    assert read(title, {}).side
    assert read({"messages": [{"role": "user", "content": "quota"}], "max_tokens": 1}, {}).side
    assert not read({"messages": [{"role": "user", "content": "fix it"}]}, {}).side
    assert not read({**title, "tools": TOOLS}, {}).side


def test_side_answers_have_the_form_that_was_asked_for() -> None:
    prompt = "<session>\nMend the login page ::bash ls\n</session>\n\nWrite the title."
    assert side_step({}, prompt).say == "Mend the login page"
    wanted = {"output_config": {"format": {"schema": {"properties": {"title": {"type": "string"}}}}}}
    assert json.loads(side_step(wanted, prompt).say) == {"title": "Mend the login page"}
    compact = "Respond with TEXT ONLY. Do NOT call any tools. An <analysis> block followed by a <summary> block."
    assert read({"messages": [{"role": "user", "content": compact}], "tools": TOOLS}, {}).side
    assert "<summary>" in side_step({}, compact).say


def test_usage_behaves_like_prompt_caching() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    old = {"role": "user", "content": "x" * 4000}
    answer = {"role": "assistant", "content": "y" * 40}
    new = {"role": "user", "content": [{"type": "text", "text": "z" * 400, **mark}]}
    plain = count({"messages": [old]}, 7, {})
    assert plain.input_tokens > 1000 and plain.output_tokens == 7
    assert plain.cache_read_tokens == plain.cache_write_5m_tokens == 0
    first = count({"messages": [{**old, **mark}]}, 7, {})
    assert first.cache_write_5m_tokens > 1000 and first.cache_read_tokens == 0
    later = count({"messages": [old, answer, new]}, 7, {})
    assert later.cache_read_tokens > 1000 and 100 < later.cache_write_5m_tokens < 300
    hour = {"role": "user", "content": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert count({"messages": [hour]}, 1, {}).cache_write_1h_tokens > 0
    assert count({"messages": [old]}, 1, {"input": 3, "read": 50}).cache_read_tokens == 50
