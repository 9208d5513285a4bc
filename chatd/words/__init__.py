"""What of a text is a word, and which words are equal, in any script.

The index, the look at what is not indexed, the store in memory and the query all ask
here, so what is found does not depend on who looks.

Pure: no I/O, no clock, no randomness.
"""

from chatd.words.fold import (
    FOLD,
    LocatedWords,
    is_syllable,
    is_whole,
    words,
)
from chatd.words.graphemes import is_boundary, next_boundary, previous_boundary

__all__ = [
    "FOLD",
    "LocatedWords",
    "is_boundary",
    "is_syllable",
    "is_whole",
    "next_boundary",
    "previous_boundary",
    "words",
]
