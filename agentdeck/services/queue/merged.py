"""How many lines landed tasks have changed. Asks git, once for each pair of commits: call it in a thread."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError

AT_MOST = 500  # landed tasks: git is asked of each


def lines(landed: Iterable[tuple[str, str, str]]) -> int:
    """Lines added and removed between (repository, base commit, head commit) of each; what is gone counts nothing.

    0 for more of them than can be asked of: lines of some beside the cost of all would be a wrong price.
    """
    asked = list(landed)
    return sum(_changed(*each) for each in asked) if len(asked) <= AT_MOST else 0


@lru_cache(maxsize=4096)
def _changed(repo: str, base: str, head: str) -> int:
    try:
        rows = git.items(Path(repo), "diff", "--numstat", "--no-ext-diff", "--no-textconv", "-z", base, head, "--")
    except (AgentDeckError, OSError):
        return 0
    counts = (row.split("\t")[:2] for row in rows if "\t" in row)
    return sum(int(count) for pair in counts for count in pair if count.isdigit())
