"""The kinds of values that a command's fields hold.

Each is a type of its own, so that a field's type is its check: for every kind there
is one parser in `chatd.wire.fields` and one form in `chatd.wire.forms`. Where only
some words are allowed, the type is an enumeration of `chatd.enums`.
"""

from __future__ import annotations

from typing import NewType

Text = NewType("Text", str)
"""A message's text: 1 to `limits.text_chars` code points, not blank."""
Display = NewType("Display", str)
"""What people read instead of a name: up to 64 characters, no bidi controls."""
StatusText = NewType("StatusText", str)
"""What a user says about being away: up to 128 characters."""
GuestName = NewType("GuestName", str)
"""A name that is asked for in `hello`; an account's name, or a guest's wish."""
Secret = NewType("Secret", str)
"""A password, token or session: up to 4096 characters, never shown."""
Device = NewType("Device", str)
"""What a client calls itself in the list of sessions: up to 64 characters."""
NewPassword = NewType("NewPassword", str)
"""A password that is chosen: 8 to 1024 characters."""
Emoji = NewType("Emoji", str)
"""Exactly one emoji; what the daemon tells is its fully qualified form."""
PageLimit = NewType("PageLimit", int)
"""How many entries of a page are asked for: 1 to 100."""
QueryText = NewType("QueryText", str)
"""What is searched for, in the language of `chatd.core.query`."""
PlaceText = NewType("PlaceText", str)
"""The `next` of a page, given back."""

BookmarkNumber = NewType("BookmarkNumber", int)
"""The `next` of a page of bookmarks, given back."""
AuditNumber = NewType("AuditNumber", int)
"""What an entry of the audit is called; the `next` of a page, given back."""
ThreadNumber = NewType("ThreadNumber", int)
"""The `next` of a page of threads, given back."""

PublicRoom = NewType("PublicRoom", str)
"""The name of a room that is to be created: neither private nor direct."""
Topic = NewType("Topic", str)
"""What a room is about, or its title: one line of up to 250 characters, or empty."""
Reason = NewType("Reason", str)
"""Why a user was removed or muted: one line of up to 250 characters."""
SlowSeconds = NewType("SlowSeconds", int)
"""Seconds between two messages of one member: 0 to 86,400."""
KeepCount = NewType("KeepCount", int)
"""Days or messages that are kept: 0 is all."""
BanSeconds = NewType("BanSeconds", int)
"""How long a ban or mute holds: 1 second to ten years."""
LevelSeconds = NewType("LevelSeconds", int)
"""How long the log has another level: 1 second to a week."""
AuditSeconds = NewType("AuditSeconds", int)
"""Of how long the audit is asked for: 1 second to a year."""
InvitationNumber = NewType("InvitationNumber", int)
"""What people call an invitation to the server by; it says nothing of the secret."""
InvitationUses = NewType("InvitationUses", int)
"""How many people come by an invitation: 1 to 100."""
InvitationSeconds = NewType("InvitationSeconds", int)
"""How long an invitation holds: one minute to a year."""

TokenNumber = NewType("TokenNumber", int)
"""What people call an access token by; it says nothing of the secret."""
TokenName = NewType("TokenName", str)
"""What an access token is for: one line of up to 250 characters, or empty."""
TokenSeconds = NewType("TokenSeconds", int)
"""How long an access token lasts: 1 second to ten years."""
TokenRooms = NewType("TokenRooms", tuple)  # type: ignore[type-arg]
"""The rooms that an access token is for: up to 100; none is all."""
TokenActions = NewType("TokenActions", tuple)  # type: ignore[type-arg]
"""The types of commands that an access token is for: up to 100; none is all."""

CommandId = str | int | None

WIRE_NAMES = {"sender": "from", "seconds": "for", "left": "in"}
"""What a field is called on the wire, where Python keeps the word for itself."""
