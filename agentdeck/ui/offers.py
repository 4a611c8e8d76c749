"""What the dialogs offer to choose from. Everything here reads files: call it in a thread."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from agentdeck.errors import AgentDeckError

NAMES = (
    "ada",
    "bo",
    "cleo",
    "dov",
    "eve",
    "finn",
    "gus",
    "hal",
    "ines",
    "jo",
    "kai",
    "lena",
    "max",
    "nia",
    "otto",
    "pia",
)


@dataclass(frozen=True, slots=True)
class HarnessOffer:
    """`missing` is the command that installs it, '' when it can be started; with `own_command` the human gives argv."""

    name: str
    title: str
    missing: str
    own_command: bool


@dataclass(frozen=True, slots=True)
class SpecOffer:
    """One file of `specs/`; `problem` says why it cannot be dispatched, '' when it can.

    `settings` are the lines of its front matter, `text` what the agent gets (the whole file while there is a problem).
    """

    path: Path
    title: str
    text: str
    problem: str = ""
    settings: str = ""


def suggest_name(taken: Collection[str]) -> str:
    """A short name nobody has."""
    for suffix in ("", *(str(number) for number in range(2, 100))):
        for name in NAMES:
            if name + suffix not in taken:
                return name + suffix
    return ""


def harnesses() -> list[HarnessOffer]:
    """All harnesses, those that can be started first. Raises UsageError for a malformed harness file."""
    from agentdeck.harnesses import loader

    offers = []
    for harness in loader.load_all().values():
        absent = bool(harness.binary) and shutil.which(harness.binary, path=os.environ.get("PATH")) is None
        install = harness.install or f"put '{harness.binary}' on your PATH"
        offers.append(HarnessOffer(harness.name, harness.title, install if absent else "", harness.own_command))
    return sorted(offers, key=lambda offer: (bool(offer.missing), offer.own_command, offer.name))


def _settings(text: str, body: str) -> str:
    """The lines between the marks of the front matter."""
    front = text[: text.rfind(body)] if body else text
    return "\n".join(line for line in front.splitlines() if line.strip() not in ("", "---"))


def specs(repo: Path, tree: Path | None = None) -> list[SpecOffer]:
    """The Markdown files of the repository's `specs/`, by file name; malformed ones last, with their error.

    A bare repository has no files of its own: then those of `tree`, the agent's worktree.
    """
    place = next((where for where in (repo, tree) if where and (where / "specs").is_dir()), repo)
    found = [_spec(file) for file in sorted((place / "specs").glob("*.md"))]
    return sorted(found, key=lambda offer: bool(offer.problem))


def _spec(file: Path) -> SpecOffer:
    from agentdeck.services.queue import specs as reader

    text = ""
    try:
        text = file.read_text(encoding="utf-8")
        spec = reader.load(file)
        return SpecOffer(file, spec.title, spec.body, settings=_settings(text, spec.body))
    except UnicodeDecodeError as error:
        return SpecOffer(file, file.stem, "", f"not UTF-8 text: {error}")
    except OSError as error:
        return SpecOffer(file, file.stem, "", f"cannot be read: {error.strerror}")
    except AgentDeckError as error:
        return SpecOffer(file, file.stem, text, f"{error.title}. {error.hint}")
