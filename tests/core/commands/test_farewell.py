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
from chatd.wire.commands import (
    Block,
    Blocks,
    Hello,
    History,
    Leave,
    Ping,
    React,
    Send,
    Who,
)
from chatd.wire.events import Invited, Presence
from chatd.wire.kinds import Emoji, GuestName, NewPassword, Secret, Text
from chatd.wire.moderation import Invite, Mute, SetRole
from chatd.wire.replies import Done
from chatd.wire.rooms import Create
from tests.core.house import ADA, ANN, BOB, CY, LOBBY, House, Peer

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


def said(house: House, room: RoomName) -> list[tuple[str | None, str | None]]:
    """Who has written what, as it is now."""
    messages = house.model.rooms[room].messages.values()
    return [(message.sender, message.text) for message in messages]


def begun(config: Config = FREE) -> tuple[House, Peer, Peer, Peer]:
    """Ann is there twice, bob once; all have written, in a room and to each other."""
    house = House(config)
    desk, phone, bob = (house.user(name, TEAM) for name in ("ann", "ann", "bob"))
    desk.ask(Send(HI, TEAM))
    bob.ask(Send(HI, TEAM))
    desk.ask(Send(HI, to=BOB))
    desk.ask(React(TEAM, Seq(4), Emoji("👍")))
    house.take_all()
    return house, desk, phone, bob


def test_an_account_ends_with_all_its_connections() -> None:
    """`ok` when it is on disk, then 4505 for all of them; the others see him leave."""
    house, desk, phone, bob = begun()
    assert desk.say(EMPTY) == [CheckSecret(desk.id, EMPTY, ANN)]
    house.run_look_up()
    assert desk.take() == []
    assert [peer.ending for peer in (desk, phone)] == [None, None]
    house.commit()
    assert desk.take() == [Done("account_delete", 7)]
    assert [p.ending for p in (desk, phone, bob)] == [
        Ending.REVOKED,
        Ending.REVOKED,
        None,
    ]
    house.wait(2)
    frames = [frame for frame in bob.take() if isinstance(frame, Presence)]
    assert {frame.room: frame.online for frame in frames} == {TEAM: 1, DIRECT: 1}
    assert ANN not in house.chat.durable.users
    assert all(ANN not in room.members for room in house.chat.durable.rooms.values())
    (who,) = bob.ask(Who(TEAM, all=True))
    assert [user.name for user in who.users] == [BOB]
    desk.close()
    phone.close()


def test_his_messages_are_emptied_unless_they_are_to_stay() -> None:
    """Reactions go either way; what others wrote stays."""
    house, desk, _, _ = begun()
    desk.ask(EMPTY)
    assert said(house, TEAM) == [(ANN, None), (BOB, "hi")]
    assert said(house, DIRECT) == [(ANN, None)]
    house, desk, _, bob = begun()
    desk.ask(REASSIGN)
    (nameless,) = house.model.gone - {ANN}
    assert nameless.startswith("erased~")
    assert said(house, TEAM) == [(nameless, "hi"), (BOB, "hi")]
    (page,) = bob.ask(History(TEAM))
    assert [message.reactions for message in page.messages] == [{}, {}]


def test_a_name_for_the_nameless_that_is_taken_is_drawn_again() -> None:
    """Four characters, as a guest's."""
    house, desk, _, _ = begun()
    desk.say(REASSIGN)
    house.run_look_up()
    (origin,) = house.drafts
    assert isinstance(origin.draft, drafts.EraseUser)
    assert origin.draft.nameless is not None
    house.model.gone.add(origin.draft.nameless)
    house.commit()
    assert desk.take() == []
    (origin,) = house.drafts
    house.settle()
    assert desk.take() == [Done("account_delete")]
    assert len(house.model.gone) == 3


def test_a_wrong_password_ends_nothing() -> None:
    """Nor does one that is another one by now, or a disk that is full."""
    house, desk, phone, _ = begun()
    wrong = attrs.evolve(EMPTY, password=Secret("wrong"))
    assert codes(desk.ask(wrong)) == [RejectCode.BAD_CREDENTIALS]
    desk.say(EMPTY)
    house.run_look_up()
    house.fail()
    assert codes(desk.take()) == [RejectCode.UNAVAILABLE]
    desk.say(EMPTY)
    house.run_look_up()
    desk.say(Ping())
    house.model.users[ANN].password_hash = "another"
    house.settle()
    error, ok = desk.take()
    assert (error.code, error.field) == (RejectCode.BAD_CREDENTIALS, "password")
    assert ok == Done("ping")
    assert phone.ending is None
    assert ANN in house.model.users


def test_who_has_no_account_has_none_to_end() -> None:
    """A guest logs out; nothing is looked up for him."""
    house = House()
    guest = house.guest()
    guest.take()
    assert codes(guest.ask(EMPTY)) == [RejectCode.FORBIDDEN]
    assert house.model.gone == set()


def test_a_token_of_a_part_does_not_end_its_account() -> None:
    """Unless it may; and then the password is asked for as well."""
    house, _, _, _ = begun()
    for scope, code in (
        (Scope.of(["team"], None), RejectCode.FORBIDDEN),
        (Scope.of(None, ["send"]), RejectCode.FORBIDDEN),
        (Scope.of(None, ["account_delete"]), RejectCode.BAD_CREDENTIALS),
    ):
        house.tokens["t"] = Renewal(None, None, scope)
        peer = house.open()
        peer.hello(token=Secret("t"))
        wrong = attrs.evolve(EMPTY, password=Secret("wrong"))
        assert codes(peer.ask(wrong)) == [code]


def test_an_administrator_may_end_his_account() -> None:
    """Who is one, the operator says; there is nothing that only the last one can do."""
    house = House(FREE)
    ada = house.user(ADA, TEAM)
    ada.take()
    assert ada.ask(EMPTY) == [Done("account_delete", 7)]
    assert ADA not in house.chat.durable.users


# --- what is under way ------------------------------------------------------------


def test_what_he_sends_meanwhile_is_in_time_or_nobodys() -> None:
    """What he sent before is stored and then his no more; what comes after is not."""
    house, desk, phone, bob = begun()
    phone.say(Send(Text("before"), TEAM))
    desk.say(EMPTY)
    house.run_look_up()
    phone.say(Send(Text("after"), TEAM))
    phone.say(Send(Text("after"), to=BOB))
    desk.say(Send(Text("behind it"), TEAM))
    house.settle()
    texts = [t for room in house.model.rooms.values() for t in said(house, room.name)]
    assert [text for _, text in texts if text] == ["hi"]
    heard = [frame.text for frame in bob.take() if frame.type == "message"]
    assert heard == ["before"]
    assert [frame.type for frame in phone.take()] == ["ok", "message"]


@pytest.mark.parametrize("stage", ["verified", "opened", "counted"])
def test_a_hello_that_is_under_way_finds_nobody(stage: str) -> None:
    """Whatever it was waiting for."""
    house, desk, _, bob = begun()
    bob.ask(Send(HI, TEAM))
    late = house.open()
    late.say(LOGIN)
    if stage != "verified":
        house.run_look_up()
    if stage == "counted":
        house.commit()
        assert house.look_ups
    waits: Any = house.drafts if stage == "opened" else house.look_ups
    held = waits.pop()
    desk.ask(EMPTY)
    if stage == "opened":
        house.drafts.append(held)
    elif stage == "counted":
        house.look_ups.append(held)
    else:
        # It was read before: the account was there then.
        house.model.users[ANN] = attrs.evolve(house.model.users[BOB], user=ANN)
        answer = house._authenticate(held)
        del house.model.users[ANN]
        house.handle(answer)
    house.settle()
    assert codes(late.take()) == [RejectCode.BAD_CREDENTIALS]
    assert ANN not in house.chat.durable.users
    assert all(row.user != ANN for row in house.model.sessions.values())


def test_who_was_looked_for_before_he_ended_is_looked_for_again() -> None:
    """The answer of before would bring back one who is gone."""
    house = House(FREE)
    bob = house.user("bob")
    bob.take()
    bob.say(Send(HI, to=CY))
    find = house.look_ups.pop()
    found = house.fetch(find)
    del house.model.users[CY]
    house.change(UserErased(CY))
    house.handle(found)
    assert house.look_ups == [find]
    house.settle()
    assert codes(bob.take()) == [RejectCode.NO_USER]
    assert CY not in house.chat.durable.users


def test_two_ends_at_once_are_one() -> None:
    """And who asked has gone by the time that it is on disk."""
    house, desk, phone, _ = begun()
    for peer in (desk, phone):
        peer.say(EMPTY)
    while house.look_ups:
        house.run_look_up()
    phone.close()
    house.settle()
    assert desk.take() == [Done("account_delete", 7)]
    assert house.model.gone == {ANN}
    house, desk, _, _ = begun()
    desk.say(EMPTY)
    house.run_look_up()
    desk.close()
    house.settle()
    assert ANN not in house.chat.durable.users


def test_an_end_that_is_stored_after_a_stall_counts() -> None:
    """Its user was told `unavailable`, and is cut off when it is on disk."""
    house, desk, phone, _ = begun()
    desk.say(EMPTY)
    house.run_look_up()
    house.stall()
    assert codes(desk.take()) == [RejectCode.UNAVAILABLE]
    house.commit()
    assert [desk.ending, phone.ending] == [Ending.REVOKED] * 2
    assert ANN not in house.chat.durable.users


def test_an_end_beside_a_new_password_is_decided_by_the_writer() -> None:
    """Whichever comes first."""
    house, desk, phone, _ = begun()
    phone.say(Password(Secret("right"), NewPassword("another one")))
    desk.say(EMPTY)
    house.settle()
    assert ANN in house.model.users
    assert (desk.ending, phone.ending) == (Ending.REVOKED, None)


# --- what is left -----------------------------------------------------------------


def test_the_name_stays_taken() -> None:
    """Nobody logs in by it, and nobody gets it."""
    house, desk, _, bob = begun()
    desk.ask(EMPTY)
    late = house.open()
    assert codes(late.ask(LOGIN)) == [RejectCode.BAD_CREDENTIALS]
    new = Register(GuestName("ann"), NewPassword("correct horse"))
    assert codes(late.ask(new)) == [RejectCode.NAME_TAKEN]
    for command in (Send(HI, to=ANN), Block(ANN), Invite(TEAM, ANN)):
        assert codes(bob.ask(command)) == [RejectCode.NO_USER]
    assert codes(bob.ask(Send(HI, DIRECT))) == [RejectCode.NO_USER]
    house.restart()
    assert codes(house.open().ask(LOGIN)) == [RejectCode.BAD_CREDENTIALS]
    assert ANN not in house.chat.durable.users


def test_what_others_have_of_him_is_gone() -> None:
    """Blocks of him and by him, his invitations and those to him, mutes."""
    house, desk, _, bob = begun()
    cy = house.user("cy")
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
    assert house.chat.durable.invites == {}
    assert house.chat.durable.rooms[TEAM].mutes == {}
    assert codes(cy.ask(History(den))) == [RejectCode.NO_ROOM]
    (welcome,) = house.open().hello(name="cy", password=Secret("right"))
    assert welcome.invites == []


def test_who_owned_a_room_alone_may_end_his_account() -> None:
    """He may not leave the others so, but he may end; somebody there takes it over."""
    _, desk, _, bob = begun()
    assert codes(desk.ask(Leave(TEAM))) == [RejectCode.FORBIDDEN]
    assert desk.ask(EMPTY)[0].type == "ok"
    assert codes(bob.ask(SetRole(TEAM, BOB, Role("owner")))) == []


def test_a_guest_who_is_there_notices_nothing_else() -> None:
    """His session, his rooms and his messages are as they were."""
    house = House(FREE)
    ann, guest = house.user("ann", LOBBY), house.guest(LOBBY)
    guest.ask(Send(HI, LOBBY))
    name = house.user_of(guest)
    ann.ask(EMPTY)
    assert guest.ending is None
    assert said(house, LOBBY) == [(name, "hi")]
    assert guest.ask(Send(HI, LOBBY))[0].type in {"ok", "presence"}


def test_an_answer_that_comes_for_nobody_is_nothing() -> None:
    """The connection had gone when its password was right."""
    house, desk, _, _ = begun()
    desk.say(EMPTY)
    desk.close()
    house.settle()
    assert ANN in house.model.users
    peer = house.user("bob")
    wrong = Reject(RejectCode.BAD_CREDENTIALS, "wrong")
    house.handle(inputs.SecretRefused(peer.id, EMPTY, wrong))
    assert UserName("bob") in house.chat.durable.users
