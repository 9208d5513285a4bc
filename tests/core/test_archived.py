"""Rooms that are archived: read and searched as ever, and nobody writes there."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config, PermanentRoom, Rooms
from chatd.config.limits import Limits
from chatd.enums import Role
from chatd.ids import Cid, RoomName, Seq, UserName
from chatd.wire import events, replies
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Typing
from chatd.wire.kinds import (
    Emoji,
    KeepCount,
    PageLimit,
    PublicRoom,
    QueryText,
    Text,
    Topic,
)
from chatd.wire.moderation import Ban, Invite, Kick, SetRole
from chatd.wire.rooms import Create, Join, Leave, SetRoom
from chatd.wire.rooms import Rooms as RoomsCommand
from chatd.wire.timeline import Delete, Edit, History, Pin, React, Search, Send
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

HI, HO = Text("hi"), Text("ho")
TEAM = RoomName("team")
OWN, OTHERS = Seq(4), Seq(3)
PLUS, MINUS = Emoji("+"), Emoji("-")
CONFIG = Config(
    limits=Limits(messages_per_s=0),
    rooms=Rooms(permanent=(PermanentRoom(name=LOBBY),)),
)


@attrs.define
class Scene:
    """ann's archived room, in which bob is a member; each has written once."""

    harness: Harness
    ann: Peer
    bob: Peer


@pytest.fixture
def scene() -> Scene:
    """Two people, nothing to take; bob has put a reaction on ann's message."""
    harness = Harness(CONFIG)
    ann, bob = harness.user(ANN, TEAM), harness.user(BOB, TEAM)
    ann.ask(Send(HI, TEAM))
    bob.ask(Send(HI, TEAM, cid=Cid("x")))
    bob.ask(React(TEAM, OTHERS, PLUS))
    ann.ask(SetRoom(TEAM, archived=True))
    harness.take_all()
    return Scene(harness, ann, bob)


def code(peer: Peer, command: Command) -> str:
    """What a command is answered with: the code of an error, or `ok`."""
    (reply,) = [frame for frame in peer.ask(command) if hasattr(frame, "re")]
    return getattr(reply, "code", "ok")


@pytest.mark.parametrize(
    "command",
    [
        Send(HO, TEAM),
        Send(HO, TEAM, cid=Cid("new")),
        Edit(TEAM, OWN, HO),
        React(TEAM, OTHERS, MINUS),
        Pin(TEAM, OTHERS),
        SetRoom(TEAM, topic=Topic("tea")),
        SetRoom(TEAM, title=Topic("Tea"), archived=True),
    ],
)
@pytest.mark.parametrize("who", [ANN, BOB, ADA])
def test_nobody_says_anything(scene: Scene, command: Command, who: UserName) -> None:
    """Neither its owner nor an administrator: `forbidden`, and nothing is stored."""
    peer = {ANN: scene.ann, BOB: scene.bob}.get(who) or scene.harness.user(who, TEAM)
    head = scene.harness.chat.durable.rooms[TEAM].head
    assert code(peer, command) == "forbidden"
    assert scene.harness.chat.durable.rooms[TEAM].head == head


def test_what_was_stored_before_is_answered_as_it_was(scene: Scene) -> None:
    """A retry learns the truth."""
    (again,) = scene.bob.ask(Send(HI, TEAM, cid=Cid("x")))
    assert (again.seq, again.dup) == (OWN, True)


def test_what_takes_away_is_possible(scene: Scene) -> None:
    """One's own reaction, one's own message; and others' for who moderates."""
    assert code(scene.bob, React(TEAM, OTHERS, PLUS, on=False)) == "ok"
    assert code(scene.bob, Delete(TEAM, OWN)) == "ok"
    assert code(scene.bob, Delete(TEAM, OTHERS)) == "forbidden"
    assert code(scene.ann, Delete(TEAM, OTHERS)) == "ok"


def test_it_is_read_as_ever(scene: Scene) -> None:
    """By whoever comes, too: history, replay, search, read marks; and it is left."""
    cy = scene.harness.user(CY)
    ok, *_, caught_up = cy.join(TEAM, last=PageLimit(9))
    assert (ok.archived, caught_up.type) == (True, "caught_up")
    for command in (
        History(TEAM),
        Search(QueryText("hi"), TEAM),
        Read(TEAM, OWN),
        Leave(TEAM),
    ):
        assert code(cy, attrs.evolve(command, id=1)) == "ok"


def test_it_is_still_kept_in_order(scene: Scene) -> None:
    """People are asked in and removed, and what it keeps is set."""
    for command in (
        Invite(TEAM, CY),
        SetRole(TEAM, BOB, Role("moderator")),
        SetRoom(TEAM, keep_days=KeepCount(9)),
        Kick(TEAM, BOB),
        Ban(TEAM, BOB),
    ):
        assert code(scene.ann, command) == "ok"


def test_nobody_is_shown_as_typing(scene: Scene) -> None:
    """As he cannot write."""
    scene.bob.ask(Typing(TEAM))
    assert scene.ann.take() == []


def test_it_is_marked_wherever_it_is_named(scene: Scene) -> None:
    """In the event, the `ok` of a join, `welcome` and the list of rooms."""
    event = scene.harness.delivered[-1]
    assert isinstance(event, events.Room)
    assert event.archived is True
    assert scene.ann.join(TEAM)[0].archived
    (welcome,) = scene.harness.open().hello(name="bob", password="right")
    (state,) = [state for state in welcome.rooms if state.room == TEAM]
    assert state.archived
    (page,) = scene.ann.ask(RoomsCommand())
    assert [(shown.room, shown.archived) for shown in page.rooms] == [
        (LOBBY, False),
        (TEAM, True),
    ]


def test_it_is_opened_again_by_an_owner(scene: Scene) -> None:
    """With a new topic at once, if he likes; then all is as before."""
    assert code(scene.bob, SetRoom(TEAM, archived=False)) == "forbidden"
    scene.ann.ask(SetRoom(TEAM, topic=Topic("tea"), archived=False))
    event = scene.harness.delivered[-1]
    assert isinstance(event, events.Room)
    assert (event.topic, event.archived) == ("tea", False)
    assert not scene.ann.join(TEAM)[0].archived
    assert code(scene.bob, Send(HO, TEAM)) == "ok"


def test_moderators_do_not_archive_and_the_configuration_has_its_own(
    scene: Scene,
) -> None:
    """It is an owner's, and an administrator's in a public room."""
    scene.ann.ask(SetRole(TEAM, BOB, Role("moderator")))
    ada = scene.harness.user(ADA)
    assert code(scene.bob, SetRoom(TEAM, archived=False)) == "forbidden"
    assert code(ada, SetRoom(TEAM, archived=False)) == "ok"
    assert code(ada, SetRoom(LOBBY, archived=True)) == "forbidden"


def test_what_is_sent_behind_it_is_decided_by_it(scene: Scene) -> None:
    """Before it is on disk nobody knows; what was sent before it is stored."""
    scene.ann.ask(SetRoom(TEAM, archived=False))
    scene.harness.take_all()
    scene.bob.say(Send(HI, TEAM, id=1))
    scene.ann.say(SetRoom(TEAM, archived=True))
    scene.bob.say(Send(HO, TEAM, id=2))
    scene.harness.settle()
    told = {f.id: f.type for f in scene.bob.take() if hasattr(f, "re")}
    assert told == {1: "ok", 2: "error"}


def test_it_is_archived_after_a_restart(scene: Scene) -> None:
    """Also where it is joined to create it, it is there."""
    scene.harness.restart()
    bob = scene.harness.user(BOB)
    (created,) = bob.ask(Create(PublicRoom("team")))
    assert created.code == "exists"
    joined: Any = bob.ask(Join(TEAM))[0]
    assert isinstance(joined, replies.Joined)
    assert joined.archived
    assert code(bob, Send(HO, TEAM)) == "forbidden"
