"""Has somebody begun a line at a shell's prompt? Prompts of all kinds, with nobody, a human, or a program as typist."""

from __future__ import annotations

import pytest

from agentdeck.services.delivery import shell_line

REST = 10_000


def state(row: str, typed: int = 0, column: int = -1, above: str = "", columns: int = 80) -> str:
    rows = [*([above] if above else []), row]
    cursor = (len(row) if column < 0 else column, len(rows) - 1)
    return shell_line.read(rows, cursor, columns, typed, REST).state


PROMPTS = ("$ ", "root@vm:/tmp# ", "me@box ~ % ", "❯ ", ">>> ", "(venv) ~/code/deck (main)$ ", "PS /home/me> ")
STRANGE = ("➜  deck git:(main) ", "say: ", "12:30 me$ dir > ")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_usual_prompt_tells_by_itself_whether_a_line_was_begun(prompt: str) -> None:
    for typed in (0, REST - 1, REST + 1):
        assert state(prompt, typed) == "empty"
        assert state(f"{prompt}git pus", typed) == "draft"
    assert state(f"{prompt}git push", column=len(prompt)) == "draft", "with the cursor on its first letter"
    assert state(f"{prompt.ljust(60)}main 12:30", column=len(prompt)) == "empty", "what stands on the right is no line"


@pytest.mark.parametrize("prompt", STRANGE)
def test_at_another_prompt_it_counts_who_has_typed_since_it_came(prompt: str) -> None:
    assert state(prompt) == "empty"
    assert state(prompt, REST - 1) == "empty", "that line has gone with its Enter"
    assert state(f"{prompt}ls", REST + 1) == "draft"
    assert state(prompt, REST + 1) == "draft", "nobody can tell"


def test_a_line_that_runs_over_the_edge_is_one_line() -> None:
    assert state("wo words", above="$ echo so many ", columns=15) == "draft"
    assert state("$ ", above="# a line that an earlier command printed", columns=40) == "empty"


def test_a_cursor_below_all_that_is_known_says_nothing() -> None:
    assert shell_line.read(["$ "], (0, 5), 80, 0, 0).state == "empty"
