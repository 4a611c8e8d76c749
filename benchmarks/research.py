"""AutoResearch: false keeps of 200 edits that change nothing, kills at any moment, own time, a long ledger.

    .venv/bin/python -m benchmarks.research noise|kills [N]|overhead|ledger

All in a temporary DECK_HOME, with trainers of milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentdeck.models.experiment import Measurement
from agentdeck.research import ledger, loop, places, report, start, state
from agentdeck.research.places import Place

CONTRACT = """\
run = "{python} -I -S train.py"
editable = ["train.py"]
[metric]
name = "loss"
regex = '^loss: (.+)$'
[budget]
seconds = 5.0
[noise]
policy = "{policy}"
[proposer]
kind = "command"
command = "{propose}"
backoff = 0.01
[stop]
experiments = {count}
"""
TRAIN = 'import os\nX = 0\nprint("loss:", 100 - X)\n'
# An edit that is unique, and one that is also better, each time.
NOOP = 'echo \\"# $(date +%s%N)\\" >> train.py; echo another comment'
BETTER = (
    "n=$(sed -n 's/^X = //p' train.py); sed -i s/^X.*/X\\\\ =\\\\ $((n+1))/ train.py; "
    "date +%s%N | sed 's/^/# /' >> train.py"
)
SIGMA = 0.03


def laboratory(home: Path, policy: str, propose: str, count: int) -> Path:
    repo = home / "lab"
    repo.mkdir()
    (repo / "train.py").write_text(TRAIN)
    text = CONTRACT.replace("{python}", sys.executable).replace("{policy}", policy).replace("{propose}", propose)
    (repo / "research.toml").write_text(text.replace("{count}", str(count)))
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "base"]):
        subprocess.run([*git, *words], cwd=repo, check=True)
    return repo


class Synthetic:
    """A trainer in this process: every tree is worth the same, and one run is off by chance."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def begin(self, name: str, tree: str, seed: int) -> int:
        return os.getpid()

    def finish(self, name: str, tree: str, who: object, seed: int, meanwhile: Callable[[], None]) -> Measurement:
        which = "champion" if who == "champion" else "candidate"
        return Measurement(which, seed, self.dice.gauss(1.0, SIGMA), place=name)

    def audit(self, name: str, tree: str, seed: int, meanwhile: Callable[[], None]) -> None:
        return None

    def preflight(self, tree: str, meanwhile: Callable[[], None]) -> str:
        return ""

    def stop(self, name: str) -> None: ...

    def tidy(self, name: str) -> None: ...


def noise(home: Path) -> None:
    """Real loop, git, ledger and proposer processes; only the trainer is synthetic."""
    for policy in ("confirm", "fast"):
        where = home / policy
        where.mkdir()
        began = time.monotonic()
        place = start.begin(f"noise-{policy}", laboratory(where, policy, NOOP, 200))
        loop.Loop(place, patient=False, bench=Synthetic(1)).run()
        told = report.standing(place)
        print(f"{policy:8} kept {told['kept']:2} of {told['experiments']} edits that change nothing", end="")
        print(f", sigma {SIGMA}, {time.monotonic() - began:.1f} s")


def overhead(home: Path) -> None:
    """What a loop takes besides proposer and run, per experiment."""
    place = start.begin("own", laboratory(home, "fast", BETTER, 30))
    loop.Loop(place, patient=False).run()
    own = []
    for each in list(state.fold(ledger.read(place.ledger)).experiments.values())[1:]:
        outside = sum(run.wall for run in each.runs) + _proposer_seconds(place, each.id)
        own.append((each.ended - each.at) / 1000 - outside)
    own.sort()
    print(f"own time per experiment: median {statistics.median(own):.3f} s, p95 {own[int(len(own) * 0.95)]:.3f} s")


def _proposer_seconds(place: Place, name: str) -> float:
    told = json.loads((place.run(f"{name}.proposer") / "result.json").read_text())
    return float(told["stages"][0]["seconds"])


def long_ledger(home: Path) -> None:
    file = home / "ledger.jsonl"
    rows = []
    for n in range(10_000):
        name = f"e{n:05d}"
        rows += [
            {
                "event": "allocated",
                "id": name,
                "n": n,
                "proposer": "random",
                "parent": "a" * 40,
                "parent_tree": "b" * 40,
            },
            {"event": "proposed", "id": name, "commit": "c" * 40, "tree": "d" * 40, "hypothesis": "x" * 60},
            {"event": "running", "id": name, "k": 0, "who": "candidate", "seed": 1, "place": f"{name}.0"},
            {"event": "measured", "id": name, "who": "candidate", "seed": 1, "value": 1.0, "place": f"{name}.0"},
            {"event": "decided", "id": name, "outcome": "discard", "reason": "no better", "value": 1.0},
        ]
    file.write_text("".join(json.dumps({"at": 1, **row}) + "\n" for row in rows))
    began = time.monotonic()
    found = state.fold(ledger.read(file))
    print(f"{len(rows)} rows, {len(found.experiments)} experiments: read in {time.monotonic() - began:.2f} s")


def kills(home: Path, count: int) -> None:
    """`kill -9` of loop, supervisor or git at random moments; after each the promises are looked at."""
    repo = laboratory(home, "fast", BETTER, 1_000_000)
    place = start.begin("kills", repo)
    dice, resumes, struck = random.Random(7), [], {"loop": 0, "supervisor": 0, "git": 0}
    known: list[str] = []
    process = _begin(place)
    for n in range(count):
        time.sleep(dice.uniform(0.05, 0.8))
        victim = dice.choice(("loop", "loop", "supervisor", "git"))
        struck[_strike(victim, process, place)] += 1
        if process.poll() is None and victim != "loop":
            time.sleep(0.05)
            process.kill()
        process.wait()
        known = check(place, repo, known)
        rows = len(ledger.read(place.ledger))
        began = time.monotonic()
        process = _begin(place)
        while len(ledger.read(place.ledger)) <= rows + 1:
            if time.monotonic() - began > 60:
                last = [str(entry)[:300] for entry in ledger.read(place.ledger)[-4:]]
                told = (home / "stderr").read_text()[-1500:]
                raise SystemExit("\n".join([f"after kill {n} the loop did not go on:", *last, str(place.now()), told]))
            time.sleep(0.01)
        resumes.append(time.monotonic() - began)
    process.terminate()
    process.wait()
    known = check(place, repo, known)
    experiments = len(state.fold(ledger.read(place.ledger)).experiments)
    print(f"{sum(struck.values())} kills {struck}: {experiments} experiments, {len(known)} keeps, none lost; the")
    print(f"champion was measured and the ledger whole each time; resume median {statistics.median(resumes):.2f} s,")
    print(f"longest {max(resumes):.2f} s (start of the interpreter included)")


def _begin(place: Place) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-P", "-m", "agentdeck", "research", "run", place.name]
    with open(place.root.parent.parent.parent.parent / "stderr", "wb") as err:
        return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=err)


def _strike(victim: str, process: subprocess.Popen[bytes], place: Place) -> str:
    """Kill it, or the loop when it is not there just now; what was killed."""
    pid = 0
    if victim == "supervisor":
        pid = _pid_of("supervise.py", str(place.root))
    elif victim == "git":
        end = time.monotonic() + 0.5
        while not pid and time.monotonic() < end:
            pid = _pid_of("git", str(places.Place(place.root).root.parent.parent.parent.parent))
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
            return victim
        except ProcessLookupError:
            pass
    process.kill()
    return "loop"


def _pid_of(*words: str) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if all(word in line for word in words):
                return int(entry.name)
    return 0


def check(place: Place, repo: Path, known: list[str]) -> list[str]:
    """SystemExit when a promise is broken; the commits of all durable keeps."""
    told = state.fold(ledger.read(place.ledger))
    kept = [e.commit for e in told.experiments.values() if e.outcome == "keep"]
    if kept[: len(known)] != known:
        raise SystemExit("the ledger lost a keep")
    tip = subprocess.run(
        ["git", "rev-parse", "research/kills"], cwd=repo, capture_output=True, text=True, check=True
    ).stdout.strip()
    measured = {e.commit for e in told.experiments.values() if e.value is not None} | {told.begun["base"]}
    if tip not in measured:
        raise SystemExit("the champion was never measured")
    for commit in kept[:-1]:
        words = ["git", "merge-base", "--is-ancestor", commit, tip]
        if subprocess.run(words, cwd=repo, check=False).returncode:
            raise SystemExit(f"the keep {commit} is not in the champion")
    if subprocess.run(["git", "fsck", "--no-dangling"], cwd=repo, capture_output=True, check=False).returncode:
        raise SystemExit("git's objects are damaged")
    return kept


def main(what: str = "noise", count: str = "100") -> None:
    home = Path(tempfile.mkdtemp(prefix="deck-research-"))
    os.environ["DECK_HOME"] = str(home / "deck")
    for name, value in (("NAME", "bench"), ("EMAIL", "bench@localhost")):
        os.environ[f"GIT_AUTHOR_{name}"] = os.environ[f"GIT_COMMITTER_{name}"] = value
    print("load average", os.getloadavg()[0])
    try:
        if what == "kills":
            kills(home, int(count))
        else:
            {"noise": noise, "overhead": overhead, "ledger": long_ledger}[what](home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
