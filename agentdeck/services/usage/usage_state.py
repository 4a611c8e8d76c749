"""How far a file has been read, and what is read of it at once."""

from __future__ import annotations

from dataclasses import dataclass

from agentdeck.harnesses.readers import Seen

BLOCK = 120_000  # what is larger, malloc takes from the system and gives back each time: half of a scan's system time
LONGEST_LINE = 64 << 20  # a longer one is passed over and counted


@dataclass(frozen=True, slots=True)
class FileState:
    """How far a file has been read, and how to tell that it is still that file.

    `head` and `mark` are hashes of its first bytes and of the last ones before `offset`, each
    with its length. `diagnostics` counts rows that were damaged, strange or too long. `told` is
    what the reader must know of what it has read.
    """

    path: str
    device: int = 0
    inode: int = 0
    size: int = 0
    mtime_ns: int = 0
    offset: int = 0
    head: str = ""
    mark: str = ""
    parser: int = 0
    diagnostics: int = 0
    told: str = ""  # what the reader must know of what it has read

    def same(self, seen: Seen) -> bool:
        """Nothing has changed since."""
        return seen == Seen(self.device, self.inode, self.size, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines (or a complete last one), and the state that holds once they are stored.

    `waits`: the last line has no end yet and may still get one; look again after a while.
    """

    lines: bytes
    state: FileState
    waits: bool = False
