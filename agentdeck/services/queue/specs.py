"""Reads specs: Markdown files of work, with a few settings before the text.

    ---
    title: Add a --version flag
    harness: claude
    depends_on: [specs/parser.md]
    verify: make test
    ---
    The command line needs ...

Settings are YAML; an unknown one or one of a wrong type is an error with its line. What an
agent gets is the text after them.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentdeck.errors import UsageError
from agentdeck.models.spec import Budget, Spec

if TYPE_CHECKING:
    from pydantic import BaseModel
    from ruamel.yaml.nodes import Node

FOLDER = "specs"
LIMIT = 1 << 20  # bytes of one spec
TITLE_WIDTH = 80
# What each setting must be, in words
KEYS = {
    "title": "one text", "base": "one text", "harness": "one text", "model": "one text", "niche": "one text",
    "team": "one text", "agent": "one text", "priority": "a whole number",
    "depends_on": "a list of task numbers and spec files", "verify": "one text",
    "verify_timeout": "a number of seconds above 0", "protect": "a list of paths",
    "max_attempts": "a whole number from 1 to 100", "budget": "some of usd, tokens, minutes and turns, above 0",
    "keep_going": "true or false", "auto_accept": "true or false", "labels": "a list of texts",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+|$)(.*?)(?:[ \t]+#+)?[ \t]*$")


def list_specs(repo: Path | str) -> list[Path]:
    """The specs of a repository, `specs/*.md` by name; links that lead out of the repository are left out."""
    root = Path(repo).resolve()
    found = (path for path in (root / FOLDER).glob("*.md") if not path.name.startswith("."))
    return sorted(path for path in found if path.is_file() and path.resolve().is_relative_to(root))


def load(path: Path | str) -> Spec:
    """Read one spec file. Raises UsageError, with the line where there is one, for anything that is wrong with it."""
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"{file} is not a file", f"Name a Markdown file, such as {FOLDER}/NAME.md.")
    try:
        with file.open("rb") as handle:
            data = handle.read(LIMIT + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "Check its permissions.") from error
    _check_size(len(data), str(file))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file}, line {line}: this is not UTF-8 text", "Save the file as UTF-8.") from error
    return parse(text, str(file))


def parse(text: str, path: str = "") -> Spec:
    """A spec from its whole text; `path` is for messages and the record. `version` is the SHA-256 of `text`."""
    name = path or "the spec"
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} is not UTF-8 text", "Save it as UTF-8.") from error
    _check_size(len(data), name)
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if _CONTROL.search(line):  # an escape sequence in a paste could end the paste and press keys
            raise UsageError(
                f"{name}, line {number}: a control character", "Remove it: an agent would take it as a key."
            )
    front, start = _front(lines, name)
    body = "\n".join(lines[start:]).strip("\n").rstrip()
    if not body.strip():
        raise UsageError(f"{name} holds no work: its text is empty", "Write what is to be done.")
    if front.get("keep_going") and not front.get("verify"):
        raise UsageError(f"{name}: keep_going needs verify", "Name the command that says when it is done.")
    title = " ".join(front.pop("title", "").split()) or _title(body)
    return Spec(hashlib.sha256(data).hexdigest(), title, body, path=path, text=text, **front)


@functools.lru_cache(maxsize=256)
def stored(text: str, path: str = "") -> Spec:
    """A spec from the queue's own copy of its text; parsed once."""
    return parse(text, path)


def _check_size(size: int, name: str) -> None:
    if size > LIMIT:
        raise UsageError(
            f"{name} is larger than {LIMIT >> 20} MiB", "A spec is a text for an agent; name big files in it."
        )


def _front(lines: list[str], name: str) -> tuple[dict[str, Any], int]:
    """The settings between `---` lines and the index of the first line after them."""
    if lines[0].rstrip() != "---":
        return {}, 0
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), 0)
    if not end:
        raise UsageError(f"{name}, line 1: the settings have no end", "Close them with a line of three dashes: ---")
    return _settings("\n".join(lines[1:end]) + "\n", name), end + 1


def _settings(block: str, name: str) -> dict[str, Any]:
    from pydantic import ValidationError

    values: dict[str, object] = {}
    places: dict[str, int] = {}
    for key, value, line in _pairs(block, name):
        if key in places:
            raise UsageError(f"{name}, line {line}: '{key}' is there twice", "Keep one of them.")
        values[key], places[key] = value, line
    try:
        found = _model().model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        first = min(error.errors(), key=lambda item: places[str(item["loc"][0])])
        key = str(first["loc"][0])
        what = f"'{key}' must be {KEYS[key]}" if key in KEYS else f"unknown key '{key}'"
        raise UsageError(f"{name}, line {places[key]}: {what}", f"A spec may set {', '.join(KEYS)}.") from error
    given = {key: getattr(found, key) for key in found.model_fields_set}
    if "budget" in given:
        given["budget"] = Budget(**given["budget"].model_dump())
    for key in ("depends_on", "protect", "labels"):
        if key in given:
            given[key] = tuple(str(one).strip() for one in given[key])
    return {key: value.strip() if isinstance(value, str) else value for key, value in given.items()}


@functools.cache
def _model() -> type[BaseModel]:
    """The settings' schema; made on first use, because pydantic is slow to load."""
    from pydantic import ConfigDict, Field, create_model

    strict = ConfigDict(extra="forbid", strict=True)

    words, many = (str, ""), (list[str | int], [])
    amount, number = (float, Field(0, gt=0, allow_inf_nan=False)), (int, Field(0, gt=0))
    budget: Any = create_model("Budget", __config__=strict, usd=amount, tokens=number, minutes=amount, turns=number)
    texts: dict[str, Any] = {key: words for key, kind in KEYS.items() if kind == "one text"}
    lists: dict[str, Any] = {key: many for key in ("depends_on", "protect", "labels")}  # noqa: C420
    rest: dict[str, Any] = {
        "priority": (int, 0), "verify_timeout": (float, Field(0, gt=0, allow_inf_nan=False)),
        "max_attempts": (int, Field(0, ge=1, le=100)), "budget": (budget, budget()),
        "keep_going": (bool, False), "auto_accept": (bool, False),
    }  # fmt: skip
    made: type[BaseModel] = create_model("Settings", __config__=strict, **texts, **lists, **rest)
    return made


def _pairs(block: str, name: str) -> list[tuple[str, object, int]]:
    """Key, value and line in the file of each setting. Nodes, not Python values: those have no lines."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    try:
        root = YAML(typ="safe", pure=True).compose(block)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        line = (mark.line if mark else 0) + 2
        said = (error.problem if isinstance(error, MarkedYAMLError) else "") or "this is not YAML"
        raise UsageError(f"{name}, line {line}: {said}", "Settings are lines of `key: text`.") from error
    if root is None:
        return []
    if not isinstance(root, MappingNode):
        raise UsageError(f"{name}, line 2: settings are lines of `key: text`", f"A spec may set {', '.join(KEYS)}.")
    return [
        (str(key.value) if isinstance(key, ScalarNode) else "?", _listed(key.value, value), key.start_mark.line + 2)
        for key, value in root.value
    ]


def _listed(key: object, node: Node) -> object:
    """A setting that is a list may be written as one."""
    value = _value(node)
    many = isinstance(key, str) and KEYS.get(key, "").startswith("a list")
    return [value] if many and isinstance(value, str | int) and not isinstance(value, bool) else value


def _value(node: Node) -> object:
    """What a node says; None for nothing; something that the schema refuses for what YAML has beyond that."""
    kind = str(node.tag).rpartition(":")[2]
    if kind == "seq":
        return [_value(item) for item in node.value]
    if kind == "map":
        return {str(key.value): _value(value) for key, value in node.value}
    simple = {"str": str, "int": int, "float": float, "bool": lambda text: text.lower() == "true"}
    try:
        return simple[kind](node.value)
    except (KeyError, ValueError, TypeError):
        return None if kind == "null" and node.value == "" else (kind, str(node.value))


def _title(body: str) -> str:
    """The first heading outside code blocks, else the first line that says something."""
    lines = body.split("\n")
    fence = ""
    for n, line in enumerate(lines):
        mark = re.match(r" {0,3}(```+|~~~+)", line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
            continue
        heading = _HEADING.match(line)
        if not fence and heading and heading[1].strip():
            return _short(heading[1])
        if not fence and line.strip() and n + 1 < len(lines) and re.fullmatch(r" {0,3}(=+|-{3,})[ \t]*", lines[n + 1]):
            return _short(line)
    return _short(next(line for line in lines if line.strip()))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= TITLE_WIDTH else text[: TITLE_WIDTH - 1].rstrip() + "…"
