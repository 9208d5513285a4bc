"""What is durable of the chat: rooms, users, memberships, sanctions, invitations.

`DurableState` is what the store has, as far as it is in memory. Its methods are the
only code that assigns to it and to the durable attributes of its entities
(`DURABLE`; `tests/core/test_assignments.py` looks at the syntax of everything else).
They are called by those that apply a committed change (`chatd.core.applying`), and by
what takes into memory what the store has (`chatd.core.residency`).
Nothing here knows of connections, presence or time, or tells anybody.

Whatever would be a walk over all rooms or all users has an index beside them, which the
same methods keep (`epochs`, `places`, `makers`, `declared`, `sanctioned`, `asked_by`,
`blocked_by`).

What a method takes away or changes has to be there, where its first line does not say
otherwise: `chatd.core.applying` looks first, and so is total and idempotent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from chatd.core.barred import Barred, holding_for
from chatd.core.changes import AddressBan
from chatd.core.cluster.commits import changes_rights, stream_of_room, stream_of_user
from chatd.core.entities import Invite, Membership, Room, Sanction, User
from chatd.core.index import Index
from chatd.core.roster import Roster
from chatd.core.settings import RoomSettings
from chatd.enums import AccountRole, Level, Role
from chatd.ids import Epoch, RoomName, Seq, UserName, is_guest, is_public
from chatd.wire import events
from chatd.wire.events import Millis, TimelineEvent

LEADERS = (Role.OWNER, Role.MODERATOR)
"""Roles of those whom `Room.leaders` lists."""


@attrs.define(eq=False)
class DurableState:
    """Rooms and users as the store has them."""

    guest_ban_ms: Millis = 0
    """How long a ban of a guest holds for his address at the most; 0: not at all."""
    address_key: str = ""
    """With which digests of addresses are made."""
    place: str | None = None
    """What an administrator has called it; None: nobody has."""
    awaits_admin: bool = False
    """Whether somebody may still become the first administrator by a secret."""
    streams: dict[str, bool] | None = None
    """What was taken into memory or let go of, since the hub looked, by the streams of
    other nodes that tell of it; None: there are none."""
    rooms: dict[RoomName, Room] = attrs.field(factory=dict)
    epochs: dict[Epoch, Room] = attrs.field(factory=dict)
    """The same rooms by what never changes of them."""
    aliases: dict[RoomName, RoomName] = attrs.field(factory=dict)
    """What rooms were called before, and what they are called now."""
    users: dict[UserName, User] = attrs.field(factory=dict)
    invites: dict[UserName, dict[RoomName, Invite]] = attrs.field(factory=dict)
    """Invitations that wait for their answer, or have ended not long ago."""
    barred: dict[RoomName | None, Barred] = attrs.field(factory=dict)
    """Addresses from which no guest is let in, into a room or, for None, at all."""
    declared: dict[RoomName, None] = attrs.field(factory=dict)
    """Rooms that the configuration names."""
    places: Index[UserName, RoomName] = attrs.field(factory=Index)
    """The rooms that somebody is in, of those in memory; he need not be."""
    makers: dict[RoomName, UserName] = attrs.field(factory=dict)
    """Who of the users in memory has made a room, be that in memory or not."""
    sanctioned: Index[UserName, RoomName] = attrs.field(factory=Index)
    """Where somebody is banned or muted."""
    asked_by: Index[UserName, tuple[UserName, RoomName]] = attrs.field(factory=Index)
    """Invitations, by who has sent them."""
    blocked_by: Index[UserName, UserName] = attrs.field(factory=Index)
    """Who blocks somebody."""

    # --- what other nodes tell of -----------------------------------------------

    def take_streams(self) -> dict[str, bool]:
        """What is followed from here on, or no longer, since this was asked last."""
        found, self.streams = self.streams or {}, {}
        return found

    def _note_stream(self, stream: str, *, on: bool) -> None:
        if self.streams is not None:
            self.streams[stream] = on

    # --- looks ----------------------------------------------------------------

    def name_now(self, name: RoomName) -> RoomName:
        """The name that a room has now, by one that it has or had."""
        return self.aliases.get(name, name)

    def room(self, name: RoomName) -> Room | None:
        """The room that has a name, or had it."""
        return self.rooms.get(self.name_now(name))

    def room_by_epoch(self, epoch: Epoch) -> Room | None:
        """The room in memory that has an epoch, whatever it is called now."""
        return self.epochs.get(epoch)

    def is_somebody(self, name: UserName) -> bool:
        """Whether a user's name means anybody now: a guest's does while he is here.

        Of an account it is not known here whether there is one, nor of a guest where
        there are other nodes.
        """
        is_elsewhere = self.streams is not None
        return is_elsewhere or not is_guest(name) or name in self.users

    def may_know(self, user: UserName, room: RoomName, now: Millis) -> bool:
        """Whether the user may know that a room exists, if it does."""
        if is_public(room) or room in self.rooms_of(user):
            return True
        return self.open_invite(user, room, now) is not None

    def rooms_of(self, user: UserName) -> Mapping[RoomName, None]:
        """The rooms in memory that somebody is in; all of his if he is `whole`."""
        return self.places.get(user, {})

    def invite(self, user: UserName, room: RoomName) -> Invite | None:
        """A user's invitation to a room, be it over."""
        return self.invites.get(user, {}).get(room)

    def open_invite(self, user: UserName, room: RoomName, now: Millis) -> Invite | None:
        """A user's invitation to a room, if it waits for its answer."""
        invite = self.invite(user, room)
        return invite if invite is not None and invite.waits(now) else None

    def address_ban(
        self, room: RoomName | None, address: bytes | None, now: Millis
    ) -> Sanction | None:
        """What keeps a guest out because of his address, if anything does."""
        barred = self.barred.get(room)
        if barred is None or address is None:
            return None
        return barred.find(address, now)

    # --- rooms ----------------------------------------------------------------

    def add_room(self, room: Room) -> bool:
        """Take a room with its names; one that is there is left alone.

        Returns:
            Whether it was not.
        """
        if self.rooms.setdefault(room.name, room) is not room:
            return False
        self.epochs[room.epoch] = room
        self._note_stream(stream_of_room(room.epoch), on=True)
        self._index_declared(room)
        for former in room.was:
            self.aliases[former] = room.name
        return True

    def advance(self, room: Room, event: TimelineEvent) -> None:
        """Take the next event of a room's timeline."""
        assert event.seq == room.head + 1, (room.name, room.head, event.seq)
        room.head = event.seq
        if type(event) is events.Message:
            room.spoken = True
        elif changes_rights(event):
            room.rights = event.seq

    def pass_by(self, room: Room, seq: Seq) -> None:
        """Go on behind an event of which not all is known, maybe who may do what."""
        room.head = room.rights = seq

    def rename_room(self, room: Room, name: RoomName) -> None:
        """Call a room otherwise; what is durable and named by it moves along."""
        before = room.name
        self._forget_name(room)
        del self.rooms[before]
        self.rooms[name] = room
        room.name = name
        room.was = [former for former in room.was if former != name] + [before]
        self.aliases.pop(name, None)
        for former in room.was:
            self.aliases[former] = name
        for user in room.members:
            self.places.discard(user, before)
            self.places.add(user, name)
        for user in room.invited:
            invites = self.invites[user]
            invites[name] = invite = invites.pop(before)
            self.asked_by.discard(invite.sender, (user, before))
            self.asked_by.add(invite.sender, (user, name))
        barred = self.barred.pop(before, None)
        if barred is not None:
            self.barred[name] = barred
        self._index_declared(room)
        for user in (*room.bans, *room.mutes):
            self.sanctioned.add(user, name)

    def drop_room(self, room: Room) -> None:
        """Let go of a room, and of all that is named by it."""
        for former in room.was:
            del self.aliases[former]
        for name in room.members:
            self.places.discard(name, room.name)
        for name in list(room.invited):
            self.drop_invite(name, room)
        self.barred.pop(room.name, None)
        self._forget_name(room)
        del self.epochs[room.epoch]
        del self.rooms[room.name]
        self._note_stream(stream_of_room(room.epoch), on=False)

    def set_maker(self, name: RoomName, user: UserName | None) -> None:
        """Have a room be one of those that a user has made, or for None of nobody's."""
        before = self.makers.pop(name, None)
        if before is not None:
            self.users[before].made.pop(name, None)
        maker = self.users.get(user) if user is not None else None
        if maker is not None:
            maker.made[name] = None
            self.makers[name] = maker.name

    def declare(self, room: Room, settings: RoomSettings) -> None:
        """Have a room be the configuration's, with the settings that it has there."""
        room.declared = True
        room.settings = settings
        self._index_declared(room)

    def set_settings(self, room: Room, changes: Mapping[str, Any]) -> None:
        """Change some of a room's settings."""
        room.settings = room.settings.with_(changes)

    def trim(self, room: Room, first: Seq) -> None:
        """Move the beginning of a timeline, which only goes forward."""
        room.first = max(room.first, first)

    def _index_declared(self, room: Room) -> None:
        if room.declared:
            self.declared[room.name] = None

    def _forget_name(self, room: Room) -> None:
        """Have no index name a room by the name that it has now."""
        self.declared.pop(room.name, None)
        for user in (*room.bans, *room.mutes):
            self.sanctioned.discard(user, room.name)

    # --- who is in them -------------------------------------------------------

    def put_member(self, room: Room, user: UserName, member: Membership) -> None:
        """Have somebody in a room who was not there."""
        room.members[user] = member
        self.places.add(user, room.name)
        room.held += self._holds(user)
        self._note_leader(room, user, member.role)

    def put_members(self, room: Room, members: dict[UserName, Membership]) -> None:
        """Have those in a room who were read with it: maybe ten thousand at once."""
        name, places = room.name, self.places
        room.members = Roster(members)
        for user, member in members.items():
            if user in places:
                places[user][name] = None
            else:
                places[user] = {name: None}
            if member.role is not Role.MEMBER:
                self._note_leader(room, user, member.role)
        room.held += sum(map(self._holds, members.keys() & self.users.keys()))

    def set_role(self, room: Room, name: UserName, role: Role) -> None:
        """Give a member another role."""
        room.members[name].role = role
        self._note_leader(room, name, role)

    def set_level(self, room: Room, name: UserName, level: Level) -> None:
        """Note what a member wants to be called for."""
        room.members[name].level = level

    def drop_member(self, room: Room, user: UserName) -> None:
        """Have somebody in a room no more who was there."""
        del room.members[user]
        self.places.discard(user, room.name)
        room.held -= self._holds(user)
        room.leaders.pop(user, None)

    def _holds(self, user: UserName) -> bool:
        """Whether somebody's rooms have to be in memory."""
        known = self.users.get(user)
        return known is not None and known.whole

    def _note_leader(self, room: Room, name: UserName, role: Role) -> None:
        if role not in LEADERS:
            room.leaders.pop(name, None)
        elif name not in room.leaders:
            user = self.users.get(name)
            room.leaders[name] = user.ban if user is not None else None

    def set_ban(self, room: Room, user: UserName, ban: Sanction | None) -> None:
        """Ban somebody from a room, or no longer."""
        if ban is not None:
            room.bans[user] = ban
        else:
            room.bans.pop(user, None)
        self._index_sanctions(room, user)

    def set_mute(self, room: Room, user: UserName, mute: Sanction | None) -> None:
        """Mute somebody in a room, or no longer."""
        if mute is not None:
            room.mutes[user] = mute
        else:
            room.mutes.pop(user, None)
        self._index_sanctions(room, user)

    def _index_sanctions(self, room: Room, user: UserName) -> None:
        if user in room.bans or user in room.mutes:
            self.sanctioned.add(user, room.name)
        else:
            self.sanctioned.discard(user, room.name)

    def put_invite(self, user: UserName, room: Room, invite: Invite) -> None:
        """Take an invitation, or its end, in place of what was before."""
        before = self.invite(user, room.name)
        if before is not None:
            self.asked_by.discard(before.sender, (user, room.name))
        else:
            room.held += self._holds(user)
        self.invites.setdefault(user, {})[room.name] = invite
        self.asked_by.add(invite.sender, (user, room.name))
        room.invited[user] = None

    def drop_invite(self, user: UserName, room: Room) -> None:
        """Let go of an invitation: it was answered, is void, or matters no more."""
        invites = self.invites.get(user, {})
        invite = invites.pop(room.name, None)
        if invite is not None:
            if not invites:
                del self.invites[user]
            self.asked_by.discard(invite.sender, (user, room.name))
            room.invited.pop(user, None)
            room.held -= self._holds(user)

    # --- addresses ------------------------------------------------------------

    def bar(self, place: RoomName | None, ban: AddressBan) -> None:
        """Let no guest in from an address, unless that is turned off."""
        if self.guest_ban_ms:
            sanction = holding_for(ban, self.guest_ban_ms)
            barred = self.barred.setdefault(place, Barred())
            barred.add(ban.user, ban.address, sanction)

    def unbar(self, place: RoomName | None, user: UserName) -> None:
        """Let guests in again whom somebody's ban has kept out beside him."""
        barred = self.barred.get(place)
        if barred is not None:
            barred.lift(user)
            if not barred:
                del self.barred[place]

    def tidy_barred(self, place: RoomName | None, now: Millis) -> None:
        """Let go of the bans of addresses that hold no longer."""
        barred = self.barred.get(place)
        if barred is not None:
            barred.tidy(now)
            if not barred:
                del self.barred[place]

    # --- users ----------------------------------------------------------------

    def add_user(self, user: User) -> User:
        """Know a user from here on.

        Returns:
            The one that was known already, if one was.
        """
        self._note_stream(stream_of_user(user.name), on=True)
        return self.users.setdefault(user.name, user)

    def set_whole(self, user: User, *, on: bool) -> None:
        """Have all rooms of a user in memory, which they are now, or maybe not."""
        if on != user.whole:
            user.whole = on
            for name in (*self.rooms_of(user.name), *self.invites.get(user.name, ())):
                self.rooms[name].held += 1 if on else -1

    def drop_user(self, user: User) -> None:
        """Know a user no more; his name stays taken."""
        self.set_whole(user, on=False)
        for room in user.made:
            del self.makers[room]
        for blocked in user.blocks:
            self.blocked_by.discard(blocked, user.name)
        del self.users[user.name]
        self._note_stream(stream_of_user(user.name), on=False)

    def forget_blocks(self, name: UserName) -> None:
        """Let nobody block somebody any more: there is nobody of that name."""
        for other in self.blocked_by.pop(name, ()):
            self.users[other].blocks.pop(name, None)

    def set_block(self, user: UserName, blocked: UserName, *, on: bool) -> None:
        """Have somebody block another one, or no longer."""
        found = self.users.get(user)
        if found is not None and on:
            found.blocks[blocked] = None
            self.blocked_by.add(blocked, user)
        elif found is not None:
            found.blocks.pop(blocked, None)
            self.blocked_by.discard(blocked, user)

    def set_display(self, user: User, display: str) -> None:
        """Take what people read instead of a name."""
        user.display = display

    def set_account_role(self, user: User, role: AccountRole) -> None:
        """Give a user another role on this server."""
        user.role = role

    def read_ban(self, room: Room, leader: UserName, ban: Sanction) -> None:
        """Know a ban from the server that was read; of a user in memory it is known."""
        if leader not in self.users:
            room.leaders[leader] = ban

    def set_server_ban(self, name: UserName, ban: Sanction | None) -> None:
        """Ban a user from this server, or no longer; also one who is not in memory."""
        if name in self.users:
            self.users[name].ban = ban
        for room in self.rooms_of(name):
            if name in self.rooms[room].leaders:
                self.rooms[room].leaders[name] = ban

    # --- the place ------------------------------------------------------------

    def name_place(self, name: str) -> None:
        """Call the place so."""
        self.place = name

    def await_admin(self, *, on: bool) -> None:
        """Wait for the first administrator, or no longer."""
        self.awaits_admin = on
