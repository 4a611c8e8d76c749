"""The other counter that ours is compared with: ccusage, pinned, out of npm, without the network when it runs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
Sums = tuple[int, int, int, int]
"""Uncached input, cache read, cache written, output with reasoning."""


def install() -> Path:
    """The program itself: its launcher in node adds a third of a second."""
    told = subprocess.run(
        ["sh", str(ROOT / "scripts/install-client.sh"), "ccusage"], capture_output=True, text=True, check=True
    )
    launcher = Path(told.stdout.strip())
    program = next(launcher.parents[1].glob("@ccusage/*/bin/ccusage"))
    program.chmod(0o755)
    return program


def environment(tree: Path) -> dict[str, str]:
    """A machine on which the histories below `tree` are all there is."""
    return {
        "HOME": str(tree / "gemini"), "CLAUDE_CONFIG_DIR": str(tree / "claude"), "CODEX_HOME": str(tree / "codex"),
        "XDG_DATA_HOME": str(tree / "data"), "PATH": os.defpath, "TZ": "UTC",
    }  # fmt: skip


def command(program: Path, client: str, report: str = "daily") -> list[str]:
    return [str(program), client, report, "--json", "--offline", "--timezone", "UTC"]


def ask(program: Path, client: str, tree: Path) -> dict[str, Any]:
    """Its report by day."""
    done = subprocess.run(command(program, client), env=environment(tree), capture_output=True, text=True, check=False)
    start = done.stdout.find("{")
    return json.loads(done.stdout[start:]) if start >= 0 else {"daily": [], "totals": {}}


def total(report: dict[str, Any]) -> tuple[Sums, float]:
    """The counts and the cost of a whole report."""
    found = report.get("totals") or {}
    names = ("inputTokens", "cacheReadTokens", "cacheCreationTokens")
    fresh, read, written = (int(found.get(name, 0)) for name in names)
    output = int(found.get("totalTokens", 0)) - fresh - read - written
    return (fresh, read, written, output), float(found.get("totalCost", found.get("costUSD", 0.0)))
