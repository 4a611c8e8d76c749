"""One library, one room: who may import what, held file by file (import direction is lint-imports' part)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path("agentdeck").resolve()

# library -> where it may be imported
ROOMS = {
    "libtmux": ("adapters/tmux/",),
    "git": ("adapters/git.py",),
    "psutil": ("adapters/processes.py",),
    "watchfiles": ("adapters/files.py",),
    "genai_prices": ("adapters/prices.py",),
    "sqlite_utils": ("adapters/database/",),
    "anthropic": ("builtin/",),
    "textual": ("ui/",),
    "rich": ("ui/",),
}
# slow libraries: never at module level, where an import is paid by everybody
LAZY = {"libtmux", "git", "psutil", "watchfiles", "genai_prices", "sqlite_utils", "anthropic", "pydantic"}
# files that are nothing but a schema, and are imported lazily themselves
SCHEMAS = ("harnesses/schema.py", "adapters/database/migrations/")


def imports(source: str) -> list[tuple[str, bool]]:
    """(top-level package, at module level?) for every import outside `if TYPE_CHECKING`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    inside = {
        id(found)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for found in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        found += [(name.split(".")[0], id(node) not in inside) for name in names]
    return found


def offences(place: str, source: str) -> list[str]:
    found = []
    for library, at_module_level in imports(source):
        if library in ROOMS and not place.startswith(ROOMS[library]):
            found.append(f"{place} imports {library}, which belongs to {', '.join(ROOMS[library])}")
        if library in LAZY and at_module_level and not place.startswith(SCHEMAS):
            found.append(f"{place} imports {library} at module level")
    return found


def test_every_file_keeps_to_its_room() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 20
    found = [line for file in files for line in offences(str(file.relative_to(PACKAGE)), file.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("place", "source", "count"),
    [
        ("services/fleet.py", "def f():\n    import git\n", 1),
        ("adapters/git.py", "def f():\n    from git import Repo\n", 0),
        ("adapters/git.py", "from git import Repo\n", 1),
        ("services/status/monitor.py", "import psutil\n", 2),
        ("services/status/monitor.py", "from textual.app import App\n", 1),
        ("ui/app.py", "from textual.app import App\n", 0),
        ("adapters/git.py", "if TYPE_CHECKING:\n    from git import Repo\n", 0),
        ("adapters/tmux/server.py", "from agentdeck.adapters import git\n", 0),
    ],
)
def test_the_check_can_fail(place: str, source: str, count: int) -> None:
    assert len(offences(place, source)) == count


def test_no_room_without_a_meaning() -> None:
    names = {path.stem for path in PACKAGE.rglob("*") if path.suffix in ("", ".py")}
    assert not names & {"utils", "util", "core", "managers", "manager", "helpers", "helper", "misc", "common"}


def named_products(source: str) -> set[str]:
    """Products named in code: in a string that is no docstring, or in a name."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    words = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    words += [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    products = ("claude", "codex", "gemini", "opencode", "aider")
    return {name for name in products for word in words if isinstance(word, str) and name in word.lower()}


def test_no_product_is_named_outside_its_folder() -> None:
    assert named_products('"""Claude."""\nif harness == "claude":\n    codex_pid = 1\n') == {"claude", "codex"}
    rooms = ("models", "adapters", "services", "research", "engine", "ui")
    files = [file for room in rooms for file in (PACKAGE / room).rglob("*.py")]
    found = {str(file.relative_to(PACKAGE)): named for file in files if (named := named_products(file.read_text()))}
    assert not found
