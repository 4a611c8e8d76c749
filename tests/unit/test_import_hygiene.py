"""What must not be loaded, by whom: measured in processes of their own, because imports are shared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {"textual", "pydantic", "sqlite_utils", "anthropic", "libtmux", "git", "genai_prices", "watchfiles", "psutil"}


def loaded_by(code: str, *argv: str) -> set[str]:
    """The top-level packages that a fresh interpreter holds after `code`, which sees `argv`."""
    report = (
        "import atexit, sys\n"
        "def _tell():\n"
        "    print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "atexit.register(_tell)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", report + code, *argv], capture_output=True, text=True, timeout=30, check=False
    )
    assert run.returncode == 0, run.stderr
    return set(run.stderr.rsplit("LOADED", 1)[1].split())


CLI = "sys.argv[0] = 'agentdeck'\nfrom agentdeck.cli import main\nmain()\n"


@pytest.mark.parametrize(
    "argv", [["--version"], ["--help"], ["ls", "--json"], ["usage", "--json"], ["paths"], ["keys"]], ids=" ".join
)
def test_a_read_loads_nothing_slow(argv: list[str]) -> None:
    assert not loaded_by(CLI, *argv) & SLOW


def test_the_dashboard_loads_only_what_it_paints_with() -> None:
    loaded = loaded_by("import agentdeck.ui.app\n")
    assert "textual" in loaded
    assert not loaded & {"anthropic", "git", "genai_prices", "sqlite_utils", "watchfiles", "pydantic"}


def test_a_dashboard_that_looks_for_strays_reads_no_harness_files_for_it() -> None:
    """Each time one opens; ten megabytes that would stay."""
    loaded = loaded_by("""
from agentdeck import paths
from agentdeck.services.lives import adoption
assert adoption.find_in(paths.database_file(), paths.tmux_socket()) == []
""")
    assert not loaded & {"pydantic", "git", "libtmux"}


def test_the_engine_has_no_screen() -> None:
    loaded = loaded_by("import agentdeck.engine.engine\n")
    assert not loaded & {"textual", "anthropic"}


def test_libtmux_can_be_loaded_while_an_app_runs(tmp_path: Path) -> None:
    """Its first import reads sys.stdout.encoding, which Textual's stand-in for stdout has not."""
    code = """
import asyncio
from pathlib import Path
from textual.app import App
from agentdeck import paths
from agentdeck.adapters import tmux

def use_tmux():
    assert 'libtmux' not in sys.modules
    socket = paths.make_private(paths.runtime_dir()) / 'tmux'
    tmux.ensure_server(socket, paths.tmux_conf())
    try:
        return tmux.spawn_agent(socket, deck_id='abc', directory=Path(sys.argv[1]), argv=['sleep', '60'])
    finally:
        tmux.kill_server(socket)

class Small(App):
    async def on_mount(self):
        self.exit(await asyncio.to_thread(use_tmux))

pane, window, pid = asyncio.run(Small().run_async(headless=True))
assert pane.startswith('%') and pid > 0
"""
    assert "libtmux" in loaded_by(code, str(tmp_path))


def test_listing_loads_little_enough_to_be_typed() -> None:
    """The promise is 0.1 s; what it loads decides that: 150 modules when this was written."""
    argv = [sys.executable, "-X", "importtime", "-m", "agentdeck", "ls", "--json"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stderr
    assert len(told.splitlines()) < 200, told
