"""Pages of tiles. A tile belongs to a place of the page, and shows whichever agent stands there."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size
from textual.widget import Widget

from agentdeck.services.fleet import AgentRow
from agentdeck.ui.entry import Entry
from agentdeck.ui.widgets.shape import shape
from agentdeck.ui.widgets.tile import Tile


class TileGrid(Widget):
    """A face of the stage: the best grid for as many tiles as the level allows."""

    DEFAULT_CSS = """
    TileGrid { layout: grid; grid-gutter: 0; width: 1fr; height: 1fr; background: $background; }
    """
    ALLOW_SELECT = False
    BLANK = True

    def __init__(self) -> None:
        super().__init__()
        self.columns = self.room = 1
        self.first = 0
        self._one_page = True
        self._tiles: list[Tile] = []

    @property
    def visible_tiles(self) -> list[Tile]:
        """The tiles of this page, in order."""
        return [tile for tile in self._tiles if tile.display]

    @staticmethod
    def most(count: int, size: Size) -> int:
        """How many tiles of `count` a page can show."""
        columns, rows = shape(count, *size)
        return min(count, columns * rows)

    def lay_out(self, rows: Sequence[AgentRow], at: int, level: int, size: Size) -> None:
        count = len(rows)
        self.columns, lines = shape(max(1, min(count, level)), *size)
        self.room = self.columns * lines
        self.first = at // self.room * self.room
        self._one_page = count <= self.room
        # only what differs: every one of these lays the screen out again
        if self.styles.grid_size_columns != self.columns:
            self.styles.grid_size_columns = self.columns
        if self.styles.grid_size_rows != lines:
            self.styles.grid_size_rows = lines

    def draw(self, entries: Sequence[Entry]) -> None:
        fresh = [Tile(entry) for entry in entries[len(self._tiles) :]]
        for tile, entry in zip(self._tiles, entries, strict=False):
            tile.give(entry)
        self._tiles += fresh
        for place, tile in enumerate(self._tiles):
            shown = place < len(entries)
            if tile.display != shown:
                tile.display = shown
            span = self._span(place, len(entries))
            if shown and tile.styles.column_span != span:
                tile.styles.column_span = span
        if fresh and self.is_attached:
            self.mount(*fresh)

    def on_mount(self) -> None:
        self.mount(*[tile for tile in self._tiles if not tile.is_attached])

    def _span(self, place: int, count: int) -> int:
        """The last tile takes what its row has left."""
        last = place == count - 1 and self._one_page
        return self.columns - place % self.columns if last else 1

    def redraw(self, at: int, entry: Entry) -> None:
        self._tiles[at].give(entry)

    def tell_time(self) -> None:
        for tile in self._tiles:
            if tile.display:
                tile.draw_words()
