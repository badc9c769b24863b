"""Made-up words in the frequencies of a language (Zipf's law): a few are everywhere, most are rare."""

from __future__ import annotations

import random
from itertools import accumulate, product

ONSETS = ["b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr", "pl"]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ou"]


class Vocabulary:
    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        syllables = [onset + vowel for onset, vowel in product(ONSETS, VOWELS)]
        self._random.shuffle(syllables)
        self.words = ["".join(pair) for pair in product(syllables, syllables)]
        self._random.shuffle(self.words)
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def sentence(self, words: int) -> str:
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=words)).capitalize() + "."
