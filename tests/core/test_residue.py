"""What stays in memory of those who came and went, and of what was renewed: nothing.

Everything that the machine reaches is counted by its type, so that a table which is
added later is counted too. Each kind happens a hundred thousand times; time passes
in between, and at the end so much that whatever waits for its end has come to it.
What the edge keeps of connections is in `tests/live/test_endurance.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth, Presence
from chatd.core.agenda import Agenda
from chatd.core.principal import Renewal
from chatd.enums import Role, State
from chatd.ids import RoomName, UserName
from chatd.wire.accounts import Password, Refresh
from chatd.wire.admissions import CreateInvitation, Invitations, Link, RevokeInvitation
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.kinds import (
    BanSeconds,
    Display,
    GuestName,
    NewPassword,
    PublicRoom,
    QueryText,
    Text,
)
from chatd.wire.kinds import Secret as Word
from chatd.wire.moderation import Ban, Decline, Invite, Mute, SetRole, Unban, Unmute
from chatd.wire.place import About, NamePlace
from chatd.wire.rooms import Create, Destroy, Join, Leave, Rooms, Who
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.timeline import History, Search, Send
from chatd.wire.users import Block, Blocks, Profile, Unblock
from tests.core.harness import BOB, CY, LOBBY, Harness, Peer

TIMES = 100_000
PAUSE_TIMES = 50
"""So often something happens before time passes, and what was heard is forgotten."""
PAUSE_S = 65.0
"""Longer than a hold, a grace, and what is remembered of an end."""
FORTNIGHT_S = 15 * 86_400.0
TEAM = RoomName("team")
CONFIG = Config(
    auth=Auth(guest_hold_s=30.0, login_timeout_s=20.0),
    presence=Presence(grace_s=5.0),
    limits=Limits(messages_per_s=0, creations_per_h=0),
)
RIGHT = Word("right")


@attrs.define
class Scene:
    """Ann owns a room; bob is there, and one who came by a token; cy has a session."""

    harness: Harness
    ann: Peer
    bob: Peer
    bearer: Peer
    session: Word
    ada: Peer
    number: int = 0
    """How often something has happened."""


def scene() -> Scene:
    """A harness whose invariants are not checked each time, for they take longest."""
    harness = Harness(CONFIG, checked=False)
    harness.tokens["first"] = Renewal(None, harness.now.wall + 10**12, None)
    bearer = harness.open()
    bearer.hello(token=Word("first"))
    (welcome,) = harness.open().ask(login("cy"))
    ann, bob, ada = harness.user("ann", TEAM), harness.user("bob"), harness.user("ada")
    harness.take_all()
    return Scene(harness, ann, bob, bearer, welcome.session, ada)


def login(name: str) -> Hello:
    """How an account says hello."""
    return Hello(GuestName(name), RIGHT)


# --- coming and going ---------------------------------------------------------


def silent_client(s: Scene) -> None:
    """Somebody connects and goes without a word."""
    s.harness.open(f"192.0.2.{s.number % 256}").close()


def sent_away(s: Scene) -> None:
    """Somebody connects, and is sent away for his silence."""
    peer = s.harness.open()
    s.harness.wait(CONFIG.auth.login_timeout_s)
    assert peer.ending is not None
    peer.close()


def failed_login(s: Scene) -> None:
    """A wrong password, from an address of its own."""
    peer = s.harness.open(f"2001:db8:{s.number // 65536:x}:{s.number % 65536:x}::/64")
    peer.hello(name="cy", password="wrong")
    peer.close()


def half_a_login(s: Scene) -> None:
    """A connection that is gone before its password was compared."""
    peer = s.harness.open()
    peer.say(login("cy"))
    peer.close()
    s.harness.settle()


def guest_logs_out(s: Scene) -> None:
    """A guest comes, says something and logs out."""
    peer = s.harness.guest(LOBBY, address=f"198.51.{s.number // 256 % 256}.7")
    peer.ask(Send(Text("hi"), LOBBY))
    peer.ask(Logout())
    peer.close()


def guest_is_lost(s: Scene) -> None:
    """A guest comes, is asked into a room, and does not come back."""
    peer = s.harness.guest(LOBBY)
    user = s.harness.user_of(peer)
    assert user is not None
    s.ann.ask(Invite(TEAM, user))
    peer.close()


def account_comes_back(s: Scene) -> None:
    """An account logs in and joins a room; its connection is lost."""
    s.harness.user("cy", LOBBY).close()


def token_login(s: Scene) -> None:
    """Somebody comes by a token that lives for long, and goes."""
    peer = s.harness.open()
    peer.hello(token=Word("first"))
    peer.close()


def logout_everywhere(s: Scene) -> None:
    """An account ends all its sessions, of which another has a connection, too."""
    one, other = s.harness.user("cy"), s.harness.user("cy", LOBBY)
    one.ask(Logout(everywhere=True))
    one.close()
    other.close()


def new_password(s: Scene) -> None:
    """A password is changed while a login with the old one is under way."""
    peer, late = s.harness.user("cy"), s.harness.open()
    late.say(login("cy"))
    peer.ask(Password(RIGHT, NewPassword("right, still")))
    peer.close()
    late.close()


# --- going on -----------------------------------------------------------------


def resume(s: Scene) -> None:
    """A session goes on over another connection."""
    peer = s.harness.open()
    assert peer.hello(session=s.session)[0].type == "welcome"
    peer.close()


def takeover(s: Scene) -> None:
    """A session that a connection has is taken over by the next one."""
    older, newer = s.harness.open(), s.harness.open()
    older.hello(session=s.session)
    newer.hello(session=s.session)
    assert older.ending is not None
    older.close()
    newer.close()


def another_tab(s: Scene) -> None:
    """A session is opened beside another, which is not resumed by it, and lost."""
    peer = s.harness.open()
    assert peer.hello(session=s.session, another=True)[0].type == "welcome"
    peer.close()


def guests_tabs(s: Scene) -> None:
    """A guest opens a second tab, ends the first, and is lost."""
    peer, other = s.harness.open(), s.harness.open()
    (welcome,) = peer.hello()
    other.hello(session=Word(welcome.session), another=True)
    peer.ask(Logout())
    peer.close()
    other.close()


def stranger_looks(s: Scene) -> None:
    """Somebody asks what this place is, and goes."""
    peer = s.harness.open()
    peer.ask(About())
    peer.close()


def place_is_named(s: Scene) -> None:
    """An administrator calls the place otherwise."""
    s.ada.ask(NamePlace(Display(f"n{s.number % 2}")))


def other_device(s: Scene) -> None:
    """An account asks for a link, and its other device comes in by it, and is lost."""
    (linked,) = s.bob.ask(Link())
    peer = s.harness.open()
    assert peer.hello(link=Word(linked.secret))[0].type == "welcome"
    peer.close()


def invitation_is_taken_back(s: Scene) -> None:
    """Somebody is invited to the server, and nobody comes."""
    (made,) = s.ada.ask(CreateInvitation())
    (page,) = s.ada.ask(Invitations())
    assert len(page.invitations) == 1
    s.ada.ask(RevokeInvitation(made.invitation))


def refresh(s: Scene) -> None:
    """A token takes the place of another, long before that one's end."""
    s.harness.tokens["next"] = Renewal(None, s.harness.now.wall + 10**12, None)
    (done,) = s.bearer.ask(Refresh(Word("next")))
    assert done.type == "ok"
    s.harness.wait(10)


def subscription(s: Scene) -> None:
    """A room that one is in is joined once more."""
    s.ann.ask(Join(TEAM))


# --- rooms and people ---------------------------------------------------------


def membership(s: Scene) -> None:
    """Somebody joins a room, says something and leaves it."""
    s.bob.ask(Join(TEAM))
    s.bob.ask(Send(Text("hi"), TEAM))
    s.bob.ask(Leave(TEAM))


def unanswered_invitation(s: Scene) -> None:
    """Somebody is asked into a room, and never answers."""
    s.ann.ask(Invite(TEAM, CY))


def moderation(s: Scene) -> None:
    """Somebody is muted and banned, pardoned, comes and is given a role."""
    for act in (Mute, Ban, Unban, Unmute):
        s.ann.ask(act(TEAM, BOB))
    s.bob.ask(Join(TEAM))
    for role in ("moderator", "member"):
        s.ann.ask(SetRole(TEAM, BOB, Role(role)))
    s.bob.ask(Leave(TEAM))


def lapsed_sanctions(s: Scene) -> None:
    """A guest is banned and muted for a minute."""
    peer = s.harness.guest(TEAM)
    user = s.harness.user_of(peer)
    assert user is not None
    for act in (Mute, Ban):
        (done, *_) = s.ann.ask(act(TEAM, user, BanSeconds(60)))
        assert done.type == "ok"
    peer.close()


def guest_is_asked(s: Scene) -> None:
    """A guest declines an invitation, and goes."""
    peer = s.harness.guest()
    user = s.harness.user_of(peer)
    assert user is not None
    s.ann.ask(Invite(TEAM, user))
    peer.take()
    (done, *_) = peer.ask(Decline(TEAM))
    assert done.type == "ok"
    peer.ask(Logout())
    peer.close()


def guest_in_charge(s: Scene) -> None:
    """A guest is made a moderator, and is lost."""
    peer = s.harness.guest(TEAM)
    user = s.harness.user_of(peer)
    assert user is not None
    s.ann.ask(SetRole(TEAM, user, Role("moderator")))
    peer.close()


def rooms_end(s: Scene) -> None:
    """A private and a public room are made, and destroyed."""
    for how in (Create(private=True), Create(PublicRoom(f"room{s.number}"))):
        (made, *_) = s.bob.ask(how)
        (done, *_) = s.bob.ask(Destroy(made.room))
        assert done.type == "ok"


def look_ups(s: Scene) -> None:
    """Everything is asked for, and somebody who does not exist."""
    s.ann.ask(Search(QueryText("hi")))
    s.ann.ask(History(TEAM))
    s.ann.ask(Who(TEAM))
    s.ann.ask(Rooms())
    s.ann.ask(Blocks())
    s.ann.ask(Sessions())
    s.ann.ask(Invite(TEAM, UserName(f"nobody{s.number}")))
    s.ann.ask(Send(Text("hi"), to=UserName(f"nobody{s.number}")))


def block(s: Scene) -> None:
    """Somebody is blocked, and not any more."""
    s.ann.ask(Block(BOB))
    s.ann.ask(Unblock(BOB))


def what_is_shown(s: Scene) -> None:
    """A status, a display name, typing, a read mark."""
    s.ann.ask(Status(State("away")))
    s.ann.ask(Status(State("online")))
    s.ann.ask(Profile(Display("Ann")))
    s.ann.ask(Typing(TEAM))
    s.ann.ask(Read(TEAM, s.harness.chat.durable.rooms[TEAM].head))


OFTEN = (
    silent_client,
    sent_away,
    failed_login,
    half_a_login,
    guest_logs_out,
    account_comes_back,
    token_login,
    resume,
    takeover,
    another_tab,
    stranger_looks,
    refresh,
    subscription,
)
SELDOM = (
    guest_is_lost,
    guests_tabs,
    place_is_named,
    other_device,
    invitation_is_taken_back,
    logout_everywhere,
    new_password,
    membership,
    unanswered_invitation,
    moderation,
    lapsed_sanctions,
    guest_is_asked,
    guest_in_charge,
    rooms_end,
    look_ups,
    block,
    what_is_shown,
)


def happen(s: Scene, kind: Callable[[Scene], None], times: int) -> None:
    """Let something happen so often, with pauses, and then nothing for long."""
    harness = s.harness
    for _ in range(times):
        s.number += 1
        kind(s)
        if s.number % PAUSE_TIMES == 0:
            harness.wait(PAUSE_S)
            harness.settle()
            harness.take_all()
            harness.delivered.clear()
            harness.unseen.clear()
    for _ in range(2):
        harness.wait(FORTNIGHT_S)
        harness.settle()


def reached(root: object) -> Counter[str]:
    """How many objects of each type hang on one, and how many places its tables have.

    Buckets by address are left out: their tables are bounded, and a full bucket is
    forgotten only when there is no room (`tests/core/test_quota.py`). Of deadlines
    those count that are asked for: what else is in their heap is never more
    (`tests/core/test_agenda.py`), and how much it is at one moment is chance.
    """
    found: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if id(one) in seen or isinstance(one, Config | Enum | type):
            continue
        seen.add(id(one))
        if kind.__name__ == "Buckets":
            continue
        if isinstance(one, Agenda):
            waiting.append(one._asked)
            continue
        if isinstance(one, dict):
            found["places in a dict"] += len(one)
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            found[f"places in a {kind.__name__}"] += len(one)
            waiting += one
        elif attrs.has(kind):
            found[kind.__name__] += 1
            waiting += [getattr(one, field.name) for field in attrs.fields(kind)]
    return found


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("kind", "times"),
    [*((kind, TIMES) for kind in OFTEN), *((kind, TIMES // 10) for kind in SELDOM)],
)
def test_nothing_stays(kind: Callable[[Scene], None], times: int) -> None:
    """After a hundred thousand times there is what there was after a hundred.

    What takes several commands is tried ten thousand times.
    """
    s = scene()
    happen(s, kind, 2 * PAUSE_TIMES)
    before = reached(s.harness.machine._turn)
    assert before["Chat"] == 1
    happen(s, kind, times)
    assert reached(s.harness.machine._turn) == before
