from __future__ import annotations

import pytest

from agentdeck.demo.script import Call
from agentdeck.demo.tools import resolve

CLAUDE = {"Bash", "Read", "Write", "Edit", "AskUserQuestion"}
BUILTIN = {"bash", "read", "write", "edit"}


@pytest.mark.parametrize(
    ("call", "for_claude", "for_builtin"),
    [
        (
            Call("bash", ("ls",)),
            ("Bash", {"command": "ls", "description": "Run a scripted command"}),
            ("bash", {"command": "ls"}),
        ),
        (Call("read", ("a.py",)), ("Read", {"file_path": "/w/a.py"}), ("read", {"filePath": "a.py"})),
        (
            Call("write", ("/x/a.py", "hi")),
            ("Write", {"file_path": "/x/a.py", "content": "hi"}),
            ("write", {"filePath": "/x/a.py", "content": "hi"}),
        ),
        (
            Call("edit", ("a.py", "old", "new")),
            ("Edit", {"file_path": "/w/a.py", "old_string": "old", "new_string": "new"}),
            ("edit", {"filePath": "a.py", "oldString": "old", "newString": "new"}),
        ),
    ],
)
def test_each_client_gets_its_own_names(call: Call, for_claude: object, for_builtin: object) -> None:
    assert resolve(call, CLAUDE, "/w") == for_claude
    assert resolve(call, BUILTIN, "/w") == for_builtin


def test_paths_stay_relative_when_the_directory_is_unknown() -> None:
    assert resolve(Call("read", ("a.py",)), CLAUDE, "") == ("Read", {"file_path": "a.py"})


def test_a_question_becomes_options() -> None:
    found = resolve(Call("ask", ("Which?", "Left", "Right")), CLAUDE, "")
    assert found
    assert [option["label"] for option in found[1]["questions"][0]["options"]] == ["Left", "Right"]


def test_nothing_fits_when_the_tool_is_not_offered() -> None:
    assert resolve(Call("bash", ("ls",)), {"read"}, "") is None
    assert resolve(Call("call", ("Fly", "{}")), CLAUDE, "") is None
    assert resolve(Call("call", ("Bash", '{"command": "x"}')), CLAUDE, "") == ("Bash", {"command": "x"})
