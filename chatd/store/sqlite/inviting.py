"""What the command line shows of invitations to the server."""

from __future__ import annotations

from chatd.core.principal import InvitationKept
from chatd.store.sqlite import admissions
from chatd.store.sqlite.offline import Where, reading

ALL = 2**31
"""More than are made by hand in a month."""


def invitations(where: Where) -> list[InvitationKept]:
    """All invitations, the newest first, also those that have ended of late.

    Raises:
        StoreRefused: There is no store that could be read.
    """
    with reading(where) as db:
        return admissions.invitations(db, None, None, ALL)[0]
