"""Only files that exist are opened, seen from the worktree."""

from __future__ import annotations

from pathlib import Path

from agentdeck.models.locations import Location
from agentdeck.services.reading.locations import locate, located


def test_files_are_found_seen_from_the_tree(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "x.py").write_text("x")
    file = tmp_path / "src" / "x.py"
    assert locate("src/x.py", tmp_path) == locate("b/src/x.py", tmp_path) == locate(str(file), Path("/")) == file
    for gone in ("src", "none.py", "~nobody-here/x.py", "x" * 5000, "a\0b", ""):
        assert locate(gone, tmp_path) is None
    named = [Location("src/x.py", 3), Location("none.py", 1), Location("src/x.py", 3, 9, 12), Location("src/x.py", 4)]
    assert located(named, tmp_path) == [(Location("src/x.py", 3), file), (Location("src/x.py", 4), file)]
