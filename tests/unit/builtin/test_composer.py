"""The line the human types on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.builtin.composer import Composer
from agentdeck.builtin.keys import Key
from agentdeck.builtin.layout import width


def typed(*keys: str) -> Composer:
    """`<name>` is a key, everything else is text."""
    composer = Composer()
    for key in keys:
        composer.press(Key(key[1:-1]) if key.startswith("<") else Key("text", key))
    return composer


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("abc", "<left>", "X"), "abXc"),
        (("abc", "<home>", "X"), "Xabc"),
        (("abc", "<home>", "<end>", "X"), "abcX"),
        (("abc", "<backspace>"), "ab"),
        (("<backspace>", "a"), "a"),
        (("abc", "<home>", "<delete>"), "bc"),
        (("abc", "<delete>"), "abc"),
        (("one two", "<kill-word>"), "one "),
        (("one two", "<left>", "<kill-left>"), "o"),
        (("one two", "<home>", "<right>", "<kill-right>"), "o"),
        (("one two", "<word-left>", "<word-left>", "<word-right>", "X"), "oneX two"),
        (("a", "<newline>", "b"), "a\nb"),
        (("漢字", "<left>", "<backspace>"), "字"),
        (("a", "<tab>", "<up>", "b"), "ab"),
    ],
)
def test_editing(keys: tuple[str, ...], text: str) -> None:
    assert typed(*keys).text == text


def test_a_paste_of_many_lines_shows_a_label_and_is_delivered_verbatim() -> None:
    text = "def f():\n\treturn 1\n\n# 漢字\n"
    composer = typed("see ")
    composer.press(Key("paste", text))
    assert composer.shown(80) == ("see [pasted 5 lines]", 20)
    assert composer.text == "see " + text


def test_a_short_paste_of_one_line_shows_itself() -> None:
    composer = Composer()
    composer.press(Key("paste", "fix the test"))
    assert composer.shown(80) == ("fix the test", 12)


def test_backspace_takes_a_whole_paste() -> None:
    composer = typed("a")
    composer.put("x\n" * 500)
    composer.press(Key("backspace"))
    assert composer.text == "a"


def test_up_brings_back_what_was_taken_last_but_never_over_a_draft() -> None:
    composer = typed("one")
    assert composer.take() == "one"
    composer.press(Key("up"))
    assert composer.text == "one"
    composer.press(Key("text", "!"))
    composer.press(Key("up"))
    assert composer.text == "one!"


def test_control_characters_are_shown_as_something_harmless() -> None:
    composer = Composer()
    composer.press(Key("paste", "a\x1b[31mb\tc"))
    assert composer.shown(80)[0] == "a·[31mb c"
    assert composer.text == "a\x1b[31mb\tc"


TEXT = st.text(st.sampled_from("ab 漢字é👩\n\x1b"), max_size=60)


@given(TEXT, st.integers(0, 60), st.integers(4, 40))
def test_the_cursor_is_always_on_the_row(text: str, lefts: int, columns: int) -> None:
    composer = typed(*text, *["<left>"] * lefts)
    shown, column = composer.shown(columns)
    assert 0 <= column < columns
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert column <= width(shown)
