"""The port of stores: what a store must do, and the rows that it returns.

`tests/store/test_contract.py` runs on every implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chatd.core.drafts import Draft, Outcome
from chatd.core.entities import SessionKept
from chatd.core.principal import InvitationKept
from chatd.core.query import Hit, Place, Query
from chatd.core.rows import (
    ErasureRow,
    PublicRoom,
    RoomRow,
    UnreadCounts,
    UserRecord,
    UserRow,
)
from chatd.core.settings import RoomSettings
from chatd.ids import RoomName, Seq, SessionId, SessionTag, UserName
from chatd.ports.rows import SessionRow, Snapshot, TokenRow
from chatd.wire.events import Happened, Millis, TimelineShown
from chatd.wire.kinds import BookmarkNumber, ThreadNumber
from chatd.wire.operator import AuditShown
from chatd.wire.replies import MessageKept, MessageShown, ThreadListed


class Store(Protocol):
    """What is durable: timelines, users, sessions, read marks.

    Reads see everything that `commit` has returned, and maybe more: a caller that
    must not see more passes `upto`. Every read may raise `StoreUnavailable` (it cannot
    be read now), `TooSlow` (it was given up) and `StoreFailed` (the store cannot be
    trusted any more).
    """

    @property
    def settles(self) -> bool:
        """Whether a commit takes long because its server has gone meanwhile.

        What became of it is asked for, with a bound of its own; nothing hangs.
        """

    async def certain(self, now: Millis) -> Millis | None:
        """The certain time at the last commit, in milliseconds; None in a new store.

        Called before `load`. A store of before this was kept has the time of its newest
        event instead, or `now` where that is earlier. Cancellation: safe.
        """

    async def load(self, now: Millis, certain: Millis | None = None) -> Snapshot:
        """Read what the core needs at the start.

        Sessions that were open when the daemon ended, and all guests' sessions,
        count as idle from `certain`, or `now`; what by `now` was idle too long
        (`session_days`, `guest_hold_s`) is removed first, and so are addresses that
        are not to be kept any longer. Called once, before any commit.
        """

    async def commit(
        self, drafts: Sequence[Draft], now: Millis, certain: Millis | None = None
    ) -> list[Outcome]:
        """Execute drafts in order in one durable transaction.

        Called by one task at a time. An event's `ts` is `now`, or that of the event
        before it where it is later by a few seconds at the most
        (`chatd.store.stretches`). What is `certain` of the time, by which cids grow
        old, is `now` where it is not given. A draft whose rows fail by themselves is
        `Refused(internal)` and leaves no trace and no hole.

        Returns:
            One outcome for each draft, in order, after the fsync.

        Raises:
            StoreUnavailable: Nothing of the batch was stored; reads go on and a
                later batch may succeed (the disk is full).
            StoreFailed: The store cannot be trusted any more.

        Cancellation: shielded; the outcome is always learned.
        """

    async def rooms(self, names: Sequence[RoomName]) -> list[RoomRow]:
        """Read rooms, each by the name that it has or by one that it had before.

        Names that no room has or had are left out; a room that is found by two names
        comes once. What has lapsed by the time that `load` was given may be there.

        Cancellation: safe.
        """

    async def user_record(self, name: UserName) -> UserRecord | None:
        """Read a user with all that he has; None if there is none, or it was erased.

        Cancellation: safe.
        """

    async def displays(self, names: Sequence[UserName]) -> dict[UserName, str]:
        """Read how users are shown; names that nobody has are left out.

        Cancellation: safe.
        """

    async def public_rooms(
        self, after: RoomName | None, limit: int
    ) -> tuple[list[PublicRoom], bool]:
        """Read a page of the public rooms, by name.

        Returns:
            At most `limit` of them behind `after`, and whether there are more.

        Cancellation: safe.
        """

    async def trimming(
        self, after: RoomName | None, limit: int
    ) -> list[tuple[RoomName, RoomSettings]]:
        """Read a page of the rooms that forget their beginning, by name.

        Returns:
            At most `limit` of them behind `after`; fewer are the last.

        Cancellation: safe.
        """

    async def events(
        self,
        room: RoomName,
        after: Seq,
        upto: Seq,
        limit: int,
        limit_bytes: int,
        viewer: UserName,
    ) -> list[TimelineShown]:
        """Read timeline events `after` < seq <= `upto`, each as it is now.

        What is hidden from `viewer` comes as `Hidden`: what was committed as hidden,
        and every edit of a message that was.

        Returns:
            The first of them in rising seq without a hole: at most `limit`,
            about `limit_bytes` of content (0 is no limit), at least one if
            there is one. They begin behind what was trimmed, also where `after`
            is below it.

        Cancellation: safe.
        """

    async def nth_newest(self, room: RoomName, count: int, upto: Seq) -> Seq:
        """The seq of the `count`-th newest message at or below `upto`.

        Returns:
            The oldest message's seq if there are fewer; `upto` + 1 if none.

        Cancellation: safe.
        """

    async def history(
        self,
        room: RoomName,
        *,
        before: Seq | None,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
        events: int = 0,
    ) -> tuple[list[MessageShown], list[Happened], bool]:
        """Read a page of messages with seq <= `upto`, everything folded in.

        Edits, deletions and reactions are folded in as far as the store has
        them. With neither bound, the newest; with `before`, the newest below
        it; with `after`, the oldest above it. Of a message that is hidden from
        `viewer` only the place is told; of reactions that are, the state before.
        A message has 50 names for one emoji, the first who have put it, and the
        viewer's; where there are more it says how many there are (`reacted`). A page
        ends early where its messages have too many names, behind its first message.

        Beside them it has at most `events` events of the same part of the timeline that
        are not folded in: from where the page begins, to its last message if there are
        more. Where they are too many they are those next to where it begins.

        Returns:
            Messages and events, each in rising seq, and whether there are more messages
            in that direction.

        Cancellation: safe.
        """

    async def thread(
        self,
        room: RoomName,
        root: Seq,
        *,
        before: Seq | None,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
    ) -> tuple[MessageShown | None, list[MessageShown], bool]:
        """Read a page of a thread, as `history` reads one of a room.

        Returns:
            The message that has it, if that is kept; replies in rising seq, and whether
            there are more in that direction.

        Cancellation: safe.
        """

    async def threads(
        self, user: UserName, after: ThreadNumber | None, limit: int, *, unread: bool
    ) -> tuple[list[tuple[ThreadNumber, ThreadListed]], bool]:
        """Read a page of the threads that a user follows, or of those that are unread.

        The one comes first in which something is unread for the shortest time, or that
        was read, or followed, last. Whether the user may read them is not asked.

        Returns:
            At most `limit` behind the number `after`, each with its number, and whether
            there are more.

        Cancellation: safe.
        """

    async def reactions(
        self,
        room: RoomName,
        of: Seq,
        emoji: str,
        *,
        after: Seq,
        limit: int,
        viewer: UserName,
    ) -> tuple[list[tuple[Seq, UserName]], bool] | None:
        """Read a page of the users who have an emoji on a message.

        They come in the order in which they have put it, as in `history`, and what is
        hidden from `viewer` is left out alike; of a message that is, everything.

        Args:
            room: Where the message is.
            of: Its seq.
            emoji: In its fully qualified form.
            after: The seq of the last reaction of the page before; 0 for the first.
            limit: At most so many.
            viewer: The user who asks.

        Returns:
            For each the seq of the reaction and the user, and whether there are more;
            None if there is no such message, or it was deleted.

        Cancellation: safe.
        """

    async def pins(
        self,
        room: RoomName,
        *,
        first: Seq,
        after: Seq | None,
        limit: int,
        upto: Seq,
        viewer: UserName,
    ) -> tuple[list[MessageShown], bool]:
        """Read a page of the messages that are pinned, the last pinned first.

        They are as in `history`; what is hidden from `viewer` is left out.

        Args:
            room: Which.
            first: No message below it.
            after: The `pinned` of the last one of the page before.
            limit: At most so many.
            upto: No pin of a later event.
            viewer: The user who asks.

        Returns:
            Messages, and whether there are more.

        Cancellation: safe.
        """

    async def bookmarks(
        self, user: UserName, after: BookmarkNumber | None, limit: int
    ) -> tuple[list[tuple[BookmarkNumber, MessageKept]], bool]:
        """Read a page of what a user has bookmarked, the last one first.

        What is hidden from the user is left out, and what is in a room that has ended.
        Whether he may read the rest is for the caller to know.

        Returns:
            At most `limit` of those before `after`, each with its number, and whether
            there are more.

        Cancellation: safe.
        """

    async def search(
        self,
        query: Query,
        scope: Sequence[tuple[RoomName, Seq, Seq]],
        place: Place | None,
        limit: int,
        viewer: UserName,
    ) -> tuple[list[Hit], bool] | None:
        """Find messages with first <= seq <= upto in rooms, as they are now.

        Every phrase of the query is in the text, in words that are equal to its
        own (`chatd.words`). With phrases the best come first, see
        `chatd.store.ranking`; without, the newest. One search runs after the
        other, beside all other reads.

        Args:
            query: What to find; its `room` is ignored, the scope says it.
            scope: The rooms, each with the first and the last seq.
            place: Where the page before ended.
            limit: At most so many.
            viewer: The user who searches; what is hidden from this user is not found.

        Returns:
            Messages, and whether there are more; None if there is nothing at
            `place` any more.

        Raises:
            TooSlow: It was given up, because it takes too long.
            IndexBehind: The same, and the cause is that not all is indexed yet.

        Cancellation: safe.
        """

    async def unread(
        self, user: UserName, marks: Sequence[tuple[RoomName, Seq, Seq]]
    ) -> list[UnreadCounts]:
        """Count others' undeleted messages for each (room, read, upto).

        What is hidden from the user does not count.

        Returns:
            Three numbers each, at most 999: of all of them; of the others'
            messages that have come to address the user meanwhile, by their own
            text or by an edit, and still do; and of those of the first that are in
            threads.

        Cancellation: safe.
        """

    async def erasure(self, name: UserName) -> ErasureRow | None:
        """How far the erasure of a user is; None if there was never such a user.

        What was done is known of those that have ended since the store was opened.

        Cancellation: shielded.
        """

    async def user(self, name: UserName) -> UserRow | None:
        """Find a user; None if there is none, or it was erased. Cancellation: safe."""

    async def sessions(
        self, user: UserName, since: Millis, after: SessionTag | None, limit: int
    ) -> tuple[list[SessionKept], bool]:
        """Read a page of a user's sessions, in the order of their tags.

        Those that were idle before `since` are left out.

        Returns:
            At most `limit` of them behind `after`, and whether there are more.

        Cancellation: safe.
        """

    async def session(self, session: SessionId) -> tuple[SessionRow, UserRow] | None:
        """Find a session, and whose it is. Cancellation: safe."""

    async def linked(self, digest: bytes) -> tuple[SessionRow, UserRow, Millis] | None:
        """Find a session by the SHA-256 of its link, whose it is, and until when.

        Cancellation: safe.
        """

    async def invitation(self, digest: bytes) -> InvitationKept | None:
        """Find an invitation by its SHA-256. Cancellation: safe."""

    async def invitations(
        self, maker: UserName | None, after: int | None, limit: int
    ) -> tuple[list[InvitationKept], bool]:
        """Read a page of invitations to the server, the newest first.

        Args:
            maker: Whose; None for all.
            after: The number of the last one of the page before.
            limit: At most so many.

        Returns:
            At most `limit` of them older than `after`, with their users, and whether
            there are more.

        Cancellation: safe.
        """

    async def audit(
        self,
        *,
        user: UserName | None,
        by: UserName | None,
        room: RoomName | None,
        since: Millis | None,
        after: int | None,
        limit: int,
    ) -> tuple[list[AuditShown], bool]:
        """Read a page of the audit (`chatd.core.audit`), the newest first.

        Args:
            user: To whom it was done; None for anybody.
            by: Who has done it.
            room: Where, by any name of the room.
            since: Nothing older.
            after: The number of the last one of the page before.
            limit: At most so many.

        Returns:
            The entries, and whether there are more.

        Cancellation: safe.
        """

    async def token(self, digest: bytes) -> TokenRow | None:
        """Find an access token by its SHA-256. Cancellation: safe."""
