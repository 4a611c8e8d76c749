"""Small programs put on a PATH of their own."""

from __future__ import annotations

from pathlib import Path


def bin_with(where: Path, **scripts: str) -> str:
    """A PATH of what every command needs and these scripts, and so without any agent."""
    folder = where / "bin"
    folder.mkdir(exist_ok=True)
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"
