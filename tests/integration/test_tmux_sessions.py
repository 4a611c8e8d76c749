"""Agents' sessions in a real server: how they are built, sized, attached to and removed."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from agentdeck.adapters import tmux
from agentdeck.adapters.tmux import conf
from agentdeck.errors import AgentDeckError
from tests.waiting import wait_for


def ask(socket: Path, *argv: str) -> list[str]:
    return subprocess.run(
        ["tmux", "-u", "-S", str(socket), *argv], capture_output=True, text=True, check=False
    ).stdout.splitlines()


@pytest.fixture
def socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    monkeypatch.setenv("TMUX", "/nowhere,1,0")
    monkeypatch.setenv("LC_ALL", "C")
    socket = tmp_path / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    return socket


def spawn(socket: Path, *argv: str, deck_id: str = "a1", directory: Path | None = None) -> tuple[str, str, int]:
    return tmux.spawn_agent(socket, deck_id=deck_id, directory=directory or socket.parent, argv=argv)


def screen(socket: Path, pane: str) -> str:
    return "\n".join(tmux.capture_now(socket, pane, ansi=False)).rstrip()


def test_the_configuration_is_taken_without_complaint(socket: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["tmux", "-S", str(socket), "source-file", str(tmp_path / "tmux.conf")], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    options = dict(line.partition(" ")[::2] for line in ask(socket, "show-options", "-g"))
    assert (options["status"], options["prefix"], options["mouse"]) == ("off", "None", "on")
    windows = dict(line.partition(" ")[::2] for line in ask(socket, "show-options", "-gw"))
    assert (windows["remain-on-exit"], windows["window-size"]) == ("on", "latest")
    bound = {line.split()[3] for line in ask(socket, "list-keys", "-T", "root")}
    assert bound == {"C-q", "C-]", "MouseDown1Pane", "WheelUpPane", "WheelDownPane", "MouseDrag1Pane"}
    assert ask(socket, "list-keys", "-T", "prefix") == []
    assert "window-size manual" not in [line.removeprefix("set -g ") for line in conf.TEXT.splitlines()]


def test_the_server_knows_nothing_of_our_environment(socket: Path) -> None:
    pane, _, _ = spawn(socket, "sh", "-c", "env; echo done; exec cat")
    wait_for(lambda: "done" in screen(socket, pane))
    names = dict(line.partition("=")[::2] for line in tmux.capture_now(socket, pane, ansi=False) if "=" in line)
    allowed = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "DECK_HOME", "LANG", "PWD", "TMUX", "TMUX_PANE",
               "TERM_PROGRAM", "TERM_PROGRAM_VERSION"}  # fmt: skip
    assert set(names) <= allowed
    assert names["LANG"] == "C.UTF-8"
    assert names["TERM"] == "tmux-256color"
    assert names["TMUX"].startswith(str(socket))


@pytest.mark.parametrize(
    "argument",
    [
        "x;",
        ";",
        "; kill-server ;",
        "a\\;",
        "#{pane_id}",
        "#(touch pwned)",
        "$HOME",
        "a b",
        "'\"",
        "",
        "漢 é",
        "\\",
        "-p",
        "~",
    ],
)
def test_an_argument_reaches_the_program_as_it_is(socket: Path, argument: str) -> None:
    show = "import sys; print(ascii(sys.argv[1:])); sys.stdin.read()"
    pane, _, _ = spawn(socket, sys.executable, "-c", show, argument, "last;")
    wait_for(lambda: screen(socket, pane))
    assert screen(socket, pane) == ascii([argument, "last;"])
    assert not (socket.parent / "pwned").exists()


@pytest.mark.parametrize("name", ["plain", "with space", "#(touch pwned)", "##{x}", "$HOME;", "漢", "-x", "a:b.c"])
def test_the_program_starts_in_its_directory(socket: Path, tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    pane, _, _ = spawn(socket, "sh", "-c", "pwd -P; exec cat", directory=directory)
    wait_for(lambda: screen(socket, pane))
    assert screen(socket, pane) == str(directory)
    assert not (tmp_path / "pwned").exists()


def windows(socket: Path) -> list[str]:
    return sorted(ask(socket, "list-windows", "-a", "-F", "#{session_name} #{window_id}"))


def test_a_refused_start_leaves_nothing(socket: Path, tmp_path: Path) -> None:
    before = windows(socket)
    with pytest.raises(AgentDeckError, match="working tree .* is not there"):
        spawn(socket, "sleep", "9", directory=tmp_path / "gone")
    with pytest.raises(tmux.TmuxError, match="two or more arguments"):
        spawn(socket, "sleep")
    with pytest.raises(tmux.TmuxError, match="bytes long"):
        spawn(socket, "sleep", "9" * 14_000)
    with pytest.raises(tmux.TmuxError, match="cannot be part of a tmux name"):
        spawn(socket, "sleep", "9", deck_id="a;b")
    with pytest.raises(tmux.TmuxError, match="link-window|can't find"):
        ask(socket, "rename-session", "-t", "=deck-hub", "other")  # the hub is gone: the second half must fail
        spawn(socket, "sleep", "9")
    ask(socket, "rename-session", "-t", "=other", "deck-hub")
    assert windows(socket) == before


def test_a_live_agent_is_not_started_twice_and_a_dead_one_makes_room(socket: Path) -> None:
    pane, window, pid = spawn(socket, "sh", "-c", "echo first; exec cat")
    with pytest.raises(AgentDeckError, match="still has a live program"):
        spawn(socket, "sleep", "9")
    wait_for(lambda: screen(socket, pane))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: tmux.panes_now(socket)[pane].dead)
    again, other, _ = spawn(socket, "sleep", "60")
    found = tmux.panes_now(socket)
    assert set(found) == {pane, again} and not found[again].dead
    assert screen(socket, pane) == "first"
    assert f"deck-a1 {other}" in windows(socket)
    tmux.kill_window(socket, window)
    assert set(tmux.panes_now(socket)) == {again}
    with pytest.raises(AgentDeckError, match="is not there"):
        spawn(socket, "sleep", "9", directory=Path("/nonexistent"))


def test_a_failed_restart_leaves_the_dead_pane_in_its_session(socket: Path) -> None:
    pane, window, _ = spawn(socket, "sh", "-c", "exit 1")
    wait_for(lambda: tmux.panes_now(socket)[pane].dead)
    before = windows(socket)
    ask(socket, "set-option", "-s", "command-alias[99]", "link-window=no-such")
    with pytest.raises(tmux.TmuxError):
        spawn(socket, "sleep", "9")
    assert windows(socket) == before


def test_killing_a_window_ends_the_agent_everywhere(socket: Path) -> None:
    _, window, pid = spawn(socket, "sleep", "60")
    tmux.kill_window(socket, window)
    assert tmux.panes_now(socket) == {}
    assert not any(line.startswith("deck-a1 ") for line in windows(socket))
    wait_for(lambda: not alive(pid))
    tmux.kill_window(socket, window)
    with pytest.raises(tmux.TmuxError, match="not a window id"):
        tmux.kill_window(socket, "deck-hub")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_hidden_program_is_no_agent_and_goes_without_a_trace(socket: Path, tmp_path: Path) -> None:
    for _ in range(2):
        tmux.spawn_hidden(socket, "engine", ["sh", "-c", f"echo up >>'{tmp_path}/log'; exec cat"])
    wait_for(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text() == "up\nup\n")
    assert tmux.panes_now(socket) == {}
    for pid in ask(socket, "list-panes", "-s", "-t", "=deck-engine", "-F", "#{pane_pid}"):
        os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: not any(line.startswith("deck-engine ") for line in windows(socket)))
    tmux.spawn_hidden(socket, "engine", ["true"])
    wait_for(lambda: not any(line.startswith("deck-engine ") for line in windows(socket)))
    assert tmux.server_alive(socket)


class Terminal:
    """A human's terminal of a given size with a program in it."""

    def __init__(self, argv: list[str], cols: int, rows: int) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.pop("TMUX", None)
            os.execvp(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        os.set_blocking(self.fd, False)

    def seen(self) -> bytes:
        try:
            return os.read(self.fd, 1 << 16)
        except (BlockingIOError, OSError):
            return b""

    def ended(self) -> bool:
        self.seen()
        return os.waitpid(self.pid, os.WNOHANG)[0] == self.pid

    def hang_up(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def size(socket: Path, pane: str) -> tuple[int, int]:
    found = tmux.panes_now(socket)[pane]
    return found.cols, found.rows


@pytest.mark.parametrize("key", [b"\x11", b"\x1d"])
def test_attaching_follows_the_terminal_and_leaving_restores_the_size(socket: Path, key: bytes) -> None:
    pane, window, _ = spawn(socket, "cat", "-")
    assert size(socket, pane) == (120, 40)
    argv = tmux.attach_argv(socket, window)
    assert argv == tmux.attach_argv(socket, "deck-a1")
    human = Terminal(argv, 90, 25)
    wait_for(lambda: human.seen() and False or size(socket, pane) == (90, 25))
    ask(socket, "copy-mode", "-t", pane)
    os.write(human.fd, key)
    wait_for(human.ended)
    os.close(human.fd)
    wait_for(lambda: size(socket, pane) == (120, 40))
    assert not tmux.panes_now(socket)[pane].in_mode


def test_the_last_of_two_terminals_restores_the_size_even_by_hanging_up(socket: Path) -> None:
    pane, _, _ = spawn(socket, "cat", "-")
    one = Terminal(tmux.attach_argv(socket, "deck-a1"), 90, 25)
    wait_for(lambda: one.seen() and False or size(socket, pane) == (90, 25))
    two = Terminal(tmux.attach_argv(socket, "deck-a1"), 70, 20)
    wait_for(lambda: two.seen() and False or size(socket, pane) == (70, 20))
    two.hang_up()
    wait_for(lambda: one.seen() and False or size(socket, pane) == (90, 25))
    one.hang_up()
    wait_for(lambda: size(socket, pane) == (120, 40))


def test_every_other_key_belongs_to_the_agent(socket: Path, tmp_path: Path) -> None:
    spawn(socket, "sh", "-c", f"stty raw -echo; printf ready; exec cat >'{tmp_path}/got'")
    human = Terminal(tmux.attach_argv(socket, "deck-a1"), 90, 25)
    shown = bytearray()
    wait_for(lambda: shown.extend(human.seen()) or b"ready" in shown)
    keys = b"\x02d\x01\x03\x1bx\x1a\x1c"
    os.write(human.fd, keys)
    wait_for(lambda: human.seen() and False or (tmp_path / "got").read_bytes() == keys)
    human.hang_up()


def test_an_attach_to_a_window_that_is_gone_says_so(socket: Path) -> None:
    with pytest.raises(tmux.TmuxError, match="window is gone"):
        tmux.attach_argv(socket, "@99")


def test_a_popup_and_a_window_open_in_the_users_own_tmux(socket: Path, tmp_path: Path) -> None:
    """The user's tmux is another server; what runs in the window sees neither its TMUX nor ours."""
    users, place = tmp_path / "users", tmp_path / "a;#(b);"
    place.mkdir()
    ask(users, "-f", "/dev/null", "new-session", "-d", "-s", "own", "--", "cat", "-")
    report = ["sh", "-c", f"pwd -P >'{tmp_path}/where'; env | grep -c '^TMUX' >'{tmp_path}/count'; : ;"]
    window = tmux.window_argv(report, place)
    subprocess.run([window[0], "-S", str(users), *window[1:]], check=True)
    wait_for(lambda: (tmp_path / "count").exists() and (tmp_path / "count").read_text() == "0\n")
    assert (tmp_path / "where").read_text().strip() == str(place)
    for name in ("where", "count"):
        (tmp_path / name).unlink()
    human = Terminal(["tmux", "-S", str(users), "attach"], 90, 25)
    wait_for(lambda: human.seen() and False or ask(users, "list-clients"))
    popup = tmux.popup_argv(report, place)
    opened = subprocess.Popen([popup[0], "-S", str(users), *popup[1:]])
    wait_for(lambda: human.seen() and False or (tmp_path / "count").exists() and (tmp_path / "count").read_text())
    wait_for(lambda: human.seen() and False or opened.poll() is not None)
    assert (tmp_path / "count").read_text() == "0\n"
    assert (tmp_path / "where").read_text().strip() == str(place)
    human.hang_up()


def test_a_stopped_server_is_an_error_not_a_hang(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = int(ask(socket, "display-message", "-p", "-t", "=deck-hub:", "#{pid}")[0])
    monkeypatch.setattr(tmux.process.run, "__kwdefaults__", {**tmux.process.run.__kwdefaults__, "timeout": 0.3})
    os.kill(pid, signal.SIGSTOP)
    try:
        for call in (
            lambda: spawn(socket, "sleep", "9"),
            lambda: tmux.kill_window(socket, "@1"),
            lambda: tmux.server_alive(socket),
            lambda: tmux.panes_now(socket),
            lambda: tmux.kill_server(socket),
        ):
            with pytest.raises(tmux.TmuxSilent, match="did not answer") as caught:
                call()
            assert caught.value.exit_code == 3
    finally:
        os.kill(pid, signal.SIGCONT)


def test_without_a_server_nothing_is_started_by_asking(tmp_path: Path) -> None:
    nowhere = tmp_path / "none"
    assert (tmux.server_alive(nowhere), tmux.panes_now(nowhere)) == (False, {})
    tmux.kill_window(nowhere, "@1")
    with pytest.raises(tmux.TmuxError, match="error connecting|no server"):
        spawn(nowhere, "sleep", "9")
    assert not nowhere.exists()
