"""Specs: what they may say, and where they are wrong."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdeck.errors import UsageError
from agentdeck.models.spec import Budget
from agentdeck.services.queue import specs


def fails(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        specs.parse(text, "specs/x.md")
    assert error.value.title.startswith("specs/x.md")
    assert message in error.value.title
    assert error.value.hint
    assert error.value.exit_code == 2


def test_settings_and_body() -> None:
    front = "---\ntitle: Add a flag\nbase: main\nharness: claude\nmodel: opus\nagent: al\nverify: make test\n---\n"
    text = front + "\n# Do\n\nit\n"
    spec = specs.parse(text, "specs/x.md")
    assert (spec.title, spec.base, spec.harness, spec.model, spec.agent) == (
        "Add a flag",
        "main",
        "claude",
        "opus",
        "al",
    )
    assert (spec.verify, spec.body, spec.path, spec.text) == ("make test", "# Do\n\nit", "specs/x.md", text)
    assert spec.version == hashlib.sha256(text.encode()).hexdigest()


FULL = """\
---
niche: frontier
verify: make
team: core
priority: -2
depends_on: [3, specs/a.md]
verify_timeout: 90
protect: [tests/**, check.sh]
max_attempts: 5
budget: {usd: 2, tokens: 100000, minutes: 1.5, turns: 4}
keep_going: true
auto_accept: True
labels: small
---
body
"""


def test_every_setting() -> None:
    spec = specs.parse(FULL)
    assert (spec.niche, spec.team, spec.priority, spec.depends_on) == ("frontier", "core", -2, ("3", "specs/a.md"))
    assert (spec.verify_timeout, spec.protect, spec.max_attempts) == (90, ("tests/**", "check.sh"), 5)
    assert spec.budget == Budget(2, 100_000, 1.5, 4)
    assert (spec.keep_going, spec.auto_accept, spec.labels) == (True, True, ("small",))
    plain = specs.parse("body")
    assert (plain.protect, plain.budget, plain.depends_on, plain.labels) == (None, Budget(), (), ())
    assert specs.parse("---\nprotect: []\n---\nbody").protect == ()


def test_without_settings_everything_is_body() -> None:
    spec = specs.parse("Just do it")
    assert (spec.title, spec.body, spec.harness, spec.path) == ("Just do it", "Just do it", "", "")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("# One\n\n# Two\n", "One"),
        ("intro first\n\n## The heading ##\n", "The heading"),
        ("\n\n  first line  here \nsecond\n", "first line here"),
        ("```\n# no heading\n```\n# Heading\n", "Heading"),
        ("~~~~\n```\n# no\n~~~~\n# Yes\n", "Yes"),
        ("Set by a rule\n=============\n\n## Later\n", "Set by a rule"),
        ("#hashtag is no heading\n", "#hashtag is no heading"),
        ("#\n# \nreal words\n", "#"),
        ("word " * 40, ("word " * 16).strip()[:79] + "…"),
        ("ä" * 80, "ä" * 80),
    ],
)
def test_the_title_is_the_first_heading_or_line(body: str, title: str) -> None:
    assert specs.parse(body).title == title
    assert len(specs.parse(body).title) <= 80


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: x\nverfy: make\n---\nbody\n", "line 3: unknown key 'verfy'"),
        ("---\n# a comment\n\nTitle: x\n---\nbody\n", "line 4: unknown key 'Title'"),
        ("---\ntitle: x\npriority: 3\nfoo: 1\n---\nbody\n", "line 4: unknown key 'foo'"),
        ("---\npriority: high\n---\nbody\n", "line 2: 'priority' must be a whole number"),
        ("---\npriority: true\n---\nbody\n", "line 2: 'priority' must be a whole number"),
        ("---\ntitle: x\nverify_timeout: 0\n---\nbody\n", "line 3: 'verify_timeout' must be a number of seconds"),
        ("---\nverify_timeout: .inf\n---\nbody\n", "line 2: 'verify_timeout' must be"),
        ("---\nmax_attempts: 0\n---\nbody\n", "line 2: 'max_attempts' must be a whole number from 1"),
        ("---\nkeep_going: maybe\n---\nbody\n", "line 2: 'keep_going' must be true or false"),
        ("---\nauto_accept: 1\n---\nbody\n", "line 2: 'auto_accept' must be true or false"),
        ("---\nlabels: {a: b}\n---\nbody\n", "line 2: 'labels' must be a list of texts"),
        ("---\ndepends_on: [[1]]\n---\nbody\n", "line 2: 'depends_on' must be a list of task numbers"),
        ("---\ntitle: x\nbudget:\n  usd: 1\n  euro: 2\n---\nbody\n", "line 3: 'budget' must be some of usd, tokens"),
        ("---\nbudget: {usd: -1}\n---\nbody\n", "line 2: 'budget' must be"),
        ("---\nbudget: 5\n---\nbody\n", "line 2: 'budget' must be"),
        ("---\ntitle: x\nverify: 3\n---\nbody\n", "line 3: 'verify' must be one text"),
        ("---\ntitle: true\n---\nbody\n", "line 2: 'title' must be one text"),
        ("---\nverify: [make, test]\n---\nbody\n", "line 2: 'verify' must be one text"),
        ("---\nagent:\n  name: al\n---\nbody\n", "line 2: 'agent' must be one text"),
        ("---\ntitle: a\nbase: b\ntitle: c\n---\nbody\n", "line 4"),
        ("---\ntitle: 'x\n---\nbody\n", "line "),
        ("---\ntitle: a: b\n---\nbody\n", "line 2: mapping values are not allowed here"),
        ("---\ntitle: x\n\tbase: y\n---\nbody\n", "line 3"),
        ("---\n- a\n---\nbody\n", "line 2: settings are lines"),
        ("---\njust words\n---\nbody\n", "line 2: settings are lines"),
        ("---\ntitle: x\nbody\n", "line 1: the settings have no end"),
        ("---\ntitle: x\n---\n \n\n", "its text is empty"),
        ("", "its text is empty"),
        ("\n \t\n", "its text is empty"),
        ("ok\nbad \x1b[201~ paste\n", "line 2: a control character"),
        ("---\ntitle: x\x00\n---\nbody\n", "line 2: a control character"),
        ("x" * (specs.LIMIT + 1), "larger than 1 MiB"),
        ("a \udcff b", "not UTF-8"),
        ("---\n!!python/object:os.system x: y\n---\nbody\n", "line 2: unknown key"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    fails(text, message)


def test_an_empty_setting_is_none() -> None:
    spec = specs.parse("---\nbase:\nmodel: ''\n---\nbody\n")
    assert (spec.base, spec.model, spec.title) == ("", "", "body")


def test_settings_of_several_lines() -> None:
    spec = specs.parse("---\nverify: |\n  make lint\n  make test\ntitle: >\n  a\n  b\n---\nbody\n")
    assert (spec.verify, spec.title) == ("make lint\nmake test", "a b")


def test_empty_settings_are_fine() -> None:
    assert specs.parse("---\n---\nbody\n").body == "body"
    assert specs.parse("---\n# nothing\n---\nbody\n").body == "body"


def test_a_rule_further_down_is_no_setting() -> None:
    assert specs.parse("Do\n\n---\n\nmore\n").body == "Do\n\n---\n\nmore"


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    text = "\ufeff---\r\ntitle: Über\r\n---\r\nline one\r\n\r\nline two\r\n"
    spec = specs.parse(text)
    assert (spec.title, spec.body) == ("Über", "line one\n\nline two")
    with pytest.raises(UsageError, match="line 3: unknown key 'x'"):
        specs.parse("\ufeff---\r\ntitle: a\r\nx: b\r\n---\r\nbody\r\n")


def test_indented_first_lines_keep_their_indent() -> None:
    assert specs.parse("\n\n    code\nmore\n").body == "    code\nmore"


WORDS = st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=200)


@given(
    st.one_of(
        WORDS, st.builds("---\n{}\n---\n{}".format, WORDS, WORDS), st.builds("---\ntitle: {}\n---\nx".format, WORDS)
    )
)
def test_any_text_is_a_spec_or_a_clear_error(text: str) -> None:
    try:
        spec = specs.parse(text)
    except UsageError as error:
        assert error.hint
    else:
        assert spec.body.strip()
        assert spec.title.strip()
        assert "\n" not in spec.title


# Files


def test_a_files_version_is_that_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "ä spec.md"
    file.write_bytes(b"\xef\xbb\xbf# Hi\r\n\r\nDo \xc3\xa4\r\n")
    spec = specs.load(file)
    assert spec.version == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (spec.title, spec.path, spec.body) == ("Hi", str(file), "# Hi\n\nDo ä")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes(b"ok\n\nnot \xe4 ok\n")
    (tmp_path / "big.md").write_bytes(b"x" * (specs.LIMIT + 1))
    os.mkfifo(tmp_path / "pipe.md")
    for name, message in (
        ("latin.md", "line 3: this is not UTF-8"),
        ("big.md", "larger than"),
        ("pipe.md", "not a file"),
    ):
        with pytest.raises(UsageError, match=message):
            specs.load(tmp_path / name)
    for missing in (tmp_path, tmp_path / "none.md"):
        with pytest.raises(UsageError, match="is not a file"):
            specs.load(missing)


def test_the_specs_of_a_repository(tmp_path: Path) -> None:
    assert specs.list_specs(tmp_path) == []
    folder = tmp_path / "specs"
    (folder / "dir.md").mkdir(parents=True)
    for name in ("b.md", "a.md", ".hidden.md", "c.txt"):
        (folder / name).write_text("x")
    (folder / "out.md").symlink_to("/etc/hostname")
    (folder / "in.md").symlink_to("a.md")
    (folder / "broken.md").symlink_to("nowhere")
    assert [path.name for path in specs.list_specs(tmp_path)] == ["a.md", "b.md", "in.md"]
