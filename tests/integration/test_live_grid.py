"""The grid in a real terminal, on real panes: what a tile shows is what tmux has, cell by cell."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdeck.adapters import tmux
from agentdeck.models.screen import crop, parse
from tests.ui.terminal import Cell, Terminal, cells_of
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]

PALETTE = r"""
import sys
for n in range(256): sys.stdout.write(f'\x1b[48;5;{n}m{n:4}' + ('\x1b[0m\n' if n % 16 == 15 else ''))
for n in range(8): sys.stdout.write(f'\x1b[3{n};10{n}mx\x1b[9{n};4{n}my')
sys.stdout.write('\x1b[0m\n')
for n in range(0, 256, 4): sys.stdout.write(f'\x1b[38;2;{n};{255-n};{n//2};48;2;{n//3};0;{n}m#')
sys.stdout.write('\x1b[0m\n')
for n in (1, 2, 3, 4, 5, 7, 8, 9, '4:2', '4:3', '4:4', '4:3;58:5:196', '1;3;4;31', '2;7;44'):
    sys.stdout.write(f'\x1b[{n}msgr {n}\x1b[0m ')
sys.stdout.write('\n\x1b[7mreverse to the end of a bar          \x1b[0m\nrgb \x1b[38;2;1;2;3;1mbold')
"""
WIDE = r"""
import sys
rows = ['漢字かな交じり文|', '🫠👍🎉🚀|rest', 'e\u0301a\u0308o\u0302|', '👨\u200d👩\u200d👧 family|',
    '❤\ufe0f heart|', '1\ufe0f\u20e3 key|',
    '👍🏽 skin|', '🏳\ufe0f\u200d🌈 flag|', '🇩🇪 de|', 'ก็ำ thai|', '한국어 \u1100\u1161|',
    '─│┌┐└┘█▓▒░⠋⠙|', 'عربي|', '\u2066iso\u2069|']
for row in rows: print('\x1b[3%dm' % (1 + rows.index(row) % 7) + row + ' then plain\x1b[0m after')
print('漢' * 59 + 'ab'); print('a' + '漢' * 59 + 'b'); print('\x1b[44m' + '字' * 60 + '\x1b[0m')
print('\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\ \x1b(0lqqk\x1b(B acs')
sys.stdout.write('end')
"""
ALTERNATE = r"""
import sys
sys.stdout.write('primary\n\x1b[?1049h\x1b[2J\x1b[H')
for y in range(1, 41):
    sys.stdout.write(f'\x1b[{y};1H\x1b[4{y % 8}m row {y} of the alternate screen \x1b[0m\x1b[{y};100Hright {y}')
sys.stdout.write('\x1b[20;5H')
"""
LONG = r"""
import sys
for n in range(300): print(f'\x1b[3{n % 8}mline {n} ' + 'word ' * 20)
sys.stdout.write('$ ')
"""
TOP = r"""
import sys
sys.stdout.write('\x1b[2J\x1b[H' + ''.join(f'{n} text\r\n' for n in range(39)) + '\x1b[6;3H')
"""
SPIN = r"""
import sys, time
for n in range(30):
    sys.stdout.write(f'\r\x1b[38;5;{n + 20}mspin {n:3} 漢字 ' + '🎉' * (n % 4) + '\x1b[K')
    sys.stdout.write('\x1b[s\x1b[5;1Hother \x1b[7m%d\x1b[0m\x1b[u' % n) if n % 3 else None
    sys.stdout.flush(); time.sleep(.05)
"""
EMPTY = "import sys"


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    socket = tmp_path / "run" / "tmux"
    tmux.ensure_server(socket, tmp_path / "tmux.conf")
    yield socket
    tmux.kill_server(socket)


def spawn(socket: Path, name: str, script: str, **size: int) -> str:
    """An agent that paints and then waits."""
    code = script + "\nimport sys, time\nsys.stdout.flush()\ntime.sleep(3600)"
    argv = ["env", "PYTHONUTF8=1", sys.executable, "-c", code]
    return tmux.spawn_agent(socket, deck_id=name, directory=socket.parent, argv=argv, **size)[0]


def app(tmp_path: Path, socket: Path, columns: int, rows: int) -> Terminal:
    argv = [sys.executable, "-m", "tests.ui.grid_app", str(socket), str(tmp_path / "places")]
    env = {"COLORTERM": "truecolor", "PYTHONPATH": str(ROOT), "TEXTUAL_ANIMATIONS": "none"}
    return Terminal(tmp_path / "outer", argv, columns, rows, env)


def places(tmp_path: Path) -> dict[str, tuple[int, int, int, int]]:
    file = tmp_path / "places"
    return (
        {name: tuple(place) for name, place in json.loads(file.read_text())["tiles"].items()} if file.exists() else {}
    )


def focus(tmp_path: Path) -> str:
    return json.loads((tmp_path / "places").read_text())["focus"]


def expected(socket: Path, pane: str, columns: int, rows: int) -> list[list[Cell]]:
    """The crop of a pane's own capture that a tile of this size shows."""
    known = tmux.panes_now(socket)[pane]
    lines = crop(
        parse(tmux.capture_now(socket, pane, True)), known.cursor_y if known.cursor_visible else -1, columns, rows
    )
    blank = [()] * (rows - len(lines))
    return [cells_of(line, 0, columns) for line in [*lines, *blank]]


def shown(terminal: Terminal, place: tuple[int, int, int, int]) -> list[list[Cell]]:
    x, y, columns, rows = place
    return [cells_of(line, x, columns) for line in terminal.lines()[y : y + rows]]


def differences(tmp_path: Path, socket: Path, terminal: Terminal, panes: dict[str, str]) -> list[str]:
    """Every cell of every visible tile that is not what tmux has; an empty list when all are equal."""
    found: list[str] = []
    for name, place in places(tmp_path).items():
        want, got = expected(socket, panes[name], place[2], place[3]), shown(terminal, place)
        for y, (left, right) in enumerate(zip(want, got, strict=True)):
            if left != right:
                x, pair = next((x, pair) for x, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1])
                found.append(f"{name} row {y} cell {x}: tmux has {pair[0]}, the tile {pair[1]}")
    return found


def settled(tmp_path: Path, socket: Path, terminal: Terminal, panes: dict[str, str]) -> None:
    """One quiet second, then every visible tile equals its pane. The second is the promise, not a guess."""
    time.sleep(1.0)
    assert places(tmp_path)
    assert differences(tmp_path, socket, terminal, panes) == []


SCRIPTS = {"palette": PALETTE, "wide": WIDE, "alt": ALTERNATE, "long": LONG, "top": TOP, "spin": SPIN, "empty": EMPTY}


@pytest.mark.parametrize(("columns", "rows"), [(200, 60), (80, 24), (121, 43)])
def test_every_tile_equals_its_pane_cell_by_cell(tmp_path: Path, socket: Path, columns: int, rows: int) -> None:
    panes = {name: spawn(socket, name, script) for name, script in SCRIPTS.items()}
    with app(tmp_path, socket, columns, rows) as terminal:
        wait_for(lambda: places(tmp_path), 20)
        wait_for(lambda: "spin  29" in "\n".join(tmux.capture_now(socket, panes["spin"], False)), 20)
        seen: set[str] = set()
        for _ in range(4):
            settled(tmp_path, socket, terminal, panes)
            seen |= set(places(tmp_path))
            if seen == set(SCRIPTS):
                break
            terminal.keys("]")
            wait_for(lambda: set(places(tmp_path)) - seen, what="the next page")  # noqa: B023
        assert seen == set(SCRIPTS)


def test_a_whole_screen_in_one_tile(tmp_path: Path, socket: Path) -> None:
    for name in ("wide", "palette"):
        spawn(socket, name, SCRIPTS[name], cols=100, rows=30)
    panes = {pane.deck_id: pane.id for pane in tmux.panes_now(socket).values()}
    with app(tmp_path, socket, 130, 50) as terminal:
        wait_for(lambda: places(tmp_path), 20)
        terminal.keys("+")
        wait_for(lambda: [place[2:] for place in places(tmp_path).values()] == [(129, 47)])
        settled(tmp_path, socket, terminal, panes)


def test_a_dialog_over_the_grid_leaves_nothing_behind(tmp_path: Path, socket: Path) -> None:
    """The whole screen is painted again: a cell whose width is disputed must not move the tiles to its right."""
    panes = {name: spawn(socket, name, SCRIPTS[name]) for name in ("wide", "palette", "alt")}
    with app(tmp_path, socket, 200, 24) as terminal:
        wait_for(lambda: places(tmp_path), 20)
        settled(tmp_path, socket, terminal, panes)
        terminal.keys("d")
        terminal.wait("a dialog")
        assert "row 20 of the alternate" in terminal.text()  # still seen beside the dialog
        terminal.keys("Escape")
        wait_for(lambda: "a dialog" not in terminal.text())
        settled(tmp_path, socket, terminal, panes)


def test_the_terminal_changes_its_size(tmp_path: Path, socket: Path) -> None:
    panes = {name: spawn(socket, name, SCRIPTS[name]) for name in ("wide", "palette")}
    with app(tmp_path, socket, 100, 30) as terminal:
        wait_for(lambda: places(tmp_path), 20)
        for columns, rows in [(200, 60), (80, 24), (260, 90)]:
            before = places(tmp_path)
            terminal.resize(columns, rows)
            wait_for(lambda: places(tmp_path) != before, what=f"tiles for {columns}x{rows}")  # noqa: B023
            settled(tmp_path, socket, terminal, panes)
        assert tmux.panes_now(socket)[panes["wide"]].cols == 120  # a tile never resizes an agent
