"""Growth of transcripts is noticed at once, and by whose they are."""

from __future__ import annotations

from pathlib import Path

from agentdeck.services.usage.transcript_watch import TranscriptWatch, with_logs
from tests.waiting import wait_until


def test_only_what_changed_since_the_last_look_is_news(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    watch, files = TranscriptWatch(), {str(one): "ann", str(two): "bob"}
    assert watch.look([files]) == set()
    one.write_text("ab")
    assert watch.look([files]) == {"ann"}
    assert watch.look([files]) == set()
    two.write_text("new")  # the meter's rounds find new files
    assert watch.look([files]) == set()


def test_a_database_is_watched_by_its_log() -> None:
    assert with_logs({"/x/a.db": "ann", "/x/b.jsonl": "bob"}) == {
        "/x/a.db": "ann", "/x/b.jsonl": "bob", "/x/a.db-wal": "ann",
    }  # fmt: skip


async def test_the_loop_is_woken(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text("a")
    watch = TranscriptWatch()
    watch.follow({str(file): "ann"}, {})
    watch.look([{str(file): "ann"}])
    watch.start()
    try:
        file.write_text("ab")
        await wait_until(watch.changed.is_set)
        assert watch.take() == {"ann"}
        assert not watch.changed.is_set()
    finally:
        watch.stop()
