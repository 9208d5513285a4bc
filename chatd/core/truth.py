"""What is durable of the chat: rooms, users, memberships, invitations.

It changes by the `apply…` methods alone, which take what the store has committed,
and are idempotent. The live rest is in `chatd.core.state`.
"""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core.agenda import Agenda, Due
from chatd.core.barred import TIDY_S, Barred, holding_for
from chatd.core.drafts import AddressBan
from chatd.core.entities import (
    HOLD_OFF_MS,
    INVITE_S,
    Invite,
    Membership,
    Room,
    Sanction,
    User,
)
from chatd.core.roster import Roster
from chatd.enums import AccountRole, Change, Role
from chatd.ids import RoomName, Seq, UserName, is_public
from chatd.wire import events
from chatd.wire.events import Millis, TimelineEvent, UserShown

REMOVALS = (Change.KICK, Change.BAN)
"""Acts of moderation that end a membership."""
LEADERS = (Role.OWNER, Role.MODERATOR)
"""Roles of those whom `Room.leaders` lists."""


@attrs.define(eq=False)
class Truth:
    """Rooms and users as the store has them."""

    presence_tick_s: float
    rooms: Roster[RoomName, Room] = attrs.field(factory=Roster)
    aliases: dict[RoomName, RoomName] = attrs.field(factory=dict)
    """What rooms were called before, and what they are called now."""
    users: dict[UserName, User] = attrs.field(factory=dict)
    invites: dict[UserName, dict[RoomName, Invite]] = attrs.field(factory=dict)
    """Invitations that wait for their answer, or have ended not long ago."""
    reads: dict[tuple[RoomName, UserName], Seq] = attrs.field(factory=dict)
    """Read marks that are not written yet."""
    agenda: Agenda = attrs.field(factory=Agenda)
    emptied: dict[RoomName, bool] = attrs.field(factory=dict)
    """Rooms in which nobody is, to be looked at when the turn ends, and whether that
    was so for long."""
    guest_ban_ms: Millis = 0
    """How long a ban of a guest holds for his address at the most; 0: not at all."""
    barred: dict[RoomName | None, Barred] = attrs.field(factory=dict)
    """Addresses from which no guest is let in, into a room or, for None, at all."""

    def room(self, name: RoomName) -> Room | None:
        """The room that has a name, or had it."""
        return self.rooms.get(self.aliases.get(name, name))

    def apply(self, event: TimelineEvent) -> None:
        """Take a committed event into its room; one applied before is nothing."""
        room = self.rooms[event.room]
        if event.seq <= room.head:
            return
        assert event.seq == room.head + 1, (room.name, room.head, event.seq)
        room.head = event.seq
        room.spoken = room.spoken or type(event) is events.Message
        member = room.members.get(event.sender)
        if member is not None and type(event) is events.Message:
            member.read = event.seq
            self.reads[room.name, event.sender] = event.seq

    def apply_room(
        self,
        room: Room,
        members: dict[UserName, Role],
        event: TimelineEvent | None,
        now: float,
    ) -> None:
        """Take a committed new room, its first event and its members; idempotent.

        The event comes before the members, whose read mark is the head.
        """
        if self.rooms.setdefault(room.name, room) is room:
            self.count_made(room, 1)
            if event is not None:
                self.apply(event)
            for name, role in members.items():
                if name in self.users:
                    self.apply_member(room, self.users[name], role, now)
            if not room.members:
                # Who made it was a guest whose session has ended meanwhile.
                self.emptied[room.name] = False

    def apply_rename(self, room: Room, name: RoomName, now: float) -> None:
        """Take a committed other name of a room.

        What is due for the room is asked for anew, since it is asked for by name.
        """
        before = room.name
        del self.rooms[before]
        self.rooms[name] = room
        room.name = name
        room.was = [former for former in room.was if former != name] + [before]
        self.aliases.pop(name, None)
        for former in room.was:
            self.aliases[former] = name
        for user in room.members:
            places = self.users[user].rooms
            del places[before]
            places[name] = None
            seq = self.reads.pop((before, user), None)
            if seq is not None:
                self.reads[name, user] = seq
        for user in room.invited:
            self.agenda.cancel(Due.FORGET_INVITE, (user, before))
            self.apply_invite(user, name, self.invites[user].pop(before), now)
        for due, held in ((Due.BAN, room.bans), (Due.MUTE, room.mutes)):
            for user, sanction in held.items():
                self.agenda.cancel(due, (user, before))
                if sanction.until is not None:
                    self.agenda.add(now, due, (user, name))
        barred = self.barred.get(before)
        if barred is not None:
            self.forget_address_bans(before)
            self.barred[name] = barred
            self.agenda.add(now + TIDY_S, Due.ADDRESS_BANS, name)
        self.agenda.cancel(Due.EMPTY, before)
        if not room.members:
            self.emptied[name] = False
        self.agenda.cancel(Due.PRESENCE, before)
        if room.unsettled:
            self.agenda.add(now + self.presence_tick_s, Due.PRESENCE, name)

    def count_made(self, room: Room, by: int) -> None:
        """Count a room for its maker, or no more."""
        maker = self.users.get(room.maker) if room.maker is not None else None
        if maker is not None:
            maker.made += by

    def apply_end(self, room: Room) -> None:
        """Take the committed end of a room, of which nobody follows anything."""
        self.count_made(room, -1)
        for former in room.was:
            del self.aliases[former]
        for name in room.members:
            del self.users[name].rooms[room.name]
            self.reads.pop((room.name, name), None)
        for name in list(room.invited):
            self.forget_invite(name, room.name)
        for name in room.bans:
            self.agenda.cancel(Due.BAN, (name, room.name))
        for name in room.mutes:
            self.agenda.cancel(Due.MUTE, (name, room.name))
        for due in (Due.PRESENCE, Due.EMPTY):
            self.agenda.cancel(due, room.name)
        self.forget_address_bans(room.name)
        del self.rooms[room.name]

    def apply_member(
        self,
        room: Room,
        user: User,
        role: Role | None,
        now: float,
        first: Seq = Seq(1),
    ) -> None:
        """Take a committed change of membership; idempotent.

        A new member may read from `first` on; a ban of his has lapsed.
        """
        present = user.name in room.members
        if role in LEADERS:
            room.leaders[user.name] = None
        else:
            room.leaders.pop(user.name, None)
        if role is not None and present:
            room.members[user.name].role = role
        elif role is not None:
            self.agenda.cancel(Due.EMPTY, room.name)
            room.members[user.name] = Membership(role, room.head, first)
            self.lift_ban(room, user.name)
            user.rooms[room.name] = None
            self.forget_invite(user.name, room.name)
            if user.online:
                self.unsettle(room, user.name, None, now)
                room.online[user.name] = None
        elif present:
            if user.online:
                self.unsettle(room, user.name, self.shown_in(room, user), now)
                del room.online[user.name]
            del room.members[user.name]
            del user.rooms[room.name]
            self.reads.pop((room.name, user.name), None)
            if not room.members:
                self.emptied[room.name] = False

    def apply_moderation(self, event: events.Member, now: float) -> None:
        """Take a committed act of moderation; idempotent."""
        room, target = self.rooms[event.room], event.user
        sanction = Sanction(event.until, event.reason)
        # Looked at again by then, if it ends by itself.
        lasts_s = None if event.until is None else (event.until - event.ts) / 1000
        match event.change:
            case Change.INVITE:
                invite = Invite(event.sender, event.ts)
                self.apply_invite(target, room.name, invite, now)
            case Change.BAN:
                self.lift_ban(room, target)
                room.bans[target] = sanction
                if lasts_s is not None:
                    self.agenda.add(now + lasts_s, Due.BAN, (target, room.name))
            case Change.UNBAN:
                self.lift_ban(room, target)
                self.lift_address_ban(room.name, target)
            case Change.MUTE:
                self._set_mute(room, target, sanction, now)
                if lasts_s is not None:
                    self.agenda.add(now + lasts_s, Due.MUTE, (target, room.name))
            case Change.UNMUTE:
                self.lift_mute(room, target, now)
        last = self.invites.get(target, {}).get(room.name)
        if last is not None and event.change in HOLD_OFF_MS:
            last = last.closed(event.change, event.ts)
            self.apply_invite(target, room.name, last, now)
        user = self.users.get(target)
        if user is not None and target in room.members:
            if event.change == Change.ROLE:
                self.apply_member(room, user, event.role, now)
            elif event.change in REMOVALS:
                self.apply_member(room, user, None, now)

    def lift_ban(self, room: Room, user: UserName) -> None:
        """A ban from a room has ended, by whatever."""
        self.agenda.cancel(Due.BAN, (user, room.name))
        room.bans.pop(user, None)

    def lift_mute(self, room: Room, user: UserName, now: float) -> None:
        """A mute has ended, by whatever."""
        self._set_mute(room, user, None, now)

    def _set_mute(
        self, room: Room, name: UserName, mute: Sanction | None, now: float
    ) -> None:
        if name in room.online:
            self.unsettle(room, name, self.shown_in(room, self.users[name]), now)
        self.agenda.cancel(Due.MUTE, (name, room.name))
        if mute is not None:
            room.mutes[name] = mute
        else:
            room.mutes.pop(name, None)

    def may_know(self, user: UserName, room: RoomName, now: Millis) -> bool:
        """Whether the user may know that a room exists, if it does."""
        if is_public(room) or room in self.users[user].rooms:
            return True
        invite = self.invites.get(user, {}).get(room)
        return invite is not None and invite.waits(now)

    def apply_invite(
        self, user: UserName, room: RoomName, invite: Invite, now: float
    ) -> None:
        """Take a committed invitation, or its end, in place of what was before.

        It is forgotten by the clock of the deadlines; whether it still matters says
        the one of people, so one that was stored before the start may stay longer
        than it matters, as may one that has ended.
        """
        self.invites.setdefault(user, {})[room] = invite
        self.rooms[room].invited[user] = None
        self.agenda.add(now + INVITE_S, Due.FORGET_INVITE, (user, room))

    def forget_invite(self, user: UserName, room: RoomName) -> None:
        """An invitation was answered, or is void."""
        self.agenda.cancel(Due.FORGET_INVITE, (user, room))
        invites = self.invites.get(user)
        if invites is not None and invites.pop(room, None) is not None:
            self.rooms[room].invited.pop(user, None)
            if not invites:
                del self.invites[user]

    def apply_settings(self, room: Room, changes: dict[str, Any]) -> None:
        """Take committed changes of a room's settings."""
        room.settings = room.settings.with_(changes)
        if not room.settings.slow_s:
            room.sayings.clear()

    def apply_trim(self, room: Room, first: Seq) -> None:
        """Take the committed beginning of a timeline, which only moves forward."""
        room.first = max(room.first, first)

    def apply_address_ban(
        self, room: RoomName | None, ban: AddressBan, now: float
    ) -> None:
        """Take a committed ban of an address, unless that is turned off."""
        if not self.guest_ban_ms:
            return
        if room not in self.barred:
            self.barred[room] = Barred()
            self.agenda.add(now + TIDY_S, Due.ADDRESS_BANS, room)
        sanction = holding_for(ban, self.guest_ban_ms)
        self.barred[room].add(ban.user, ban.address, sanction)

    def lift_address_ban(self, room: RoomName | None, user: UserName) -> None:
        """Take the end of what a guest's ban held for beside him."""
        barred = self.barred.get(room)
        if barred is not None:
            barred.lift(user)
            if not barred:
                self.forget_address_bans(room)

    def forget_address_bans(self, room: RoomName | None) -> None:
        """Let go of the place of what there is no more."""
        self.agenda.cancel(Due.ADDRESS_BANS, room)
        self.barred.pop(room, None)

    def address_ban(
        self, room: RoomName | None, address: bytes | None, now: Millis
    ) -> Sanction | None:
        """What keeps a guest out because of his address, if anything does."""
        barred = self.barred.get(room)
        if barred is None or address is None:
            return None
        return barred.find(address, now)

    def apply_display(self, user: User, display: str, now: float) -> None:
        """Take a committed display name."""
        before = user.shown
        user.display = display
        self.show_change(user, before, now)

    def apply_role(self, user: User, role: AccountRole) -> None:
        """Take a committed role on this server."""
        user.role = role

    def apply_server_ban(self, user: User, ban: Sanction | None) -> None:
        """Take a committed ban from this server, or that there is none."""
        user.ban = ban

    def apply_erasure(self, user: User, now: float) -> None:
        """Take a committed erasure of somebody who has no connection any more."""
        for where in list(user.rooms):
            self.apply_member(self.rooms[where], user, None, now)
        for room in self.rooms.values():
            self.lift_ban(room, user.name)
            self.lift_mute(room, user.name, now)
        for name, invites in list(self.invites.items()):
            for room_name in [
                room
                for room, invite in invites.items()
                if user.name in (name, invite.sender)
            ]:
                self.forget_invite(name, room_name)
        del self.users[user.name]
        for other in self.users.values():
            other.blocks.pop(user.name, None)

    def apply_block(self, user: UserName, blocked: UserName, *, on: bool) -> None:
        """Take a committed block, or its end; idempotent."""
        found = self.users.get(user)
        if found is not None and on:
            found.blocks[blocked] = None
        elif found is not None:
            found.blocks.pop(blocked, None)

    # --- how people are shown -----------------------------------------------

    def shown_in(self, room: Room, user: User) -> UserShown:
        """How a user is shown in a room: by his name alone while he is muted there.

        Or what people read instead of it, and a status, would be ways to go on.
        """
        shown = user.shown
        return _unspoken(shown) if user.name in room.mutes else shown

    def show_change(self, user: User, before: UserShown, now: float) -> None:
        """Unsettle the user's rooms if he is shown otherwise than before."""
        if not user.online or user.shown == before:
            return
        for name in user.rooms:
            room = self.rooms[name]
            view = _unspoken(before) if user.name in room.mutes else before
            if view != self.shown_in(room, user):
                self.unsettle(room, user.name, view, now)

    def unsettle(
        self, room: Room, user: UserName, before: UserShown | None, now: float
    ) -> None:
        """Remember how a user was shown when the tick began."""
        if not room.unsettled:
            self.agenda.add(now + self.presence_tick_s, Due.PRESENCE, room.name)
        room.unsettled.setdefault(user, [before])


def _unspoken(shown: UserShown) -> UserShown:
    """The same without what he says of himself."""
    return UserShown(shown.name, state=shown.state)
