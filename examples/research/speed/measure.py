"""Seconds of processor time that `words.frequencies` takes, if it is right; protected.

Each run has texts of its own (by RESEARCH_SEED), so that nothing can be kept from one run to the next, and the
answers are compared with a plain second way of counting before the time counts.
"""

import os
import random
import time
from collections import Counter

clock = time.process_time  # before anything of the candidate can change it

SYLLABLES = ("ba", "co", "di", "fu", "ge", "hi", "jo", "ka", "lu", "me", "ni", "po", "qua", "ri", "so", "tu", "ve")


def make(dice, size):
    words = ["".join(dice.choices(SYLLABLES, k=dice.randint(1, 3))) for _ in range(size)]
    return " ".join(
        word.capitalize() if dice.random() < 0.2 else word + dice.choice(["", "", ",", ".", "!"]) for word in words
    )


def expected(text):
    plain = "".join(c.lower() if c.isalpha() else " " for c in text)
    return sorted(Counter(plain.split()).items(), key=lambda pair: (-pair[1], pair[0]))


def main():
    import words

    dice = random.Random(int(os.environ["RESEARCH_SEED"]))
    texts = [make(dice, 2500) for _ in range(3)]
    began = clock()
    answers = [words.frequencies(text) for text in texts]
    seconds = clock() - began
    for text, answer in zip(
        [*texts, "", "One, one!"], [*answers, words.frequencies(""), words.frequencies("One, one!")], strict=True
    ):
        if [tuple(pair) for pair in answer] != expected(text):
            raise SystemExit("the answer is wrong")
    print(f"seconds: {seconds:.6f}")


if __name__ == "__main__":
    main()
