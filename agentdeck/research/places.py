"""Where a loop keeps what: its ledger, its contract as approved, its runs, and what it does at the moment."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from agentdeck import paths
from agentdeck.errors import TryAgain, UsageError

LEAST_FREE = 64 << 20  # bytes
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one loop."""

    root: Path

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.jsonl"

    @property
    def contract(self) -> Path:
        """The file as the human approved it; a later change in the repository changes nothing here."""
        return self.root / "research.toml"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def candidate(self) -> Path:
        """Where a proposer edits."""
        return self.root / "candidate"

    @property
    def sessions(self) -> Path:
        """The conversations of its proposers, one JSON object a line: the deck counts their usage as this loop's."""
        return self.root / "sessions.jsonl"

    def run(self, name: str) -> Path:
        return self.root / "runs" / name

    def lock(self) -> IO[bytes]:
        """Held while a loop process works here; TryAgain when one does."""
        handle = open(self.root / "lock", "a+b")  # noqa: SIM115 held by the caller
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            hint = f"Stop it first: agentdeck research stop {self.name}"
            raise TryAgain(f"the loop {self.name} runs already", hint) from error
        handle.truncate(0)
        handle.write(str(os.getpid()).encode())
        handle.flush()
        return handle

    @property
    def running(self) -> bool:
        """Whether a loop process works here."""
        try:
            with open(self.root / "lock", "rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def now(self) -> dict[str, Any]:
        """What the loop said last that it does; {} before it said anything."""
        try:
            return dict(json.loads(self.status.read_bytes()))
        except (OSError, ValueError):
            return {}


@dataclass(frozen=True, slots=True)
class Said:
    """What a loop does: `state` is working, paused, blocked or ended; `until` is when the run should be over."""

    state: str
    why: str
    pid: int
    at: int
    experiment: str = ""
    since: int = 0
    seconds: float = 0.0


def say(place: Place, said: Said) -> None:
    with contextlib.suppress(OSError):  # a full disk: the ledger says what is to be known
        put(place.status, json.dumps(asdict(said)))


def find(name: str) -> Place:
    """The loop of this name, or in this directory: in a pane nothing says which deck it is of."""
    place = Place(Path(name).absolute() if "/" in name else paths.research_dir() / name)
    if not place.ledger.exists() and name.startswith("/"):  # the deck was moved
        place = Place(paths.research_dir() / place.name)
    if not NAME.fullmatch(place.name) or not place.ledger.exists():
        raise UsageError(f"no loop is called '{name}'", "`agentdeck research ls` lists them.")
    return place


def every() -> list[Place]:
    return [Place(file.parent) for file in sorted(paths.research_dir().glob("*/ledger.jsonl"))]


@contextlib.contextmanager
def making(name: str) -> Iterator[Place]:
    """The place of a new loop, held against everybody else until it is made; what a killed maker left is used."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot name a loop", "Use up to 32 lower-case letters, digits and hyphens.")
    place = Place(paths.research_dir() / name)
    place.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with place.lock():
        if place.ledger.exists():
            raise UsageError(f"there is a loop '{name}' already", f"Go on with it: agentdeck research resume {name}")
        yield place


def put(file: Path, text: str) -> None:
    """Written whole or not at all."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def cramped(directory: Path) -> str:
    """Why nothing more should be written there, or ''."""
    free = shutil.disk_usage(directory).free
    return f"only {free // (1 << 20)} MB are free in {directory}" if free < LEAST_FREE else ""


def clear(directory: Path) -> None:
    """Remove a directory of ours, whatever modes are set in it; or what was put in its place."""
    if directory.is_symlink() or directory.is_file():
        directory.unlink()
    if not directory.is_dir():
        return
    for folder, names, _ in os.walk(directory):
        for name in names:
            if not os.path.islink(os.path.join(folder, name)):
                os.chmod(os.path.join(folder, name), 0o700)
    shutil.rmtree(directory, ignore_errors=True)
