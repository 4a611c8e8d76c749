"""The wheel, installed into an empty environment, has everything that the checkout has."""

from __future__ import annotations

import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*argv: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([str(part) for part in argv], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out)
    return next(out.glob("agentdeck-*.whl"))


def test_every_file_of_the_package_is_in_it(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", "-z", "agentdeck", "themes").split("\0")
    wanted = {name if name.startswith("agentdeck/") else f"agentdeck/{name}" for name in tracked if name}
    assert not wanted - packed
    assert any(name.endswith("harness.toml") for name in packed)
    assert any(name.endswith(".tcss") for name in packed)
    assert not [name for name in packed if not name.startswith(("agentdeck/", "agentdeck-"))]


@pytest.mark.timeout(120)
def test_it_works_where_there_is_no_checkout(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel)
    inside = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # the libraries of this environment, but not this checkout: its own .pth files are not read from there
    (inside / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    place = run(python, "-c", "import agentdeck; print(agentdeck.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(tmp_path)
    show = "from agentdeck.ui import themes; from agentdeck.harnesses import loader\n"
    show += "print(*(row['name'] for row in themes.listing()), *loader.load_all())"
    names = run(python, "-c", show, cwd=tmp_path).split()
    assert {file.stem for file in (ROOT / "themes").glob("*.toml")} < set(names)
    assert {"claude", "builtin", "shell"} < set(names)
    assert run(tmp_path / "venv/bin/agentdeck", "--version", cwd=tmp_path).strip().endswith("0.1.0")
