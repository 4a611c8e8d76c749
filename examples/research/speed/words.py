"""Counts words. Correct, and slow on purpose: this is the file that experiments change."""


def frequencies(text):
    """Each word (letters only, lower case) and how often it occurs: the most frequent first, equals by alphabet."""
    words = []
    word = ""
    for character in text + " ":
        if character.isalpha():
            word = word + character.lower()
        elif word:
            words.append(word)
            word = ""
    counts = []
    for word in words:
        for number, (known, count) in enumerate(counts):
            if known == word:
                counts[number] = (known, count + 1)
                break
        else:
            counts.append((word, 1))
    done = False
    while not done:
        done = True
        for n in range(len(counts) - 1):
            left, right = counts[n], counts[n + 1]
            if (-left[1], left[0]) > (-right[1], right[0]):
                counts[n], counts[n + 1] = right, left
                done = False
    return counts
