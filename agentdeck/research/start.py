"""Begins loops: from a contract a human points at, or from an experiment of another loop."""

from __future__ import annotations

from pathlib import Path

from agentdeck.adapters import git
from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.research import contract as contracts
from agentdeck.research import guards, ledger, objects, places, proposers, trees
from agentdeck.research.contract import Contract
from agentdeck.research.places import Place


def begin(name: str, directory: Path, *, base: str = "") -> Place:
    """A new loop on the contract in `directory`, approved as it is there: a later change of the file changes nothing.

    It starts from `base`, or from HEAD, with which the directory must agree.
    """
    directory = directory.resolve()
    contract, digest = contracts.read(directory / contracts.FILE)
    subject = trees.find(directory)
    if not base and (left := trees.unsaved(directory)):
        raise AgentDeckError(
            f"{directory} has changes that are not committed: {', '.join(left[:5])}",
            "A loop starts from a commit. Commit them first: git add -A . && git commit",
        )
    proposers.check(contract, directory)
    commit = git.resolve(directory, base or "HEAD")
    listing = subject.listing(subject.tree(commit))
    if not any(not guards.protected(contract, path) for path in listing):
        raise UsageError(f"editable = {list(contract.editable)} matches no file", "See the globs in research.toml.")
    with places.making(name) as place:
        _make(place, subject, contract, digest, directory, commit)
    return place


def _make(
    place: Place, subject: trees.Subject, contract: Contract, digest: str, directory: Path, commit: str
) -> None:  # fmt: skip
    """The branch, and then the ledger, with which the loop is there."""
    branch = f"research/{place.name}"
    ours = place.contract.exists() and git.find_oid(subject.repo, f"refs/heads/{branch}") == commit
    if not ours and (other := git.branch_in_the_way(subject.repo, branch)):
        raise UsageError(f"there is a branch {other} already", "Choose another --name, or delete that branch.")
    text = (directory / contracts.FILE).read_text(encoding="utf-8")
    if contracts.digest(text) != digest:
        raise TryAgain(f"{directory / contracts.FILE} is being edited", "Start again when it is as you want it.")
    places.put(place.contract, text)
    if contract.proposer.script:
        (place.root / "script.toml").write_bytes((directory / contract.proposer.script).read_bytes())
    if not ours:
        git.set_ref(subject.repo, f"refs/heads/{branch}", commit, git.NO_OID, "agentdeck research: begun")
    ledger.append(
        place.ledger, "begun", name=place.name, repo=str(subject.repo), prefix=subject.prefix, base=commit,
        branch=branch, contract=digest, directory=str(directory), metric=contract.metric.name, better=contract.better,
    )  # fmt: skip


def commands(place: Place) -> list[str]:
    """What a human approves by starting: every command that the loop runs, in words."""
    contract = contracts.read(place.contract)[0]
    rows = [
        ("preflight", contract.preflight),
        ("run", contract.run),
        ("score", contract.score),
        ("audit", contract.audit),
    ]
    told = [f"{name:9} {command}" for name, command in rows if command]
    proposer = contract.proposer
    who = proposer.kind if proposer.kind in ("random", "scripted") else proposers.command(proposer)
    return [*told, f"{'proposer':9} {who}", *_notes(place)]


def _notes(place: Place) -> list[str]:
    """What a run will not find as it is in the working tree."""
    begun = ledger.read(place.ledger)[0]
    subject = trees.of(place, begun)
    found = subject.listing(subject.tree(begun["base"]))
    told = [f"note      {path} is a Git LFS pointer: git lfs pull" for path in objects.pointers(subject.repo, found)]
    empty = [path for path, blob in found.items() if blob.mode == objects.MODULE and not _inside(path, found)]
    return told + [f"note      the submodule {path} stays empty: git submodule update --init" for path in empty]


def _inside(module: str, found: objects.Listing) -> bool:
    return any(path.startswith(f"{module}/") for path in found)
