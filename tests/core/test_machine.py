from __future__ import annotations

import pytest

from chatd.config import Config
from chatd.config.sections import Auth
from chatd.core import drafts, inputs, queries
from chatd.core.commands import RULES
from chatd.core.commands.look_ups import FETCHES, LOOK_UPS
from chatd.core.deadlines import DUE_MAX
from chatd.core.effects import Answer, Append, Origin
from chatd.errors import Ending, RejectCode
from chatd.ids import Cid, ConnectionId, Seq
from chatd.wire import replies
from chatd.wire.accounts import Register
from chatd.wire.commands import DURABLE, Command
from chatd.wire.kinds import GuestName, Secret, Text
from chatd.wire.malformed import BadCommand
from chatd.wire.place import About, Ping
from chatd.wire.sessions import Hello, Logout
from chatd.wire.timeline import Send
from tests.core.harness import ANN, LOBBY, Harness
from tests.core.logins import secret_of, session_of

HI = Text("hi")
LOGIN = Hello(GuestName("ann"), Secret("right"))


def test_every_command_has_a_rule() -> None:
    """Only these may come before one has said who one is."""
    assert set(RULES) == set(Command.__args__)
    early = {kind for kind, rule in RULES.items() if rule.hello}
    assert early == {About, Hello, Register}


@pytest.mark.parametrize("command", RULES)
def test_a_command_is_carried_out_where_the_wire_says(command: type[Command]) -> None:
    """Who knows the module of its class knows the one of its rule, or the package."""
    group = command.__module__.removeprefix("chatd.wire.")
    where = RULES[command].run.__module__.removeprefix("chatd.core.commands.")
    assert where.split(".")[0] == group


def test_every_query_has_a_row() -> None:
    """Who adds one adds how it is read and who answers."""
    kinds = {
        kind
        for kind in vars(queries).values()
        if isinstance(kind, type) and kind.__module__ == queries.__name__
    }
    assert kinds - {queries.Unread} == {*LOOK_UPS, *FETCHES}
    assert not {*LOOK_UPS} & {*FETCHES}


def test_what_appends_a_draft_of_its_own_has_a_cid() -> None:
    """But for `decline`, which changes nothing when it comes again."""
    drafted = {kind.type for kind, rule in RULES.items() if rule.draft is not None}
    assert drafted == DURABLE | {"decline"}


def test_a_connection_that_is_gone_is_told_nothing_but_counts_as_answered() -> None:
    """Its commands may still be on their way."""
    harness = Harness()
    gone = ConnectionId(99)
    received = inputs.Received(gone, Ping())
    assert harness.handle(received) == [Answer(gone, None)]
    assert harness.handle(inputs.Closed(gone)) == []


# --- before hello -------------------------------------------------------------------


def test_anything_before_hello_is_not_authenticated() -> None:
    """With its type, id and cid."""
    peer = Harness().open()
    (error,) = peer.ask(Send(HI, LOBBY, cid=Cid("x"), id=4))
    assert (error.code, error.re, error.id, error.cid) == (
        RejectCode.NOT_AUTHENTICATED,
        "send",
        4,
        "x",
    )


def test_without_a_hello_in_time_a_connection_is_ended() -> None:
    """4501 after `login_timeout_s`, whatever else was said."""
    harness = Harness(Config(auth=Auth(login_timeout_s=30)))
    peer = harness.open()
    peer.ask(Ping())
    peer.hello(name="ann", password="wrong")
    harness.wait(29.9)
    assert peer.ending is None
    harness.wait(0.1)
    assert peer.ending is Ending.NO_HELLO


def test_a_password_that_is_being_verified_is_not_silence() -> None:
    """It is looked at again later; who was welcomed or closed has nothing to fear."""
    harness = Harness(Config(auth=Auth(login_timeout_s=30)))
    peer, closed = harness.open(), harness.open()
    peer.say(LOGIN)
    closed.close()
    harness.wait(40)
    assert peer.ending is None
    harness.settle()
    harness.wait(60)
    assert peer.ending is None
    slow = harness.open()
    slow.say(Hello(GuestName("ann"), Secret("wrong")))
    harness.wait(30)
    harness.settle()
    harness.wait(30)
    assert slow.ending is Ending.NO_HELLO


def test_of_many_deadlines_of_one_moment_some_are_done_at_a_time() -> None:
    """The machine says that there are more, and does them when it is told again."""
    harness = Harness(Config(auth=Auth(login_timeout_s=30)))
    peers = [harness.open() for _ in range(2 * DUE_MAX + 1)]
    harness.wait(29)
    harness._set(harness.now.mono + 1)
    for done in (DUE_MAX, 2 * DUE_MAX, len(peers)):
        assert harness.machine.next_deadline() == harness.now.mono
        harness.handle(inputs.TimePassed())
        assert sum(peer.ending is Ending.NO_HELLO for peer in peers) == done
    assert harness.machine.next_deadline() is None


# --- malformed frames ---------------------------------------------------------------


def bad(code: RejectCode) -> BadCommand:
    """A frame that is no command."""
    frame = {"type": "send", "id": 7, "cid": "x"}
    return BadCommand(code, "no", field="room", frame=frame)


def test_a_malformed_frame_is_answered_with_what_could_be_read() -> None:
    """Its type, its id, its cid, and the field."""
    peer = Harness().open()
    peer.harness.handle(inputs.Received(peer.id, bad(RejectCode.BAD_FIELD)))
    error = replies.Refusal("bad_field", "no", "send", "room", Cid("x"), None, 7)
    assert peer.take() == [error]


def test_what_is_wrong_by_a_hand_and_not_by_a_program_does_not_count() -> None:
    """People who type a text that is refused are not sent away for it."""
    peer = Harness().open()
    typed = BadCommand(RejectCode.BAD_FIELD, "no", counted=False)
    for _ in range(100):
        peer.harness.handle(inputs.Received(peer.id, typed))
        assert [frame.code for frame in peer.take()] == ["bad_field"]
    assert peer.ending is None


def test_too_many_malformed_frames_end_the_connection() -> None:
    """Twenty at once, one more each ten seconds; a text too long is none."""
    harness = Harness()
    peer = harness.open()
    for _ in range(10):
        peer.ask(Ping())
        harness.handle(inputs.Received(peer.id, bad(RejectCode.BAD_JSON)))
        harness.handle(inputs.Received(peer.id, bad(RejectCode.TOO_LONG)))
    assert peer.ending is None
    harness.wait(10)
    peer.ask(Ping())
    assert peer.ending is None
    peer.ask(Ping())
    assert peer.ending is Ending.MALFORMED
    answered = harness.handle(inputs.Received(peer.id, bad(RejectCode.BAD_JSON)))
    assert [type(effect) for effect in answered] == [Answer]


def test_what_a_connection_sent_is_not_done_once_it_was_told_to_end() -> None:
    """Neither what waits behind the last hello, nor what comes after it."""
    harness = Harness()
    peer = harness.open()
    for _ in range(3):
        peer.say(Hello(GuestName("ann"), Secret("wrong")))
    peer.say(LOGIN)
    peer.say(Ping())
    harness.handle(inputs.Received(peer.id, bad(RejectCode.BAD_JSON)))
    harness.settle()
    assert [frame.code for frame in peer.take()] == ["bad_credentials"] * 3
    assert peer.ending is Ending.BAD_CREDENTIALS
    assert not harness.chat.durable.users
    assert peer.say(Ping()) == [Answer(peer.id, None)]


def test_a_malformed_frame_is_answered_in_its_turn() -> None:
    """After a hello that is pending, and after durable commands that are open."""
    harness = Harness()
    peer = harness.open()
    peer.say(LOGIN)
    harness.handle(inputs.Received(peer.id, bad(RejectCode.BAD_JSON)))
    assert peer.take() == []
    harness.settle()
    assert [frame.type for frame in peer.take()] == ["welcome", "error"]
    peer.join()
    peer.say(Send(Text("hi"), LOBBY))
    harness.handle(inputs.Received(peer.id, bad(RejectCode.BAD_FIELD)))
    peer.say(Ping())
    harness.settle()
    replies = [frame for frame in peer.take() if hasattr(frame, "re")]
    assert [frame.re for frame in replies] == ["send", "send", "ping"]
    assert [frame.type for frame in replies] == ["ok", "error", "ok"]


def test_a_connection_that_ended_before_hello_is_not_ended_for_its_silence() -> None:
    """It has its reason already."""
    harness = Harness()
    peer = harness.open()
    for _ in range(21):
        peer.say(Ping())
    harness.wait(30)
    assert peer.ending is Ending.MALFORMED


def test_a_message_whose_sender_was_told_to_end_is_delivered() -> None:
    """It is on disk; only the reply is nobody's."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.take_all()
    ann.say(Send(HI, LOBBY))
    for _ in range(21):
        harness.handle(inputs.Received(ann.id, bad(RejectCode.BAD_JSON)))
    harness.settle()
    assert [frame.seq for frame in bob.take()] == [1]


# --- the rest -----------------------------------------------------------------------


def test_what_the_edge_keeps_for_itself_changes_nothing() -> None:
    """A password's new hash is the store's alone."""
    harness = Harness()
    draft = drafts.SetPasswordHash(ANN, "hash", "old")
    happened = inputs.Executed(Origin(None, None, draft), drafts.Committed())
    assert harness.handle(happened) == []


def test_marks_share_a_deadline() -> None:
    """The second mark waits for the first one's; then a new one is made."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.wait(4)
    assert not harness.drafts, "that a new session is in use is written already"
    ann.ask(Send(HI, LOBBY))
    harness.wait(2)
    ann.ask(Send(HI, LOBBY))
    harness.wait(2)
    marks = drafts.SaveMarks({(LOBBY, ANN): Seq(2)}, {})
    assert list(harness.drafts) == [Origin(None, None, marks)]
    harness.commit()
    harness.wait(60)
    assert not harness.drafts


def test_marks_of_what_has_gone_meanwhile_are_not_written() -> None:
    """A deadline without anything to write is nothing."""
    harness = Harness()
    guest = harness.guest(LOBBY)
    guest.ask(Logout())
    harness.wait(4)
    assert not harness.drafts


def test_that_somebody_is_back_is_not_written_later_when_he_has_gone() -> None:
    """What could not be written is written as it is by then: since when he is away."""
    harness = Harness()
    ann = harness.user("ann")
    session, secret = session_of(ann), secret_of(ann)
    ann.close()
    harness.wait(5)
    harness.settle()
    ann = harness.open()
    ann.hello(session=secret)
    harness.wait(4)
    (back,) = harness.drafts
    assert back.draft == drafts.SaveMarks({}, {session: None})
    ann.close()
    gone = harness.now.wall
    harness.fail()
    harness.wait(4)
    (origin,) = harness.drafts
    assert origin.draft == drafts.SaveMarks({}, {session: gone})


@pytest.mark.parametrize("deadlines", [0, 1])
def test_the_next_deadline_is_the_earliest(deadlines: int) -> None:
    """Or none."""
    harness = Harness()
    if deadlines:
        harness.open()
        assert harness.machine.next_deadline() == harness.now.mono + 30
    else:
        assert harness.machine.next_deadline() is None


def test_a_refused_command_with_a_cid_asks_the_writer_first() -> None:
    """The draft travels inside, to be compared with what the cid stored."""
    harness = Harness()
    ann = harness.user("ann")
    command = Send(HI, LOBBY, cid=Cid("x"))
    (append,) = ann.say(command)
    assert isinstance(append, Append)
    draft = append.origin.draft
    assert isinstance(draft, drafts.Recall)
    assert draft.draft == drafts.NewMessage(LOBBY, ANN, Cid("x"), HI)
    assert draft.otherwise.code is RejectCode.NOT_MEMBER


def test_what_waits_to_be_written_is_written_at_the_end() -> None:
    """A daemon that stops in order forgets no read mark."""
    harness = Harness()
    peer = harness.user(ANN, LOBBY)
    peer.ask(Send(HI, LOBBY))
    effects = harness.handle(inputs.Stopping())
    (saved,) = [effect.origin.draft for effect in effects if type(effect) is Append]
    assert isinstance(saved, drafts.SaveMarks)
    assert saved.reads == {(LOBBY, ANN): 1}
    assert harness.handle(inputs.Stopping()) == []
