"""What the kernel holds a run to; and that what it does not hold there still cannot change a score."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agentdeck.research import bench, confine, runner
from agentdeck.research.places import Place
from tests import labs
from tests.integration.research.test_cheats import LAST, Cheats, tried

held = pytest.mark.skipif(not confine.abi(), reason="this kernel has no Landlock")
cut_off = pytest.mark.skipif(not confine.network(), reason="no network namespaces here")

ABOVE = "above = int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])  # a shell is between\n"


def outside(lab: Path, where: Path) -> Cheats:
    """What a run tries beyond its own directory; `lab` is the repository, which it should not know."""
    (where / "others").mkdir()
    return {
        "reads the hidden file in the repository": (LAST, f"open('{lab}/hidden.txt').read()\n", "crash", "exit code 1"),
        "asks git for the hidden file": (
            LAST, f"subprocess.run(['git', '-C', '{lab}', 'show', 'HEAD:hidden.txt'], check=True)\n", "crash",
            "exit code 1",
        ),
        "reads the loop's own directory": (LAST, "print(os.listdir('../../..'))\n", "crash", "exit code 1"),
        "writes into the ledger": (LAST, "open('../../../ledger.jsonl', 'a')\n", "crash", "exit code 1"),
        "writes into the repository": (LAST, f"open('{lab}/train.py', 'a')\n", "crash", "exit code 1"),
        "writes through a link that points out": (
            LAST, f"os.symlink('{where}', 'out')\nopen('out/others/x', 'w')\n", "crash", "exit code 1",
        ),
        "moves a file out": (LAST, f"os.rename('guess.txt', '{where}/others/x')\n", "crash", "exit code 1"),
        "shortens a file outside": (LAST, f"os.truncate('{lab}/score.py', 0)\n", "crash", "exit code 1"),
        "kills its supervisor": (LAST, f"{ABOVE}os.kill(above, 9)\n", "crash", "exit code 1"),
        "writes into its supervisor": (
            LAST, f"{ABOVE}open(f'/proc/{{above}}/mem', 'r+b')\n", "crash", "exit code 1",
        ),
        "uses what it is given": (
            "GUESS = 9",
            "import multiprocessing, tempfile\nmultiprocessing.Lock()\nGUESS = 8\n"
            "tempfile.TemporaryFile().write(b'x')\nopen(os.path.expanduser('~/x'), 'w').write('x')\n"
            "open('/dev/null', 'w').write('x')\nos.makedirs('a/b')\nos.rename('a/b', 'b')\nopen(sys.executable, 'rb')",
            "keep",
            "1 after 2",
        ),
    }  # fmt: skip


@held
@pytest.mark.slow
def test_a_run_reads_nothing_hidden_and_writes_nowhere_but_in_its_own(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    tried(lab, outside(lab, tmp_path))
    assert not list((tmp_path / "others").iterdir())
    assert labs.git(lab, "status", "--porcelain") == ""


@held
def test_a_directory_that_the_contract_names_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    contract = labs.CONTRACT.replace("[metric]", f'writable = ["{tmp_path}/data"]\n[metric]')
    step = ("uses it", "X = 8.0", f"X = 4.0\nopen('{tmp_path}/data/x', 'w').write('x')")
    found = labs.experiments(labs.run(labs.scripted(tmp_path / "lab", step, contract=contract)))
    assert [each.outcome for each in found] == ["baseline", "keep"]
    assert (tmp_path / "data/x").read_text() == "x"


@pytest.mark.slow
def test_where_the_kernel_holds_nothing_what_a_run_leaves_outside_changes_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.integration.research.test_cheats import CHEATS

    def unheld(*args: Any, **given: Any) -> runner.Stage:
        return runner.Stage(*args, **{**given, "write": ()})

    monkeypatch.setattr(bench, "Stage", unheld)
    names = ("lays a module", "leaves a score", "customizes", "reads where", "is honest")
    tried(tmp_path / "lab", {name: how for name, how in CHEATS.items() if name.startswith(names)})


@cut_off
def test_a_run_without_network_reaches_itself_alone(tmp_path: Path) -> None:
    """`urlopen` gets through to a server of ours from an ordinary run, and not from one whose contract says no."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ask = f"import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{server.server_port}/', timeout=5)\n"
        own = (
            "import socket\n"
            "with socket.create_server(('127.0.0.1', 0)) as s: socket.create_connection(s.getsockname())\n"
        )
        steps = (("asks", "X = 8.0", f"X = 4.0\n{ask}"), ("is its own", "X = 8.0", f"X = 4.0\n{own}"))
        found = {}
        for network in ("true", "false"):
            contract = labs.CONTRACT.replace("[metric]", f"network = {network}\n[metric]")
            repo = labs.scripted(tmp_path / network, *steps, contract=contract)
            found[network] = [each.outcome for each in labs.experiments(labs.run(repo, network))]
        server.shutdown()
    assert found == {"true": ["baseline", "keep", "failed"], "false": ["baseline", "crash", "keep"]}


def test_a_machine_that_cannot_cut_off_a_run_is_no_experiments_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor of this test has a `confine` whose namespaces are refused."""
    broken = "from agentdeck.research import confine\ndef refused():\n    raise OSError\nconfine.cut_off = refused\n"
    code = runner._SUPERVISE
    monkeypatch.setattr(runner, "_SUPERVISE", code.replace("from agentdeck", f"{broken}from agentdeck", 1))
    contract = labs.CONTRACT.replace("[metric]", "network = false\n[metric]")
    with pytest.raises(Exception, match="network = false` needs network namespaces"):
        labs.run(labs.lab(tmp_path / "lab", contract))
    assert labs.experiments(Place(tmp_path.parent / "deck/data/research/lab"))[0].runs == ()


def test_what_is_beside_hidden_paths_is_all_but_them_and_what_is_above(tmp_path: Path) -> None:
    for name in ("a/secret", "a/open", "b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/secret")
    found = confine.around([str(tmp_path / "a/secret")])
    mine = {path.removeprefix(f"{tmp_path}/") for path in found if path.startswith(str(tmp_path))}
    assert mine == {"a/open", "b"}
    assert "/usr" in found and str(tmp_path) not in found and "/" not in found


@held
def test_rules_hold_for_an_ordinary_user_too(tmp_path: Path) -> None:
    code = (
        "import os, sys; sys.path.append(os.getcwd()); from agentdeck.research import confine\n"
        f"fd = confine.rules(['{tmp_path}/own'], ['{tmp_path}/secret'], [])\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "confine.enter(fd)\n"
        f"open('{tmp_path}/own/x', 'w').write('x')\n"
        f"for path, mode in (('{tmp_path}/secret/x', 'r'), ('{tmp_path}/y', 'w')):\n"
        "    try:\n        open(path, mode)\n    except PermissionError:\n        print('refused', end=' ')\n"
    )
    for name in ("own", "secret"):
        (tmp_path / name).mkdir(mode=0o777)
        (tmp_path / name).chmod(0o777)
    (tmp_path / "secret/x").write_text("x")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o777)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("refused refused ", "")
