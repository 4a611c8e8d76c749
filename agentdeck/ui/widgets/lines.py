"""A widget made of finished lines: only a line that changed is painted again."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.css.errors import UnresolvedVariableError
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget


class LineWidget(Widget):
    """Keeps one strip per row, set by `put`. It has no border and no padding: rows are the whole widget."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Strip | None] = []
        self._inks: dict[tuple[str, str | Style], RichStyle] = {}

    def put(self, y: int, strip: Strip) -> None:
        """Make `strip` row `y`, and paint that row alone."""
        if y >= len(self._rows):
            self._rows += [None] * (y + 1 - len(self._rows))
        self._rows[y] = strip
        self.refresh(Region(0, y, self.size.width, 1))

    def forget_rows(self) -> None:
        """Drop all rows: the size or the theme changed, and every row is put again."""
        self._rows = []
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows as they are, past Textual's style cache and its conversion of the terminal's own colours."""
        start, end = crop.column_span
        filters = [each for each in self.get_line_filters() if not isinstance(each, ANSIToTruecolor)]
        width = self.size.width
        strips = [self._row(y, width) for y in crop.line_range]
        if filters:
            background = self.background_colors[1]
            for each in filters:
                strips = [strip.apply_filter(each, background) for strip in strips]
        return strips if (start, end) == (0, width) else [strip.crop(start, end) for strip in strips]

    def _row(self, y: int, width: int) -> Strip:
        strip = self._rows[y] if y < len(self._rows) else None
        if strip is None:
            return Strip.blank(width, self.rich_style)
        return strip if strip.cell_length == width else strip.adjust_cell_length(width, self.rich_style)

    def text_row(self, content: Content, component: str) -> Strip:
        """Styled text as a strip of the widget's width, in the style of one of its component classes."""
        return self._strip(content, component, self.size.width)

    def _strip(self, content: Content, component: str, width: int) -> Strip:
        """Ten times as fast as Textual's own way, which wraps, aligns and looks up every style by its words."""
        if width <= 0:
            return Strip([], 0)
        fitted = content.truncate(width, ellipsis=True, pad=True)
        segments: list[Segment] = []
        text, at = fitted.plain, 0
        for span in fitted.spans:
            if span.start > at:
                segments.append(Segment(text[at : span.start], self.ink(component)))
            if span.end > max(at, span.start):
                segments.append(Segment(text[max(at, span.start) : span.end], self.ink(component, span.style)))
            at = max(at, span.end)
        if at < len(text):
            segments.append(Segment(text[at:], self.ink(component)))
        return Strip(segments).adjust_cell_length(width)

    def ink(self, component: str, style: str | Style = "") -> RichStyle:
        """The style of a component class with `style` over it, which may name the theme's variables."""
        known = self._inks.get((component, style))
        if known is None:
            try:
                over = style if isinstance(style, Style) else Style.parse(style, self.app.theme_variables)
            except UnresolvedVariableError:  # a theme that is not ours, as in a test
                over = Style.null()
            known = self._inks[component, style] = (self.get_visual_style(component) + over).rich_style
        return known

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._inks.clear()


def alike(one: Content | None, other: Content | None) -> bool:
    """The same text in the same styles; Content's own == looks at the text alone."""
    return one is other or (one is not None and other is not None and one.is_same(other))


def fit(parts: Iterable[tuple[str, str]], width: int) -> Content:
    """Styled pieces as one text of at most `width` cells, cut with an ellipsis."""
    return Content.assemble(*parts).truncate(max(width, 0), ellipsis=True)
