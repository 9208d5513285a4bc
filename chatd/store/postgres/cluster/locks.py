"""What a batch locks before it is executed, and what is so then.

The order is the same for all nodes, so that they wait for each other in one direction:

1. the rooms of the batch, in the order of their ids. Whoever has a room's row has its
   timeline, its members and its rights until the commit, so its seqs have no hole;
2. the users whose rows, sessions or tokens the batch changes, in the order of theirs;
3. where it adds names, the lock of all names, so that each is given out once.

Then one statement reads what is so of the sessions from which the batch comes, and of
this node. All go to the server together; there, each statement sees what was committed
before it began, so all that is read behind a lock is what the last one who had it has
left.

A room that is found only later (by a name that it had before, or that somebody has just
given) is locked then, out of order. That may be a deadlock, for which the whole batch
is executed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, get_args

import attrs

from chatd.core import drafts as d
from chatd.core.drafts import rooms_of
from chatd.core.drafts.basis import Basis
from chatd.errors import GivenUp
from chatd.ids import (
    Epoch,
    NodeId,
    RoomName,
    Seq,
    SessionId,
    UserName,
    direct_partner,
)
from chatd.store import answers
from chatd.store.sqlite.ledger import Ledger, RoomCell
from chatd.store.sqlite.sql import select

BEHIND_MAX = 10_000
"""Sessions that are waited for to decide anew; one that never does has gone."""
NAMES = 0x6E616D65
"""`name`: who has this lock gives names out."""
GIVEN_UP = "the other nodes have given this one up: it was not there for its lease"

_ROOM = "SELECT id, name, epoch, head, last_ts, rights, rights_by FROM room WHERE "
_ROOM_END = " AND ended IS NULL ORDER BY id FOR NO KEY UPDATE"
_ROOMS = f"{_ROOM}name = ANY($1){_ROOM_END}"
_ROOMS_AND = f"{_ROOM}(name = ANY($1) OR id = ANY($2)){_ROOM_END}"
_ROOMS_BY_ID = f"{_ROOM}id = ANY($1){_ROOM_END}"
_FORMER = """
SELECT f.name, f.room_id FROM former_name f JOIN room r ON r.id = f.room_id
WHERE f.name = ANY($1) AND r.ended IS NULL"""
_PLACES = """
SELECT DISTINCT m.room_id FROM member m WHERE m.user_id IN (
  SELECT id FROM "user" WHERE name = ANY($1)
  UNION SELECT user_id FROM session WHERE id = ANY($2))"""
_USERS = """
SELECT name, id FROM "user" WHERE erased IS NULL AND (name = ANY($1)
OR id IN (SELECT user_id FROM session WHERE id = ANY($2))
OR id IN (SELECT user_id FROM token WHERE id = ANY($3)))
ORDER BY id FOR NO KEY UPDATE"""
_KNOWN = """SELECT name, id FROM "user" WHERE name = ANY($1) AND erased IS NULL"""
# The row without an id is of this node.
_STANDING = """
SELECT id, user_id, node FROM session WHERE id = ANY($1)
UNION ALL SELECT NULL, NULL, id
FROM node WHERE id = $2 AND ended IS NULL"""

_OF_USERS = (
    *(d.SetDisplay, d.SetPasswordHash, d.SetAccountRole, d.ChangePassword),
    *(d.EraseUser, d.OpenSession, d.NoteAddress, d.EndSessions, d.EndNamedSession),
    *(d.ResetPassword, d.GiveRole, d.BanUser, d.UnbanUser, d.AddToken, d.SetBlock),
)
_OF_SESSIONS = d.EndSession, d.RenewSession, d.SetLink
_LEAVING = d.EraseUser, d.BanUser, d.EndSessions, d.EndNamedSession
"""With which somebody may go out of all rooms."""
_NAMING = d.AddUser, d.Enroll, d.OfferSetup, d.CreateRoom, d.RenameRoom
_OWN = get_args(d.Durable)
"""Whose `user` is who has sent it."""


@attrs.define(eq=False)
class SharedLedger(Ledger):
    """What is remembered of rows within one batch: what was locked for it."""

    LOCK: ClassVar[str] = " FOR NO KEY UPDATE"

    node: NodeId = attrs.field(kw_only=True)
    """Which one this is."""
    _behind: dict[SessionId, int] = attrs.field(factory=dict, init=False)
    """Sessions of which something was stale, and behind which catch-up it was decided:
    what was decided with it must not overtake it."""

    def note_judged(self, session: SessionId, since: int, *, is_stale: bool) -> bool:
        """Note what is found of a session's next draft; whether it is stale.

        Args:
            session: Whose.
            since: The catch-up behind which it was decided.
            is_stale: Whether it is by itself.
        """
        if not (is_stale or self._behind):
            return False
        if since <= self._behind.get(session, -1):
            return True
        self._behind.pop(session, None)
        if is_stale:
            if len(self._behind) >= BEHIND_MAX:
                del self._behind[next(iter(self._behind))]
            self._behind[session] = since
        return is_stale


@attrs.define
class Scope:
    """What the drafts of a batch are about."""

    rooms: set[RoomName] = attrs.field(factory=set)
    users: set[UserName] = attrs.field(factory=set)
    """Whose rows, sessions or tokens are changed."""
    leavers: set[UserName] = attrs.field(factory=set)
    """Those of them who may go out of all rooms."""
    sessions: set[SessionId] = attrs.field(factory=set)
    """The same of users, by their sessions."""
    ending: set[SessionId] = attrs.field(factory=set)
    tokens: set[int] = attrs.field(factory=set)
    named: set[UserName] = attrs.field(factory=set)
    """Of whom only the id is wanted."""
    adds_names: bool = False

    @classmethod
    def of(cls, drafts: Iterable[d.Draft]) -> Scope:
        """Find out what drafts are about."""
        scope = cls()
        for draft in drafts:
            if type(draft) is d.NewMessage:
                scope._add_message(draft)
            else:
                scope._add(draft)
        return scope

    def _add_message(self, draft: d.NewMessage) -> None:
        self.rooms.add(draft.room)
        if draft.mentions is not None:
            self.named.update(draft.mentions.users)
        if draft.room[0] == "@":
            self.named.add(direct_partner(draft.room, draft.user))

    def _add(self, draft: Any) -> None:
        # Marks are written without a room's row: see `sessions.save_marks`.
        if type(draft) is not d.SaveMarks:
            self.rooms.update(asked(draft))
        if isinstance(draft, _OF_USERS):
            self.users.add(draft.user)
            if isinstance(draft, d.SetBlock):
                self.users.add(draft.blocked)
        elif isinstance(draft, _OF_SESSIONS):
            self.sessions.add(draft.session)
        elif isinstance(draft, d.RevokeToken):
            self.tokens.add(draft.number)
        elif isinstance(draft, d.Moderate):
            self.named.add(draft.target)
        if isinstance(draft, d.EndSession):
            self.ending.add(draft.session)
        elif isinstance(draft, _LEAVING):
            self.leavers.add(draft.user)
        self.adds_names |= isinstance(draft, _NAMING) or (
            getattr(draft, "new_user", None) is not None
            or getattr(draft, "nameless", None) is not None
        )


def asked(draft: Any) -> Iterable[RoomName]:
    """The rooms that a draft is about; a refusal's are those of what was refused."""
    if type(draft) is d.Recall:
        return () if draft.draft is None else rooms_of(draft.draft)
    return rooms_of(draft)


@attrs.frozen
class LockedRoom:
    """A room, as it was when it was locked."""

    id: int
    epoch: Epoch
    head: Seq
    rights: Seq
    """The last event that has changed who may do what."""
    by: NodeId | None
    """The node that made it; None: one that had not heard of all before it."""


@attrs.frozen
class Locked:
    """What a batch has locked, and what is so."""

    rooms: Mapping[RoomName, LockedRoom]
    """By all names by which the batch calls them."""
    sessions: Mapping[SessionId, NodeId | None]
    """Who has each that is there."""

    def judge(
        self, draft: d.Draft, basis: Basis, ledger: SharedLedger
    ) -> d.Stale | d.Refused | None:
        """What a draft is answered that must not be executed; None if it may be."""
        session = basis.session
        if session is not None and self.sessions.get(session) != ledger.node:
            return answers.SESSION_ELSEWHERE
        # The first is the one in which something is done.
        name = next(iter(asked(draft)), None)
        if name is None:
            return None
        is_stale = self._is_stale(name, basis, ledger.node)
        if session is not None:
            is_stale = ledger.note_judged(session, basis.since, is_stale=is_stale)
        return d.Stale(name) if is_stale else None

    def _is_stale(self, name: RoomName, basis: Basis, node: NodeId) -> bool:
        """Whether a room is not what it was when something was decided there."""
        room = self.rooms.get(name)
        if room is None:
            return basis.epoch is not None
        if basis.epoch not in (None, room.epoch):
            return True
        known = basis.rights
        return known is not None and room.rights > known and room.by != node


def lock(
    ledger: SharedLedger, drafts: Sequence[d.Draft], bases: Sequence[Basis | None]
) -> Locked:
    """Lock what a batch is about, in the transaction that has just begun.

    The ledger knows from here on what was read.

    Raises:
        GivenUp: The others have given this node up.
    """
    scope = Scope.of(drafts)
    db: Any = ledger.db
    ledger.forget_rows()
    sessions = [*{basis.session for basis in bases if basis is not None} - {None}]
    # All goes to the server together, and is done in this order.
    asked_rooms = _ask_rooms(ledger, scope)
    asked_users = []
    if scope.users or scope.sessions or scope.tokens:
        wanted = list(scope.users), list(scope.sessions), list(scope.tokens)
        asked_users.append(db.execute(_USERS, wanted))
    if scope.adds_names:
        db.execute("SELECT pg_advisory_xact_lock($1)", (NAMES,))
    if scope.named:
        asked_users.append(db.execute(_KNOWN, (list(scope.named),)))
    standing = db.execute(_STANDING, (sessions, ledger.node))
    rooms, is_late = _locked_rooms(ledger, scope, asked_rooms)
    if is_late:
        standing = db.execute(_STANDING, (sessions, ledger.node))
    users: dict[UserName, int] = {}
    for found in asked_users:
        users.update(found.fetchall())
    rows = {session: (user, node) for session, user, node in standing.fetchall()}
    if None not in rows:
        raise GivenUp(GIVEN_UP)
    del rows[None]
    for draft, basis in zip(drafts, bases, strict=True):
        if basis is not None and basis.session in rows and isinstance(draft, _OWN):
            users[draft.user] = rows[basis.session][0]
    ledger.remember((), users)
    held = {session: node for session, (_, node) in rows.items()}
    return Locked(rooms, held)


def _ask_rooms(ledger: SharedLedger, scope: Scope) -> Any | None:
    """Lock the rooms of a batch, and those out of which somebody may go by it."""
    db: Any = ledger.db
    names = list(scope.rooms)
    if scope.leavers or scope.ending:
        who = list(scope.leavers), list(scope.ending)
        places = [room for (room,) in select(db, _PLACES, who)]
        return db.execute(_ROOMS_AND, (names, places))
    return db.execute(_ROOMS, (names,)) if names else None


def _locked_rooms(
    ledger: SharedLedger, scope: Scope, asked: Any | None
) -> tuple[dict[RoomName, LockedRoom], bool]:
    """The rooms of a batch, by all its names; whether some were locked only now."""
    db, names = ledger.db, scope.rooms
    rows: list[tuple[Any, ...]] = [] if asked is None else asked.fetchall()
    missing = names - {row[1] for row in rows}
    former: dict[RoomName, int] = {}
    renamed: set[int] = set()
    if missing:
        former.update(select(db, _FORMER, (list(missing),)))
        renamed = set(former.values()) - {row[0] for row in rows}
        if renamed:
            rows += select(db, _ROOMS_BY_ID, (list(renamed),))
    ledger.remember((RoomCell(*row[:5]) for row in rows), {})
    by_id = {row[0]: LockedRoom(row[0], row[2], row[3], *row[5:]) for row in rows}
    found = {row[1]: by_id[row[0]] for row in rows}
    found |= {name: by_id[room] for name, room in former.items() if room in by_id}
    return found, bool(renamed)
