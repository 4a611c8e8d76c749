"""Which repository a directory belongs to, told by files alone: history may be of places that are gone."""

from __future__ import annotations

import os


class Places:
    """Remembers what it has found out; a look at a new directory is a few stats."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._files: dict[str, str] = {}

    def of_row(self, path: str, directory: str) -> str:
        """The repository of a row of the file `path`; of the row before when this one tells no directory."""
        if directory:
            self._files = {path: directory}
        return self.repo(directory or self._files.get(path, ""))

    def repo(self, directory: str) -> str:
        """The main checkout of the repository that `directory` lies in; the directory itself when it is in none."""
        if not directory:
            return ""
        found = self._known.get(directory)
        if found is None:
            found = self._known[directory] = _above(os.path.normpath(directory)) or directory
        return found


def _above(directory: str) -> str:
    while directory not in ("", os.sep):
        found = _at(directory, os.path.join(directory, ".git"))
        if found:
            return found
        directory = os.path.dirname(directory)
    return ""


def _at(directory: str, mark: str) -> str:
    if os.path.isdir(mark):
        return directory
    try:
        with open(mark, encoding="utf-8") as file:  # of a linked worktree: "gitdir: MAIN/.git/worktrees/NAME"
            told = file.read(4096)
    except (OSError, UnicodeDecodeError):
        return ""
    main, between, _ = told.removeprefix("gitdir:").strip().partition("/.git/worktrees/")
    return main if between and os.path.isabs(main) else directory
