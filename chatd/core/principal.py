"""Who somebody is, once a credential has been verified.

A `Principal` is made at the edge, where passwords are hashed and secrets are
looked up; behind it the core trusts every field.
"""

from __future__ import annotations

import attrs

from chatd.ids import SessionId, UserName


@attrs.define
class Principal:
    """An authenticated identity and the session that it continues or opens."""

    user: UserName
    display: str
    role: str
    session: SessionId
    secret: str = attrs.field(repr=False)
    """What the client presents to resume; told once, in `welcome`."""
    token: bytes | None
    """SHA-256 of the access token that it came from, if any."""
    resumed: bool
    """Whether the session is on disk already."""
