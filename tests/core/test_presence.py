from __future__ import annotations

from typing import Any

from chatd.config import Config
from chatd.config.sections import Presence as PresenceSection
from chatd.enums import State
from chatd.ids import Seq
from chatd.wire.ephemeral import Status
from chatd.wire.events import Presence, UserShown
from chatd.wire.kinds import Display, PageLimit, StatusText, Text
from chatd.wire.rooms import Join, Leave
from chatd.wire.sessions import Logout
from chatd.wire.timeline import Send
from chatd.wire.users import Profile
from tests.core.harness import ANN, BOB, CY, LOBBY, Harness, Peer

ANN_SHOWN, BOB_SHOWN, CY_SHOWN = (
    UserShown(name, None, State.ONLINE) for name in (ANN, BOB, CY)
)
AWAY = State("away")


def told(peer: Peer) -> list[Any]:
    """The presence frames that a connection got."""
    return [frame for frame in peer.take() if isinstance(frame, Presence)]


def harness_with(names_max: int = 100, grace_s: float = 10.0) -> Harness:
    """A harness with other limits."""
    return Harness(
        Config(presence=PresenceSection(names_max=names_max, grace_s=grace_s))
    )


def test_a_tick_is_one_frame_for_all_who_came_and_went() -> None:
    """Joins, leaves, away and back of one second are one frame."""
    harness = Harness()
    ann, bob, cy = (harness.user(name, LOBBY) for name in ("ann", "bob", "cy"))
    harness.wait(1)
    harness.take_all()
    bob.ask(Leave(LOBBY))
    cy.ask(Status(AWAY, StatusText("lunch")))
    guest = harness.guest(LOBBY)
    assert told(ann) == []
    harness.wait(1)
    frame = Presence(
        LOBBY,
        3,
        join=[UserShown(guest_name(guest), "guest", State.ONLINE)],
        leave=[BOB],
        away=[UserShown(CY, text="lunch")],
    )
    assert told(ann) == [frame]
    assert told(cy) == [frame]
    assert told(bob) == []
    harness.wait(60)
    assert told(ann) == []
    cy.ask(Status(State("online"), StatusText("ignored")))
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 3, back=[CY])]


def test_nobody_hears_of_a_direct_conversation_before_its_first_message() -> None:
    """It may be on disk a while before the message, which is what tells of it."""
    harness = Harness()
    ann, bob = harness.user("ann"), harness.user("bob")
    ann.say(Send(Text("hi"), to=BOB))
    harness.commit(1)
    assert harness.drafts
    bob.close()
    harness.wait(60)
    assert "@ann,bob" in harness.chat.durable.rooms
    assert told(ann) == []
    harness.commit()
    bob = harness.user("bob")
    harness.wait(1)
    (frame,) = told(ann)
    assert (frame.room, frame.join) == ("@ann,bob", [BOB_SHOWN])


def guest_name(peer: Peer) -> Any:
    """Who is behind a connection."""
    return peer.harness.chat.live.connections[peer.id].user


def test_two_devices_are_one_join_and_a_drop_within_the_grace_is_nothing() -> None:
    """A second connection, its end, and a reconnect in time are told to nobody."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.user("bob", LOBBY)
    harness.wait(1)
    ann.take()
    second = harness.user("bob", LOBBY)
    harness.wait(5)
    second.close()
    harness.wait(60)
    assert told(ann) == []
    first = next(p for p in harness.peers.values() if p is not ann)
    first.close()
    harness.wait(9.9)
    again = harness.user("bob")
    harness.wait(60)
    assert told(ann) == []
    again.close()
    harness.wait(10)
    assert told(ann) == []
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 1, leave=[BOB])]


def test_without_a_grace_who_drops_is_gone() -> None:
    """grace_s = 0 tells a drop in the next tick."""
    harness = harness_with(grace_s=0)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.wait(1)
    ann.take()
    bob.close()
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 1, leave=[BOB])]


def test_logout_has_no_grace() -> None:
    """Who logs out is gone in the next tick."""
    harness = Harness()
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.wait(1)
    ann.take()
    bob.ask(Logout())
    bob.close()
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 1, leave=[BOB])]


def test_somebody_is_away_when_all_his_connections_are() -> None:
    """One of two devices away is nothing; the text is the last one's."""
    harness = Harness()
    ann, bob, other = (
        harness.user("ann", LOBBY),
        harness.user("bob", LOBBY),
        harness.user("bob"),
    )
    harness.wait(1)
    ann.take()
    bob.ask(Status(AWAY, StatusText("lunch")))
    harness.wait(1)
    assert told(ann) == []
    other.ask(Status(AWAY))
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 2, away=[UserShown(BOB, text="lunch")])]
    harness.user("bob")
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 2, back=[BOB])]


def test_who_comes_and_goes_within_a_tick_was_never_there() -> None:
    """Net zero is silence."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.wait(1)
    ann.take()
    harness.guest(LOBBY).ask(Leave(LOBBY))
    ann.ask(Status(AWAY))
    ann.ask(Status(State("online")))
    harness.wait(1)
    assert told(ann) == []


def test_a_new_display_name_is_told_as_a_join() -> None:
    """The entry replaces the one that was shown."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.wait(1)
    ann.take()
    ann.ask(Profile(Display("Ann A.")))
    harness.wait(1)
    assert told(ann) == [
        Presence(LOBBY, 1, join=[UserShown(ANN, "Ann A.", State.ONLINE)])
    ]


def test_above_names_max_only_the_number_is_told() -> None:
    """And below it again everybody gets the whole list."""
    harness = harness_with(names_max=2, grace_s=0)
    ann, bob = harness.user("ann", LOBBY), harness.user("bob", LOBBY)
    harness.wait(1)
    harness.take_all()
    cy = harness.open()
    cy.hello(name="cy", password="right")
    assert cy.join()[0].users is None
    harness.wait(1)
    assert told(ann) == told(bob) == told(cy) == [Presence(LOBBY, 3)]
    cy.ask(Status(AWAY))
    harness.wait(1)
    assert told(ann) == []
    guest = harness.guest(LOBBY)
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 4)]
    guest.close()
    bob.close()
    harness.wait(1)
    users = [ANN_SHOWN, UserShown(CY, None, State.AWAY)]
    assert told(ann) == told(cy)[-1:] == [Presence(LOBBY, 2, users=users)]


def test_who_was_spared_a_difference_gets_the_whole_list() -> None:
    """`missed_presence` tells everybody, or the number where they are many."""
    harness = Harness()
    harness.user("ann", LOBBY)
    whole = harness.machine.missed_presence(LOBBY)
    assert whole == Presence(LOBBY, 1, users=[ANN_SHOWN])
    harness = harness_with(names_max=0)
    harness.user("ann", LOBBY)
    assert harness.machine.missed_presence(LOBBY) == Presence(LOBBY, 1)


# --- joining in the middle ----------------------------------------------------


def test_a_list_given_within_a_tick_is_put_right_at_its_end() -> None:
    """Who was on it, and had come and left within the tick, is told as gone."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    harness.wait(1)
    guest = harness.guest(LOBBY)
    name = guest_name(guest)
    bob = harness.open()
    bob.hello(name="bob", password="right")
    assert name in [shown.name for shown in bob.join()[0].users]
    guest.ask(Leave(LOBBY))
    harness.wait(1)
    frame = Presence(LOBBY, 2, join=[BOB_SHOWN], leave=[name])
    assert told(bob) == [frame]
    assert told(ann)[-1:] == [frame]


def test_a_list_that_lacks_somebody_is_put_right_at_the_end_of_the_tick() -> None:
    """Who was gone for less than a tick is told to whoever came meanwhile."""
    harness = Harness()
    harness.user("ann", LOBBY)
    bob = harness.user("bob", LOBBY)
    cy = harness.user("cy", LOBBY)
    harness.wait(1)
    harness.take_all()
    bob.ask(Leave(LOBBY))
    assert BOB not in [shown.name for shown in cy.join()[0].users]
    bob.join()
    harness.wait(1)
    assert told(cy)[-1:] == [Presence(LOBBY, 3, join=[BOB_SHOWN])]


def test_a_room_above_names_max_for_less_than_a_tick_tells_the_whole_list() -> None:
    """Who joined while it was above has a list when the tick ends."""
    harness = harness_with(names_max=1)
    ann = harness.user("ann", LOBBY)
    harness.wait(1)
    guest = harness.guest(LOBBY)
    assert ann.join()[0].users is None
    guest.ask(Leave(LOBBY))
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 1, users=[ANN_SHOWN])]


def test_a_number_given_within_a_tick_is_put_right_at_its_end() -> None:
    """Above names_max, too, net zero is only silence if nobody was told otherwise."""
    harness = harness_with(names_max=0)
    ann = harness.user("ann", LOBBY)
    harness.wait(1)
    ann.take()
    guest = harness.guest(LOBBY)
    assert ann.join()[0].online == 2
    guest.ask(Leave(LOBBY))
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 1)]


def test_a_list_given_within_a_tick_of_a_larger_room_is_put_right_at_its_end() -> None:
    """Who joined while it was at names_max is told the number, net zero or not."""
    harness = harness_with(names_max=1)
    ann = harness.user("ann", LOBBY)
    guest = harness.guest(LOBBY)
    harness.wait(1)
    ann.take()
    guest.ask(Leave(LOBBY))
    assert ann.join()[0].users == [ANN_SHOWN]
    harness.guest(LOBBY)
    harness.wait(1)
    assert told(ann) == [Presence(LOBBY, 2)]


def test_a_replay_without_news_is_followed_by_no_presence() -> None:
    """Nothing was missed, so nothing is told."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    harness.wait(1)
    ann.take()
    assert told_after_replay(harness, ann, Join(LOBBY, last=PageLimit(1)), []) == []


def told_after_replay(
    harness: Harness, ann: Peer, join: Join, others: list[str]
) -> list[Any]:
    """Presence that `ann` gets when others come while she replays."""
    ann.say(join)
    (replay,) = harness.look_ups
    harness.look_ups.clear()
    for name in others:
        harness.user(name, LOBBY)
    harness.wait(1)
    assert told(ann) == []
    harness.look_ups.append(replay)
    harness.settle()
    return told(ann)


def test_a_new_list_comes_after_a_replay_during_which_somebody_came() -> None:
    """With the names for a join that asked for them, with the number for a resume."""
    harness = Harness()
    ann = harness.user("ann", LOBBY)
    ann.ask(Send(Text("hi"), LOBBY))
    harness.wait(1)
    ann.take()
    last = Join(LOBBY, last=PageLimit(1))
    users = [ANN_SHOWN, BOB_SHOWN]
    frame = Presence(LOBBY, 2, users=users)
    assert told_after_replay(harness, ann, last, ["bob"]) == [frame]
    room = harness.chat.durable.rooms[LOBBY]
    since = Join(LOBBY, since=Seq(0), epoch=room.epoch)
    assert told_after_replay(harness, ann, since, ["cy"]) == [Presence(LOBBY, 3)]
