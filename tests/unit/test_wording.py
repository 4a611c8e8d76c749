"""What a text becomes on its way to a client, and by what it is known again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.harnesses import loader
from agentdeck.harnesses.schema import Typing
from agentdeck.services.delivery import wording

CLAUDE, CODEX = loader.get("claude"), loader.get("codex")
LONG = "\n".join(f"{i}. keep 'all' of it, 漢字 and 👩‍💻 too" for i in range(90))


@pytest.mark.parametrize(
    ("text", "kept", "note"),
    [
        ("a\r\nb\rc\td", "a\nb\nc\td", ""),
        ("a\x1b[31mb\x07\x1b", "a[31mb", "3 control characters left out: ESC ×2, BEL"),
        ("\x00\x01\x7f\x85", "", "4 control characters left out: NUL, ^A, DEL, U+0085"),
        ("a\u202eb\ufeff", "ab", "2 invisible characters left out: U+202E, U+FEFF"),
        ("👩‍💻 می‌خواهم é", "👩‍💻 می‌خواهم é", ""),
        ("lone \udc80 half", "lone  half", "1 invisible character left out: U+DC80"),
    ],
)
def test_what_cannot_be_pasted_is_left_out_and_said(text: str, kept: str, note: str) -> None:
    assert wording.clean(text) == wording.Clean(kept, note)


def test_only_some_kinds_are_named() -> None:
    note = wording.clean("".join(map(chr, range(1, 9)))).note
    assert note.startswith("8 control characters left out: ^A, ^B") and note.endswith(" and 2 more kinds")


@pytest.mark.parametrize("text", ["/clear", " /clear now", "!ls", "\n/help"])
def test_what_looks_like_a_command_is_dressed(text: str) -> None:
    dressed = wording.literal(CLAUDE.typing, text)
    assert dressed == f" {text}\n\n\n\n"
    assert wording.same(dressed, text)
    assert wording.literal(CODEX.typing, text) == f" {text}"
    for client in ("gemini", "opencode"):
        typing = loader.get(client).typing
        dressed = wording.literal(typing, text)
        assert dressed == (text if text == "!ls" else f"{typing.before}{text}")
        assert typing.before and wording.same(str(dressed), text)


def test_other_texts_are_left_alone() -> None:
    for text in ("# a heading", "@file look", "say /clear", "1/2", LONG):
        assert wording.literal(CLAUDE.typing, text) == text
    for client in ("codex", "gemini", "opencode"):
        assert wording.literal(loader.get(client).typing, "look at @file") == "look at @file "
    assert wording.literal(CODEX.typing, "@file, look") == "@file, look"
    assert wording.literal(Typing(commands="/"), "/clear") is None, "nobody knows how"


def test_a_report_is_known_by_its_words() -> None:
    wrap = CLAUDE.typing.wrap
    wrapped = '\n\n<pasted_content id="b4">\nfirst line\nsecond   line\n</pasted_content id="b4">\n'
    assert wording.same(wrapped, "first line\nsecond line\n", wrap)
    assert not wording.same(wrapped, "first line", wrap), "a short text is not found inside another"
    assert wording.same("a    b", "a\tb")
    assert wording.same(f"what stood there before {LONG}", LONG), "the client merged two prompts"
    assert wording.same(LONG[:600], LONG), "the client tells the beginning"
    assert not wording.same("yes", LONG)
    assert not wording.same("something else", "first line")
    assert wording.same("", "anything"), "the client does not say which"
    assert wording.same("👍", "👍") and not wording.same("👎", "👍")


def test_a_composer_shows_a_text_whole_as_a_badge_or_by_its_end() -> None:
    badge = CLAUDE.composer.badge
    assert wording.shows("two words\n  more", "two words more")
    assert not wording.shows("xtwo words", "two words")
    assert not wording.shows("two words!", "two words")
    assert wording.shows("[Pasted text #1 +89 lines]", LONG, badge)
    assert not wording.shows("[Pasted text #1 +3 lines]", LONG, badge), "somebody else's paste"
    assert not wording.shows("and [Pasted text #1 +89 lines]", LONG, badge)
    assert wording.shows("[Pasted Content 1500 chars]", "x" * 1500, CODEX.composer.badge)
    assert wording.shows(LONG[-500:], LONG)
    assert wording.shows("…" + LONG[-100:], LONG)
    assert not wording.shows(LONG[-500:] + "s", LONG)
    lines = "\n".join(f"line {n}" for n in range(60))
    assert wording.shows(f"line 45        ↑{lines[lines.index('line 45') + 7 :]}", lines)
    assert not wording.shows("line 58  ↑\nline 59", lines), "too little of it is in sight"
    assert wording.scrolled("old talk " + LONG[-700:], LONG)
    assert not wording.scrolled("my draft " + LONG, LONG), "its beginning is in sight: something stands before it"


@given(st.text())
def test_cleaning_is_done_once_and_keeps_the_meaning(text: str) -> None:
    cleaned = wording.clean(text)
    assert wording.clean(cleaned.text) == wording.Clean(cleaned.text)
    assert wording.essence(cleaned.text) == wording.essence(text)
    assert wording.same(cleaned.text, cleaned.text)
    cleaned.text.encode()
