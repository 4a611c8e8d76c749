"""The files of the demo's sample repository: a tiny package, two failing tests, four specs."""

from __future__ import annotations

README = """\
# wordkit

A few functions on words, in plain Python. The sample repository of `agentdeck demo`.

    python3 -m unittest        # two tests fail: somebody should mend that
    python3 tools/watch.py     # the same again and again, with the news of every branch

Work that waits is in `specs/`.
"""

CHANGES = """\
# Changes

<!-- newest first -->
- first version
"""

TEXT = '''\
"""Titles and excerpts."""


def slug(title):
    """`title` as a part of an address: small letters and digits, joined by hyphens."""
    return "-".join(title.lower().split())


def shorten(text, width):
    """`text`, cut to at most `width` characters."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "…"
'''

STATS = '''\
"""Counts."""


def words(text):
    return text.split()


def mean_length(text):
    """The mean length of the words in `text`, 0 when there is none."""
    found = words(text)
    return sum(map(len, found)) / len(found)
'''

TEST_TEXT = """\
import unittest

from wordkit.text import shorten, slug


class Slug(unittest.TestCase):
    def test_blanks_become_hyphens(self):
        self.assertEqual(slug("Hello  World"), "hello-world")

    def test_marks_are_left_out(self):
        self.assertEqual(slug("Hello, World!"), "hello-world")


class Shorten(unittest.TestCase):
    def test_a_short_text_stays(self):
        self.assertEqual(shorten("abc", 3), "abc")

    def test_a_long_text_fits(self):
        self.assertEqual(len(shorten("a long text", 8)), 8)
"""

TEST_STATS = """\
import unittest

from wordkit.stats import mean_length, words


class Stats(unittest.TestCase):
    def test_words(self):
        self.assertEqual(words("two words"), ["two", "words"])

    def test_mean_length(self):
        self.assertEqual(mean_length("ab abcd"), 3)

    def test_no_words_at_all(self):
        self.assertEqual(mean_length(""), 0)
"""

WATCH = '''\
"""Run the tests again and again, and tell what every branch did meanwhile. Ctrl+C ends it."""

import itertools
import re
import subprocess
import sys
import time

FIRST, SECOND = (94, 234, 212), (244, 114, 182)


def bar(share, width=28):
    cells = []
    for cell in range(width):
        mix = cell / (width - 1)
        red, green, blue = (round(a + (b - a) * mix) for a, b in zip(FIRST, SECOND))
        cells.append(f"\\033[38;2;{red};{green};{blue}m" + ("█" if mix <= share else "·"))
    return "".join(cells) + "\\033[0m"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def tests():
    said = run(sys.executable, "-m", "unittest")
    total = int((re.search(r"Ran (\\d+) test", said) or [0, 0])[1])
    bad = sum(map(int, re.findall(r"(?:failures|errors)=(\\d+)", said)))
    return total, bad


def news():
    said = run("git", "log", "--all", "--format=%h %S: %s", "-n", "3")
    return said.replace("refs/heads/", "").splitlines()


for number in itertools.count(1):
    total, bad = tests()
    colour = "\\033[31m" if bad else "\\033[32m"
    print(f"{time.strftime('%H:%M:%S')} run {number:>4}  {colour}{total - bad} of {total} tests pass\\033[0m")
    for line in news():
        print(f"         \\033[2m{line[:100]}\\033[0m")
    for tick in range(10):
        print(f"\\r  {bar(tick / 9)} ", end="", flush=True)
        time.sleep(0.3)
    print("\\r\\033[K", end="", flush=True)
'''

SHORTEN_SPEC = """\
---
title: Shorten at a space
verify: python3 -m unittest tests.test_text.Shorten
---
# Shorten at a space

`shorten` cuts a text in the middle of a word. Let it cut at the last space that fits,
and in the middle only when the first word alone is too long. Add a test for each.
"""

FREQUENCY_SPEC = """\
---
title: The most frequent words
verify: python3 -m unittest tests.test_frequency
---
# The most frequent words

Add `top_words(text, n)` to a new module `wordkit/frequency.py`: the `n` most frequent words,
small letters, without marks; words of equal count in the order of the alphabet. With tests.
"""

TITLE_SPEC = """\
---
title: Title case
verify: python3 -m unittest tests.test_titles
---
# Title case

Add `title_case(text)` to a new module `wordkit/titles.py`. Every word begins with a capital
letter, save `a`, `an`, `and`, `of`, `the` when they are not the first word. With tests.
"""

EXAMPLES_SPEC = """\
---
title: Examples in the README
---
# Examples in the README

Show `slug`, `shorten` and `mean_length` in the README, each with one line of input and what
comes out. Run the lines before you write down what they give.
"""

FILES = {
    ".gitignore": "__pycache__/\n",
    "README.md": README,
    "CHANGES.md": CHANGES,
    "wordkit/__init__.py": '"""A few functions on words."""\n',
    "wordkit/text.py": TEXT,
    "wordkit/stats.py": STATS,
    "tests/__init__.py": "",
    "tests/test_text.py": TEST_TEXT,
    "tests/test_stats.py": TEST_STATS,
    "tools/watch.py": WATCH,
    "specs/shorten-at-a-space.md": SHORTEN_SPEC,
    "specs/most-frequent-words.md": FREQUENCY_SPEC,
    "specs/title-case.md": TITLE_SPEC,
    "specs/readme-examples.md": EXAMPLES_SPEC,
}
