"""A stand-in for an agent's screen, cheap enough that dozens of it leave the processor to what is measured.

    python load.py COUNTER quiet|typical|flood [SEED]

`quiet` paints once and sleeps; `typical` redraws a spinner line ten times a second and scrolls about 200 bytes once a
second; `flood` writes without pause. COUNTER always holds the bytes and lines that the terminal has taken so far, so
that a run is judged by what the program got rid of and not by what somebody saw of it. A file called `pause` beside it
makes `typical` stand still while it is there.
"""

from __future__ import annotations

import os
import sys
import time

ROWS = 40
BLOCK = "".join("abcdefghijklmnopqrstuvwxyz0123456789"[n % 36] if n % 80 != 79 else "\n" for n in range(8000)).encode()
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Counted:
    """The terminal, and a file with two numbers of 20 digits each: bytes and lines."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._bytes = self._lines = 0

    def write(self, data: bytes) -> None:
        while data:
            taken = os.write(1, data)
            self._bytes += taken
            self._lines += data.count(b"\n", 0, taken)
            os.pwrite(self._file, b"%020d %020d\n" % (self._bytes, self._lines), 0)
            data = data[taken:]


def paint(out: Counted, seed: int) -> None:
    """A full screen in colour, with a composer at its foot."""
    rows = [f"\x1b[2J\x1b[H\x1b[38;5;208m* \x1b[1mLoad {seed}\x1b[0m"]
    for n in range(ROWS - 6):
        colour = f"{n * 37 % 256};{n * 91 % 256};{n * 53 % 256}"
        rows.append(
            f"\x1b[38;2;{colour}m+ \x1b[32mline {n:03}\x1b[0m \x1b[36mdef\x1b[0m func_{n}(\x1b[33marg\x1b[0m): ok"
        )
    out.write("\r\n".join([*rows, "\x1b[90m" + "-" * 60 + "\x1b[0m", "> "]).encode())


def work(out: Counted, seed: int, pause: str) -> None:
    started, foot = time.monotonic(), ROWS - 4
    for n in range(sys.maxsize):
        time.sleep(max(0.0, started + n / 10 - time.monotonic()))
        while os.path.exists(pause):
            time.sleep(0.1)
        if n % 10 == seed % 10:
            text = (
                f"\x1b[32m●\x1b[0m \x1b[1mRead\x1b[0m(src/file_{n}.py) "
                + "words that an agent prints as it works, " * 4
            )
            out.write(f"\x1b[1;{foot}r\x1b[{foot};1H\r\n{text}\x1b[r".encode())
        turn = f"{SPINNER[n % 10]} Thinking… \x1b[2m({n // 10}s · {n * 7} tokens · esc to interrupt)"
        out.write(f"\x1b[{foot + 1};1H\x1b[38;5;174m{turn}\x1b[0m\x1b[K\x1b[{ROWS - 1};3H".encode())


def main() -> None:
    counter, mode = sys.argv[1:3]
    seed, out = int([*sys.argv, "1"][3]), Counted(counter)
    if mode == "flood":
        while True:
            out.write(BLOCK)
    paint(out, seed)
    if mode == "typical":
        work(out, seed, os.path.join(os.path.dirname(counter), "pause"))
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
