"""Where a view stands that has gone back in a pane's history while the pane goes on: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Scrollback:
    """Rows are numbered from 0, the first row of the screen at the moment the view went back.

    `live` is the number of the screen's first row now, `top` of the first row shown, `size` how many rows tmux
    keeps, and `spare` how many rows of the screen have no room in the view.
    """

    live: int = 0
    top: int = 0
    size: int = 0
    spare: int = 0

    @property
    def back(self) -> int:
        """Rows between the view and the live end."""
        return self.live + self.spare - self.top

    @property
    def oldest(self) -> int:
        return self.live - self.size

    def scroll(self, rows: int) -> Scrollback:
        """Back for a negative number; never beyond what tmux keeps, nor beyond the live end."""
        return replace(self, top=max(self.oldest, min(self.live + self.spare, self.top + rows)))

    def seen(self, size: int, limit: int) -> Scrollback | None:
        """After tmux said how many rows it keeps, of `limit` at most; None when it has forgotten all of them.

        A full history drops its oldest tenth at once, so a smaller one has grown nevertheless. More than a tenth
        between two looks cannot be told from less: then the numbers are off, and what is shown stays shown.
        """
        grown, tenth = size - self.size, max(1, limit // 10)
        if grown < 0:
            if size < limit - tenth:
                return None
            grown += tenth * -(grown // tenth)
        return replace(self, live=self.live + grown, size=size)
