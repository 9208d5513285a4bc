"""The refusals that only the store can decide, worded once for every store."""

from __future__ import annotations

from chatd.core.drafts import REACTION_KINDS_MAX, Refused
from chatd.errors import RejectCode

NO_ROOM = Refused(RejectCode.NO_ROOM, "there is no such room", "room")
NO_USER = Refused(RejectCode.NO_USER, "there is no such user", "user")
NO_MESSAGE = Refused(RejectCode.NO_MESSAGE, "there is no such message here", "of")
NO_REPLIED = Refused(RejectCode.NO_MESSAGE, "there is no such message here", "reply_to")
NOT_YOURS = Refused(RejectCode.FORBIDDEN, "the message is somebody else's", "of")
TOO_MANY_KINDS = Refused(
    RejectCode.BAD_FIELD,
    f"the message has {REACTION_KINDS_MAX} kinds of reaction already",
    "emoji",
)
NAME_TAKEN = Refused(RejectCode.NAME_TAKEN, "the name is taken", "name")
NOT_STORED = Refused(RejectCode.INTERNAL, "it could not be stored; the fault is here")

UNREAD_MAX = 999
"""Where counting stops. Source: protocol section 5."""
