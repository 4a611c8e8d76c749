"""Trains a small character transformer on text.txt for RESEARCH_BUDGET seconds of processor time; saves model.npz.

This is the file that experiments change. `python3 train.py --predict` answers score.py, which is not theirs:
it gets windows of characters and must say, at each place, how likely every next character is.
"""

import os
import sys
import time

import numpy as np

DTYPE = "float64"
LAYERS = 2
WIDTH = 64
HEADS = 4
CONTEXT = 64
MLP = 4
ACTIVATION = "relu"
BATCH = 24
LR = 1e-3
SCHEDULE = "constant"
BETA1 = 0.9
BETA2 = 0.999
INIT = 0.02
EPSILON = 1e-8
SYMBOLS = "\n !'(),-.:;?ABCDEFGHIJKLMNOPRSTUVWYZabcdefghijklmnopqrstuvwxyz"
CODE = np.zeros(128, np.int64)
CODE[[ord(symbol) for symbol in SYMBOLS]] = np.arange(len(SYMBOLS))


def initial(dice):
    """The parameters of a fresh model, by name."""
    size = len(SYMBOLS)

    def normal(*shape):
        return (dice.standard_normal(shape) * INIT).astype(DTYPE)

    found = {"tokens": normal(size, WIDTH), "places": normal(CONTEXT, WIDTH), "head": normal(WIDTH, size)}
    for layer in range(LAYERS):
        found |= {
            f"{layer}.qkv": normal(WIDTH, 3 * WIDTH),
            f"{layer}.out": normal(WIDTH, WIDTH),
            f"{layer}.up": normal(WIDTH, MLP * WIDTH),
            f"{layer}.down": normal(MLP * WIDTH, WIDTH),
        }
    return found


def normed(x):
    """Each vector with mean 0 and deviation 1, and what its gradient needs."""
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
    return centred * scale, scale


def normed_back(gradient, y, scale):
    return scale * (gradient - gradient.mean(-1, keepdims=True) - y * (gradient * y).mean(-1, keepdims=True))


def active(x):
    positive = np.maximum(x, 0)
    return positive * positive if ACTIVATION == "relu2" else positive


def active_back(gradient, x):
    return gradient * (2 * np.maximum(x, 0) if ACTIVATION == "relu2" else (x > 0))


def split(x):
    """(batch, time, 3 width) -> queries, keys, values: (batch, heads, time, width / heads) each."""
    batch, length, _ = x.shape
    return x.reshape(batch, length, 3, HEADS, WIDTH // HEADS).transpose(2, 0, 3, 1, 4)


def forward(params, x):
    """Logits of every next character, and what the way back needs."""
    batch, length = x.shape
    mask = np.triu(np.full((length, length), -1e9, DTYPE), 1)
    stream = params["tokens"][x] + params["places"][:length]
    kept = []
    for layer in range(LAYERS):
        a, a_scale = normed(stream)
        q, k, v = split(a @ params[f"{layer}.qkv"])
        scores = q @ k.swapaxes(-1, -2) * (WIDTH // HEADS) ** -0.5 + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        weights = scores / scores.sum(-1, keepdims=True)
        mixed = (weights @ v).transpose(0, 2, 1, 3).reshape(batch, length, WIDTH)
        stream = stream + mixed @ params[f"{layer}.out"]
        b, b_scale = normed(stream)
        up = b @ params[f"{layer}.up"]
        stream = stream + active(up) @ params[f"{layer}.down"]
        kept.append((a, a_scale, q, k, v, weights, mixed, b, b_scale, up))
    top, top_scale = normed(stream)
    return top @ params["head"], (kept, top, top_scale)


def flat(x):
    return x.reshape(-1, x.shape[-1])


def backward(params, x, y):
    """The loss (nats a character) and its gradients."""
    logits, (kept, top, top_scale) = forward(params, x)
    batch, length = x.shape
    logits -= logits.max(-1, keepdims=True)
    chances = np.exp(logits)
    chances /= chances.sum(-1, keepdims=True)
    rows = flat(chances)
    at = np.arange(len(rows)), y.ravel()
    loss = -np.log(rows[at] + 1e-30).mean()
    rows[at] -= 1
    rows /= len(rows)
    back = rows.reshape(chances.shape)
    grads = {"head": flat(top).T @ rows}
    stream = normed_back(back @ params["head"].T, top, top_scale)
    for layer in reversed(range(LAYERS)):
        a, a_scale, q, k, v, weights, mixed, b, b_scale, up = kept[layer]
        grads[f"{layer}.down"] = flat(active(up)).T @ flat(stream)
        inner = active_back(stream @ params[f"{layer}.down"].T, up)
        grads[f"{layer}.up"] = flat(b).T @ flat(inner)
        stream = stream + normed_back(inner @ params[f"{layer}.up"].T, b, b_scale)
        grads[f"{layer}.out"] = flat(mixed).T @ flat(stream)
        heads = (stream @ params[f"{layer}.out"].T).reshape(batch, length, HEADS, -1).transpose(0, 2, 1, 3)
        d_weights = heads @ v.swapaxes(-1, -2)
        d_scores = weights * (d_weights - (d_weights * weights).sum(-1, keepdims=True)) * (WIDTH // HEADS) ** -0.5
        parts = np.stack([d_scores @ k, d_scores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ heads])
        d_qkv = parts.transpose(1, 3, 0, 2, 4).reshape(batch, length, 3 * WIDTH)
        grads[f"{layer}.qkv"] = flat(a).T @ flat(d_qkv)
        stream = stream + normed_back(d_qkv @ params[f"{layer}.qkv"].T, a, a_scale)
    grads["tokens"] = np.zeros_like(params["tokens"])
    np.add.at(grads["tokens"], x.ravel(), flat(stream))
    grads["places"] = np.zeros_like(params["places"])
    grads["places"][:length] = stream.sum(0)
    return loss, grads


def rate(progress):
    """The learning rate when this share of the budget is used."""
    return LR * (0.5 * (1 + np.cos(np.pi * progress)) if SCHEDULE == "cosine" else 1.0)


def train():
    budget = float(os.environ.get("RESEARCH_BUDGET", "4"))
    dice = np.random.default_rng(int(os.environ.get("RESEARCH_SEED", "42")))
    text = CODE[np.frombuffer(open("text.txt", "rb").read(), np.uint8)]
    params = initial(dice)
    first = {name: np.zeros_like(value) for name, value in params.items()}
    second = {name: np.zeros_like(value) for name, value in params.items()}
    step, smooth = 0, 0.0
    while (progress := time.process_time() / budget) < 1:
        step += 1
        starts = dice.integers(0, len(text) - CONTEXT - 1, BATCH)
        rows = text[starts[:, None] + np.arange(CONTEXT + 1)]
        loss, grads = backward(params, rows[:, :-1], rows[:, 1:])
        if not np.isfinite(loss):
            sys.exit("the loss is not finite")
        smooth = loss if step == 1 else 0.98 * smooth + 0.02 * loss
        pace = rate(progress) * np.sqrt(1 - BETA2**step) / (1 - BETA1**step)
        for name, grad in grads.items():
            first[name] += (1 - BETA1) * (grad - first[name])
            second[name] += (1 - BETA2) * (grad * grad - second[name])
            params[name] -= pace * first[name] / (np.sqrt(second[name]) + EPSILON)
        if step % 100 == 0:
            print(f"step {step} ({progress:.0%}) loss {smooth / np.log(2):.4f} bits", flush=True)
    np.savez("model.npz", **params)
    print(f"steps: {step}")


def logits(params, windows):
    """For windows (rows, 64) of ASCII codes: (rows, 64, 128) scores; the one at t may only depend on places 0 .. t."""
    rows, length = windows.shape
    padded = -(-length // CONTEXT) * CONTEXT
    codes = np.zeros((rows, padded), np.int64)
    codes[:, :length] = CODE[windows]
    found, _ = forward(params, codes.reshape(-1, CONTEXT))
    answer = np.full((rows, length, 128), -30.0, np.float32)
    answer[:, :, [ord(symbol) for symbol in SYMBOLS]] = found.reshape(rows, padded, -1)[:, :length]
    return answer


def predict():
    params = dict(np.load("model.npz"))
    while head := sys.stdin.buffer.read(8):
        rows, length = np.frombuffer(head, np.int32)
        windows = np.frombuffer(sys.stdin.buffer.read(rows * length), np.uint8).reshape(rows, length)
        sys.stdout.buffer.write(logits(params, windows).astype(np.float32).tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    predict() if "--predict" in sys.argv else train()
