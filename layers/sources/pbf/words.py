"""Tags of a block as texts: the values of wanted keys, numbered, and those that mean what is wanted, however spelt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.osm.classes import FIRST_COUNTS, READ, READ_AS, UNKNOWN, as_read, class_of, is_unknown, one_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.sources.pbf.blocks import Block

LONGEST_TAG = 1020
"""Bytes of a value: OpenStreetMap allows 255 characters, which take four bytes each at the most."""
Wanted = Mapping[bytes, Sequence[bytes]]


@dataclass
class Words:
    """The values of each wanted key, numbered as they come, and what was left out."""

    keys: Sequence[bytes]
    numbers: dict[bytes, dict[bytes, int]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.numbers = {k: {} for k in self.keys}

    def number(self, key: bytes, text: bytes) -> int:
        """Return the number of a value of a key, −1 for one that is too long to be a tag."""
        if len(text) > LONGEST_TAG:
            self.counts["tags_too_long"] += 1
            return -1
        known = self.numbers[key]
        return known.setdefault(text, len(known))

    def column(self, key: bytes, codes: NDArray[np.int32]) -> pd.Categorical:
        """Return a column of texts; spellings that are no UTF-8 keep a mark in place of the odd bytes.

        Classes are those that their values name (`layers.osm.classes`); what was read as another word is counted.
        """
        texts = [t.decode("utf-8", "replace") for t in self.numbers[key]]
        name = key.decode()
        if name in READ or name in FIRST_COUNTS:
            many = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
            words = [class_of(name, text) or text for text in texts]
            for text, word, number in zip(texts, words, many, strict=True):
                if word != text and number:
                    self.counts[READ_AS + as_read(name, text, word)] += number
            texts = words
        # In the order of the alphabet, whatever the order in which the files gave them.
        place = {text: i for i, text in enumerate(sorted(set(texts)))}
        # −1, a missing tag, takes the last place.
        table = np.array([*(place[text] for text in texts), -1], np.int32)
        return pd.Categorical.from_codes(table[codes], categories=pd.Index(list(place), dtype=object))


def wanted_pairs(
    block: Block,
    index: Mapping[bytes, int],
    wanted: Wanted,
    key: NDArray[np.int64],
    value: NDArray[np.int64],
    *,
    strange: bool = False,
) -> NDArray[np.int64]:
    """Return which of a group's tags are wanted, in any spelling and in lists, as key × number of strings + value.

    Parameters
    ----------
    key, value
        Of each tag of the group.
    strange
        Classes of road and railway that nobody knows are wanted too.
    """
    out = []
    for name, allowed in wanted.items():
        if name not in index:
            continue
        # Of the values of a key few are different ones.
        for number in np.unique(value[key == index[name]]).tolist():
            text = block.text(number)
            if text in allowed or _is_meant(name, text, tuple(allowed), strange):
                out.append(index[name] * len(block.strings) + number)
    return np.array(out, np.int64)


@cache
def _is_meant(key: bytes, text: bytes, allowed: tuple[bytes, ...], strange: bool) -> bool:
    """Return whether a value means one of some, or a class that nobody knows."""
    name, word = key.decode(), text[:LONGEST_TAG].decode("utf-8", "replace")
    return one_of(name, word, tuple(a.decode() for a in allowed)) != UNKNOWN or (strange and is_unknown(name, word))


def texts_of(block: Block, keys: NDArray[np.int64], values: NDArray[np.int64], words: Words) -> dict[str, str]:
    """Return the tags of one object; those that are too long are left out and counted."""
    out = {}
    for k, v in zip(keys.tolist(), values.tolist(), strict=True):
        key, text = block.text(k), block.text(v)
        if len(text) > LONGEST_TAG or len(key) > LONGEST_TAG:
            words.counts["tags_too_long"] += 1
            continue
        out[key.decode("utf-8", "replace")] = text.decode("utf-8", "replace")
    return out
