"""Which files a verify command trusts, and whether work has touched them. Pure.

A command trusts its own script and the tests it names; a test runner that names none trusts every
test it would find. Whoever does the work may add files and move them, not change or delete these:
a test that was edited until it passes proves nothing.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Sequence

from agentdeck.adapters.git_checks import Change

_WRAPPERS = {"env", "exec", "time", "nice", "nohup", "command", "xvfb-run", "sudo", "npx", "pipx", "uvx"}
_RUNS = {"uv", "poetry", "pdm", "hatch", "pipenv", "rye", "bundle"}  # `uv run X`
_INTERPRETERS = re.compile(r"(ba|da|z|k)?sh|python[0-9.]*|node|ruby|perl|php|deno|bun|lua|Rscript")
_MAKEFILES = {
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "gmake": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", "Justfile", ".justfile"),
    "rake": ("Rakefile",),
    "task": ("Taskfile.yml", "Taskfile.yaml"),
}
_RUNNER = re.compile(
    r"\b(pytest|py\.test|unittest|nose2|tox|nox|jest|vitest|mocha|ava|rspec|phpunit|ctest|"
    r"(go|cargo|npm|pnpm|yarn|bun|deno|dotnet|mix|swift|zig build|gradle|gradlew|mvn|npm run|make) (test|check)s?)\b"
)
_TEST_FILE = re.compile(
    r"(test_.+|.+_(test|spec)|conftest|.+[.-](test|spec))\.\w+|.+Tests?\.(java|kt|cs|swift|scala|groovy)"
)
_TEST_FOLDERS = {"test", "tests", "__tests__", "spec", "e2e", "testing", "testdata"}
_WORD = re.compile(r"[\w./-]+")
_PROSE = (".md", ".rst", ".txt")


def is_test(path: str) -> bool:
    """Whether a file is called as tests are, or lies where they lie."""
    *folders, name = path.split("/")
    return bool(_TEST_FILE.fullmatch(name)) or (
        not name.endswith(_PROSE) and any(folder in _TEST_FOLDERS for folder in folders)
    )


def trusted(command: str, files: Sequence[str], read: Callable[[str], str]) -> frozenset[str]:
    """The files, of those at the base, that `command` trusts. `read` gives the text of one."""
    known = set(files)
    scripts, words = _parse(command, known)
    texts = [command, *(read(path) for path in sorted(scripts))]
    inner = [word for text in texts[1:] for word in _WORD.findall(text)]
    named = {path for word in [*words, *inner] for path in _tests_named(word, files)}
    if not named and any(_RUNNER.search(text) for text in texts):
        named = {path for path in files if is_test(path)}
    return frozenset(scripts | named)


def matched(patterns: Iterable[str], files: Iterable[str]) -> frozenset[str]:
    """The files that a spec protects. `*` stays within a folder, `**` does not; a folder means all that is in it."""
    tests = [re.compile(_regex(pattern.strip("/"))) for pattern in patterns if pattern.strip("/")]
    return frozenset(path for path in files if any(test.fullmatch(path) for test in tests))


def touched(changes: Iterable[Change], protected: frozenset[str]) -> list[str]:
    """What was done to protected files, in words; pure renames are fine."""
    words = {"M": "changed", "T": "changed", "D": "deleted", "R": "moved and changed"}
    return [
        f"{change.path} was {words[change.kind]}"
        for change in changes
        if change.path in protected and change.kind in words and not (change.kind == "R" and change.score == 100)
    ]


def _regex(pattern: str) -> str:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = re.sub(r"\*\*/|\*\*|\*|\?|[^*?]+", lambda found: parts.get(found[0], re.escape(found[0])), pattern)
    return f"{body}(?:/.*)?"


def _parse(command: str, known: set[str]) -> tuple[set[str], list[str]]:
    """The scripts that a command runs, and all its words as paths."""
    scripts: set[str] = set()
    found: list[str] = []
    place = ""
    for simple in _simple_commands(command):
        words = _unwrapped(simple)
        if not words:
            continue
        name = posixpath.basename(words[0])
        if name == "cd" and len(words) > 1:
            place = posixpath.normpath(posixpath.join(place, words[1]))
            continue
        where = place
        if name in _MAKEFILES:
            where, files = _makefiles(name, words, place)
            scripts |= {path for path in (_path(where, file) for file in files) if path in known}
        paths = [_path(where, word) for word in words]
        found += paths
        if paths[0] in known:
            scripts.add(paths[0])
        elif _INTERPRETERS.fullmatch(name):
            scripts |= set(next(([path] for path in paths[1:] if path in known), []))
    return scripts, found


def _simple_commands(command: str) -> list[list[str]]:
    try:
        lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        words = command.split()
    found: list[list[str]] = [[]]
    for word in words:
        if word and set(word) <= set("();<>|&"):
            found.append([])
        else:
            found[-1].append(word)
    return found


def _unwrapped(words: list[str]) -> list[str]:
    while words:
        name = posixpath.basename(words[0])
        if re.match(r"[A-Za-z_]\w*=", words[0]) or name in _WRAPPERS or words[0] in ("!", "{", "if", "then"):
            words = words[1:]
        elif name == "timeout" and len(words) > 2 or name in _RUNS and len(words) > 2 and words[1] in ("run", "exec"):
            words = words[2:]
        else:
            return words
    return words


def _makefiles(name: str, words: list[str], place: str) -> tuple[str, tuple[str, ...]]:
    """Where make looks, and which files may be its script there."""
    files = _MAKEFILES[name]
    for flag, value in zip(words, words[1:], strict=False):
        if flag in ("-C", "--directory"):
            place = posixpath.normpath(posixpath.join(place, value))
        if flag in ("-f", "--file", "--justfile"):
            files = (value,)
    return place, files


def _path(place: str, word: str) -> str:
    """A word of a command as a path from the repository's root: `./a`, `t.py::test_x`, `--file=a`."""
    word = word.partition("::")[0].rpartition("=")[2]
    return posixpath.normpath(posixpath.join(place, word)).removeprefix("./") if word else ""


def _tests_named(word: str, files: Sequence[str]) -> list[str]:
    """The tests that a word names: a file, a folder of tests, or a dotted module (perhaps with a class in it)."""
    word = word.strip("./")
    if not word or word.startswith("-"):
        return []
    dotted = word.split(".")
    modules = {"/".join(dotted[:n]) for n in range(1, len(dotted) + 1)} if "/" not in word else set()
    names = {word, *(f"{module}.py" for module in modules if "/" in module or is_test(f"{module}.py")), *modules}
    folders = tuple(f"{name}/" for name in names if name.rpartition("/")[2] in _TEST_FOLDERS and name == word)
    return [path for path in files if is_test(path) and (path in names or path.startswith(folders or ("\0",)))]
