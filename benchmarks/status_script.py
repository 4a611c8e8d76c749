"""The words in which a client's day is written down: lives, their beats, and what a human would see of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Model(Protocol):
    """A scripted model server. `ended` are the times at which it had answered or refused, seconds since 1970."""

    url: str

    @property
    def ended(self) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Sign:
    """What a human sees of a state: `shows` on the screen (its first row is the title) and `hides` not there."""

    shows: str
    hides: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """One transition: what is done to the client, and what is true from then on.

    With nothing to do it is the model's script that brings it, and the truth begins when the server had answered.
    `text` is typed and entered, `keys` are pressed, `signal` goes to all processes of the client. `hold`: seconds.
    """

    event: str
    state: str
    text: str = ""
    keys: tuple[str, ...] = ()
    signal: str = ""
    sign: Sign | None = None  # else the client's usual one of that state
    hold: float = 2.0
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Life:
    """One start of the client. `seed` says which of its first questions are not settled in its HOME."""

    name: str
    beats: tuple[Beat, ...]
    args: tuple[str, ...] = ()
    seed: str = ""
    wrapped: str = ""  # a shell script in whose place the client's own path stands as {client}


@dataclass(frozen=True, slots=True)
class Client:
    """A client and its day. `environ(life, home, url, repo)` settles its HOME and gives its whole environment."""

    name: str
    signs: Mapping[str, Sign]
    hooks: Mapping[str, tuple[str, ...]]  # state -> the hooks that tell of it
    lives: tuple[Life, ...]
    model: Callable[[], AbstractContextManager[Model]]
    environ: Callable[[Life, Path, str, Path], dict[str, str]]


def turn(prompt: str, *, hold: float = 1.5) -> tuple[Beat, ...]:
    """A prompt that is answered without a question."""
    return (Beat("prompt", "working", text=prompt, hold=0.5), Beat("end of a turn", "idle", hold=hold))
