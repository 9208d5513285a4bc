"""Sessions among nodes: which one has each, and what people have read.

A session is opened on the node that has its connection, and taken over by the one to
which the client comes next. It is nobody's again when its last connection has ended.
What is marked as read is what was told last, by whichever node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.core import drafts as d
from chatd.core.changes import SessionTaken
from chatd.store import answers
from chatd.store.sqlite import people
from chatd.store.sqlite.executing import RUNS, Runs, each
from chatd.store.sqlite.sql import select
from chatd.wire.events import Millis

_BAN = "SELECT banned_at, banned_until, ban_reason FROM user WHERE name = ?"
_TAKE = "UPDATE session SET node = ? WHERE id = ?"
_HOLD = """
WITH held AS (
  SELECT s.id, s.node, u.name FROM session s JOIN user u ON u.id = s.user_id
  WHERE s.id = ?1 FOR NO KEY UPDATE OF s)
UPDATE session SET node = ?2, idle_since = NULL, device = coalesce(?3, device)
FROM held WHERE session.id = held.id RETURNING held.node, held.name"""
_READ = """
WITH given AS (
  SELECT m.room_id, m.user_id, said.seq
  FROM unnest($1::text[], $2::text[], $3::bigint[]) AS said (room, name, seq)
  JOIN room r ON r.name = said.room JOIN "user" u ON u.name = said.name
  JOIN member m ON m.room_id = r.id AND m.user_id = u.id
  ORDER BY m.room_id, m.user_id FOR NO KEY UPDATE OF m)
UPDATE member SET read = given.seq FROM given
WHERE member.room_id = given.room_id AND member.user_id = given.user_id"""
# Of what another node has by now, this one knows nothing any more.
_IDLE = """
WITH given AS (
  SELECT s.id, said.since
  FROM unnest($1::bytea[], $2::bigint[]) AS said (id, since)
  JOIN session s ON s.id = said.id WHERE s.node = $3
  ORDER BY s.id FOR NO KEY UPDATE OF s)
UPDATE session SET idle_since = given.since,
node = CASE WHEN given.since IS NULL THEN node END
FROM given WHERE session.id = given.id AND session.node = $3"""
_DEVICES = """
WITH given AS (
  SELECT s.id, said.device
  FROM unnest($1::bytea[], $2::text[]) AS said (id, device)
  JOIN session s ON s.id = said.id ORDER BY s.id FOR NO KEY UPDATE OF s)
UPDATE session SET device = given.device FROM given WHERE session.id = given.id"""


def open_session(ledger: Any, draft: d.OpenSession, now: Millis) -> d.Outcome:
    """Record a session, which this node has."""
    if draft.new_user is None:
        for found in select(ledger.db, _BAN, (draft.user,)):
            ban = people.server_ban(*found)
            if ban is not None and ban.holds(now):
                return answers.BANNED
    outcome = people.open_session(ledger, draft, now)
    if isinstance(outcome, d.Committed):
        ledger.db.execute(_TAKE, (ledger.node, draft.session))
    return outcome


def hold_sessions(
    ledger: Any,
    drafts: Sequence[d.HoldSession],
    now: Millis,  # noqa: ARG001 - nothing is stamped
) -> list[d.Outcome]:
    """Take sessions over from whichever nodes may have them.

    All are asked for before the first answer is wanted, so that a crowd that comes back
    from a node that has ended costs one way there and back.
    """
    asked: dict[int, Any] = {}
    # In one order, as other nodes lock them.
    for nth in sorted(range(len(drafts)), key=lambda nth: drafts[nth].session):
        values = drafts[nth].session, ledger.node, drafts[nth].device
        asked[nth] = ledger.db.execute(_HOLD, values)
    return [
        _held(ledger, draft, asked[nth].fetchall()) for nth, draft in enumerate(drafts)
    ]


def _held(ledger: Any, draft: d.HoldSession, found: list[Any]) -> d.Outcome:
    if not found:
        return answers.SESSION_GONE
    ((holder, user),) = found
    is_ours = holder == ledger.node
    taken = () if is_ours else (SessionTaken(draft.session, user, ledger.node),)
    return d.Committed(taken)


def save_marks(ledger: Any, draft: d.SaveMarks, now: Millis) -> d.Outcome:  # noqa: ARG001
    """Write read marks, idle times and devices, each in one order for all nodes."""
    db = ledger.db
    if draft.reads:
        rooms, users = zip(*draft.reads, strict=True)
        db.execute(_READ, (list(rooms), list(users), list(draft.reads.values())))
    if draft.idle:
        since = list(draft.idle.values())
        db.execute(_IDLE, (list(draft.idle), since, ledger.node))
    if draft.devices:
        db.execute(_DEVICES, (list(draft.devices), list(draft.devices.values())))
    return d.Committed()


SHARED: Runs = {
    **RUNS,
    d.OpenSession: each(open_session),
    d.HoldSession: hold_sessions,
    d.SaveMarks: each(save_marks),
}
"""What is done for each kind of draft where a session is one node's."""
