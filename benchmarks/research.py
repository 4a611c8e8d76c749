"""AutoResearch: false keeps of 200 edits that change nothing, kills at any moment, own time, a long ledger.

    .venv/bin/python -m benchmarks.research noise|kills [N [SEED]]|overhead|ledger|tree

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

from agentdeck.errors import AgentDeckError
from agentdeck.models.experiment import Measurement
from agentdeck.research import board, ledger, loop, places, report, start, state
from agentdeck.research.places import Place
from tests.unit.research.test_noise import keeps, trials

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
SEEDS = range(100)


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
    """Real loop, git, ledger and proposer processes; only the trainer is synthetic. Then the decisions alone, often."""
    for policy in ("confirm", "fast"):
        where = home / policy
        where.mkdir()
        began = time.monotonic()
        place = start.begin(f"noise-{policy}", laboratory(where, policy, NOOP, 200))
        loop.Loop(place, patient=False, bench=Synthetic(1)).run()
        told = report.standing(place)
        print(f"{policy:8} kept {told['kept']:2} of {told['experiments']} edits that change nothing", end="")
        print(f", sigma {SIGMA}, {time.monotonic() - began:.1f} s, {time.process_time():.0f} s of processor so far")
    null = {policy: [keeps(trials(policy, seed, 200)) for seed in SEEDS] for policy in ("confirm", "fast")}
    for policy, found in null.items():
        print(f"{policy:8} the same, {len(found)} master seeds: {statistics.mean(found):.2f} kept on average", end="")
        print(f", most {max(found)}, more than 2 in {sum(each > 2 for each in found)}")
    for gain in (1, 2, 3, 4):
        power(gain)


def power(gain: float) -> None:
    """How many of the edits that are worth so many sigma are kept; each tenth of 200 is."""
    for policy in ("confirm", "fast"):
        real = fake = 0
        for seed in SEEDS[:20]:
            found = trials(policy, seed, 200, lambda n: gain * SIGMA if n % 10 == 0 else 0.0)
            real += keeps(found[9::10])
            fake += keeps(found) - keeps(found[9::10])
        share = real / (20 * len(SEEDS[:20]))
        print(f"{policy:8} of edits worth {gain} sigma {share:.0%} are kept, and {fake / 20:.1f} of 180 worth nothing")


def overhead(home: Path) -> None:
    """What a loop takes besides proposer and run, per experiment."""
    place = start.begin("own", laboratory(home, "fast", BETTER, 30))
    used = _processor()
    loop.Loop(place, patient=False).run()
    used = _processor() - used
    own = []
    for each in list(state.fold(ledger.read(place.ledger)).experiments.values())[1:]:
        outside = sum(run.wall for run in each.runs) + _proposer(place, each.id)["seconds"]
        own.append((each.ended - each.at) / 1000 - outside)
        used -= sum(run.cpu for run in each.runs) + _proposer(place, each.id)["cpu"]
    own.sort()
    print(f"processor time of it, with git and supervisors: {used / len(own):.3f} s an experiment")
    print(f"own time per experiment: median {statistics.median(own):.3f} s, p95 {own[int(len(own) * 0.95)]:.3f} s")


def _processor() -> float:
    return sum(os.times()[:4])


def _proposer(place: Place, name: str) -> dict[str, float]:
    told: dict[str, float] = json.loads((place.run(f"{name}.proposer") / "result.json").read_text())["stages"][0]
    return told


def long_ledger(home: Path) -> None:
    """Read and folded here; then by the command line, by the deck's board, and by a loop that is resumed."""
    place = start.begin("long", laboratory(home, "fast", BETTER, 9_999))
    rows = []
    for n in range(10_000):
        name, tree = f"e{n:04d}", {"parent": "a" * 40, "parent_tree": "b" * 40}
        run = {"id": name, "who": "candidate", "seed": 1, "place": f"{name}.0"}
        rows += [
            {"event": "allocated", "id": name, "n": n, "proposer": "random", **tree},
            {"event": "proposed", "id": name, "commit": "c" * 40, "tree": "d" * 40, "hypothesis": "x" * 60},
            {"event": "running", "k": 0, **run},
            {"event": "measured", "value": 1.0, "reason": "", "wall": 1.0, "cpu": 1.0, "memory": 1, **run},
            {"event": "decided", "id": name, "outcome": "discard" if n else "baseline", "reason": "", "value": 1.0},
        ]
    with open(place.ledger, "a", encoding="utf-8") as file:
        file.write("".join(json.dumps({"at": 1, **row}) + "\n" for row in rows))
    began, used = time.monotonic(), time.process_time()
    found = state.fold(ledger.read(place.ledger))
    print(f"{len(rows)} rows, {len(found.experiments)} experiments: {time.monotonic() - began:.2f} s", end="")
    print(f" ({time.process_time() - used:.2f} of processor)")
    for words in (("status", "long"), ("ledger", "long", "--outcome", "keep"), ("ls",)):
        began = time.monotonic()
        deck("research", *words)
        print(f"agentdeck research {' '.join(words)}: {time.monotonic() - began:.2f} s")
    began = time.monotonic()
    shown = board.Board()
    shown.load()
    first, began = time.monotonic() - began, time.monotonic()
    shown.load()
    print(f"the board: first {first:.2f} s, again {time.monotonic() - began:.3f} s")
    began = time.monotonic()
    loop.Loop(place, patient=False).run()
    print(f"a loop resumed, which finds all done: {time.monotonic() - began:.2f} s")


def tree(home: Path) -> None:
    """From the hard limit until nothing lives that a run has started: children that hide in every way."""
    repo = laboratory(home, "fast", NOOP, 1)
    (repo / "train.py").write_text(HIDING)
    text = (repo / "research.toml").read_text().replace("seconds = 5.0", "seconds = 1.0\nhard = 1.0")
    (repo / "research.toml").write_text(text)
    subprocess.run(["git", "commit", "-qam", "hides"], cwd=repo, check=True)
    found = []
    for n in range(10):
        place = start.begin(f"tree{n}", repo)
        try:
            loop.Loop(place, patient=False).run()
        except AgentDeckError as error:
            assert "hard limit" in error.title, error.title
        home_of = place.run("e0000.0")
        ended = json.loads((home_of / "result.json").read_text())["stages"][0]["seconds"]
        signs = [float(line) for line in (home_of / "run.log").read_text().split()]
        assert not [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _marked(pid, place)]
        found.append(max(0.0, max(signs) - min(signs) - ended))
    print(f"the last sign of life of what hides, after the hard limit (goal 3 s): at most {max(found):.2f} s", end="")
    print(", less the start of an interpreter")


HIDING = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(time.monotonic(), flush=True)
for kind in range(6):
    if not os.fork():
        os.setsid()
        if os.fork(): os._exit(0)
        if kind == 1: os.kill(os.getpid(), signal.SIGSTOP)
        if kind == 2: os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"], {})
        if kind == 3:
            for _ in range(5): os.fork()
        if kind == 4: [signal.signal(n, signal.SIG_IGN) for n in range(1, 32) if n not in (9, 19)]
        break
while True:
    print(time.monotonic(), flush=True)
    time.sleep(0.02)
"""


def _marked(pid: int, place: Place) -> bool:
    try:
        return str(place.root).encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


VICTIMS = ("loop", "loop", "supervisor", "git", "git", "engine", "run")
SHIM = """\
#!/bin/sh
# Armed, this git is killed a moment after its start, as if by the kernel.
if rm "{arm}" 2>/dev/null; then
    {git} "$@" <&0 & child=$!
    case $(od -An -N1 -tu1 /dev/urandom) in *[02468]) ;; *) sleep 0.001 ;; esac
    kill -9 $child && echo x >> "{struck}"
    wait $child
    kill -9 $$
fi
exec {git} "$@"
"""


def kills(home: Path, count: int, seed: int = 7) -> None:
    """`kill -9` of loop, supervisor, run, git or engine at random moments; after each the promises are looked at.

    The loop runs in its pane, begun by the command line and an engine; a git dies in a shim that comes before the
    real one on PATH. What is resumed is resumed by the command line.
    """
    arm, struck_git = home / "arm", home / "struck"
    (home / "bin").mkdir()
    shim = home / "bin/git"
    shim.write_text(SHIM.format(arm=arm, struck=struck_git, git=shutil.which("git")))
    shim.chmod(0o755)
    repo = laboratory(home, "fast", BETTER, 1_000_000)
    os.environ["PATH"] = f"{home / 'bin'}:{os.environ['PATH']}"
    deck("research", "start", str(repo), "--name", "kills")
    place = places.find("kills")
    dice, resumes, struck = random.Random(seed), [], dict.fromkeys(VICTIMS, 0)
    known: list[str] = []
    try:
        for n in range(count):
            time.sleep(dice.uniform(0.05, 1.2))
            victim = dice.choice(VICTIMS)
            struck[_strike(victim, place, arm)] += 1
            known = check(place, repo, known)
            resumes.append(_on(place, n))
    finally:
        arm.unlink(missing_ok=True)
        deck("research", "stop", "kills", "--now", ok=(0, 1, 3))
        _until(lambda: not place.running, 30)
        deck("halt", "--yes", ok=(0, 1, 2, 3))
    known = check(place, repo, known)
    entries = ledger.read(place.ledger)
    experiments = len(state.fold(entries).experiments)
    names = [entry["id"] for entry in entries if entry["event"] == "decided"]
    if len(names) != len({*names}):
        raise SystemExit("an experiment was decided twice")
    gits = len(struck_git.read_text().split()) if struck_git.exists() else 0
    waited = [seconds for seconds in resumes if seconds]
    print(f"{sum(struck.values())} kills {struck} ({gits} gits died in their work): {experiments} experiments,")
    print(f"{len(known)} keeps, none lost; the champion was measured and the ledger whole each time;")
    print(f"{len(waited)} resumes of a dead loop, by the command line until its next entry: ", end="")
    print(f"median {statistics.median(waited or [0]):.2f} s, longest {max(waited or [0]):.2f} s")


def deck(*words: str, ok: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "agentdeck", *words], capture_output=True, text=True, check=False
    )
    if done.returncode not in ok:
        raise SystemExit(f"{words}: {done.stderr}")
    return done.stdout


def _until(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _on(place: Place, n: int) -> float:
    """Until the loop goes on; how many seconds a resume took, 0 when none was needed."""
    seconds = 0.0
    time.sleep(0.05)
    rows = len(ledger.read(place.ledger))
    if not place.running:
        began = time.monotonic()
        deck("research", "resume", place.name)
        _until(lambda: len(ledger.read(place.ledger)) > rows + 2, 60)  # resumed, opened, and what it does next
        seconds = time.monotonic() - began
    if not _until(lambda: len(ledger.read(place.ledger)) > rows + 2, 60):
        last = [str(entry)[:300] for entry in ledger.read(place.ledger)[-4:]]
        raise SystemExit("\n".join([f"after kill {n} the loop did not go on:", *last, str(place.now())]))
    return seconds


def _strike(victim: str, place: Place, arm: Path) -> str:
    """Kill it, or the loop when it is not there just now; what was killed."""
    if victim == "git":
        arm.touch()
        if _until(lambda: not arm.exists(), 3):
            return victim
    elif victim != "loop" and (pid := _pid_of(victim, place)):
        try:
            os.kill(pid, signal.SIGKILL)
            return victim
        except ProcessLookupError:
            pass
    pid = int((place.root / "lock").read_text() or 0)
    if place.running and pid:
        os.kill(pid, signal.SIGKILL)
    return "loop"


def _pid_of(victim: str, place: Place) -> int:
    words = {"supervisor": "research.supervise", "run": "train.py", "engine": "agentdeck engine"}[victim]
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and words in _line(entry) and _ours(entry, place):
                return int(entry.name)
    return 0


def _line(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _ours(entry: Path, place: Place) -> bool:
    """Whether this process works for this loop or this deck: others run such things on this machine too."""
    try:
        environment = (entry / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return any(str(place.root.parents[2]) in text for text in (_line(entry), environment))


def check(place: Place, repo: Path, known: list[str]) -> list[str]:
    """SystemExit when a promise is broken; the commits of all durable keeps. The loop may go on meanwhile."""
    before = state.fold(ledger.read(place.ledger))
    git = shutil.which("git", path=os.environ["PATH"].partition(":")[2]) or "git"  # not the one that may die
    words = [git, "rev-parse", f"research/{place.name}"]
    tip = subprocess.run(words, cwd=repo, capture_output=True, text=True, check=True).stdout.strip()
    after = state.fold(ledger.read(place.ledger))
    kept = [e.commit for e in before.experiments.values() if e.outcome == "keep"]
    if kept[: len(known)] != known:
        raise SystemExit("the ledger lost a keep")
    if tip not in {e.commit for e in after.experiments.values() if e.value is not None} | {after.begun["base"]}:
        raise SystemExit("the champion was never measured")
    for commit in kept[:-1]:
        words = [git, "merge-base", "--is-ancestor", commit, tip]
        if subprocess.run(words, cwd=repo, check=False).returncode:
            raise SystemExit(f"the keep {commit} is not in the champion")
    if place.running:  # objects that come while fsck looks are "missing" to it
        return kept
    fsck = subprocess.run(
        [git, "fsck", "--no-dangling", "--no-progress"], cwd=repo, capture_output=True, text=True, check=False
    )
    if fsck.returncode:
        raise SystemExit(f"git's objects are damaged: {fsck.stdout}{fsck.stderr}")
    return kept


def main(what: str = "noise", count: str = "100", seed: str = "7") -> None:
    home = Path(tempfile.mkdtemp(prefix="deck-research-"))
    os.environ["DECK_HOME"] = str(home / "deck")
    for name, value in (("NAME", "bench"), ("EMAIL", "bench@localhost")):
        os.environ[f"GIT_AUTHOR_{name}"] = os.environ[f"GIT_COMMITTER_{name}"] = value
    print("load average", os.getloadavg()[0])
    try:
        if what == "kills":
            kills(home, int(count), int(seed))
        else:
            {"noise": noise, "overhead": overhead, "ledger": long_ledger, "tree": tree}[what](home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
