"""Names that nobody can give himself, because people would believe them.

A name is reserved if it looks like one of these: `r00t` is, and so is its
neighbour in Cyrillic. That binds whoever comes by himself: who registers, a
guest, a name in somebody else's token. The operator's command line adds any name.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from functools import lru_cache

from chatd.errors import Reject, RejectCode
from chatd.names.skeleton import skeleton

OFFICIAL = (
    *("admin", "administrator", "root", "system", "sysop", "operator", "owner"),
    *("moderator", "mod", "staff", "support", "help", "security", "abuse"),
    *("postmaster", "hostmaster", "webmaster", "noreply"),
    *("chatd", "server", "service", "bot"),
    *("all", "here", "everyone", "everybody", "channel", "room"),
)
"""Who would be obeyed, the program itself, and more than one.

Source: RFC 2142's mailboxes; what Slack, Discord and Matrix servers keep.
"""
NOBODY = (
    *("guest", "anonymous", "anon", "nobody", "null", "nil", "none"),
    *("undefined", "unknown", "deleted", "erased"),
)
"""What programs call somebody whom they do not know; true of a guest."""


def is_reserved(name: str, also: tuple[str, ...] = (), *, guest: bool = False) -> bool:
    """Whether a canonical name looks like a reserved one.

    Args:
        name: An account's name, or what a guest asks for.
        also: What the operator has reserved, `auth.reserved`.
        guest: Whether it is a guest who asks: he may be nobody.
    """
    words = OFFICIAL if guest else (*OFFICIAL, *NOBODY)
    return looks_like_any(name, words) or looks_like_any(name, also)


def check_free(name: str, also: tuple[str, ...] = (), *, guest: bool = False) -> None:
    """Refuse a reserved name; the arguments are those of `is_reserved`.

    Raises:
        Reject: `name_taken`: it is reserved.
    """
    if is_reserved(name, also, guest=guest):
        raise Reject(RejectCode.NAME_TAKEN, "name: the name is reserved", field="name")


def looks_like_any(name: str, others: tuple[str, ...]) -> bool:
    """Whether a canonical name looks like one of a few others."""
    return bool(others) and skeleton(name) in _skeletons(others)


@lru_cache(4)
def _skeletons(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(skeleton, names))
