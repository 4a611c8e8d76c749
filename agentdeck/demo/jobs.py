"""The pieces of work that the demo's scripted model can do, each as a tuple of steps.

`$round` counts the passes through a loop. Everything here happens for real in the agent's worktree,
and can happen again: a second run of a job finds its work done and says so.
"""

from __future__ import annotations

from agentdeck.demo.script import Call, Step

TEST = "python3 -m unittest 2>&1 | tail -n 4"

Steps = tuple[Step, ...]


def _bash(command: str, say: str = "", slow: float | None = None, wait: float | None = None) -> Step:
    return Step(say=say, calls=(Call("bash", (command,)),), slow=slow, wait=wait)


def _read(path: str, say: str = "", slow: float | None = None) -> Step:
    return Step(say=say, calls=(Call("read", (path,)),), slow=slow)


def _write(path: str, text: str, say: str = "", slow: float | None = None) -> Step:
    return Step(say=say, calls=(Call("write", (path, text)),), slow=slow)


def _edit(path: str, old: str, new: str, say: str = "", slow: float | None = None) -> Step:
    return Step(say=say, calls=(Call("edit", (path, old, new)),), slow=slow)


def _commit(subject: str, say: str = "", slow: float | None = None) -> Step:
    return _bash(f'git add --all && git commit -q -m "{subject}"; git log --oneline -n 3', say, slow)


MEND_SLUG: Steps = (
    _bash(TEST, "I run the tests first, to see where this stands.", slow=0.6),
    _read("wordkit/text.py", "`slug` keeps commas and exclamation marks. I look at it.", slow=1),
    _edit(
        "wordkit/text.py",
        '    return "-".join(title.lower().split())',
        '    kept = "".join(mark if mark.isalnum() else " " for mark in title.lower())\n'
        '    return "-".join(kept.split())',
        "Everything that is neither letter nor digit becomes a blank, and blanks join as hyphens.",
        slow=2,
    ),
    _bash("python3 -m unittest -v tests.test_text 2>&1 | tail -n 9", slow=0.5),
    _commit("Leave marks out of slugs", "That passes, so it is worth a commit."),
    _write("checks/__init__.py", "", "Now the chapters. Their checks get a package of their own."),
)

_CHAPTER = """\
import unittest

from wordkit.text import shorten, slug


class Chapter$round(unittest.TestCase):
    def test_address(self):
        self.assertEqual(slug("Chapter $round: A Word, or Two!"), "chapter-$round-a-word-or-two")

    def test_excerpt(self):
        self.assertEqual(len(shorten("Chapter $round begins on a rainy day in autumn", 20)), 20)
"""

CHECK_CHAPTERS: Steps = (
    _write(
        "checks/test_chapter_$round.py",
        _CHAPTER,
        "Chapter $round. Its title has a colon, a comma and an exclamation mark: three chances to go wrong.\n"
        "I write down what its address must be before I look at what the function gives.",
        slow=4,
    ),
    _bash("python3 -m unittest -v checks.test_chapter_$round 2>&1 | tail -n 8", "Now I ask the function.", slow=1),
    _edit(
        "CHANGES.md",
        "<!-- newest first -->",
        "<!-- newest first -->\n- chapter $round: address and excerpt are checked",
        "Both hold. I note it where the others will look.",
        slow=2,
    ),
    _bash(
        f"{TEST}; git diff --stat",
        "Before I commit, everything once more:\n"
        "1. the tests of this chapter\n2. the tests of all chapters before it\n3. what the change touches",
        slow=4,
    ),
    _commit("Check the title of chapter $round", "Nothing else broke.", slow=1),
    _bash(
        "git log --oneline | wc -l; ls checks | tail -n 5",
        "Chapter $round is done. I take a breath, count what is there, and go on with the next one.",
        slow=5,
        wait=1,
    ),
)

MEND_MEAN: Steps = (
    _read("wordkit/stats.py", "A mean of no words at all divides by zero. I look at it.", slow=0.5),
    _edit(
        "wordkit/stats.py",
        "    return sum(map(len, found)) / len(found)",
        "    return sum(map(len, found)) / len(found) if found else 0",
        slow=0.5,
    ),
    _bash(
        "python3 -m unittest -v tests.test_stats 2>&1 | tail -n 8", "Mended, I think. May I run its tests?", slow=0.5
    ),
)

ASK_AGAIN: Steps = (
    _write(
        "notes/statistics-$round.md",
        "# Statistics, note $round\n\nThe mean of no words is 0. Checked, or left unchecked, as you wished.\n",
        "Thank you for your answer. I write down where I stand; then I have to ask again.",
        slow=4,
    ),
    _bash(
        'git add --all && git commit -q -m "Mend the mean of no words, note $round"; git log --oneline -n 2',
        "May I commit this?",
        slow=1,
    ),
    _read("notes/statistics-$round.md", "I read my note once more, as a stranger would.", slow=3),
    _bash("python3 -m unittest -v tests.test_stats 2>&1 | tail -n 8", "May I run the tests again?", slow=1),
)

INTRODUCE: Steps = (
    _bash("wc -l wordkit/*.py tests/*.py | tail -n 1; ls specs", slow=0.3),
    Step(
        say="wordkit: a few functions on words, two of its tests fail, and four specs wait in specs/.\n\n"
        "I am free. Press `s` to hand me a spec. (These words are scripted; the work will be real.)",
        slow=1,
    ),
)

SHORTEN: Steps = (
    _read("wordkit/text.py", "I look at `shorten` first."),
    _edit(
        "wordkit/text.py",
        '    return text[: width - 1] + "…"',
        '    cut = text[:width].rfind(" ")\n    return text[: cut if cut > 0 else width - 1] + "…"',
        "It shall cut at the last space that fits.",
    ),
    _edit(
        "tests/test_text.py",
        '        self.assertEqual(len(shorten("a long text", 8)), 8)',
        '        self.assertEqual(shorten("a long text", 8), "a long…")\n\n'
        "    def test_one_long_word_is_cut(self):\n"
        '        self.assertEqual(shorten("incomprehensible", 8), "incompr…")',
        "The old test asked for the old cut. It gets the new one, and the long word a test of its own.",
        slow=3,
    ),
    _bash("python3 -m unittest -v tests.test_text.Shorten 2>&1 | tail -n 8"),
    _commit("Shorten at a space"),
    Step(say="`shorten` cuts at a space now, both cases have a test, and it is committed."),
)

_FREQUENCY = '''\
"""Which words come most often."""

import re
from collections import Counter


def top_words(text, n):
    """The `n` most frequent words of `text`, small letters; equal counts in the order of the alphabet."""
    counted = Counter(re.findall(r"\\w+", text.lower()))
    return sorted(counted, key=lambda word: (-counted[word], word))[:n]
'''

_TEST_FREQUENCY = """\
import unittest

from wordkit.frequency import top_words


class TopWords(unittest.TestCase):
    def test_most_frequent_first(self):
        self.assertEqual(top_words("The cat and the dog and the bird", 2), ["the", "and"])

    def test_equal_counts_by_alphabet(self):
        self.assertEqual(top_words("b, a! c?", 2), ["a", "b"])
"""

FREQUENCY: Steps = (
    _read("wordkit/stats.py", "I look at how words are counted here so far."),
    _write("tests/test_frequency.py", _TEST_FREQUENCY, "The test comes first.", slow=2),
    _write("wordkit/frequency.py", _FREQUENCY, "Now the function.", slow=3),
    _bash("python3 -m unittest -v tests.test_frequency 2>&1 | tail -n 6"),
    _commit("Find the most frequent words"),
    Step(say="`top_words` is there, two tests pass, and it is committed."),
)

_TITLES = '''\
"""Title case."""

SMALL = {"a", "an", "and", "of", "the"}


def title_case(text):
    """`text` with a capital at every word but the small ones; the first word always has one."""
    words = text.lower().split()
    return " ".join(word if place and word in SMALL else word.capitalize() for place, word in enumerate(words))
'''

_TEST_TITLES = """\
import unittest

from wordkit.titles import title_case


class TitleCase(unittest.TestCase):
    def test_small_words_stay_small(self):
        self.assertEqual(title_case("the lord of the rings"), "The Lord of the Rings")

    def test_nothing_stays_nothing(self):
        self.assertEqual(title_case(""), "")
"""

TITLES: Steps = (
    _bash("ls wordkit tests", "First, what is there."),
    _write("tests/test_titles.py", _TEST_TITLES, "The test comes first.", slow=2),
    _write("wordkit/titles.py", _TITLES, "Now the function.", slow=3),
    _bash("python3 -m unittest -v tests.test_titles 2>&1 | tail -n 6"),
    _commit("Add title case"),
    Step(say="`title_case` is there, two tests pass, and it is committed."),
)

EXAMPLES: Steps = (
    _bash(
        "python3 -c 'from wordkit.text import *; from wordkit.stats import *; "
        'print(slug("Two Words")); print(shorten("one long word", 6)); print(mean_length("ab abcd"))\'',
        "I run the lines before I write down what they give.",
    ),
    _edit(
        "README.md",
        "Work that waits",
        '    slug("Two Words")           # two-words\n    shorten("one long word", 6) # one l…\n'
        '    mean_length("ab abcd")      # 3.0\n\nWork that waits',
        slow=2,
    ),
    _commit("Show examples in the README"),
    Step(say="Three examples stand in the README, each one run before it was written."),
)

CONFESSION = (
    "Done: a note of what you wrote is in notes/, and the tests ran.\n\n"
    "This is the demo, so my words are scripted: no model has read yours. Try one of the specs (`s`), or start "
    "a deck with real agents in a repository of your own: `agentdeck`."
)

ANYTHING: Steps = (
    _bash("git status --short --branch && ls", "You wrote: “$prompt”. I look around first."),
    _write("notes/what-you-wrote.md", "# What you wrote\n\n> $prompt\n", "I note it down.", slow=2),
    _bash(TEST, "And I run the tests."),
)
