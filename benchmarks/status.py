"""Is the status true? `python -m benchmarks.status [CLIENT...] [--life NAME] [--jobs 2] [--dashboards 2] [--write]`.

Drives real clients through every transition that they make, in a real deck without a dashboard, and compares what the
deck said, from its event log, with what is known to be true. Prints the report; `--write` puts it in
benchmarks/status.md. A client is a module `benchmarks/status_<name>.py` that holds its CLIENT.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.dashboards import dashboards
from benchmarks.status_report import report
from benchmarks.status_script import Client, Life
from benchmarks.status_stage import Stage
from benchmarks.status_truth import Figures
from tests import repos
from tests.real.deck import Deck

CLIENTS = ("claude", "codex", "gemini", "opencode")
FILE = Path(__file__).with_name("status.md")
IDENTITY = "[user]\nname = bench\nemail = bench@example.invalid\n"


@dataclass(frozen=True, slots=True)
class How:
    """How lives are played: so many at once, with stretched time limits, and a directory for what was seen."""

    jobs: int = 2
    patience: float = 1.0
    log: Path | None = None


def load(name: str) -> Client:
    return import_module(f"benchmarks.status_{name}").CLIENT


def play(client: Client, root: Path, lives: Sequence[Life], how: How) -> Figures:
    """All lives in one deck below `root`, a few at a time; what is known of them together.

    AssertionError, once all are over, when a client did not do its part in one of them.
    """
    repo = root / "repo"
    if not repo.exists():
        repos.make(repo)
    with ThreadPoolExecutor(how.jobs) as pool:
        begun = [pool.submit(_life, client, life, root, repo, how) for life in lives]
    troubles = [str(trouble) for one in begun if (trouble := one.exception())]
    assert not troubles, "\n".join(troubles)
    whole = Figures()
    for one in begun:
        whole.add(one.result())
    return whole


def _life(client: Client, life: Life, root: Path, repo: Path, how: How) -> Figures:
    with client.model() as model:
        environ = client.environ(life, root / f"home-{life.name}", model.url, repo)
        if life.wrapped:
            environ["PATH"] = f"{_wrapper(client, life, root, environ)}{os.pathsep}{environ['PATH']}"
        deck = Deck(repo, {**environ, "DECK_HOME": str(root / "deck")})
        try:
            return Stage(deck, client, life, model, patience=how.patience, log=how.log).play()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{deck.start('show', life.name).stdout}") from None
        finally:
            deck.start("stop", life.name)


def _wrapper(client: Client, life: Life, root: Path, environ: dict[str, str]) -> Path:
    """A directory with a shell script of the client's name, which starts the client below itself."""
    binary = shutil.which(client.name, path=environ["PATH"])
    file = root / f"bin-{life.name}" / client.name
    file.parent.mkdir()
    file.write_text("#!/bin/sh\n" + life.wrapped.replace("{client}", str(binary)) + "\n")
    file.chmod(0o755)
    return file.parent


@contextmanager
def place() -> Iterator[Path]:
    """A directory of its own, and a deck in it that is ended in the end."""
    root = Path(tempfile.mkdtemp(prefix="decks-", dir="/tmp"))
    (root / "gitconfig").write_text(IDENTITY)
    os.environ |= {"GIT_CONFIG_GLOBAL": str(root / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
    kept = {name: os.environ[name] for name in ("PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")}
    try:
        yield root
    finally:
        Deck(root, {**kept, "HOME": str(root), "DECK_HOME": str(root / "deck")}).start("halt", "--yes")
        shutil.rmtree(root, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.status", description="Is the status of real clients true?")
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"of {', '.join(CLIENTS)}; all when none is named")
    parser.add_argument("--life", action="append", help="only this part of the day")
    parser.add_argument("--jobs", type=int, default=2, help="so many at once")
    parser.add_argument("--log", type=Path, help="a directory for what was true, said and seen")
    parser.add_argument("--dashboards", type=int, default=0, help="so many look on")
    parser.add_argument("--write", action="store_true", help=f"put the report in {FILE.name}")
    given = parser.parse_args()
    if given.log:
        given.log.mkdir(parents=True, exist_ok=True)
    found: dict[str, Figures] = {}
    for name in given.clients or CLIENTS:
        client = load(name)
        lives = [life for life in client.lives if not given.life or life.name in given.life]
        with place() as root:
            repos.make(root / "repo")
            home = {"HOME": str(root), "DECK_HOME": str(root / "deck"), "TERM": "xterm-256color"}
            with dashboards(root / "repo", given.dashboards, (), home):
                found[name] = play(client, root, lives, How(given.jobs, log=given.log))
    text = report(found)
    sys.stdout.write(text + (f"\n{given.dashboards} dashboards looked on.\n" if given.dashboards else ""))
    if given.write:
        FILE.write_text(text)
    return int(any(f.false_idle or f.blind or f.share > 0.03 for f in found.values()))


if __name__ == "__main__":
    sys.exit(main())
