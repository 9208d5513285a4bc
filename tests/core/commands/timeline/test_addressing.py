"""Who is told that he is addressed, and who that somebody was not reached."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core import drafts, mentions
from chatd.core.mentions import Mentions
from chatd.core.principal import Renewal
from chatd.core.scope import Scope
from chatd.enums import AccountRole, Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import Cid, RoomName, Seq, UserName, direct_room
from chatd.wire import events, replies
from chatd.wire.kinds import PageLimit, Text
from chatd.wire.moderation import Invite, Mute, SetRole
from chatd.wire.rooms import Create, Join, Leave
from chatd.wire.timeline import Delete, Edit, Send
from chatd.wire.users import Block
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer

DIRECT = direct_room(ANN, BOB)
TEAM = RoomName("team")
X = Cid("x")


def codes(frames: list[Any]) -> list[Any]:
    """The code of each error, or the seq of each ok."""
    replies = [frame for frame in frames if hasattr(frame, "re")]
    return [getattr(reply, "code", None) or reply.seq for reply in replies]


def drafted(harness: Harness) -> Mentions | None:
    """Whom the draft that waits addresses."""
    draft = harness.drafts[-1].draft
    assert isinstance(draft, drafts.NewMessage | drafts.EditMessage)
    return draft.mentions


def missed(peer: Peer, text: str, room: RoomName = LOBBY) -> list[UserName] | None:
    """Whom a message does not reach, as its sender is told."""
    frames = peer.ask(Send(Text(text), room))
    (ok,) = [frame for frame in frames if isinstance(frame, replies.Stored)]
    return ok.unreached


def counted(
    harness: Harness, name: UserName, room: RoomName = LOBBY
) -> tuple[int, int]:
    """How much is unread and addresses somebody, when he comes."""
    peer = harness.open()
    (welcome, *_) = peer.hello(name=name, password="right")
    (state,) = [state for state in welcome.rooms if state.room == room]
    peer.close()
    return state.unread, state.mentions


def bearer(harness: Harness, scope: Scope) -> Peer:
    """A connection of ann's that came by a token with a scope."""
    harness.tokens["t"] = Renewal(None, None, scope)
    peer = harness.open()
    peer.hello(token="t")
    return peer


# --- messages -------------------------------------------------------------------


def test_a_message_carries_whom_it_addresses() -> None:
    """Members of its room, and who is none; in a direct conversation nobody."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.user("bob", LOBBY)
    ann.say(Send(Text("hi"), LOBBY))
    assert drafted(harness) is None
    ann.say(Send(Text("hi @Bob, @cy, ann@bob"), LOBBY))
    assert drafted(harness) == Mentions((BOB,), strangers=((CY,),))
    ann.say(Send(Text("@bob @cy"), to=BOB))
    assert drafted(harness) is None
    harness.settle()
    ann.say(Send(Text("@bob @cy"), DIRECT))
    assert drafted(harness) is None
    harness.settle()
    ann.say(Edit(DIRECT, Seq(1), Text("@bob!")))
    assert drafted(harness) is None


def test_all_is_for_those_who_run_a_room_or_the_server() -> None:
    """An owner and an admin address everybody, a member nobody; also by an edit."""
    harness = Harness()
    ann, bob, ada = (harness.user(name, TEAM) for name in ("ann", "bob", "ada"))
    for peer, found in (
        (ann, Mentions(everybody=True)),
        (bob, None),
        (ada, Mentions(everybody=True)),
    ):
        peer.say(Send(Text("@all"), TEAM))
        assert drafted(harness) == found
        harness.settle()
        peer.say(Edit(TEAM, Seq(4), Text("@all!")))
        assert drafted(harness) == found
        harness.settle()


@pytest.mark.parametrize("again", [False, True])
def test_what_is_refused_is_not_looked_through(
    monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    """By a rate, a rule or a scope, with a `cid` or without."""
    few = Limits(messages_per_s=1, messages_burst=2)
    harness = Harness(attrs.evolve(Config(), limits=few))
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    cy, narrow = harness.user("cy"), bearer(harness, Scope.of([LOBBY], None))
    ann.ask(Send(Text("hi"), TEAM))
    ann.ask(Mute(TEAM, BOB))
    harness.take_all()
    looked: list[str] = []
    monkeypatch.setattr(mentions, "find", lambda text, *_, **__: looked.append(text))
    cid = X if again else None
    refused: list[tuple[Peer, Send | Edit, RejectCode]] = [
        (ann, Send(Text("@bob"), TEAM, cid=cid), RejectCode.RATE_LIMITED),
        (ann, Edit(TEAM, Seq(3), Text("@bob"), cid=cid), RejectCode.RATE_LIMITED),
        (bob, Send(Text("@ann"), TEAM, cid=cid), RejectCode.MUTED),
        (bob, Edit(TEAM, Seq(3), Text("@ann"), cid=cid), RejectCode.MUTED),
        (cy, Send(Text("@ann"), TEAM, cid=cid), RejectCode.NOT_MEMBER),
        (cy, Send(Text("@ann"), DIRECT, cid=cid), RejectCode.NO_ROOM),
        (narrow, Send(Text("@bob"), TEAM, cid=cid), RejectCode.FORBIDDEN),
    ]
    for peer, command, code in refused:
        assert codes(peer.ask(command)) == [code]
    assert looked == []


# --- who is told ------------------------------------------------------------------


def test_a_mention_is_told_on_all_connections_of_whom_it_addresses() -> None:
    """After the commit, without the text: joined, replaying or elsewhere."""
    harness = Harness()
    ann, bob, cy = (harness.user(name, TEAM) for name in ("ann", "bob", "cy"))
    away, replaying = harness.user("bob"), harness.user("bob")
    harness.take_all()
    replaying.say(Join(TEAM, last=PageLimit(1)))
    replaying.take()
    ann.say(Send(Text("@bob hi"), TEAM))
    assert away.take() == []
    harness.commit()
    notice = events.Mention(TEAM, Seq(4), ANN)
    assert away.take() == replaying.take() == [notice]
    assert [frame.type for frame in bob.take()] == ["message", "mention"]
    harness.settle()
    assert notice not in [*bob.take(), *replaying.take(), *cy.take(), *ann.take()]
    harness.restart()
    away, cy = harness.user("bob"), harness.user("cy")
    ann = harness.user("ann", TEAM)
    other = harness.user("ann")
    harness.take_all()
    ann.ask(Send(Text("@all"), TEAM))
    notice = events.Mention(TEAM, Seq(5), ANN)
    assert away.take() == cy.take() == [notice]
    assert other.take() == []


def test_a_mention_is_told_once_and_to_members_who_are_there_only() -> None:
    """Not on a retry, not to who has left or is offline, not on what has ended."""
    harness = Harness()
    ann, away = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    away.close()
    away = harness.user("bob")
    old = harness.open()
    (welcome,) = old.hello(name="bob", password="right")
    harness.open().hello(session=welcome.session)
    harness.user("cy", LOBBY).close()
    harness.wait(60)
    ann.ask(Send(Text("@bob @cy"), LOBBY, cid=X))
    assert [frame.type for frame in away.take()] == ["mention"]
    assert old.take() == []
    ann.ask(Send(Text("@bob @cy"), LOBBY, cid=X))
    assert away.take() == []
    ann.say(Send(Text("@bob"), LOBBY))
    (origin,) = harness.drafts
    harness.drafts.clear()
    away.ask(Leave(LOBBY))
    harness.take_all()
    harness.drafts.append(origin)
    harness.commit()
    assert away.take() == []


def test_a_mention_by_somebody_blocked_is_not_told_but_counts() -> None:
    """Blocks change no rooms and no counts; nor does the sender learn of one."""
    harness = Harness()
    ann, away = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    away.close()
    away = harness.user("bob")
    away.ask(Block(ANN))
    assert missed(ann, "@bob") is None
    ann.ask(Send(Text("nobody"), LOBBY))
    ann.ask(Edit(LOBBY, Seq(2), Text("@bob")))
    assert away.take() == []
    assert counted(harness, BOB) == (2, 2)


# --- edits ------------------------------------------------------------------------


def test_an_edit_tells_those_whom_it_addresses_anew() -> None:
    """Of the message, not of the edit; each is told once, however often it changes."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for name in ("bob", "cy"):
        harness.user(name, LOBBY).close()
    bob, cy = harness.user("bob"), harness.user("cy")
    ann.ask(Send(Text("@bob"), LOBBY))
    notice = events.Mention(LOBBY, Seq(1), ANN)
    assert bob.take() == [notice]
    ann.ask(Edit(LOBBY, Seq(1), Text("@cy")))
    assert (bob.take(), cy.take()) == ([], [notice])
    for text in ("@bob @cy", "nobody", "@cy @bob", "`@cy`", "@cy and @ada"):
        ann.ask(Edit(LOBBY, Seq(1), Text(text)))
        assert bob.take() == cy.take() == []


def test_an_edit_is_counted_as_its_text_is() -> None:
    """Who was edited out is not addressed any more, and who was edited in is."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    for name in ("bob", "cy"):
        harness.user(name, LOBBY).close()
    harness.wait(60)
    ann.ask(Send(Text("@bob"), LOBBY))
    assert (counted(harness, BOB), counted(harness, CY)) == ((1, 1), (1, 0))
    ann.ask(Edit(LOBBY, Seq(1), Text("@cy")))
    assert (counted(harness, BOB), counted(harness, CY)) == ((1, 0), (1, 1))
    ann.ask(Edit(LOBBY, Seq(1), Text("@bob, @cy")))
    assert (counted(harness, BOB), counted(harness, CY)) == ((1, 1), (1, 1))
    ann.ask(Delete(LOBBY, Seq(1)))
    assert (counted(harness, BOB), counted(harness, CY)) == ((0, 0), (0, 0))


def test_who_is_edited_into_what_he_has_read_is_told_when_he_comes() -> None:
    """Once: until he has read as far as the edit, whatever is edited afterwards."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    bob.ask(Send(Text("ho"), LOBBY))
    bob.close()
    assert counted(harness, BOB) == (0, 0)
    ann.ask(Edit(LOBBY, Seq(1), Text("hi @bob")))
    assert counted(harness, BOB) == (0, 1)
    harness.wait(60)
    harness.settle()
    harness.restart()
    assert counted(harness, BOB) == (0, 1)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    bob.ask(Send(Text("yes?"), LOBBY))
    for text in ("hi", "@bob", "hi", "hi @bob"):
        ann.ask(Edit(LOBBY, Seq(1), Text(text)))
        assert counted(harness, BOB) == (0, 0)


def test_everybody_is_told_by_an_edit_but_who_knows() -> None:
    """And nobody by a name in place of everybody."""
    harness = Harness()
    ann = harness.user("ann", TEAM)
    for name in ("bob", "cy"):
        harness.user(name, TEAM).close()
    bob, cy, own = harness.user("bob"), harness.user("cy"), harness.user("ann")
    ann.ask(Send(Text("@bob"), TEAM))
    notice = events.Mention(TEAM, Seq(4), ANN)
    assert bob.take() == [notice]
    ann.ask(Edit(TEAM, Seq(4), Text("@all")))
    assert (bob.take(), cy.take(), own.take()) == ([], [notice], [])
    assert (counted(harness, BOB, TEAM), counted(harness, CY, TEAM)) == ((1, 1), (1, 1))
    ann.ask(Edit(TEAM, Seq(4), Text("@cy")))
    assert bob.take() == cy.take() == []
    assert (counted(harness, BOB, TEAM), counted(harness, CY, TEAM)) == ((1, 0), (1, 1))


def test_who_may_not_read_so_far_back_is_not_told() -> None:
    """Of a room whose newcomers read what follows; the author is told that."""
    harness = Harness()
    ann = harness.user("ann")
    history = Visibility("since_join")
    ann.ask(Create(room=None, private=True, history=history, cid=X))
    (den,) = [name for name in harness.chat.durable.rooms if name.startswith("~")]
    ann.ask(Send(Text("early"), den))
    ann.ask(Invite(den, BOB))
    harness.user("bob", den).close()
    away = harness.user("bob")
    harness.take_all()
    ok = ann.ask(Edit(den, Seq(2), Text("@bob")))[0]
    assert ok.unreached == [BOB]
    ok = ann.ask(Edit(den, Seq(2), Text("@all")))[0]
    assert ok.unreached is None
    assert away.take() == []
    assert counted(harness, BOB, den) == (0, 0)
    ann.ask(Send(Text("now"), den))
    ann.ask(Edit(den, Seq(harness.chat.durable.rooms[den].head), Text("@bob")))
    assert [frame.type for frame in away.take()] == ["mention"]
    assert counted(harness, BOB, den) == (1, 1)


# --- whom it does not reach --------------------------------------------------------


def test_whoever_names_somebody_who_is_not_there_is_told_so() -> None:
    """Users who are no members, in the order of the text; nobody else."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.user("bob", LOBBY)
    assert missed(ann, "@cy, @bob, @nobody and @ADA.") == [CY, ADA]
    assert missed(ann, "`@cy` @bob @ann cy@cy") is None
    ok = ann.ask(Edit(LOBBY, Seq(1), Text("@cy, @bob")))[0]
    assert ok.unreached == [CY]
    names = [UserName(f"u{number}") for number in range(12)]
    for name in names:
        harness.model.execute(drafts.AddUser(name, name, AccountRole.USER, None), 0)
    assert missed(ann, " ".join(f"@{name}" for name in names)) == names[:10]


def test_a_retry_is_told_the_same() -> None:
    """As it was at first, whoever has joined since, and also where a rate is over."""
    few = Limits(messages_per_s=0.001, messages_burst=4)
    harness = Harness(attrs.evolve(Config(), limits=few))
    ann = harness.user("ann", LOBBY)
    command = Send(Text("@cy @bob"), LOBBY, cid=X)
    assert ann.ask(command)[0].unreached == [CY, BOB]
    edit = Edit(LOBBY, Seq(1), Text("@bob"), cid=Cid("y"))
    assert ann.ask(edit)[0].unreached == [BOB]
    harness.user("bob", LOBBY)
    harness.restart()
    ann = harness.user("ann")
    for _ in range(2):
        for sent, names in ((command, [CY, BOB]), (edit, [BOB])):
            ok = ann.ask(sent)[0]
            assert (ok.dup, ok.unreached) == (True, names)
        for _ in range(4):
            ann.ask(Send(Text("hi"), LOBBY))
    again = ann.ask(attrs.evolve(edit, cid=Cid("z")))[0]
    assert again.code == RejectCode.RATE_LIMITED


def test_a_guest_who_has_gone_is_nobody() -> None:
    """His name stays taken, and means nobody; that of one who is there is told."""
    harness = Harness()
    harness._secrets = 2222  # a guest's name has four characters behind
    ann, guest = harness.user("ann", LOBBY), harness.guest()
    name = harness.user_of(guest)
    assert missed(ann, f"@{name}") == [name]
    guest.close()
    harness.wait(10_000)
    harness.settle()
    assert missed(ann, f"@{name}") is None


def test_who_may_ask_somebody_in_may_know_of_him() -> None:
    """In a public room that is everybody; in a private one a guest has to run it."""
    harness = Harness()
    ann, guest = harness.user("ann"), harness.guest(LOBBY)
    name = harness.user_of(guest)
    assert name is not None
    assert missed(guest, "@cy @nobody") == [CY]
    ann.ask(Create(room=None, private=True, cid=X))
    (den,) = [room for room in harness.chat.durable.rooms if room.startswith("~")]
    ann.ask(Invite(den, name))
    guest.join(den)
    harness.user("bob", LOBBY)
    assert missed(guest, "@cy @bob", den) == [BOB], "he sees bob in the lobby"
    assert missed(ann, "@cy @bob", den) == [CY, BOB]
    ann.ask(SetRole(den, name, Role("moderator")))
    harness.take_all()
    assert missed(guest, "@cy @bob", den) == [CY, BOB]


@pytest.mark.parametrize(
    ("rooms", "actions", "told"),
    [
        (None, ["send"], [CY, BOB, ADA]),
        (["lobby"], None, [CY, BOB, ADA]),
        (["lobby"], ["send"], None),
        (["lobby", "team"], ["send"], [BOB]),
    ],
)
def test_a_token_tells_of_no_more_people_than_it_allows(
    rooms: list[str] | None, actions: list[str] | None, told: list[UserName] | None
) -> None:
    """Those to whom one may write or whom one may invite by it, or sees in a room."""
    harness = Harness()
    harness.user("ann", LOBBY, TEAM)
    harness.user("bob", TEAM)
    narrow = bearer(harness, Scope.of(rooms, actions))
    assert missed(narrow, "@cy @bob @ada") == told
