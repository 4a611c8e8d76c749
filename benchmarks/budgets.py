"""One runaway among twenty agents, and what its budget makes of it: `python -m benchmarks.budgets`.

The runaway pays no heed to interrupts. Told as JSON: how many responses it made beyond its limit, the same for a
counter that looks once in five seconds (from the runaway's own record of this run), what became of the others, and
whether all of its work is still in its tree. Exit code 1 when any of it is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path

from agentdeck import paths
from benchmarks.rig import Rig, place, rig
from tests import spender
from tests.waiting import wait_for

LIMIT = 10
LOOK_SECONDS = 5.0  # of the counter it is compared with


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--agents", type=int, default=20)
    options.add_argument("--pause", type=float, default=0.5, help="Seconds between two responses of the runaway.")
    chosen = options.parse_args()
    with place() as repo, rig(repo) as deck:
        spender.install()
        found = run(deck, chosen.agents, chosen.pause)
        json.dump(found, sys.stdout, indent=2)
        print()
        raise SystemExit(not found["as_it_should_be"])


def run(deck: Rig, agents: int, pause: float) -> dict[str, object]:
    others = [f"calm-{number}" for number in range(agents - 1)]
    for name in others:
        deck.deck.new(name, "spender", "--budget", "turns=5000,usd=50", "--", "2", "5000")
    deck.agents = [*others, "runaway"]
    made = deck.deck.new("runaway", "spender", "--budget", f"turns={LIMIT}", "--", str(pause), "5000")
    wait_for(lambda: deck.deck.state("runaway") == "exited", 120, "the end of the runaway")
    session = deck.deck.sql("SELECT session FROM agents WHERE id = ?", made["id"])[0]["session"]
    transcript = (paths.transcripts_dir() / f"{session}.jsonl").read_text().splitlines()
    times = [datetime.fromisoformat(json.loads(line)["ts"]).timestamp() for line in transcript]
    work = (Path(made["worktree"]) / "work.txt").read_text().splitlines()
    touched = deck.deck.sql(
        "SELECT agent FROM events WHERE kind = 'budget' AND json_extract(data, '$.action') != 'set'"
    )
    wrongly = sorted({row["agent"] for row in touched} - {made["id"]})
    counted = deck.deck.sql("SELECT COUNT(*) n FROM usage WHERE agent = ?", made["id"])[0]["n"]
    alive = deck.deck.sql("SELECT COUNT(*) n FROM agents WHERE life = 'live'")[0]["n"]
    beyond = len(transcript) - LIMIT
    return {
        "agents": agents,
        "limit_turns": LIMIT,
        "runaway_responses": len(transcript),
        "beyond_the_limit": beyond,
        "beyond_with_a_look_in_5_s": round(LOOK_SECONDS / ((times[-1] - times[0]) / (len(times) - 1))),
        "counted": counted,
        "actions": [event["action"] for event in deck.deck.events("budget") if event["action"] != "set"],
        "others_touched": len(wrongly),
        "others_alive": alive,
        "work_lines_kept": len(work),
        "load_average": round(os.getloadavg()[0], 1),
        "as_it_should_be": beyond <= 2 and not wrongly and alive == agents - 1 and len(work) >= len(transcript),
    }


if __name__ == "__main__":
    main()
