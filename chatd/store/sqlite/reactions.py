"""Reactions as they are now, and how many there are of each kind.

A row of `reaction` is there while somebody sees the reaction, be it only its user. A
message may have any number of them, so how many is kept (`reacted`), in the transaction
that changes it, and never counted. All that changes the one table is here and changes
the other. Only a direct conversation has rows that not everybody sees, two of a kind at
the most; so wherever there are more, what is kept is what everybody sees.
"""

from __future__ import annotations

import apsw

from chatd.ids import Seq, UserName
from chatd.store import answers
from chatd.store.ranking import NEWEST
from chatd.store.sqlite.sql import select
from chatd.wire.replies import MessageShown

Key = tuple[int, Seq, str, int]
"""A room's id, the message's seq, the emoji and its user's id."""

_ONE_LESS = """
UPDATE reacted SET users = users - 1 WHERE room_id = ? AND of = ? AND emoji = ?
RETURNING users"""

_NAMES = """
SELECT of, sum(CASE WHEN users < ?1 THEN users ELSE ?1 END) FROM reacted
WHERE room_id = ?2 AND of BETWEEN ?3 AND ?4 GROUP BY of"""

# With where each stands among the others: its user sees his own as he put it. Of each
# emoji the first ones, and the viewer's own wherever it stands. SQLite has to be told
# which index: it would look at all that is between `?2` and `?3`, for each kind.
_PLACE = """
CASE WHEN u.name = {} THEN CASE WHEN x.is_on THEN x.seq END ELSE x.seen END"""
_REACTIONS = f"""
SELECT {_PLACE.format("?4")} AS place,
       x.of, x.emoji, u.name, k.users
FROM reacted k CROSS JOIN reaction x INDEXED BY reaction_first
ON x.room_id = k.room_id AND x.of = k.of AND x.emoji = k.emoji
AND x.seq <= CASE WHEN k.users <= ?5 THEN {NEWEST} ELSE (SELECT seq FROM reaction
  WHERE room_id = k.room_id AND of = k.of AND emoji = k.emoji
  ORDER BY seq LIMIT 1 OFFSET ?5 - 1) END
CROSS JOIN user u ON u.id = x.user_id
WHERE k.room_id = ?1 AND k.of BETWEEN ?2 AND ?3
AND {_PLACE.format("?4")} IS NOT NULL
UNION ALL
SELECT x.seq, x.of, x.emoji, u.name, k.users
FROM user u CROSS JOIN reacted k ON TRUE CROSS JOIN reaction x
ON x.room_id = k.room_id AND x.of = k.of AND x.emoji = k.emoji AND x.user_id = u.id
WHERE u.name = ?4 AND k.room_id = ?1 AND k.of BETWEEN ?2 AND ?3 AND k.users > ?5"""  # noqa: S608 - ours

# Whether it is hidden from whoever asks.
_MESSAGE = """
SELECT m.hidden AND a.name <> ? FROM message m JOIN user a ON a.id = m.user_id
WHERE m.room_id = ? AND m.seq = ? AND m.text IS NOT NULL"""

# A place is never behind the seq, and the same in every room but a direct conversation.
_REACTED = f"""
SELECT {_PLACE.format("?5")} AS place, u.name
FROM reaction x JOIN user u ON u.id = x.user_id
WHERE x.room_id = ?1 AND x.of = ?2 AND x.emoji = ?3 AND x.seq > ?4
AND {_PLACE.format("?5")} > ?4 ORDER BY x.seq LIMIT ?6"""  # noqa: S608 - ours


def keep(
    db: apsw.Connection,
    key: Key,
    seq: Seq,
    *,
    on: bool,
    seen: Seq | None,
    is_new: bool,
) -> None:
    """Keep what a reaction is now.

    Args:
        db: The writer's.
        key: Which it is.
        seq: Of its last event.
        on: What that says.
        seen: The event that put it for others; None: they do not see it.
        is_new: Whether there is no row of it.
    """
    if not on and seen is None:
        remove(db, key)
        return
    db.execute(
        "INSERT INTO reaction (room_id, of, emoji, user_id, seq, is_on, seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room_id, of, emoji, user_id)"
        " DO UPDATE SET seq = excluded.seq, is_on = excluded.is_on,"
        " seen = excluded.seen",
        (*key, seq, on, seen),
    )
    if is_new:
        db.execute(
            "INSERT INTO reacted (room_id, of, emoji, users) VALUES (?, ?, ?, 1)"
            " ON CONFLICT (room_id, of, emoji)"
            " DO UPDATE SET users = reacted.users + 1",
            key[:3],
        )


def remove(db: apsw.Connection, key: Key) -> int:
    """Remove a reaction; says how many rows of them that were."""
    db.execute(
        "DELETE FROM reaction"
        " WHERE room_id = ? AND of = ? AND emoji = ? AND user_id = ?",
        key,
    )
    removed = db.changes()
    if removed:
        for (users,) in db.execute(_ONE_LESS, key[:3]).fetchall():
            if not users:
                db.execute(
                    "DELETE FROM reacted WHERE room_id = ? AND of = ? AND emoji = ?",
                    key[:3],
                )
    return removed


def remove_all(db: apsw.Connection, room: int, of: Seq) -> int:
    """Remove the reactions of a message; says how many there were."""
    db.execute("DELETE FROM reacted WHERE room_id = ? AND of = ?", (room, of))
    db.execute("DELETE FROM reaction WHERE room_id = ? AND of = ?", (room, of))
    return db.changes()


def trim(db: apsw.Connection, room: int, below: int) -> None:
    """Remove the reactions of all messages below a seq."""
    db.execute("DELETE FROM reacted WHERE room_id = ? AND of < ?", (room, below))
    db.execute("DELETE FROM reaction WHERE room_id = ? AND of < ?", (room, below))


# --- reading ------------------------------------------------------------------


def shown_whole(db: apsw.Connection, room: int, read: list[MessageShown]) -> int:
    """How many of the messages make a page, with the names of their reactions."""
    if not read:
        return 0
    oldest, newest = sorted((read[0].seq, read[-1].seq))
    values = answers.NAMES_MAX, room, oldest, newest
    names: dict[Seq, int] = dict(select(db, _NAMES, values))
    return answers.shown_whole(names.get(message.seq, 0) for message in read)


def fold(
    db: apsw.Connection, room: int, page: list[MessageShown], viewer: UserName
) -> None:
    """Give each message its reactions, in the order in which they were put."""
    if not page:
        return
    shown = {message.seq: message for message in page if not message.hidden}
    most = answers.NAMES_MAX
    rows = select(db, _REACTIONS, (room, page[0].seq, page[-1].seq, viewer, most))
    for _place, of, emoji, user, users in sorted(set(rows)):
        if of in shown:
            names = shown[of].reactions.setdefault(emoji, [])
            names.append(user)
            if users > most:
                shown[of].reacted[emoji] = users


def page(
    db: apsw.Connection,
    room: int,
    of: Seq,
    emoji: str,
    after: Seq,
    limit: int,
    viewer: UserName,
) -> tuple[list[tuple[Seq, UserName]], bool] | None:
    """Read who has put an emoji on a message, from one reaction on.

    Returns:
        None if there is no such message, or it was deleted.
    """
    message = select(db, _MESSAGE, (viewer, room, of))
    if not message:
        return None
    ((hidden,),) = message
    if hidden:
        return [], False
    # Both of a direct conversation, whose places may have another order.
    most = max(limit, 2) + 1
    rows = sorted(select(db, _REACTED, (room, of, emoji, after, viewer, most)))
    return [(seq, user) for seq, user in rows[:limit]], len(rows) > limit
