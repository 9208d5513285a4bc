"""The end of a user, by his own command or the operator's.

He is nobody when it is answered; what he has left is taken away between commits
(`chatd.store.sqlite.erasing`).
"""

from __future__ import annotations

import base64

import attrs

from chatd.core.drafts import EraseUser
from chatd.core.effects import Append, Origin
from chatd.core.turn import Turn
from chatd.ids import UserName


def nameless(turn: Turn) -> UserName:
    """Draw a name that no account can have, as a guest's."""
    bits = bytes.fromhex(turn.new_epoch())[-5:]
    return UserName("erased~" + base64.b32encode(bits)[-4:].decode().lower())


def draw_again(turn: Turn, origin: Origin, draft: EraseUser) -> None:
    """Draw another name for whom messages are left to: that one was given out."""
    again = attrs.evolve(draft, nameless=nameless(turn))
    turn.want(Append(attrs.evolve(origin, draft=again)))
