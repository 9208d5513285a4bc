"""Direct conversations: read for one user, when he comes.

Nobody is banned or invited there, and they are never called otherwise: what there is of
one is its place in the numbering, and its members.
"""

from __future__ import annotations

import apsw

from chatd.core.entities import Membership, Room
from chatd.enums import Role
from chatd.ids import UserName
from chatd.store.sqlite.rooms import load_settings
from chatd.store.sqlite.sql import select

_ROOMS = """
SELECT r.name, r.epoch, r.head, r.first, r.settings, u.name, m.role, m.read, m.first
FROM member o JOIN room r ON r.id = o.room_id
JOIN member m ON m.room_id = r.id JOIN user u ON u.id = m.user_id
WHERE o.user_id = (SELECT id FROM user WHERE name = ?)
AND r.ended IS NULL AND r.name >= '@' AND r.name < 'A' AND u.erased IS NULL"""


def direct_rooms(
    db: apsw.Connection, user: UserName
) -> list[tuple[Room, dict[UserName, Membership]]]:
    """Read the direct conversations of a user with their members, by name."""
    found: dict[str, tuple[Room, dict[UserName, Membership]]] = {}
    for name, epoch, head, first, settings, *member in sorted(
        select(db, _ROOMS, (user,))
    ):
        if name not in found:
            room = Room(name, epoch, head, first, load_settings(settings))
            found[name] = room, {}
        who, role, read, readable = member
        found[name][1][who] = Membership(Role(role), read, readable)
    return list(found.values())
