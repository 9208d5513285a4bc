"""Who is banned from a room, muted there, or asked in, as it is told."""

from __future__ import annotations

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.core.entities import INVITE_S
from chatd.core.inputs import Now
from chatd.enums import Role
from chatd.errors import RejectCode
from chatd.ids import RoomName, UserName, direct_room
from chatd.ports import UserRow
from chatd.wire import moderation
from chatd.wire.kinds import BanSeconds, PageLimit, Reason
from chatd.wire.moderation import Ban, Invite, Mute, SetRole, Standing, Unban
from chatd.wire.replies import Joined
from chatd.wire.rooms import Join
from tests.core.harness import ADA, ANN, BOB, CY, Harness, Peer

TEAM = RoomName("team")
FREE = Config(limits=Limits(messages_per_s=0))
NOBODY = [moderation.StandingPage(TEAM, [])]


def listed(peer: Peer, **more: object) -> dict[str, moderation.StandingShown]:
    """What somebody is told of the team, by name."""
    (page,) = peer.ask(Standing(TEAM, **more))  # type: ignore[arg-type]
    assert isinstance(page, moderation.StandingPage), page
    return {one.name: one for one in page.users}


def joined(peer: Peer) -> Joined:
    """What somebody is told of the team where he joins it again."""
    peer.take()
    ok, *_ = peer.ask(Join(TEAM))
    assert isinstance(ok, Joined), ok
    return ok


def test_moderators_are_told_what_holds() -> None:
    """Bans and mutes with end and reason, who asked whom in; nothing that is over."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    harness.take_all()
    now = harness.now.wall
    assert ann.ask(Standing(TEAM)) == NOBODY
    ann.ask(Mute(TEAM, BOB, BanSeconds(60), Reason("noise")))
    ann.ask(Ban(TEAM, CY))
    ann.ask(Invite(TEAM, ADA))
    harness.take_all()
    noise = moderation.SanctionShown(now + 60_000, "noise")
    assert listed(ann) == {
        ADA: moderation.StandingShown(ADA, invite=moderation.AskedShown(ANN, now)),
        BOB: moderation.StandingShown(BOB, mute=noise),
        CY: moderation.StandingShown(CY, ban=moderation.SanctionShown()),
    }
    assert listed(bob) == {}
    harness.wait(60)
    ann.ask(Unban(TEAM, CY))
    harness.take_all()
    assert set(listed(ann)) == {ADA}
    harness.wait(INVITE_S)
    assert listed(ann) == {}


def test_what_is_over_is_not_told_before_it_is_gone() -> None:
    """Where the clock was put forward, what has lapsed is still in memory."""
    harness = Harness(FREE)
    ann = harness.user("ann", TEAM)
    harness.user("bob", TEAM)
    harness.take_all()
    ann.ask(Mute(TEAM, BOB, BanSeconds(60)))
    ann.ask(Mute(TEAM, CY))
    harness.take_all()
    harness.now = Now(harness.now.mono, harness.now.wall + 61_000)
    assert set(listed(ann)) == {CY}


def test_who_is_muted_is_told_by_his_join() -> None:
    """On each connection until when and why, as long as it holds; nobody else is."""
    harness = Harness(FREE)
    ann, bob = harness.user("ann", TEAM), harness.user("bob", TEAM)
    harness.take_all()
    ann.ask(Mute(TEAM, BOB, BanSeconds(60), Reason("noise")))
    harness.take_all()
    until = harness.now.wall + 60_000
    assert joined(bob).mute == moderation.SanctionShown(until, "noise")
    assert joined(ann).mute is None
    harness.now = Now(harness.now.mono, harness.now.wall + 61_000)
    assert joined(bob).mute is None
    ann.ask(Mute(TEAM, BOB))
    assert joined(bob).mute == moderation.SanctionShown()


def test_what_holds_of_one_user_is_one_entry() -> None:
    """Muted first, then banned, who was asked in before."""
    harness = Harness(FREE)
    ann = harness.user("ann", TEAM)
    harness.user("bob", TEAM)
    harness.take_all()
    ann.ask(Mute(TEAM, BOB))
    ann.ask(Ban(TEAM, BOB))
    harness.take_all()
    (one,) = listed(ann).values()
    assert one.ban == one.mute == moderation.SanctionShown()


def test_others_are_told_whom_they_have_asked_in() -> None:
    """And moderators of both; an administrator too, who is not in the room."""
    harness = Harness(FREE)
    ann, bob, cy = (harness.user(name, TEAM) for name in ("ann", "bob", "cy"))
    ada = harness.user("ada")
    dan, eve = UserName("dan"), UserName("eve")
    for name in (dan, eve):
        harness.model.users[name] = UserRow(name, name, "user")
    harness.take_all()
    bob.ask(Invite(TEAM, dan))
    cy.ask(Invite(TEAM, eve))
    harness.take_all()
    assert set(listed(bob)) == {dan}
    assert set(listed(cy)) == {eve}
    for one in (ann, ada):
        assert set(listed(one)) == {dan, eve}
    ann.ask(SetRole(TEAM, CY, Role.MODERATOR))
    harness.take_all()
    assert set(listed(cy)) == {dan, eve}


def test_it_is_told_page_by_page() -> None:
    """By name, as `who` is."""
    harness = Harness(FREE)
    ann = harness.user("ann", TEAM)
    harness.user("bob", TEAM)
    harness.take_all()
    dan = UserName("dan")
    harness.model.users[dan] = UserRow(dan, dan, "user")
    harness.take_all()
    for name in (CY, dan, BOB):
        ann.ask(Ban(TEAM, name))
        harness.take_all()
    (first,) = ann.ask(Standing(TEAM, limit=PageLimit(2)))
    assert ([one.name for one in first.users], first.next) == ([BOB, CY], CY)
    (rest,) = ann.ask(Standing(TEAM, after=CY, limit=PageLimit(2)))
    assert ([one.name for one in rest.users], rest.next) == ([dan], None)


def test_there_is_none_in_a_direct_conversation() -> None:
    """Where nobody has a role."""
    harness = Harness(FREE)
    ann = harness.user("ann")
    (error,) = ann.ask(Standing(direct_room(ANN, BOB)))
    assert error.code in (RejectCode.FORBIDDEN, RejectCode.NO_ROOM)
