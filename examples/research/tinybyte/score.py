"""Measures a model: bits per character of text that its training could not see.

The model answers in a process of its own, which gets windows of the text and never the file. It may answer what it
likes: this program makes probabilities of it, and asks about some windows with another ending, in an order that
cannot be guessed: an answer that depends on what comes later is refused.
"""

import os
import pathlib
import random
import subprocess
import sys

import numpy as np

LENGTH = 64
ROWS = 70


def main():
    folder = pathlib.Path(os.environ["RESEARCH_HIDDEN"])
    file = next(folder.glob("*.txt"))
    text = np.frombuffer(file.read_bytes(), np.uint8)
    file.unlink()  # nothing of it is left when the candidate's code starts
    count = len(text) // (LENGTH + 1)
    windows = text[: count * (LENGTH + 1)].reshape(count, LENGTH + 1)
    model = subprocess.Popen(
        [sys.executable, "train.py", "--predict"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    bits = [scored(model, windows[start : start + ROWS]) for start in range(0, count, ROWS)]
    model.stdin.close()
    if model.wait(timeout=20) != 0:
        sys.exit("the model's process failed")
    print(f"bpb: {float(np.concatenate(bits).mean()):.6f}")


def environment():
    """The model is told nothing about where hidden files lie."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RESEARCH_")}


def scored(model, rows):
    """Bits of each character after the first; the same windows with other endings go before or after, by chance."""
    given = rows[:, :LENGTH]
    cut = random.randrange(1, LENGTH)
    other = given.copy()
    other[:, cut:] = given[np.random.permutation(len(given)), cut:][:, ::-1]
    if random.random() < 0.5:
        answer, check = asked(model, given), asked(model, other)
    else:
        check, answer = asked(model, other), asked(model, given)
    if not np.isfinite(answer).all():
        sys.exit("the model answered with numbers that are not finite")
    if not np.allclose(answer[:, :cut], check[:, :cut], atol=1e-3):
        sys.exit("the model's answers depend on what comes later")
    answer = answer - answer.max(-1, keepdims=True)
    chances = answer - np.log(np.exp(answer).sum(-1, keepdims=True))
    right = np.take_along_axis(chances, rows[:, 1:, None].astype(np.int64), -1)
    return -right / np.log(2)


def asked(model, windows):
    model.stdin.write(np.array(windows.shape, np.int32).tobytes() + windows.astype(np.uint8).tobytes())
    model.stdin.flush()
    size = windows.size * 128 * 4
    data = model.stdout.read(size)
    if len(data) != size:
        sys.exit("the model gave no whole answer")
    return np.frombuffer(data, np.float32).reshape(*windows.shape, 128).astype(np.float64)


if __name__ == "__main__":
    main()
