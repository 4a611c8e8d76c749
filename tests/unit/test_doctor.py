"""What the doctor says of a terminal and of a client: pure judgements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentdeck.harnesses import loader
from agentdeck.services.doctor import clients, terminal
from agentdeck.services.doctor.finding import Finding
from tests.programs import bin_with

GOOD = {"LANG": "C.UTF-8", "COLORTERM": "truecolor", "TERM": "xterm-256color"}


def said(found: list[Finding]) -> str:
    return "\n".join(f"{one.verdict}: {one.text} -> {one.mend}" for one in found)


@pytest.mark.parametrize(
    ("environ", "size", "outer", "words"),
    [
        ({}, (200, 60), {}, "warn: the locale 'C' has no UTF-8"),
        ({"LANG": "de_DE.ISO-8859-1"}, (200, 60), {}, "'de_DE.ISO-8859-1' has no UTF-8"),
        ({"LC_ALL": "en_US.utf8"}, (200, 60), {}, "promises no 24-bit colour -> export COLORTERM"),
        (GOOD, (79, 24), {}, "warn: 79x24 -> Make it 80x24"),
        (GOOD, None, {}, "this is no terminal"),
        (GOOD, (80, 24), {"inside": "yes", "set-clipboard": "off"}, "-> tmux set -s set-clipboard on"),
        (GOOD, (80, 24), {"inside": "yes", "terminal-features": "xterm*:256"}, "passes on 256 colours only"),
    ],
)
def test_what_a_terminal_lacks(
    environ: dict[str, str], size: tuple[int, int] | None, outer: dict[str, str], words: str
) -> None:
    assert words in said(list(terminal.judge(environ, size, outer)))


def test_a_terminal_that_has_all() -> None:
    outer = {"inside": "yes", "set-clipboard": "external", "terminal-features": "xterm*:RGB"}
    assert [one.verdict for one in terminal.judge(GOOD, (200, 60), outer)] == ["ok"]


def test_a_client_its_version_and_its_login(own_machine: Path) -> None:
    folder = bin_with(own_machine, claude="echo '2.1.330 (Claude Code)'")
    environ = {"PATH": folder, "HOME": str(own_machine / "home")}
    claude = loader.get("claude")
    (found,) = clients.one(claude, environ)
    assert (found.verdict, found.text) == ("warn", "Claude Code 2.1.330; no sign of a login") and found.mend
    (found,) = clients.one(claude, {**environ, "ANTHROPIC_API_KEY": "never shown"})
    assert found.verdict == "ok" and "ANTHROPIC_API_KEY is set" in found.text and "never shown" not in found.text
    home = own_machine / "home" / ".claude"
    home.mkdir()
    (home / ".credentials.json").touch(mode=0)
    (home / "settings.json").write_text(json.dumps({"disableAllHooks": True}))
    logged_in, hooks = clients.one(claude, environ)
    assert logged_in.verdict == "ok" and "has logged in before" in logged_in.text
    assert hooks.verdict == "warn" and "disableAllHooks" in hooks.text


def test_a_client_that_is_missing_or_says_no_version(own_machine: Path) -> None:
    (found,) = clients.one(loader.get("claude"), {"PATH": str(own_machine), "HOME": "/nowhere"})
    assert (found.verdict, found.mend) == ("note", loader.get("claude").install)
    folder = bin_with(own_machine, claude="exit 3")
    (found,) = clients.one(loader.get("claude"), {"PATH": folder, "HOME": "/nowhere"})
    assert found.text.startswith("Claude Code; no sign")
