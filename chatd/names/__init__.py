"""What names may be, beyond what ASCII has: policy, look-alikes, reserved names.

`chatd.ids` has the types of names and reads ASCII. Here is the choice between
that and all of Unicode (`policy`), with the rules that make the wider choice
bearable: one script to a name (`scripts`), no name that looks like one that is
taken (`skeleton`), none that is reserved (`reserved`). Under both no new name ends
in punctuation (`endings`). What is sought by a name that may be none is only folded
(`folding`). The data is made from Unicode's (`tables`).

A skeleton is stored beside a name under both policies, so that the wider one may
be chosen later.

Pure: no I/O, no clock, no randomness.
"""

from chatd.names.endings import NEW_ENDS_WELL, check_ending, ends_well
from chatd.names.folding import fold, narrow
from chatd.names.policy import ASCII, NAMES, UNICODE, Names, Policy
from chatd.names.reserved import check_free, is_reserved, looks_like_any
from chatd.names.skeleton import skeleton

__all__ = [
    "ASCII",
    "NAMES",
    "NEW_ENDS_WELL",
    "UNICODE",
    "Names",
    "Policy",
    "check_ending",
    "check_free",
    "ends_well",
    "fold",
    "is_reserved",
    "looks_like_any",
    "narrow",
    "skeleton",
]
