"""The end of an account, by its own user."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth
from chatd.core import drafts, inputs
from chatd.core.changes import UserErased
from chatd.core.effects import CheckSecret
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.enums import Fate, Role
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import RoomName, Seq, UserName, direct_room
from chatd.wire.accounts import DeleteAccount, Password, Register
from chatd.wire.events import Invited, Presence
from chatd.wire.kinds import Emoji, GuestName, NewPassword, Secret, Text
from chatd.wire.moderation import Invite, Mute, SetRole
from chatd.wire.place import Ping
from chatd.wire.replies import Done
from chatd.wire.rooms import Create, Leave, Who
from chatd.wire.sessions import Hello
from chatd.wire.timeline import History, React, Send
from chatd.wire.users import Block, Blocks
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

FREE = Config(limits=Limits(messages_per_s=0), auth=Auth(registration="open"))
HI = Text("hi")
TEAM = RoomName("team")
DIRECT = direct_room(ANN, BOB)
EMPTY = DeleteAccount(Secret("right"), id=7)
REASSIGN = DeleteAccount(Secret("right"), Fate("reassign"))
LOGIN = Hello(GuestName("ann"), Secret("right"))


def codes(frames: list[Any]) -> list[RejectCode]:
    """What was refused."""
    return [frame.code for frame in frames if frame.type == "error"]


def said(harness: Harness, room: RoomName) -> list[tuple[str | None, str | None]]:
    """Who has written what, as it is now."""
    messages = harness.model.rooms[room].messages.values()
    return [(message.sender, message.text) for message in messages]


def begun(config: Config = FREE) -> tuple[Harness, Peer, Peer, Peer]:
    """Ann is there twice, bob once; all have written, in a room and to each other."""
    harness = Harness(config)
    desk, phone, bob = (harness.user(name, TEAM) for name in ("ann", "ann", "bob"))
    desk.ask(Send(HI, TEAM))
    bob.ask(Send(HI, TEAM))
    desk.ask(Send(HI, to=BOB))
    desk.ask(React(TEAM, Seq(4), Emoji("👍")))
    harness.take_all()
    return harness, desk, phone, bob


def test_an_account_ends_with_all_its_connections() -> None:
    """`ok` when it is on disk, then 4505 for all of them; the others see him leave."""
    harness, desk, phone, bob = begun()
    assert desk.say(EMPTY) == [CheckSecret(desk.id, EMPTY, ANN)]
    harness.run_look_up()
    assert desk.take() == []
    assert [peer.ending for peer in (desk, phone)] == [None, None]
    harness.commit()
    assert desk.take() == [Done("account_delete", 7)]
    assert [p.ending for p in (desk, phone, bob)] == [
        Ending.REVOKED,
        Ending.REVOKED,
        None,
    ]
    harness.wait(2)
    frames = [frame for frame in bob.take() if isinstance(frame, Presence)]
    assert {frame.room: frame.online for frame in frames} == {TEAM: 1, DIRECT: 1}
    assert ANN not in harness.chat.durable.users
    assert all(ANN not in room.members for room in harness.chat.durable.rooms.values())
    (who,) = bob.ask(Who(TEAM, all=True))
    assert [user.name for user in who.users] == [BOB]
    desk.close()
    phone.close()


def test_his_messages_are_emptied_unless_they_are_to_stay() -> None:
    """Reactions go either way; what others wrote stays."""
    harness, desk, _, _ = begun()
    desk.ask(EMPTY)
    assert said(harness, TEAM) == [(ANN, None), (BOB, "hi")]
    assert said(harness, DIRECT) == [(ANN, None)]
    harness, desk, _, bob = begun()
    desk.ask(REASSIGN)
    (nameless,) = harness.model.gone - {ANN}
    assert nameless.startswith("erased~")
    assert said(harness, TEAM) == [(nameless, "hi"), (BOB, "hi")]
    (page,) = bob.ask(History(TEAM))
    assert [message.reactions for message in page.messages] == [{}, {}]


def test_a_name_for_the_nameless_that_is_taken_is_drawn_again() -> None:
    """Four characters, as a guest's."""
    harness, desk, _, _ = begun()
    desk.say(REASSIGN)
    harness.run_look_up()
    (origin,) = harness.drafts
    assert isinstance(origin.draft, drafts.EraseUser)
    assert origin.draft.nameless is not None
    harness.model.gone.add(origin.draft.nameless)
    harness.commit()
    assert desk.take() == []
    (origin,) = harness.drafts
    harness.settle()
    assert desk.take() == [Done("account_delete")]
    assert len(harness.model.gone) == 3


def test_a_wrong_password_ends_nothing() -> None:
    """Nor does one that is another one by now, or a disk that is full."""
    harness, desk, phone, _ = begun()
    wrong = attrs.evolve(EMPTY, password=Secret("wrong"))
    assert codes(desk.ask(wrong)) == [RejectCode.BAD_CREDENTIALS]
    desk.say(EMPTY)
    harness.run_look_up()
    harness.fail()
    assert codes(desk.take()) == [RejectCode.UNAVAILABLE]
    desk.say(EMPTY)
    harness.run_look_up()
    desk.say(Ping())
    harness.model.users[ANN].password_hash = "another"
    harness.settle()
    error, ok = desk.take()
    assert (error.code, error.field) == (RejectCode.BAD_CREDENTIALS, "password")
    assert ok == Done("ping")
    assert phone.ending is None
    assert ANN in harness.model.users


def test_who_has_no_account_has_none_to_end() -> None:
    """A guest logs out; nothing is looked up for him."""
    harness = Harness()
    guest = harness.guest()
    guest.take()
    assert codes(guest.ask(EMPTY)) == [RejectCode.FORBIDDEN]
    assert harness.model.gone == set()


def test_a_token_of_a_part_does_not_end_its_account() -> None:
    """Unless it may; and then the password is asked for as well."""
    harness, _, _, _ = begun()
    for scope, code in (
        (Scope.of(["team"], None), RejectCode.FORBIDDEN),
        (Scope.of(None, ["send"]), RejectCode.FORBIDDEN),
        (Scope.of(None, ["account_delete"]), RejectCode.BAD_CREDENTIALS),
    ):
        harness.tokens["t"] = Renewal(None, None, scope)
        peer = harness.open()
        peer.hello(token=Secret("t"))
        wrong = attrs.evolve(EMPTY, password=Secret("wrong"))
        assert codes(peer.ask(wrong)) == [code]


def test_an_administrator_may_end_his_account() -> None:
    """Who is one, the operator says; there is nothing that only the last one can do."""
    harness = Harness(FREE)
    ada = harness.user(ADA, TEAM)
    ada.take()
    assert ada.ask(EMPTY) == [Done("account_delete", 7)]
    assert ADA not in harness.chat.durable.users


# --- what is under way ------------------------------------------------------------


def test_what_he_sends_meanwhile_is_in_time_or_nobodys() -> None:
    """What he sent before is stored and then his no more; what comes after is not."""
    harness, desk, phone, bob = begun()
    phone.say(Send(Text("before"), TEAM))
    desk.say(EMPTY)
    harness.run_look_up()
    phone.say(Send(Text("after"), TEAM))
    phone.say(Send(Text("after"), to=BOB))
    desk.say(Send(Text("behind it"), TEAM))
    harness.settle()
    texts = [
        t for room in harness.model.rooms.values() for t in said(harness, room.name)
    ]
    assert [text for _, text in texts if text] == ["hi"]
    heard = [frame.text for frame in bob.take() if frame.type == "message"]
    assert heard == ["before"]
    assert [frame.type for frame in phone.take()] == ["ok", "message"]


@pytest.mark.parametrize("stage", ["verified", "opened", "counted"])
def test_a_hello_that_is_under_way_finds_nobody(stage: str) -> None:
    """Whatever it was waiting for."""
    harness, desk, _, bob = begun()
    bob.ask(Send(HI, TEAM))
    late = harness.open()
    late.say(LOGIN)
    if stage != "verified":
        harness.run_look_up()
    if stage == "counted":
        harness.commit()
        assert harness.look_ups
    waits: Any = harness.drafts if stage == "opened" else harness.look_ups
    held = waits.pop()
    desk.ask(EMPTY)
    if stage == "opened":
        harness.drafts.append(held)
    elif stage == "counted":
        harness.look_ups.append(held)
    else:
        # It was read before: the account was there then.
        harness.model.users[ANN] = attrs.evolve(harness.model.users[BOB], user=ANN)
        answer = harness._authenticate(held)
        del harness.model.users[ANN]
        harness.handle(answer)
    harness.settle()
    assert codes(late.take()) == [RejectCode.BAD_CREDENTIALS]
    assert ANN not in harness.chat.durable.users
    assert all(row.user != ANN for row in harness.model.sessions.values())


def test_who_was_looked_for_before_he_ended_is_looked_for_again() -> None:
    """The answer of before would bring back one who is gone."""
    harness = Harness(FREE)
    bob = harness.user("bob")
    bob.take()
    bob.say(Send(HI, to=CY))
    find = harness.look_ups.pop()
    found = harness.fetch(find)
    del harness.model.users[CY]
    harness.change(UserErased(CY))
    harness.handle(found)
    assert harness.look_ups == [find]
    harness.settle()
    assert codes(bob.take()) == [RejectCode.NO_USER]
    assert CY not in harness.chat.durable.users


def test_two_ends_at_once_are_one() -> None:
    """And who asked has gone by the time that it is on disk."""
    harness, desk, phone, _ = begun()
    for peer in (desk, phone):
        peer.say(EMPTY)
    while harness.look_ups:
        harness.run_look_up()
    phone.close()
    harness.settle()
    assert desk.take() == [Done("account_delete", 7)]
    assert harness.model.gone == {ANN}
    harness, desk, _, _ = begun()
    desk.say(EMPTY)
    harness.run_look_up()
    desk.close()
    harness.settle()
    assert ANN not in harness.chat.durable.users


def test_an_end_that_is_stored_after_a_stall_counts() -> None:
    """Its user was told `unavailable`, and is cut off when it is on disk."""
    harness, desk, phone, _ = begun()
    desk.say(EMPTY)
    harness.run_look_up()
    harness.stall()
    assert codes(desk.take()) == [RejectCode.UNAVAILABLE]
    harness.commit()
    assert [desk.ending, phone.ending] == [Ending.REVOKED] * 2
    assert ANN not in harness.chat.durable.users


def test_an_end_beside_a_new_password_is_decided_by_the_writer() -> None:
    """Whichever comes first."""
    harness, desk, phone, _ = begun()
    phone.say(Password(Secret("right"), NewPassword("another one")))
    desk.say(EMPTY)
    harness.settle()
    assert ANN in harness.model.users
    assert (desk.ending, phone.ending) == (Ending.REVOKED, None)


# --- what is left -----------------------------------------------------------------


def test_the_name_stays_taken() -> None:
    """Nobody logs in by it, and nobody gets it."""
    harness, desk, _, bob = begun()
    desk.ask(EMPTY)
    late = harness.open()
    assert codes(late.ask(LOGIN)) == [RejectCode.BAD_CREDENTIALS]
    new = Register(GuestName("ann"), NewPassword("correct horse"))
    assert codes(late.ask(new)) == [RejectCode.NAME_TAKEN]
    for command in (Send(HI, to=ANN), Block(ANN), Invite(TEAM, ANN)):
        assert codes(bob.ask(command)) == [RejectCode.NO_USER]
    assert codes(bob.ask(Send(HI, DIRECT))) == [RejectCode.NO_USER]
    harness.restart()
    assert codes(harness.open().ask(LOGIN)) == [RejectCode.BAD_CREDENTIALS]
    assert ANN not in harness.chat.durable.users


def test_what_others_have_of_him_is_gone() -> None:
    """Blocks of him and by him, his invitations and those to him, mutes."""
    harness, desk, _, bob = begun()
    cy = harness.user("cy")
    den = desk.ask(Create(private=True))[-1].room
    desk.ask(Invite(den, CY))
    bob.ask(Block(ANN))
    desk.ask(Block(BOB))
    desk.ask(SetRole(TEAM, BOB, Role("owner")))
    bob.ask(Mute(TEAM, ANN))
    assert isinstance(cy.take()[-1], Invited)
    desk.ask(EMPTY)
    (blocks,) = bob.ask(Blocks())[-1:]
    assert blocks.users == []
    assert harness.chat.durable.invites == {}
    assert harness.chat.durable.rooms[TEAM].mutes == {}
    assert codes(cy.ask(History(den))) == [RejectCode.NO_ROOM]
    (welcome,) = harness.open().hello(name="cy", password=Secret("right"))
    assert welcome.invites == []


def test_who_owned_a_room_alone_may_end_his_account() -> None:
    """He may not leave the others so, but he may end; somebody there takes it over."""
    _, desk, _, bob = begun()
    assert codes(desk.ask(Leave(TEAM))) == [RejectCode.FORBIDDEN]
    assert desk.ask(EMPTY)[0].type == "ok"
    assert codes(bob.ask(SetRole(TEAM, BOB, Role("owner")))) == []


def test_a_guest_who_is_there_notices_nothing_else() -> None:
    """His session, his rooms and his messages are as they were."""
    harness = Harness(FREE)
    ann, guest = harness.user("ann", LOBBY), harness.guest(LOBBY)
    guest.ask(Send(HI, LOBBY))
    name = harness.user_of(guest)
    ann.ask(EMPTY)
    assert guest.ending is None
    assert said(harness, LOBBY) == [(name, "hi")]
    assert guest.ask(Send(HI, LOBBY))[0].type in {"ok", "presence"}


def test_an_answer_that_comes_for_nobody_is_nothing() -> None:
    """The connection had gone when its password was right."""
    harness, desk, _, _ = begun()
    desk.say(EMPTY)
    desk.close()
    harness.settle()
    assert ANN in harness.model.users
    peer = harness.user("bob")
    wrong = Reject(RejectCode.BAD_CREDENTIALS, "wrong")
    harness.handle(inputs.SecretRefused(peer.id, EMPTY, wrong))
    assert UserName("bob") in harness.chat.durable.users
