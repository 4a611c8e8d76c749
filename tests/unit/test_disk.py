from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentdeck import config, paths
from agentdeck.adapters import space
from agentdeck.errors import AgentDeckError, UsageError
from agentdeck.models.agent import Agent
from agentdeck.models.tree import DiskUse
from agentdeck.services.trees import disk


def agent(key: str, **more: object) -> Agent:
    return Agent(key, key, "shell", "/repo", f"/trees/{key}", "b", "", "", "live", **more)  # type: ignore[arg-type]


def test_a_walk_counts_blocks_once_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deep" / "file").write_bytes(b"x" * 100_000)
    os.link(tmp_path / "sub" / "deep" / "file", tmp_path / "again")
    (tmp_path / "out").symlink_to("/usr")
    (tmp_path / "shut").mkdir(mode=0)
    blocks = sum(path.lstat().st_blocks * 512 for path in tmp_path.rglob("*") if path.name != "again")
    assert list(space.walk(tmp_path))[-1] == blocks
    assert list(space.walk(tmp_path / "none")) == []


def test_a_walk_pauses_every_few_entries(tmp_path: Path) -> None:
    for n in range(space.STRIDE * 2 + 1):
        (tmp_path / str(n)).touch()
    assert len(list(space.walk(tmp_path))) == 3


def test_the_room_of_a_place_that_is_not_there_yet(tmp_path: Path) -> None:
    found, here = space.room(tmp_path / "a" / "b"), space.room(tmp_path)
    assert found is not None
    assert here is not None
    assert found.mount == here.mount
    assert os.path.ismount(found.mount)
    assert found.free > 0


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 kB"), (1, "1 kB"), (640_000, "640 kB"), (12_000_000, "12 MB"), (1_250_000_000, "1.2 GB"), (2e11, "200 GB")],
)
def test_sizes_for_one_glance(count: float, shown: str) -> None:
    assert disk.size(int(count)) == shown


def floor(text: str) -> None:
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(f"[disk]\nfloor_gb = {text}\n")


def test_the_floor_names_the_file_system_what_is_free_and_what_to_do(tmp_path: Path) -> None:
    floor("900000")
    room = space.room(tmp_path)
    assert room is not None
    with pytest.raises(AgentDeckError) as error:
        disk.require_room(tmp_path)
    assert f"{room.mount} has " in error.value.title
    assert "the floor is 900000 GB" in error.value.title
    assert "agentdeck trash" in error.value.hint
    assert str(paths.config_file()) in error.value.hint
    for text in ("0", "0.000001"):
        floor(text)
        disk.require_room(tmp_path)
    for text in ("-1", '"much"', "1e9"):
        floor(text)
        with pytest.raises(UsageError, match="disk"):
            config.load()
        disk.require_room(tmp_path)  # a slip in the file stops nobody: the last floor holds


def test_whose_tree_is_measured_next() -> None:
    agents, now = [agent("a"), agent("b", created=1), agent("c", here=True)], 10 * disk.AT_LEAST_MS
    fresh, old = DiskUse(1, now - disk.CHANGED_MS), DiskUse(1, now - disk.AT_LEAST_MS)

    def chosen(known: dict[str, DiskUse], heard: set[str] = frozenset()) -> str | None:  # type: ignore[assignment]
        found = disk.due(agents, known, heard, now)
        return found.id if found else None

    assert chosen({}) == "a"
    assert chosen({"a": fresh}) == "b"
    assert chosen({"a": fresh, "b": fresh}) is None
    assert chosen({"a": fresh, "b": fresh}, {"b"}) == "b"
    assert chosen({"a": old, "b": fresh}, {"b"}) == "a", "the longest unmeasured first"
