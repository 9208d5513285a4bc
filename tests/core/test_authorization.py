"""Who may do what where: every actor, every command, every kind of room.

The tables are read by columns. Each cell is what one actor gets for one command on
one room, in a chat that was made for that cell alone; a command without a row fails.
Each group of letters has a column for each room of `ROOMS`, a group of one letter
belongs to a command that names no room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.commands import RULES
from chatd.core.effects import Append
from chatd.core.invariants import check
from chatd.core.scope import Scope
from chatd.enums import GivenRole, InvitedRole, Level, LogLevel, Post, Role, State
from chatd.ids import (
    Cid,
    Epoch,
    RoomName,
    Seq,
    SessionTag,
    UserName,
    direct_room,
    is_direct,
)
from chatd.ports import UserRow
from chatd.wire import kinds as k
from chatd.wire.accounts import DeleteAccount, Password, Refresh, Register
from chatd.wire.administration import (
    TokenIssue,
    TokenRevoke,
    UserAdd,
    UserBan,
    UserErase,
    UserErasure,
    UserLogout,
    UserPassword,
    UserRole,
    UserUnban,
)
from chatd.wire.admissions import CreateInvitation, Invitations, Link, RevokeInvitation
from chatd.wire.commands import Command
from chatd.wire.encode import encode
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.moderation import (
    Ban,
    Decline,
    Invite,
    Kick,
    Mute,
    SetRole,
    Standing,
    Unban,
    Unmute,
)
from chatd.wire.operator import (
    Announce,
    Audit,
    BusyRooms,
    Connections,
    Disconnect,
    Drain,
    Reload,
    Report,
    SetLogLevel,
)
from chatd.wire.place import About, NamePlace, Ping
from chatd.wire.rooms import (
    Create,
    Destroy,
    Join,
    Leave,
    Notify,
    Rename,
    Rooms,
    SetRoom,
    Who,
)
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.threads import Follow, Threads
from chatd.wire.timeline import (
    Bookmark,
    Bookmarks,
    Delete,
    Edit,
    History,
    Pin,
    Pins,
    React,
    Reactions,
    Search,
    Send,
)
from chatd.wire.users import Block, Blocks, Profile, Unblock
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

LETTERS = {
    "bad_credentials": "c",
    "bad_field": "x",
    "banned": "b",
    "exists": "e",
    "forbidden": "f",
    "muted": "m",
    "no_message": "o",
    "no_room": "r",
    "no_session": "s",
    "no_invitation": "i",
    "no_user": "u",
    "not_member": "n",
}
"""What a cell says, for each code; `.` is an `ok`, `-` cannot be asked."""

ROOMS = (
    "public",
    "declared in the configuration",
    "private, and those who have a role are in it",
    "private, and no actor is in it",
    "one's own direct conversation",
    "others' direct conversation",
    "a public name that does not exist",
    "a private name that does not exist",
)

ACTORS = {
    "guest": "a guest who is in no room",
    "stranger": "an account that is in no room",
    "banned": "an account that is banned from all three",
    "admin": "an administrator of the server who is in no room",
    "visitor": "a guest who is a member",
    "member": "an account that is a member",
    "muted": "a member who is muted",
    "moderator": "a moderator",
    "owner": "an owner",
    "sender": "a member with a token that may only join and send",
    "keeper": "a moderator with a token for the public room alone",
}

OUTSIDE = """
                 guest     stranger  banned    admin
hello            f         f         f         f
register         f         f         f         f
password         f         .         .         .
end account      f         .         .         .
refresh          c         c         c         c
logout           .         .         .         .
profile          .         .         .         .
create private   f         .         .         .
send to          f         .         .         .
block            f         .         .         .
unblock          f         .         .         .
blocks           .         .         .         .
search all       .         .         .         .
bookmarks        .         .         .         .
threads          .         .         .         .
status           .         .         .         .
rooms            .         .         .         .
sessions         .         .         .         .
logout another   s         s         s         s
ping             .         .         .         .
link             .         .         .         .
invite here      f         f         f         .
invite admin     f         f         f         .
invitations      .         .         .         .
take back one    i         i         i         i
report           f         f         f         f
connections      f         f         f         f
disconnect       f         f         f         f
drain            f         f         f         f
log level        f         f         f         f
reload           f         f         f         f
audit            f         f         f         f
announce         f         f         f         f
busy rooms       f         f         f         f
add a user       f         f         f         f
user password    f         f         f         f
user role        f         f         f         f
user ban         f         f         f         f
user unban       f         f         f         f
user logout      f         f         f         f
token issue      f         f         f         f
token revoke     f         f         f         f
user erase       f         f         f         f
user erasure     f         f         f         f
about            .         .         .         .
place            f         f         f         .
join             ..rr-rrr  ..rr.r.r  bbrr.r.r  ..rr.r.r
leave            nnrr-rrr  nnrrfrrr  nnrrfrrr  nnrrfrrr
send             nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
edit             nnrr-rrr  nnrrfrrr  nnrrfrrr  nnrrfrrr
delete           nnrr-rrr  nnrrfrrr  nnrrfrrr  nnrrfrrr
react            nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
pin              nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
bookmark         nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
follow           nnrr-rrr  nnrrorrr  nnrrorrr  nnrrorrr
create           ff----f-  ee----.-  ee----.-  ee----.-
room             nnrr-rrr  nnrrfrrr  nnrrfrrr  .frrfrrr
rename           nnrr-rrr  nnrrfrrr  nnrrfrrr  .frrfrrr
destroy          nnrr-rrr  nnrrfrrr  nnrrfrrr  .frrfrrr
invite           nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
decline          ..rr-rrr  ..rrfrrr  ..rrfrrr  ..rrfrrr
kick             nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
ban              nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
unban            nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
mute             nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
unmute           nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
role             nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
standing         nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
typing           nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
read             nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
notify           nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
history          nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
reactions        nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
pins             nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
search           nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
who              nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
edit own         nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
delete own       ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr
room post        nnrr-rrr  nnrrfrrr  nnrrfrrr  .frrfrrr
kick owner       nnrr-rrr  nnrrfrrr  nnrrfrrr  ffrrfrrr
role of owner    nnrr-rrr  nnrrfrrr  nnrrfrrr  ffrrfrrr
invite a member  nnrr-rrr  nnrrfrrr  nnrrfrrr  eerrfrrr
take back        nnrr-rrr  nnrrfrrr  nnrrfrrr  ..rrfrrr
join since       nnrr-rrr  nnrr.rrr  bbrr.rrr  nnrr.rrr
reply in thread  nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
read thread      nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
history thread   nnrr-rrr  nnrr.rrr  nnrr.rrr  nnrr.rrr
invite into      ffff-fff  ffffffff  ffffffff  ..rrfrrr
"""
"""Those who are in no room but their direct conversations."""

INSIDE = """
                 visitor   member    muted     moderator owner     sender    keeper
hello            f         f         f         f         f         f         f
register         f         f         f         f         f         f         f
password         f         .         .         .         .         f         f
end account      f         .         .         .         .         f         f
refresh          c         c         c         c         c         c         c
logout           .         .         .         .         .         .         .
profile          .         .         .         .         .         f         f
create private   f         .         .         .         .         f         f
send to          f         .         .         .         .         .         f
block            f         .         .         .         .         f         f
unblock          f         .         .         .         .         f         f
blocks           .         .         .         .         .         f         f
search all       .         .         .         .         .         f         f
bookmarks        .         .         .         .         .         f         f
threads          .         .         .         .         .         f         f
status           .         .         .         .         .         f         f
rooms            .         .         .         .         .         f         f
sessions         .         .         .         .         .         f         f
logout another   s         s         s         s         s         f         f
ping             .         .         .         .         .         .         .
link             .         .         .         .         .         f         f
invite here      f         f         f         .         .         f         f
invite admin     f         f         f         f         f         f         f
invitations      .         .         .         .         .         f         f
take back one    i         i         i         i         i         f         f
report           f         f         f         f         f         f         f
connections      f         f         f         f         f         f         f
disconnect       f         f         f         f         f         f         f
drain            f         f         f         f         f         f         f
log level        f         f         f         f         f         f         f
reload           f         f         f         f         f         f         f
audit            f         f         f         f         f         f         f
announce         f         f         f         f         f         f         f
busy rooms       f         f         f         f         f         f         f
add a user       f         f         f         f         f         f         f
user password    f         f         f         f         f         f         f
user role        f         f         f         f         f         f         f
user ban         f         f         f         f         f         f         f
user unban       f         f         f         f         f         f         f
user logout      f         f         f         f         f         f         f
token issue      f         f         f         f         f         f         f
token revoke     f         f         f         f         f         f         f
user erase       f         f         f         f         f         f         f
user erasure     f         f         f         f         f         f         f
about            .         .         .         .         .         .         .
place            f         f         f         f         f         f         f
join             ...r-rrr  ...r.r.r  ...r.r.r  ...r.r.r  ...r.r.r  ...r.r.r  .fffffff
leave            ...r-rrr  ...rfrrr  ...rfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
send             ...r-rrr  ...r.rrr  mmmr.rrr  ...r.rrr  ...r.rrr  ...r.rrr  .fffffff
edit             fffr-rrr  fffrfrrr  mmmrfrrr  fffrfrrr  fffrfrrr  ffffffff  ffffffff
delete           fffr-rrr  fffrfrrr  fffrfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
react            ...r-rrr  ...r.rrr  mmmr.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
pin              fffr-rrr  fffr.rrr  fffr.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
bookmark         ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
follow           ooor-rrr  ooororrr  ooororrr  ooororrr  ooororrr  ffffffff  offfffff
create           ff----f-  ee----.-  ee----.-  ee----.-  ee----.-  ff----f-  ef----f-
room             fffr-rrr  fffrfrrr  fffrfrrr  .f.rfrrr  .f.rfrrr  ffffffff  .fffffff
rename           fffr-rrr  fffrfrrr  fffrfrrr  fffrfrrr  .ffrfrrr  ffffffff  ffffffff
destroy          fffr-rrr  fffrfrrr  fffrfrrr  fffrfrrr  .f.rfrrr  ffffffff  ffffffff
invite           ..fr-rrr  ..frfrrr  mmfrfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
decline          ...r-rrr  ...rfrrr  ...rfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
kick             fffr-rrr  fffrfrrr  fffrfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
ban              fffr-rrr  fffrfrrr  fffrfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
unban            fffr-rrr  fffrfrrr  fffrfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
mute             fffr-rrr  fffrfrrr  fffrfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
unmute           fffr-rrr  fffrfrrr  fffrfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
role             fffr-rrr  fffrfrrr  fffrfrrr  fffrfrrr  ...rfrrr  ffffffff  ffffffff
standing         ...r-rrr  ...rfrrr  ...rfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
typing           ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
read             ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
notify           ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
history          ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
reactions        ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
pins             ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
search           ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
who              ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
edit own         ...r-rrr  ...r.rrr  mmmr.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
delete own       ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
room post        fffr-rrr  fffrfrrr  fffrfrrr  fffrfrrr  .f.rfrrr  ffffffff  ffffffff
kick owner       fffr-rrr  fffrfrrr  fffrfrrr  fffrfrrr  fffrfrrr  ffffffff  ffffffff
role of owner    fffr-rrr  fffrfrrr  fffrfrrr  fffrfrrr  ...rfrrr  ffffffff  ffffffff
invite a member  eefr-rrr  eefrfrrr  mmfrfrrr  eeerfrrr  eeerfrrr  ffffffff  efffffff
take back        ...r-rrr  ...rfrrr  ...rfrrr  ...rfrrr  ...rfrrr  ffffffff  .fffffff
join since       ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  .fffffff
reply in thread  ...r-rrr  ...r.rrr  mmmr.rrr  ...r.rrr  ...r.rrr  ...r.rrr  .fffffff
read thread      ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
history thread   ...r-rrr  ...r.rrr  ...r.rrr  ...r.rrr  ...r.rrr  ffffffff  .fffffff
invite into      ffff-fff  ffffffff  ffffffff  ...rfrrr  ...rfrrr  ffffffff  ffffffff
"""
"""Those who are in the first three rooms."""

IVY, EVE, HE = UserName("ivy"), UserName("eve"), Cid("c")
TEAM, NOWHERE = RoomName("team"), RoomName("nowhere")
NO_DEN = RoomName("~zzzzzzzzzzzzzzzz")
NO_DIRECT = RoomName("@bob,fay")
OTHERS = direct_room(BOB, CY)
OWN = direct_room(CY, IVY)
HI = k.Text("hi")
NEW = k.NewPassword("correct horse battery")
INSIDERS = ("visitor", "member", "muted", "moderator", "owner", "sender", "keeper")
SCOPES = {
    "sender": Scope(actions=frozenset({"join", "send"})),
    "keeper": Scope(rooms=frozenset({TEAM})),
}
IN_NO_DIRECT = ("guest", "visitor")
FREE = Config(limits=Limits(messages_per_s=0))
Make = Callable[[RoomName, Seq], Command | None]


def public(room: RoomName) -> k.PublicRoom | None:
    """The name, if it is one that can be created."""
    return k.PublicRoom(room) if room[0] not in "@~" else None


def make_create(room: RoomName, _of: Seq) -> Command | None:
    """Create a room of that name, where the name may be asked for."""
    return Create(name) if (name := public(room)) else None


WITH_ROOM: dict[str, Make] = {
    "join": lambda room, _of: Join(room),
    "leave": lambda room, _of: Leave(room),
    "send": lambda room, _of: Send(HI, room),
    "edit": lambda room, of: Edit(room, of, k.Text("ho")),
    "delete": Delete,
    "react": lambda room, of: React(room, of, k.Emoji("+")),
    "pin": Pin,
    "bookmark": Bookmark,
    "follow": Follow,
    "create": make_create,
    "room": lambda room, _of: SetRoom(room, topic=k.Topic("x")),
    "rename": lambda room, _of: Rename(room, k.PublicRoom("orchard")),
    "destroy": lambda room, _of: Destroy(room),
    "invite": lambda room, _of: Invite(room, EVE),
    "decline": lambda room, _of: Decline(room),
    "kick": lambda room, _of: Kick(room, BOB),
    "ban": lambda room, _of: Ban(room, BOB),
    "unban": lambda room, _of: Unban(room, BOB),
    "mute": lambda room, _of: Mute(room, BOB),
    "unmute": lambda room, _of: Unmute(room, BOB),
    "role": lambda room, _of: SetRole(room, BOB, Role("moderator")),
    "standing": lambda room, _of: Standing(room),
    "typing": lambda room, _of: Typing(room),
    "read": lambda room, _of: Read(room, Seq(1)),
    "notify": lambda room, _of: Notify(room, Level.MENTIONS),
    "history": lambda room, _of: History(room),
    "reactions": lambda room, of: Reactions(room, of, k.Emoji("+")),
    "pins": lambda room, _of: Pins(room),
    "search": lambda room, _of: Search(k.QueryText("hi"), room),
    "who": lambda room, _of: Who(room),
}
"""What is asked of a room; `of` is a message of somebody else's."""

VARIANTS: dict[str, Make] = {
    "edit own": WITH_ROOM["edit"],
    "delete own": WITH_ROOM["delete"],
    "room post": lambda room, _of: SetRoom(room, post=Post("moderators")),
    "kick owner": lambda room, _of: Kick(room, ANN),
    "role of owner": lambda room, _of: SetRole(room, ANN, Role("member")),
    "invite a member": lambda room, _of: Invite(room, BOB),
    "take back": lambda room, _of: Invite(room, EVE, on=False),
    "invite into": lambda room, _of: CreateInvitation(room=room),
    "reply in thread": lambda room, of: Send(HI, room, reply_to=of, thread=True),
    "read thread": lambda room, of: Read(room, of, thread=of),
    "history thread": lambda room, of: History(room, thread=of),
    "join since": lambda room, _of: Join(room, Seq(0), Epoch("0" * 16)),
}
"""The same of oneself, of one's betters, of more."""

WITHOUT_ROOM: dict[str, Command] = {
    "hello": Hello(),
    "register": Register(k.GuestName("new"), NEW),
    "password": Password(k.Secret("right"), NEW),
    "end account": DeleteAccount(k.Secret("right")),
    "refresh": Refresh(k.Secret("no token")),
    "logout": Logout(),
    "profile": Profile(k.Display("D")),
    "create private": Create(private=True),
    "send to": Send(HI, to=CY),
    "block": Block(CY),
    "unblock": Unblock(CY),
    "blocks": Blocks(),
    "search all": Search(k.QueryText("hi")),
    "bookmarks": Bookmarks(),
    "threads": Threads(),
    "status": Status(State("away")),
    "rooms": Rooms(),
    "sessions": Sessions(),
    "logout another": Logout(session=SessionTag("0a1b2c3d4e")),
    "ping": Ping(),
    "link": Link(),
    "invite here": CreateInvitation(),
    "invite admin": CreateInvitation(role=InvitedRole("admin")),
    "invitations": Invitations(),
    "take back one": RevokeInvitation(k.InvitationNumber(9)),
    "report": Report(),
    "connections": Connections(),
    "disconnect": Disconnect(user=BOB),
    "drain": Drain(),
    "log level": SetLogLevel(LogLevel.DEBUG),
    "reload": Reload(),
    "audit": Audit(),
    "announce": Announce(HI),
    "busy rooms": BusyRooms(),
    "add a user": UserAdd(k.GuestName("dan"), k.NewPassword("8 chars!")),
    "user password": UserPassword(BOB, k.NewPassword("8 chars!")),
    "user role": UserRole(BOB, GivenRole.ADMIN),
    "user ban": UserBan(BOB),
    "user unban": UserUnban(BOB),
    "user logout": UserLogout(BOB),
    "user erase": UserErase(BOB),
    "user erasure": UserErasure(BOB),
    "token issue": TokenIssue(BOB),
    "token revoke": TokenRevoke(k.TokenNumber(1)),
    "about": About(),
    "place": NamePlace(k.Display("P")),
}


# --- one cell -----------------------------------------------------------------


@attrs.define
class World:
    """A chat, one actor in it, and its rooms in the order of `ROOMS`."""

    harness: Harness
    actor: Peer
    rooms: tuple[RoomName, ...]
    own: dict[RoomName, Seq]
    """A message of the actor's in each room in which he may write."""


def build(who: str) -> World:
    """Make the chat of a cell; its invariants are checked from then on."""
    harness = Harness(FREE, checked=False)
    role = "admin" if who == "admin" else "user"
    harness.model.users[IVY] = UserRow(IVY, IVY, role)
    harness.model.users[EVE] = UserRow(EVE, EVE, "user")
    ann, bob, cy = (harness.user(name, TEAM, LOBBY) for name in (ANN, BOB, CY))
    actor = harness.guest() if who in IN_NO_DIRECT else harness.user(IVY)
    name = harness.chat.live.connections[actor.id].user
    assert name is not None
    den, far = (ann.ask(Create(private=True))[-1].room for _ in range(2))
    # Whoever is first in a declared room is its member; its owner comes from above.
    harness.set_role(LOBBY, ANN, Role.OWNER)
    for peer, invited in ((bob, BOB), (cy, CY), (actor, name)):
        for room in (den, far):
            if room == den or peer is not actor:
                ann.ask(Invite(room, invited))
                peer.join(room)
    own = {}
    ours = (TEAM, LOBBY, den)
    for room in ours:
        actor.join(room)
        ann.ask(Send(HI, room))
        own[room] = Seq(harness.chat.durable.rooms[room].head + 1)
        actor.ask(Send(HI, room))
    for room in ours:
        if who not in INSIDERS:
            actor.ask(Leave(room))
        if who == "banned":
            ann.ask(Ban(room, name))
        elif who == "muted":
            ann.ask(Mute(room, name))
        elif who in ("moderator", "owner", "keeper"):
            role = "owner" if who == "owner" else "moderator"
            ann.ask(SetRole(room, name, Role(role)))
    bob.ask(Send(HI, to=CY))
    if who not in IN_NO_DIRECT:
        cy.ask(Send(HI, to=IVY))
        actor.ask(Send(HI, to=CY))
        own[OWN] = Seq(2)
    harness.chat.live.connections[actor.id].scope = SCOPES.get(who)
    harness.settle()
    harness.take_all()
    harness.checked = True
    check(harness.chat)
    rooms = (TEAM, LOBBY, den, far, OWN, OTHERS, NOWHERE, NO_DEN)
    return World(harness, actor, rooms, own)


def others_message(world: World, room: RoomName) -> Seq:
    """A message in a room that is not the actor's."""
    own = world.own.get(room)
    if own is None or is_direct(room):
        return Seq(1)
    return Seq(own - 1)


def reply_to(world: World, command: Command) -> Any:
    """What the actor gets for a command."""
    frames = world.actor.ask(attrs.evolve(command, id=7))
    (reply,) = [frame for frame in frames if hasattr(frame, "re")]
    assert reply.id == 7
    return reply


def letter(world: World, command: Command | None) -> str:
    """The cell."""
    if command is None:
        return "-"
    reply = reply_to(world, command)
    return LETTERS[reply.code] if reply.type == "error" else "."


def cells(row: str, who: str) -> str:
    """A group of the table, as it is."""
    if row in WITHOUT_ROOM:
        return letter(build(who), WITHOUT_ROOM[row])
    make, found = {**WITH_ROOM, **VARIANTS}[row], ""
    world: World | None = None
    for column in range(len(ROOMS)):
        # What was refused has changed nothing.
        world = world or build(who)
        room = world.rooms[column]
        of = others_message(world, room)
        if row.endswith(" own"):
            of = world.own.get(room, Seq(1))
        is_missing = room == OWN and who in IN_NO_DIRECT
        found += "-" if is_missing else letter(world, make(room, of))
        if found[-1] == ".":
            world = None
    return found


# --- the tables ---------------------------------------------------------------


def parse(table: str) -> dict[tuple[str, str], str]:
    """The groups by row and actor."""
    head, *lines = [line for line in table.splitlines() if line.strip()]
    found: dict[tuple[str, str], str] = {}
    for line in lines:
        row, groups = line[:17].strip(), line[17:].split()
        actors = head.split()
        assert len(groups) == len(actors), line
        found |= {(row, who): group for who, group in zip(actors, groups, strict=True)}
    return found


TABLE = parse(OUTSIDE) | parse(INSIDE)
ROWS = [*WITHOUT_ROOM, *WITH_ROOM, *VARIANTS]


def test_the_tables_are_complete() -> None:
    """Every command has a row, every row each actor, every group its columns."""
    asked: set[Any] = {type(command) for command in WITHOUT_ROOM.values()}
    asked |= {type(make(TEAM, Seq(1))) for make in WITH_ROOM.values()}
    assert asked == set(RULES)
    assert set(TABLE) == {(row, who) for row in ROWS for who in ACTORS}
    for (row, _), group in TABLE.items():
        assert len(group) == (1 if row in WITHOUT_ROOM else len(ROOMS)), row


@pytest.mark.untraced
@pytest.mark.parametrize("row", ROWS)
def test_each_cell_is_as_the_table_says(row: str) -> None:
    """What everybody may do, everywhere."""
    assert {who: cells(row, who) for who in ACTORS} == {
        who: TABLE[row, who] for who in ACTORS
    }


# --- what nobody can tell -----------------------------------------------------


@pytest.mark.untraced
@pytest.mark.parametrize("row", [*WITH_ROOM, *VARIANTS])
@pytest.mark.parametrize("cid", [None, HE])
def test_a_room_that_one_may_not_see_is_one_that_does_not_exist(
    row: str, cid: Cid | None
) -> None:
    """Byte by byte, after the same steps, also while something changes there."""
    for who in ACTORS:
        world = build(who)
        den, far = world.rooms[2:4]
        pairs = [(far, NO_DEN), (OTHERS, NO_DIRECT)]
        if who not in INSIDERS:
            pairs.append((den, NO_DEN))
        ann = next(iter(world.harness.peers.values()))
        for changing in (False, True):
            for hidden, none in pairs:
                if changing and hidden != OTHERS:
                    ann.say(SetRoom(hidden, topic=k.Topic("y")))
                said = [ask(world, row, name, cid) for name in (hidden, none)]
                assert said[0][0] == said[1][0], (row, who)
                told, untold = (encode(reply) for _, reply in said)
                assert told.replace(hidden.encode(), b"?") == untold.replace(
                    none.encode(), b"?"
                )


def ask(world: World, row: str, room: RoomName, cid: Cid | None) -> Any:
    """Which effects a command has, and its reply."""
    command: Any = {**WITH_ROOM, **VARIANTS}[row](room, Seq(1))
    if command is None:
        return [], world.actor.ask(Ping())[-1]
    if hasattr(command, "cid"):
        command = attrs.evolve(command, cid=cid)
    effects = world.actor.say(command)
    steps = [
        (type(e), type(e.origin.draft) if isinstance(e, Append) else None)
        for e in effects
    ]
    world.harness.settle()
    (reply,) = [frame for frame in world.actor.take() if hasattr(frame, "re")]
    return steps, reply


def test_nobody_does_anything_before_hello() -> None:
    """Whatever it names, it is `not_authenticated`, but what leads to a hello."""
    harness = Harness()
    for make in WITH_ROOM.values():
        command = make(TEAM, Seq(1))
        assert command is not None
        (error,) = harness.open().ask(attrs.evolve(command, id=1))
        assert error.code == "not_authenticated"
    for command in WITHOUT_ROOM.values():
        (reply,) = harness.open().ask(attrs.evolve(command, id=1))
        assert (getattr(reply, "code", "") == "not_authenticated") != RULES[
            type(command)
        ].hello


def test_the_operator_does_not_chat() -> None:
    """At the admin socket there are the operator's commands, and nothing else."""
    harness = Harness()
    commands = [make(TEAM, Seq(1)) for make in WITH_ROOM.values()]
    for command in [*commands, *WITHOUT_ROOM.values()]:
        assert command is not None
        operator = harness.open(is_operator=True)
        (reply,) = operator.ask(attrs.evolve(command, id=1))
        code = getattr(reply, "code", None)
        assert (code == "forbidden") != RULES[type(command)].operator
        assert reply.id == 1
        assert harness.user_of(operator) is None
