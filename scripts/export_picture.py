"""The picture of the README: the demo's deck as it really runs, drawn by the dashboard itself.

.venv/bin/python scripts/export_picture.py [docs/deck.svg] [--size 170x44] [--seconds 14] [--keys w,u]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from agentdeck.commands import demo
from agentdeck.ui.app import DeckApp, repository


async def picture(repo: Path, size: tuple[int, int], seconds: float, keys: list[str]) -> str:
    """An SVG of the dashboard after `seconds`, when at least three states show."""
    app = DeckApp("default", repository(repo))
    async with app.run_test(size=size, notifications=True) as pilot:
        await asyncio.sleep(seconds)
        await pilot.press(*keys)
        await asyncio.sleep(1.0)
        return app.export_screenshot(title="agentdeck")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=Path("docs/deck.svg"))
    parser.add_argument("--size", default="170x44", help="columns x rows")
    parser.add_argument("--seconds", type=float, default=14.0)
    parser.add_argument("--keys", default="w", help="keys pressed before the picture, by name, separated by commas")
    wish = parser.parse_args()
    columns, _, rows = wish.size.partition("x")
    keys = [key for key in wish.keys.split(",") if key]
    with tempfile.TemporaryDirectory(prefix="deck-picture-") as home:
        os.environ["DECK_HOME"] = home
        try:
            repo = demo.set_up(Path(home))
            svg = asyncio.run(picture(repo, (int(columns), int(rows)), wish.seconds, keys))
        finally:
            demo.clean_up(Path(home))
            Path(home).mkdir(exist_ok=True)
    wish.file.parent.mkdir(parents=True, exist_ok=True)
    wish.file.write_text(svg, encoding="utf-8")
    print(f"{wish.file}: {len(svg) // 1024} kB")


if __name__ == "__main__":
    main()
