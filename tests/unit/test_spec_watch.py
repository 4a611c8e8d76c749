"""Watched folders: what is queued, when, and that nothing in them stops the deck."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdeck import paths
from agentdeck.adapters.database import store
from agentdeck.adapters.database.store import Writer
from agentdeck.models.task import Task
from agentdeck.services.queue import queue, spec_watch
from agentdeck.services.queue.spec_watch import SpecWatch


@pytest.fixture
def writer() -> Iterator[Writer]:
    found = Writer(paths.database_file())
    yield found
    found.close()


@pytest.fixture
def folder(git_repo: Path) -> Path:
    place = git_repo / "inbox"
    place.mkdir()
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text(f'[queue]\nwatch = ["{place}"]\n')
    return place


def old(path: Path, text: str = "") -> Path:
    """A file that has been left alone for a while."""
    if text:
        path.write_text(text)
    os.utime(path, (time.time() - 5, time.time() - 5 - len(text)))
    return path


def tasks(writer: Writer) -> list[Task]:
    return writer.run_sync(queue.tasks)


async def looked(watch: SpecWatch, folder: Path) -> None:
    watch._dirty.add(str(folder))
    await watch._look(str(folder))


async def test_a_file_is_queued_unapproved_and_approved_once_for_its_text(writer: Writer, folder: Path) -> None:
    watch = SpecWatch(writer)
    one = old(folder / "one.md", "# One\n")
    await looked(watch, folder)
    [task] = tasks(writer)
    assert (task.title, task.state, task.path) == ("One", "blocked", str(one))
    writer.run_sync(lambda conn: queue.approve(conn, task.id))
    await looked(watch, folder)
    assert [t.state for t in tasks(writer)] == ["queued"]
    old(one, "# One, better\n")
    await looked(watch, folder)
    [task] = tasks(writer)
    assert (task.title, task.state) == ("One, better", "blocked")
    old(one, "# One\n")
    await looked(watch, folder)
    assert [t.state for t in tasks(writer)] == ["queued"], "that text was read before"


async def test_half_written_files_wait_and_renames_keep_their_task(writer: Writer, folder: Path) -> None:
    watch = SpecWatch(writer)
    (folder / "new.md").write_text("# Ne")
    (folder / ".hidden.md").write_text("# No\n")
    (folder / "note.txt").write_text("# No\n")
    await looked(watch, folder)
    assert tasks(writer) == []
    assert str(folder) in watch._dirty, "it is looked at again soon"
    old(folder / "new.md", "# New\n")
    await looked(watch, folder)
    (folder / "new.md").rename(folder / "newer.md")
    await looked(watch, folder)
    assert [(t.title, Path(t.path).name, t.state) for t in tasks(writer)] == [("New", "newer.md", "blocked")]
    (folder / "newer.md").unlink()
    await looked(watch, folder)
    assert tasks(writer)[0].state == "blocked", "an editor may only have moved it"
    watch._gone = {path: since - 60 for path, since in watch._gone.items()}
    await looked(watch, folder)
    assert tasks(writer)[0].state == "cancelled"


async def test_what_is_wrong_is_said_and_what_comes_later_is_found(writer: Writer, folder: Path) -> None:
    watch = SpecWatch(writer)
    old(folder / "bad.md", "---\nnonesuch: 1\n---\nx\n")
    old(folder / "later.md", "---\ndepends_on: sooner.md\n---\nx\n")
    (folder / "out.md").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe.md")
    old(folder / "pipe.md")
    await looked(watch, folder)
    conn = store.read(paths.database_file())
    assert conn is not None
    found = " ".join(row["reason"] for row in conn.execute("SELECT reason FROM spec_problems"))
    assert "bad.md, line 2: unknown key 'nonesuch'" in found
    assert "later.md depends on sooner.md, which is not in the queue" in found
    assert "leads out of its folder" in found
    assert tasks(writer) == []
    old(folder / "sooner.md", "# Sooner\n")
    old(folder / "bad.md", "# Good\n")
    await looked(watch, folder)
    await looked(watch, folder)
    assert sorted(t.title for t in tasks(writer)) == ["Good", "Sooner", "x"]
    left = [row["reason"] for row in conn.execute("SELECT reason FROM spec_problems")]
    conn.close()
    assert not any("bad.md" in one or "later.md" in one for one in left)


async def test_a_new_version_that_nobody_read_is_not_tried_again(writer: Writer, folder: Path) -> None:
    """A retry must never run the verify command of a text that came in while the task ran."""
    from tests.unit.test_queue import agent

    watch = SpecWatch(writer)
    old(folder / "one.md", "# One\n")
    await looked(watch, folder)
    writer.run_sync(lambda conn: queue.approve(conn, 1))
    writer.run_sync(lambda conn: conn.execute("UPDATE tasks SET repo = '/r'"))
    al = writer.run_sync(lambda conn: agent(conn, "al"))
    writer.run_sync(lambda conn: queue.lease(conn, 1, al))
    writer.run_sync(lambda conn: conn.execute("UPDATE tasks SET repo = ?", (str(folder.parent),)))
    old(folder / "one.md", "---\nverify: evil\n---\n# One\n")
    await looked(watch, folder)
    assert tasks(writer)[0].state == "running"
    assert writer.run_sync(lambda conn: queue.finish(conn, 1, 1, "failed", "no", limit=9)) == "blocked"
    assert tasks(writer)[0].reason.startswith("unapproved")


NAMES = st.text(
    alphabet=st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=20
)


@settings(max_examples=40)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=200)), max_size=6))
async def test_a_fuzzed_folder_never_stops_it(found: list[tuple[str, bytes]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        for name, data in found:
            try:
                old_file = Path(place, f"{name}.md")
                old_file.write_bytes(b"---\n" + data if len(data) % 2 else data)
                os.utime(old_file, (1, 1))
            except (OSError, ValueError):
                continue
        for one in spec_watch.look(Path(place), {}, time.time())[0]:
            assert (one.spec is None) == bool(one.problem)
