"""The small training task on which the demo's loop experiments: it truly trains, in two seconds, with no model."""

from __future__ import annotations

import sys
from pathlib import Path

from agentdeck.demo.sample import keep

TRAIN = '''\
"""Fits a curve to noisy points by gradient descent, and prints how far it is from points it has not seen."""

import math
import os
import random
import time

RATE = 0.01
STEPS = 30
DEGREE = 2
DECAY = 0.05
MOMENTUM = 0.1
START = 1.0

world = random.Random(3)
points = [(x / 30 - 1, math.sin(3 * (x / 30 - 1)) + world.gauss(0, 0.1)) for x in range(61)]
train, unseen = points[::2], points[1::2]
dice = random.Random(int(os.environ["RESEARCH_SEED"]))
weights = [dice.gauss(0, START) for _ in range(DEGREE + 1)]
pace = [0.0] * len(weights)


def curve(x):
    return sum(weight * x**n for n, weight in enumerate(weights))


def loss(some):
    return sum((curve(x) - y) ** 2 for x, y in some) / len(some)


for step in range(STEPS):
    off = [(curve(x) - y, x) for x, y in train]
    for n in range(len(weights)):
        slope = 2 * sum(error * x**n for error, x in off) / len(off) + DECAY * weights[n]
        pace[n] = MOMENTUM * pace[n] - RATE * slope
    weights = [weight + change for weight, change in zip(weights, pace)]
    if step % max(1, STEPS // 10) == 0:
        print(f"step {step} of {STEPS}: {loss(train):.4f}", flush=True)
        time.sleep(0.15)
print(f"loss: {loss(unseen):.6f}")
'''
CONTRACT = f'''\
# A loop with no model behind it: chance changes one number at a time. Real experiments, real keeps.
run = "{sys.executable} -I -S train.py"
editable = ["train.py"]

[metric]
name = "loss"
regex = '^loss: (.+)$'
low = 0.0
high = 1000.0

[budget]
seconds = 10.0

[noise]
policy = "fast"

[proposer]
kind = "random"
patience = 50
backoff = 0.1

[stop]
experiments = 2000
'''
GOAL = "# Goal\n\nA curve that is close to points it has not seen.\n"


def make_laboratory(directory: Path) -> Path:
    """Write the task into `directory`, which must be new, as a repository of its own."""
    return keep(directory, {"train.py": TRAIN, "research.toml": CONTRACT, "program.md": GOAL}, "Add a curve to fit")
