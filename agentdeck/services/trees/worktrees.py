"""An agent's own working tree, from its making on. Everything here blocks: call it in a thread.

What becomes of it when its agent is removed is in `loss_report` (what would go) and `trash`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentdeck import paths
from agentdeck.adapters import git, git_index, git_merge, git_page
from agentdeck.errors import AgentDeckError, TryAgain, UsageError
from agentdeck.models.agent import NAME, NAME_RULE
from agentdeck.services.fleet import Diff
from agentdeck.services.trees import includes, leftovers, losses, setups
from agentdeck.services.trees.setups import Setup

__all__ = [
    "Created", "Setup", "branch_name", "changes", "check_base", "create", "diff", "differing", "forget_empty", "head",
    "in_place", "kept_base", "linked", "made_before", "next_branch", "place", "repository", "setup_command",
    "show_changes", "start_point", "unmake",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Created:
    """A worktree on a fresh branch. `repo` is the main working tree.

    `included` are the files copied in by `.worktreeinclude`. After `next_branch`, `saved_ref`
    and `saved_oid` say what holds the leftovers, and `kept` are paths that could be neither
    saved nor ignored and stay in the tree (nested repositories, files the new base does not ignore).
    """

    repo: str
    worktree: str
    branch: str
    base_oid: str
    included: tuple[str, ...] = ()
    saved_ref: str = ""
    saved_oid: str = ""
    kept: tuple[str, ...] = ()


def branch_name(name: str, n: int) -> str:
    """`deck/<name>/<n>`; raises UsageError for a name or number outside our charset."""
    if not NAME.match(name) or n < 1:
        raise UsageError(f"'{name}' cannot name an agent", f"A name is {NAME_RULE}.")
    return f"{leftovers.OURS}{name}/{n}"


def place(repository: git.Repository, name: str) -> Path:
    """Where the worktree of the agent `name` lives: below the data directory, outside the repository."""
    mark = hashlib.sha256(os.fsencode(repository.common.resolve())).hexdigest()[:8]
    root = repository.root
    called = root.parent.name if root.name.startswith(".") else root.name.removesuffix(".git")  # `shop/.bare`
    base = re.sub(r"[^A-Za-z0-9_-]+", "-", called).strip("-")[:40] or "repo"
    return paths.worktrees_dir() / f"{base}-{mark}" / name


def start_point(repository: git.Repository, base: str) -> str:
    """The commit to start from: `base`, or the HEAD of the checkout (or bare repository) one stands in.

    Raises UsageError for a repository without a commit, and a base that does not exist.
    """
    if not git.head(repository.top).oid and not git.refs(repository.top, "refs"):
        first = "Push a first commit to it." if repository.treeless else ""
        raise UsageError(
            f"{repository.top} has no commit yet",
            first or 'Make the first one: git commit --allow-empty -m "First commit"',
        )
    return git.resolve(repository.top, base or "HEAD")


def repository(directory: Path | str) -> Path:
    """The root of the repository that `directory` is in: its main working tree, from linked ones too."""
    return git.find(directory).root


def check_base(directory: Path | str, base: str = "") -> str:
    """The commit that a new agent would start from; raises as `start_point` does."""
    return start_point(git.find(directory), base)


def kept_base(directory: Path | str, base: str = "") -> str:
    """`base` as it may be kept: HEAD means another commit in the agent's own tree, so that its branch or commit is.

    Raises as `start_point` does.
    """
    repository = git.find(directory)
    oid = start_point(repository, base)
    if not re.match(r"(HEAD|@)(?![\w/-])", base):
        return base
    return (git.head(repository.top).branch if base in ("HEAD", "@") else "") or oid


def in_place(directory: Path | str) -> Created:
    """What `--here` means: the working tree one stands in, as it is. Nothing is made."""
    found = git.find(directory)
    if found.treeless:
        raise UsageError(
            f"{found.root} is a bare repository: there is no checkout to work in",
            "Leave out --here: the agent gets a worktree. Or go to one: git worktree list",
        )
    head = git.head(found.top)
    return Created(str(found.root), str(found.top), head.branch, head.oid)


def create(repo: Path | str, name: str, n: int = 1, base: str = "") -> Created:
    """Make the worktree of agent `name` on the branch `deck/<name>/<n>`, or raise and leave nothing behind."""
    repository = git.find(repo)
    branch, tree = branch_name(name, n), place(repository, name)
    oid = start_point(repository, base)
    _check_free(repository, branch, tree)
    try:
        paths.make_private(paths.worktrees_dir())
        tree.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise AgentDeckError(f"{tree.parent} cannot be made: {error.strerror}", "Set DECK_HOME elsewhere.") from error
    ref = f"refs/heads/{branch}"
    git.set_ref(repository.root, ref, oid, git.NO_OID, "deck: created")
    try:
        git.add_worktree(repository.root, tree, branch)
    except BaseException:
        git.set_ref(repository.root, ref, git.NO_OID, oid, "deck: undo")
        forget_empty(tree.parent)
        raise
    try:
        return Created(str(repository.root), str(tree), branch, oid, includes.copy(repository.root, tree))
    except BaseException as error:
        _take_back(repository.root, tree, branch, oid)
        if isinstance(error, OSError):
            said = f"{error.filename or tree}: {error.strerror}"
            raise AgentDeckError(
                f"a file of {includes.NAME} cannot be copied: {said}", "Mend it, then retry."
            ) from error
        raise


def _check_free(repository: git.Repository, branch: str, tree: Path) -> None:
    blocker = git.branch_in_the_way(repository.root, branch)
    if blocker == branch:
        raise UsageError(f"branch {branch} exists already", f"Take another name, or look at it: git log {branch}")
    if blocker:
        raise UsageError(f"branch {blocker} is in the way of {branch}", f"Rename it: git branch -m {blocker} NEW")
    if any(row.path.resolve() == tree.resolve() for row in git.worktrees(repository.root)) and not tree.exists():
        raise UsageError(
            f"git still lists a worktree at {tree}, which is gone", "Let git forget it: git worktree prune"
        )
    if os.path.lexists(tree):
        raise UsageError(f"{tree} exists already", "Take another name, or move that directory away.")


def _take_back(root: Path, tree: Path, branch: str, oid: str) -> None:
    """Remove a worktree of ours in which nobody has worked, and its branch."""
    git.remove_worktree(root, tree, force=True)
    git.set_ref(root, f"refs/heads/{branch}", git.NO_OID, oid, "deck: undo")
    forget_empty(tree.parent)


def forget_empty(directory: Path) -> None:
    """Remove the directory that a repository's trees were in, once the last one is gone."""
    with contextlib.suppress(OSError):  # other agents' worktrees are in it
        directory.rmdir()


def unmake(repo: Path | str, created: Created, *, young: bool = True) -> bool:
    """Take back a worktree whose agent never came to life; False when somebody's work is in it already, and it stays.

    Of a `young` one, made a moment ago, ignored files go with it: only a set-up command or the
    client's start can have made them. After a crash nobody knows how long it has been worked in.
    """
    tree, root = Path(created.worktree), Path(repo)
    linked(tree, root)
    loss = losses.survey(tree, root, created.base_oid)
    if loss.staged or loss.changed or loss.untracked or loss.unpushed or loss.reason or (loss.ignored and not young):
        return False
    if git.head(tree) != git.Head(created.base_oid, created.branch):
        return False
    if git.unreachable(root, [created.base_oid], [git.head(root).oid], own=created.branch):
        return False  # nothing else holds the commit it stands on
    _take_back(root, tree, created.branch, created.base_oid)
    return True


def head(worktree: Path | str) -> str:
    """The commit that a working tree stands on; '' before the first one."""
    return git.head(Path(worktree)).oid


def made_before(repo: Path | str, name: str, n: int = 1) -> Created | None:
    """The worktree that a birth cut short by a crash left behind, or None when it made none."""
    found = git.find(repo)
    tree, branch = place(found, name), branch_name(name, n)
    row = next((row for row in git.worktrees(found.root) if row.path.resolve() == tree.resolve()), None)
    if row is None or not tree.is_dir():
        return None
    return Created(str(found.root), str(tree), branch, git.head(tree).oid)


def setup_command(repo: Path | str, base: str = "") -> Setup | None:
    """The repository's set-up command at the base commit, if it has one; a human must have approved its digest."""
    found = git.find(repo)
    return setups.read(found.root, start_point(found, base))


def next_branch(worktree: Path | str, name: str, n: int, base: str = "", *, task: int = 0) -> Created:
    """Put an idle agent's worktree on a fresh branch from `base` (or the main working tree's HEAD).

    Whatever was uncommitted is committed on the old branch first; ignored files stay where
    they are. `n` is the lowest number tried, `task` the one that comes next (for the trailer). Raises,
    with nothing changed, while a merge, rebase or the like is half-way.
    """
    tree = Path(worktree)
    repository = git.find(tree)
    root = repository.root
    linked(tree, root)
    doing = git.operation(tree)
    if doing:
        raise AgentDeckError(f"{doing} is in progress in {tree}", "Let the agent finish or abort it.")
    lock = git.git_path(tree, "index.lock")
    if lock.exists():
        raise TryAgain(f"another git command holds {lock}", "Wait until it ends; when none runs, remove that file.")
    oid = git.resolve(root, base or "HEAD")
    while git.branch_in_the_way(root, branch_name(name, n)) == branch_name(name, n):
        n += 1
    branch = branch_name(name, n)
    blocker = git.branch_in_the_way(root, branch)
    if blocker:
        raise UsageError(f"branch {blocker} is in the way of {branch}", f"Rename it: git branch -m {blocker} NEW")
    saved = leftovers.save(tree, root, name, task, oid)
    git.switch_new(tree, branch, oid)
    kept = tuple(git_index.untracked(tree, includes.patterns(root)))
    return Created(str(root), str(tree), branch, oid, saved_ref=saved.ref, saved_oid=saved.tip, kept=kept)


def diff(worktree: Path | str, base: str, repo: Path | str = "") -> Diff:
    """The worktree against its merge base with `base` (a branch name or the base's oid).

    Counts commits, uncommitted and untracked files; a binary file counts as a file without
    lines. Works on a copy of the index: the real one is neither locked nor touched. Runs git
    four or five times (20 to 50 ms); without `repo`, the main working tree, once to three times more.
    """
    return changes(worktree, base, repo)[0]


def changes(worktree: Path | str, base: str, repo: Path | str = "") -> tuple[Diff, tuple[str, ...]]:
    """The same count, and the paths of the files it counted."""
    tree = Path(worktree)
    rows = _differing(tree, merge_base(tree, base), Path(repo) if repo else git.find(tree).root)
    files = tuple(sorted({path for _, _, path in rows}))
    return Diff(len(files), sum(row[0] for row in rows), sum(row[1] for row in rows)), files


def merge_base(tree: Path, base: str) -> str:
    """The commit that a worktree's changes are counted from."""
    try:
        return git.merge_base(tree, "HEAD", base) or base
    except git.GitError:  # no commit yet, or no such base
        return git.resolve(tree, base)


def differing(worktree: Path | str, commit: str, repo: Path | str) -> tuple[str, ...]:
    """The paths of the files, untracked ones too, that are not as in `commit`."""
    return tuple(sorted({path for _, _, path in _differing(Path(worktree), commit, Path(repo))}))


def _differing(tree: Path, commit: str, root: Path) -> list[tuple[int, int, str]]:
    with with_untracked(tree, root) as env:
        return git_index.numstat(tree, commit, env)


@contextlib.contextmanager
def with_untracked(tree: Path, root: Path) -> Iterator[dict[str, str]]:
    """The environment in which git's diffs show untracked files too; index and repository stay as they are."""
    with git_index.scratch_index(tree) as index:
        found = [path for path in git_index.untracked(tree, includes.patterns(root)) if not path.endswith("/")]
        if not found:
            yield index
            return
        # git writes an empty object for a file added so: beside the index, not into the repository
        env = {**index, **git_merge.borrow(Path(index["GIT_INDEX_FILE"]).parent, tree)}
        words = ("--intent-to-add", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul")
        git.run(tree, "add", *words, stdin=git_index.feed(found), env=env)
        yield env


def show_changes(worktree: Path | str, base: str, repo: Path | str, *options: str) -> int:
    """The worktree against its merge base with `base`, untracked files too, on this terminal; git's exit code."""
    tree = Path(worktree)
    start = merge_base(tree, base)
    with with_untracked(tree, Path(repo)) as env:
        return git_page.show(tree, "diff", *options, start, "--", env=env)


def linked(tree: Path, root: Path) -> git.Tree:
    """git's own row for `tree`; raises unless it is a linked worktree below our directory."""
    ours = paths.worktrees_dir().resolve()
    wanted = tree.resolve()
    row = next((row for row in git.worktrees(root) if row.path.resolve() == wanted), None)
    if row is None or row.main or ours not in wanted.parents:
        raise AgentDeckError(f"{tree} is not a worktree that agentdeck made", "It is left alone.")
    return row
