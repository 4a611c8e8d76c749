"""Repositories as people have them: large files, Git LFS, submodules, changes that are not committed, no room."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.models.experiment import Experiment
from agentdeck.research import bench, ledger, loop, objects, places, start
from tests import labs
from tests.waiting import wait_for

READS = "import os\nX = 8.0\ndata = open('data.bin', 'rb').read()\nassert len(data) == {size}\nprint('loss:', X)\n"


def tried(repo: Path, *steps: tuple[str, ...], **files: bytes | str) -> list[Experiment]:
    for name, data in files.items():
        file = repo / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
    labs.git(repo, "add", "-A", "-f")
    labs.git(repo, "commit", "-qm", "more")
    return labs.experiments(labs.run(repo))


BETTER = ("better", "X = 8.0", "X = 4.0")


def laid_out() -> bytes:
    [large] = (places.find("lab").root / "large").glob("[!.]*")
    return large.read_bytes()


def test_a_large_file_is_laid_out_once_and_no_run_changes_it(tmp_path: Path) -> None:
    size = objects.LARGE + 1
    spoils = "X = 2.0\nos.chmod(os.path.realpath('data.bin'), 0o644)\nopen('data.bin', 'r+b').write(b'y')"
    swaps = f"X = 2.0\nos.remove('data.bin')\nopen('data.bin', 'wb').write(b'x' * {size})"
    steps = (BETTER, ("spoils it", "X = 4.0", spoils), ("swaps it", "X = 4.0", swaps), ("x", "X = 4.0", "X = 3.0"))
    repo = labs.scripted(tmp_path / "lab", *steps, **{"train.py": READS.format(size=size)})
    found = tried(repo, **{"data.bin": b"x" * size})
    assert [each.outcome for each in found] == ["baseline", "keep", "crash", "crash", "keep"], found
    assert "exit code 1" in found[2].reason or "and put it back" in found[2].reason
    assert found[3].reason.startswith("the run changed data.bin")
    assert laid_out() == b"x" * size
    assert labs.git(repo, "diff", "--stat", "research/lab~2", "research/lab", "--", "data.bin") == ""


def test_where_the_kernel_holds_nothing_a_spoiled_large_file_is_found_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = bench.Stage
    monkeypatch.setattr(bench, "Stage", lambda *args, **given: stage(*args, **{**given, "write": ()}))
    size = objects.LARGE + 1
    spoils = "X = 2.0\nos.chmod(os.path.realpath('data.bin'), 0o644)\nopen('data.bin', 'r+b').write(b'y')"
    repo = labs.scripted(
        tmp_path / "lab", ("spoils it", "X = 8.0", spoils), BETTER, **{"train.py": READS.format(size=size)}
    )
    found = tried(repo, **{"data.bin": b"x" * size})
    assert [each.outcome for each in found] == ["baseline", "crash", "keep"], found
    assert "put it back" in found[1].reason
    assert laid_out() == b"x" * size


def test_what_git_lfs_has_here_is_laid_out_and_what_it_has_not_stays_a_pointer(tmp_path: Path) -> None:
    content = b"the data" * 1000
    digest = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"
    repo = labs.scripted(tmp_path / "lab", BETTER, **{"train.py": READS.format(size=len(content))})
    store = repo / ".git/lfs/objects" / digest[:2] / digest[2:4]
    store.mkdir(parents=True)
    (store / digest).write_bytes(content)
    gone = pointer.replace(digest, "0" * 64)
    found = tried(repo, **{"data.bin": pointer, "gone.bin": gone})
    assert [each.outcome for each in found] == ["baseline", "keep"], found
    told = start.commands(places.find("lab"))
    assert any("gone.bin" in line and "git lfs pull" in line for line in told), told


def test_a_submodule_is_laid_out_and_nobodys_to_edit(tmp_path: Path) -> None:
    other = labs.lab(tmp_path / "other", **{"data.bin": "12345"})
    train = READS.replace("data.bin", "sub/data.bin").format(size=5)
    repo = labs.scripted(
        tmp_path / "lab", BETTER, ("in it", "", "x = 1", "sub/new.py"), ("of it", "12345", "1", "sub/data.bin"),
        contract=labs.CONTRACT.replace('"src/**"', '"**"'), **{"train.py": train},
    )  # fmt: skip
    labs.git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    found = tried(repo)
    assert [each.outcome for each in found] == ["baseline", "keep", "refused", "refused"], found
    assert {each.reason.rpartition(" is ")[2] for each in found[2:]} == {"in the submodule sub"}
    assert labs.git(repo, "ls-tree", "research/lab", "sub").startswith("160000 commit")


def test_changes_elsewhere_are_no_hindrance_and_stay_as_they_are(tmp_path: Path) -> None:
    repo = labs.scripted(tmp_path / "lab/part", BETTER)
    labs.git(repo, "rm", "-q", "-r", "--cached", ".")
    top = repo.parent
    os.rename(repo / ".git", top / ".git")
    (top / "other.txt").write_text("1\n")
    labs.git(top, "add", "-A", "-f")
    labs.git(top, "commit", "-qm", "deeper")
    (top / "other.txt").write_text("2\n")
    (top / "new.txt").write_text("3\n")
    before = labs.git(top, "status", "--porcelain")
    found = labs.experiments(labs.run(repo))
    assert [each.outcome for each in found] == ["baseline", "keep"]
    assert labs.git(top, "status", "--porcelain") == before != ""
    assert labs.git(top, "show", "research/lab:part/train.py").splitlines()[1] == "X = 4.0"
    assert labs.git(top, "show", "research/lab:other.txt") == "1"


def test_two_who_begin_a_loop_of_the_same_name_get_one(tmp_path: Path) -> None:
    """In repositories of their own, at the same time, many times over."""
    code = (
        "import sys, pathlib; from agentdeck.research import start\nfrom agentdeck.errors import AgentDeckError\n"
        "for n in range(6):\n    try:\n        start.begin(f'same{n}', pathlib.Path(sys.argv[1]))\n        print(n)\n"
        "    except AgentDeckError as error:\n        print('no', error.title, file=sys.stderr)\n"
    )
    repos = [labs.lab(tmp_path / name) for name in ("a", "b")]
    argv = [sys.executable, "-c", code]
    made = [subprocess.Popen([*argv, str(repo)], stdout=subprocess.PIPE, text=True) for repo in repos]
    told = [process.communicate(timeout=50)[0].split() for process in made]
    assert sorted(told[0] + told[1]) == [str(n) for n in range(6)]
    for n in range(6):
        entries = ledger.read(places.find(f"same{n}").ledger)
        [owner] = [repo for repo, won in zip(repos, told, strict=True) if str(n) in won]
        assert [entry["directory"] for entry in entries] == [str(owner)]
        assert labs.git(owner, "rev-parse", f"research/same{n}")


@pytest.mark.slow
def test_what_a_killed_start_has_left_is_no_hindrance(tmp_path: Path) -> None:
    repo = labs.lab(tmp_path / "lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "append", lambda *_, **__: sys.exit(9))
        with pytest.raises(SystemExit):
            start.begin("lab", repo)
    assert not places.every()
    assert len(labs.experiments(labs.run(repo))) == 6
    with pytest.raises(UsageError, match="there is a loop 'lab' already"):
        start.begin("lab", repo)
    with places.find("lab").lock(), pytest.raises(TryAgain):
        start.begin("lab", repo)


@pytest.mark.slow
def test_a_ledger_that_cannot_be_written_blocks_and_loses_nothing(tmp_path: Path) -> None:
    """The kernel refuses the ledger's growth in the midst of a line; later it does not, and the loop goes on."""
    repo = labs.scripted(tmp_path / "lab", BETTER)
    place = start.begin("lab", repo)
    with open(place.ledger, "ab") as file:
        file.write(b" " * 60_000 + b"\n")  # so that all but the ledger has room enough
    most = place.ledger.stat().st_size + 100
    code = (
        "import resource, signal, sys; from agentdeck.research import loop\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, resource.RLIM_INFINITY))\n"
        "sys.exit(loop.main('lab'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    wait_for(lambda: place.now().get("state") == "blocked", 30)
    assert "the ledger" in place.now()["why"] and "File too large" in place.now()["why"]
    size = place.ledger.stat().st_size
    assert place.ledger.read_bytes()[size - 1 :] == b"\n"
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert process.wait(50) == 0
    assert [each.outcome for each in labs.experiments(place)] == ["baseline", "keep"]


def test_a_full_disk_is_no_experiments_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LEAST_FREE", 1 << 60)
    with pytest.raises(AgentDeckError, match="blocked: preflight: only .* MB are free"):
        labs.run(labs.scripted(tmp_path / "lab", BETTER))
    assert labs.experiments(places.find("lab")) == []


@pytest.mark.slow
def test_a_clock_that_is_set_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour back after each entry; the loop still ends, in order, and its hours are those that passed."""
    times = iter(range(2_000_000_000_000, 0, -3_600_000))
    monkeypatch.setattr(ledger, "now_ms", lambda: next(times))
    monkeypatch.setattr(loop, "now_ms", lambda: next(times))
    contract = labs.CONTRACT.replace("[stop]", "[stop]\nhours = 1.0")
    place = labs.run(labs.scripted(tmp_path / "lab", BETTER, ("y", "Y = 3", "Y = 1"), contract=contract))
    assert [each.outcome for each in labs.experiments(place)] == ["baseline", "keep", "keep"]
    from agentdeck.research import report

    assert report.standing(place)["per_hour"] is None


def test_a_deck_that_was_moved_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deck_home: Path) -> None:
    repo = labs.scripted(tmp_path / "lab", BETTER, ("y", "Y = 3", "Y = 1"))
    place = start.begin("lab", repo)
    one = loop.Loop(place, patient=False, tell=lambda _: ledger.append(place.ledger, "stop"))
    assert one.run() == "stopped by hand"
    os.rename(deck_home, tmp_path / "moved")
    monkeypatch.setenv("DECK_HOME", str(tmp_path / "moved"))
    moved = places.find("lab")
    loop.Loop(moved, patient=False).run()
    assert [each.outcome for each in labs.experiments(moved)] == ["baseline", "keep", "keep"]
    assert places.find(str(place.root)) == moved  # what its pane was begun with
