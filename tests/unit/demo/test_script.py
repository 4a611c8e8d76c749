from __future__ import annotations

import pytest

from agentdeck.demo.script import DONE, Call, Fail, Step, parse
from agentdeck.errors import UsageError


def test_a_prompt_without_directives_has_no_steps() -> None:
    assert parse("Please use std::say or a ::step slice, e.g. x[::2] and ::sayer") == ()


def test_a_response_ends_with_its_tool_call() -> None:
    steps = parse("Have a look. ::say Looking. ::bash ls -la | head ::say Two files. ::wait 2 ::slow 3")
    assert steps == (
        Step(say="Looking.", calls=(Call("bash", ("ls -la | head",)),)),
        Step(say="Two files.", wait=2.0, slow=3.0),
    )


def test_settings_count_wherever_they_stand_in_a_response() -> None:
    before = parse("::wait 1 ::fail 529 x2 Too busy now ::say Hi ::bash ls ::say End")
    after = parse("::say Hi ::wait 1 ::fail 529 x2 Too busy now ::bash ls ::say End")
    assert before == after
    assert before[0].fail == Fail(529, 2, "Too busy now")


def test_a_script_that_ends_with_a_call_gets_a_closing_text() -> None:
    assert parse("::bash true ::bash false")[-1] is DONE
    assert len(parse("::bash true ::bash false")) == 3


def test_texts_of_one_response_join_as_paragraphs() -> None:
    assert parse("::say one ::say two") == (Step(say="one\n\ntwo"),)


def test_parts_of_write_edit_ask_and_call() -> None:
    written, edited, asked, called, _ = parse(
        r"::write a dir/notes.txt := one\n\ttwo ::edit app.py := a = 1 => a = 2 "
        r'::ask Which one? | Left | Right ::call Agent {"prompt": ":\u003abash ls"} ::say End'
    )
    assert written.calls == (Call("write", ("a dir/notes.txt", "one\n\ttwo")),)
    assert edited.calls == (Call("edit", ("app.py", "a = 1", "a = 2")),)
    assert asked.calls == (Call("ask", ("Which one?", "Left", "Right")),)
    assert called.calls[0].args[0] == "Agent"


def test_an_empty_line_ends_an_argument_and_a_line_break_does_not() -> None:
    steps = parse("# Title\n\n::bash one\ntwo\n\nMore words of the spec.\n\n::say End\n\nBye")
    assert steps == (Step(calls=(Call("bash", ("one\ntwo",)),)), Step(say="End"))


def test_usage_and_cut() -> None:
    (step,) = parse("::usage input=4 read=9000 write5m=30 write1h=1 output=250 ::cut x2 ::say Hi")
    assert step.usage == {"input": 4, "read": 9000, "write5m": 30, "write1h": 1, "output": 250}
    assert step.cut == 2


@pytest.mark.parametrize(
    "text",
    [
        "::write notes.txt hello",
        "::edit a := b",
        "::fail often",
        "::usage tokens=3",
        "::wait long",
        "::bash",
        "::call X []",
    ],
)
def test_a_malformed_directive_names_itself(text: str) -> None:
    with pytest.raises(UsageError, match=text.split()[0]):
        parse(text)
