"""Writes the generated part of README.md: the keys, from the one action table. A test holds it to that."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from agentdeck.ui.actions import ACTIONS, GROUP_TITLES, MOUSE, ZOOM_KEYS, keys_of

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- keys: written by scripts/write_docs.py -->"
END = "<!-- end of keys -->"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _keys(keys: Iterable[str]) -> str:
    return " ".join(f"`{_cell(key)}`" for key in keys)


def key_tables() -> str:
    """One Markdown table per group of actions."""
    parts = []
    for group, title in GROUP_TITLES.items():
        parts.append(f"| {title} | |\n|---|---|")
        parts += [f"| {_keys(keys_of(act))} | {_cell(act.help)} |" for act in ACTIONS if act.group == group]
        if group == "move":
            parts += [f"| {_keys(keys.split(', '))} | {_cell(said)} |" for keys, said in ZOOM_KEYS]
        parts.append("")
    parts.append("| Mouse | |\n|---|---|")
    parts += [f"| {_cell(deed)} | {_cell(said)} |" for deed, said in MOUSE]
    return "\n".join(parts).strip()


def with_keys(text: str) -> str:
    """`text` with what stands between the two marks written anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{key_tables()}\n\n{END}{after}"


def main() -> int:
    old = README.read_text(encoding="utf-8")
    new = with_keys(old)
    README.write_text(new, encoding="utf-8")
    if new != old:
        print("README.md: the keys are written anew", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
