"""Invitations to the server, the first administrator, links to one's other device."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.config import Config
from chatd.config.limits import Limits
from chatd.config.sections import Auth
from chatd.core import drafts as d
from chatd.core.applying.members import leave
from chatd.core.changes import MemberSet
from chatd.core.effects import Origin, Query
from chatd.core.entities import IDLE_S, Sanction
from chatd.core.inputs import Answered
from chatd.core.principal import Renewal
from chatd.core.quota import Space
from chatd.core.scope import Scope
from chatd.enums import AccountRole, InvitedRole, Role, Visibility
from chatd.errors import Ending, Reject, RejectCode
from chatd.ids import RoomName, Seq, UserName
from chatd.ports import UserRow
from chatd.wire.accounts import Register
from chatd.wire.admissions import (
    CreateInvitation,
    InvitationCreated,
    Invitations,
    InvitationShown,
    InvitationsPage,
    Link,
    Linked,
    RevokeInvitation,
)
from chatd.wire.commands import Command
from chatd.wire.events import Member
from chatd.wire.kinds import (
    GuestName,
    InvitationNumber,
    InvitationSeconds,
    InvitationUses,
    NewPassword,
    PageLimit,
    PublicRoom,
    Secret,
    Text,
)
from chatd.wire.moderation import SetRole
from chatd.wire.place import About, Ping
from chatd.wire.replies import Created, Done, Welcome
from chatd.wire.rooms import Create, Destroy, Join, Leave, Rename, SetRoom
from chatd.wire.sessions import Hello, Logout
from chatd.wire.timeline import Send
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer
from tests.store.model import admissions

NEW = NewPassword("correct horse")
TEAM = RoomName("team")
DAY_MS = 86_400_000
FREE = Config(limits=Limits(messages_per_s=0, creations_per_h=0))
ADMIN = InvitedRole("admin")
FIRST = Secret("setup")
"""By what the first administrator comes."""


def answer(peer: Peer, command: Command) -> Any:
    """The reply to a command, without the events that come beside it."""
    (reply,) = [frame for frame in peer.ask(command) if hasattr(frame, "re")]
    return reply


def invited(peer: Peer, **fields: Any) -> InvitationCreated:
    """An invitation that somebody has made."""
    made = answer(peer, CreateInvitation(**fields))
    assert isinstance(made, InvitationCreated), made
    return made


def register(
    harness: Harness, made: InvitationCreated | Secret, name: str = "eve"
) -> RejectCode | str:
    """What becomes of an account that is made by an invitation."""
    secret = made.secret if isinstance(made, InvitationCreated) else made
    (reply,) = harness.open().ask(Register(GuestName(name), NEW, invite=Secret(secret)))
    return code(reply)


def code(reply: Any) -> RejectCode | str:
    """Why it was refused, or `ok`."""
    found: RejectCode | str = getattr(reply, "code", reply.type)
    return found


def listed(peer: Peer, **fields: Any) -> list[InvitationShown]:
    """What `invitations` answers."""
    page = answer(peer, Invitations(**fields))
    assert isinstance(page, InvitationsPage)
    return page.invitations


def run_lobby(
    harness: Harness, name: UserName = ANN, role: Role = Role.MODERATOR
) -> Peer:
    """Somebody who has a role in a room of the configuration."""
    peer = harness.user(name, LOBBY)
    harness.set_role(LOBBY, name, role)
    return peer


# --- who may make one -------------------------------------------------------------


def test_administrators_and_those_who_run_rooms_of_the_configuration_invite() -> None:
    """Nobody else: not who owns a room that he has made himself, not a guest."""
    harness = Harness(FREE)
    ann, bob, ada, guest = (
        run_lobby(harness),
        harness.user("bob", LOBBY, TEAM),
        harness.user("ada"),
        harness.guest(LOBBY),
    )
    name = harness.user_of(guest)
    assert name is not None
    harness.set_role(LOBBY, name, Role.MODERATOR)
    harness.take_all()
    for peer, answers in (
        (ada, "ok ok"),
        (ann, "ok no"),
        (bob, "no no"),
        (guest, "no no"),
    ):
        found = [
            "ok" if code(peer.ask(CreateInvitation(role=role))[0]) == "ok" else "no"
            for role in (InvitedRole("user"), ADMIN)
        ]
        assert " ".join(found) == answers


@pytest.mark.parametrize(
    ("registration", "by_admin"), [("closed", "no"), ("invite", "ok"), ("open", "ok")]
)
def test_where_the_operator_alone_lets_people_in_nobody_else_does(
    registration: Any, by_admin: str
) -> None:
    """Neither makes an invitation nor has made one that holds still."""
    harness = Harness(Config(auth=Auth(registration="invite")))
    made = invited(harness.user("ada"))
    harness.live.replace(Config(auth=Auth(registration=registration)))
    (reply,) = harness.user("ada").ask(CreateInvitation())
    assert (code(reply) == "ok") == (by_admin == "ok")
    expected = "ok" if by_admin == "ok" else RejectCode.BAD_INVITATION
    assert register(harness, made) == expected


def test_a_room_is_one_into_which_its_maker_may_ask_others() -> None:
    """As `invite` has it; what he may not see is not there."""
    harness = Harness(FREE)
    ann, bob = run_lobby(harness), harness.user("bob", TEAM)
    ada = harness.user("ada")
    (den,) = bob.ask(Create(private=True))
    (own,) = ann.ask(Create(private=True))
    ann.ask(Send(Text("hi"), to=BOB))
    harness.take_all()

    def tried(peer: Peer, room: str) -> RejectCode | str:
        return code(peer.ask(CreateInvitation(room=RoomName(room)))[0])

    assert tried(ada, TEAM) == tried(ada, LOBBY) == tried(ann, LOBBY) == "ok"
    assert tried(ann, own.room) == "ok"
    assert tried(ann, TEAM) is RejectCode.NOT_MEMBER
    assert tried(ann, "@ann,bob") is RejectCode.FORBIDDEN
    for hidden in (den.room, "nowhere", "@bob,cy", "~zzzzzzzzzzzzzzzz"):
        assert tried(ann, hidden) is tried(ada, hidden) is RejectCode.NO_ROOM
    harness.apply(MemberSet(own.room, ADA, Role.MEMBER))
    assert tried(ada, own.room) is RejectCode.FORBIDDEN


def test_a_token_invites_where_that_is_named() -> None:
    """One for a room does not let people into the place; nor one that may not ask
    anybody into the room.
    """
    harness = Harness(FREE)
    run_lobby(harness).close()
    for number, (scope, room, granted) in enumerate(
        [
            (Scope.of([LOBBY], None), LOBBY, False),
            (Scope.of(None, ["invitation_create"]), None, True),
            (Scope.of(None, ["invitation_create"]), LOBBY, False),
            (Scope.of([LOBBY], ["invitation_create", "invite"]), LOBBY, True),
            (Scope.of(None, ["send"]), None, False),
        ]
    ):
        harness.tokens[f"t{number}"] = Renewal(None, None, scope)
        peer = harness.open()
        peer.hello(token=Secret(f"t{number}"))
        (reply,) = peer.ask(CreateInvitation(room=room))
        assert code(reply) == ("ok" if granted else RejectCode.FORBIDDEN), number


def test_making_one_has_its_limits() -> None:
    """The rate of messages, so many of one user, and space on the disk."""
    harness = Harness(Config(limits=Limits(messages_per_s=1, messages_burst=2)))
    ada = harness.user("ada")
    invited(ada)
    invited(ada)
    assert code(ada.ask(CreateInvitation())[0]) is RejectCode.RATE_LIMITED
    harness = Harness(FREE)
    ada = harness.user("ada")
    for _ in range(d.INVITATIONS_MAX):
        invited(ada)
    assert code(ada.ask(CreateInvitation())[0]) is RejectCode.FORBIDDEN
    ada.ask(RevokeInvitation(InvitationNumber(7)))
    harness.machine._turn.space = Space.NONE
    assert code(ada.ask(CreateInvitation())[0]) is RejectCode.UNAVAILABLE
    harness.machine._turn.space = Space.AMPLE
    invited(ada)


def test_what_cannot_be_stored_has_no_secret() -> None:
    """The refusal is the answer, and the next command goes on."""
    harness = Harness(FREE)
    ada = harness.user("ada")
    for command in (CreateInvitation(), RevokeInvitation(InvitationNumber(1)), Link()):
        ada.say(command)
        while harness.look_ups:
            harness.run_look_up()
        harness.fail()
        assert code(ada.take()[0]) is RejectCode.UNAVAILABLE
    assert ada.ask(Ping()) == [Done("ping")]
    ada.say(CreateInvitation())
    harness.run_look_up()
    ada.close()
    harness.settle()
    assert len(harness.model.invitations) == 1


# --- who comes --------------------------------------------------------------------


def test_somebody_comes_by_an_invitation() -> None:
    """He has the role, is in the room, and others see it."""
    harness = Harness(FREE)
    ada, bob = harness.user("ada"), harness.user("bob", TEAM)
    harness.take_all()
    made = invited(ada, room=TEAM, role=ADMIN)
    assert made.expires == harness.now.wall + 7 * DAY_MS
    peer = harness.open()
    assert peer.ask(Register(GuestName("eve"), NEW, invite=Secret(made.secret))) == [
        Done("register")
    ]
    (joined,) = [frame for frame in bob.take() if isinstance(frame, Member)]
    assert (joined.user, joined.change, joined.role) == ("eve", "join", "member")
    (welcome,) = peer.hello(name=GuestName("eve"), password=Secret("right"))
    assert (welcome.role, [entry.room for entry in welcome.rooms]) == ("admin", [TEAM])
    assert harness.chat.durable.rooms[TEAM].members[UserName("eve")].read == joined.seq


def test_each_is_used_as_often_as_it_is_for() -> None:
    """And not once more; a name that is taken uses nothing up."""
    harness = Harness(FREE)
    made = invited(harness.user("ada"), uses=InvitationUses(2))
    assert register(harness, made, "ann") is RejectCode.NAME_TAKEN
    assert [register(harness, made, name) for name in ("eve", "fay", "gil")] == [
        "ok",
        "ok",
        RejectCode.INVITATION_USED,
    ]


def test_of_two_at_once_the_last_use_is_ones() -> None:
    """Both were verified; the writer decides."""
    harness = Harness(FREE)
    made = invited(harness.user("ada"))
    one, other = harness.open(), harness.open()
    for peer, name in ((one, "eve"), (other, "fay")):
        peer.say(Register(GuestName(name), NEW, invite=Secret(made.secret)))
    harness.settle()
    assert [code(one.take()[0]), code(other.take()[0])] == [
        "ok",
        RejectCode.INVITATION_USED,
    ]
    assert UserName("fay") not in harness.model.users


def test_it_ends_when_its_time_has_come() -> None:
    """By the writer's word, too, where it was verified a moment before."""
    harness = Harness(FREE)
    ada = harness.user("ada")
    made = invited(ada, seconds=InvitationSeconds(60))
    peer = harness.open()
    peer.say(Register(GuestName("eve"), NEW, invite=Secret(made.secret)))
    harness.run_look_up()
    (origin,) = harness.drafts
    assert isinstance(origin.draft, d.Enroll)
    origin.draft.now = made.expires
    harness.settle()
    assert code(peer.take()[0]) is RejectCode.INVITATION_EXPIRED


def test_one_that_was_taken_back_is_none() -> None:
    """Also while somebody is coming by it."""
    harness = Harness(FREE)
    ada = harness.user("ada")
    made = invited(ada, uses=InvitationUses(9))
    peer = harness.open()
    peer.say(Register(GuestName("eve"), NEW, invite=Secret(made.secret)))
    harness.run_look_up()
    harness.drafts.append(harness.drafts.popleft())
    ada.say(RevokeInvitation(made.invitation, id=4))
    harness.drafts.rotate(1)
    harness.settle()
    assert ada.take() == [Done("invitation_revoke", 4)]
    assert code(peer.take()[0]) is RejectCode.BAD_INVITATION
    assert code(ada.ask(RevokeInvitation(made.invitation))[0]) is (
        RejectCode.NO_INVITATION
    )


@pytest.mark.parametrize(
    "why",
    ["no moderator", "not in the lobby", "banned", "erased", "no admin", "kicked"],
)
def test_it_holds_as_long_as_who_made_it_may_make_it(why: str) -> None:
    """And not any longer, whatever has taken the right away."""
    harness = Harness(FREE)
    ann, ada = run_lobby(harness), harness.user("ada", LOBBY)
    room, maker = None, ada if why == "no admin" else ann
    if why == "kicked":
        (den,) = ann.ask(Create(private=True))
        room = den.room
    made = invited(maker, room=room, uses=InvitationUses(9))
    assert register(harness, made, "eve") == "ok"
    match why:
        case "no moderator":
            ada.ask(SetRole(LOBBY, ANN, Role("member")))
        case "not in the lobby":
            ann.ask(Leave(LOBBY))
        case "banned":
            harness.ban(ANN, Sanction(None, "spam"))
        case "erased":
            harness.erase(ANN)
        case "no admin":
            harness.give_role(ADA, AccountRole.USER)
        case _:
            assert room is not None
            harness.set_role(room, ANN, Role.MEMBER)
            harness.set_role(room, UserName("eve"), Role.OWNER)
    harness.settle()
    assert register(harness, made, "fay") is RejectCode.BAD_INVITATION


def test_the_operators_invitation_holds_by_itself() -> None:
    """Whatever the setting is."""
    for registration in ("closed", "invite", "open"):
        harness = Harness(Config(auth=Auth(registration=registration)))
        draft = d.AddInvitation(
            b"op", ADA, LOBBY, AccountRole.ADMIN, 1, 0, harness.now.wall + 9
        )
        admissions.add(harness.model, draft, None)
        assert register(harness, Secret("op")) == "ok"
        assert harness.model.users[UserName("eve")].role == "admin"
        assert UserName("eve") in harness.chat.durable.rooms[LOBBY].members


def test_without_an_invitation_people_come_where_everybody_may() -> None:
    """Elsewhere they are told what to do."""
    for registration, granted in (("closed", 0), ("invite", 0), ("open", 1)):
        harness = Harness(Config(auth=Auth(registration=registration)))  # type: ignore[arg-type]
        (reply,) = harness.open().ask(Register(GuestName("eve"), NEW))
        assert code(reply) == ("ok" if granted else RejectCode.FORBIDDEN)


def test_who_goes_before_the_answer_is_in_all_the_same() -> None:
    """What was accepted is done, and the room sees it."""
    harness = Harness(FREE)
    ada, bob = harness.user("ada"), harness.user("bob", TEAM)
    made, peer = invited(ada, room=TEAM), harness.open()
    peer.say(Register(GuestName("eve"), NEW, invite=Secret(made.secret)))
    harness.run_look_up()
    peer.close()
    harness.take_all()
    harness.settle()
    assert [frame.change for frame in bob.take()] == ["join"]
    assert UserName("eve") in harness.chat.durable.rooms[TEAM].members


# --- the room that it leads into --------------------------------------------------


def test_the_room_is_followed_under_its_other_name() -> None:
    """And where it has ended, people come into no room."""
    harness = Harness(FREE)
    ada = harness.user("ada", TEAM)
    made = invited(ada, room=TEAM, uses=InvitationUses(9))
    ada.ask(Rename(TEAM, PublicRoom("crew")))
    assert register(harness, made, "eve") == "ok"
    crew = RoomName("crew")
    assert UserName("eve") in harness.chat.durable.rooms[crew].members
    assert listed(ada)[0].room == crew
    ada.ask(Destroy(crew))
    assert register(harness, made, "fay") == "ok"
    assert listed(ada)[0].room is None
    (welcome,) = harness.open().hello(name=GuestName("fay"), password=Secret("right"))
    assert welcome.rooms == []


def test_a_room_that_ends_meanwhile_keeps_nobody_out() -> None:
    """The account is made; there is no room to be in."""
    harness = Harness(FREE)
    ada = harness.user("ada", TEAM)
    made, peer = invited(ada, room=TEAM), harness.open()
    peer.say(Register(GuestName("eve"), NEW, invite=Secret(made.secret)))
    harness.run_look_up()
    harness.drafts.append(harness.drafts.popleft())
    ada.say(Destroy(TEAM))
    harness.drafts.rotate(1)
    harness.settle()
    assert code(peer.take()[0]) == "ok"
    assert TEAM not in harness.chat.durable.rooms


def test_newcomers_read_what_the_room_lets_them() -> None:
    """All, or what follows; as it is set when they come."""
    harness = Harness(FREE)
    ann = harness.user("ann")
    ada = harness.user("ada")
    ann.ask(Create(PublicRoom("team")))
    ada.ask(Join(TEAM))
    ann.ask(Send(Text("early"), TEAM))
    made = invited(ada, room=TEAM, uses=InvitationUses(9))
    assert register(harness, made, "eve") == "ok"
    ann.ask(SetRoom(TEAM, history=Visibility("since_join")))
    assert register(harness, made, "fay") == "ok"
    members = harness.chat.durable.rooms[TEAM].members
    assert members[UserName("eve")].first == 1
    assert members[UserName("fay")].first == harness.chat.durable.rooms[TEAM].head
    harness.restart()
    harness.user("ann")
    assert harness.chat.durable.rooms[TEAM].members[UserName("fay")].first > Seq(1)


def test_nobody_is_told_in_a_room_of_the_configuration() -> None:
    """As of any join there."""
    harness = Harness(FREE)
    ada, bob = harness.user("ada"), harness.user("bob", LOBBY)
    made = invited(ada, room=LOBBY)
    harness.take_all()
    head = harness.chat.durable.rooms[LOBBY].head
    assert register(harness, made) == "ok"
    assert bob.take() == []
    member = harness.chat.durable.rooms[LOBBY].members[UserName("eve")]
    assert (member.role, member.read) == ("member", head)


def test_whoever_comes_first_into_an_empty_room_owns_it() -> None:
    """As by a join."""
    harness = Harness(FREE)
    ada = harness.user("ada")
    ada.ask(Create(PublicRoom("team")))
    made = invited(ada, room=TEAM)
    harness.give_role(ADA, AccountRole.ADMIN)
    for name in list(harness.chat.durable.rooms[TEAM].members):
        leave(harness.chat, harness.chat.durable.rooms[TEAM], name, harness.now)
        del harness.model.rooms[TEAM].members[name]
    assert register(harness, made) == "ok"
    assert harness.chat.durable.rooms[TEAM].members[UserName("eve")].role == "owner"


# --- the list ---------------------------------------------------------------------


def test_they_are_listed_with_who_came_by_them() -> None:
    """An administrator sees all, the newest first; anybody else his own."""
    harness = Harness(FREE)
    ann, ada, bob = run_lobby(harness), harness.user("ada"), harness.user("bob")
    first = invited(ann, uses=InvitationUses(5), room=LOBBY)
    second = invited(ada, role=ADMIN)
    register(harness, first, "eve")
    harness.wait(1)
    register(harness, first, "fay")
    created = first.expires - 7 * DAY_MS
    shown = InvitationShown(
        first.invitation,
        ANN,
        created,
        first.expires,
        5,
        2,
        [UserName("eve"), UserName("fay")],
        LOBBY,
    )
    assert listed(ann) == [shown]
    assert [entry.invitation for entry in listed(ada)] == [
        second.invitation,
        first.invitation,
    ]
    assert listed(bob) == []
    (page,) = ada.ask(Invitations(limit=PageLimit(1), id=3))
    assert (page.next, page.id) == (second.invitation, 3)
    assert listed(ada, after=page.next) == [shown]
    (page,) = ada.ask(Invitations(limit=PageLimit(2)))
    assert page.next is None


def test_an_administrator_learns_of_no_private_room_by_them() -> None:
    """He sees that there is an invitation, and not where it leads."""
    harness = Harness(FREE)
    ann, ada = run_lobby(harness), harness.user("ada")
    (den,) = ann.ask(Create(private=True))
    invited(ann, room=den.room)
    assert [entry.room for entry in listed(ada)] == [None]
    assert [entry.room for entry in listed(ann)] == [den.room]


def test_who_is_no_administrator_any_more_sees_his_own() -> None:
    """Also of a page that was being read; and whose token allows it no more, none."""
    harness = Harness(FREE)
    run_lobby(harness)
    ann, ada = harness.user("ann"), harness.user("ada")
    invited(ann)
    own = invited(ada)
    ada.say(Invitations())
    harness.give_role(ADA, AccountRole.USER)
    harness.settle()
    (page,) = [f for f in ada.take() if isinstance(f, InvitationsPage)]
    assert [entry.invitation for entry in page.invitations] == [own.invitation]
    ada.say(Invitations())
    harness.chat.live.connections[ada.id].scope = Scope.of(None, ["send"])
    harness.settle()
    assert code(ada.take()[0]) is RejectCode.FORBIDDEN


def test_nobody_takes_back_what_is_somebody_elses() -> None:
    """But an administrator, whosever it is; a stranger is told there is none."""
    harness = Harness(FREE)
    ann, ada, bob = run_lobby(harness), harness.user("ada"), harness.user("bob")
    one, two = invited(ann), invited(ann)
    assert code(bob.ask(RevokeInvitation(one.invitation))[0]) is (
        RejectCode.NO_INVITATION
    )
    assert code(ann.ask(RevokeInvitation(one.invitation))[0]) == "ok"
    assert code(ada.ask(RevokeInvitation(two.invitation))[0]) == "ok"
    assert listed(ada) == []


def test_a_page_is_cut_to_a_replys_size() -> None:
    """And says where it goes on."""
    harness = Harness(Config(limits=Limits(messages_per_s=0, reply_bytes=1200)))
    ada = harness.user("ada")
    made = [invited(ada) for _ in range(20)]
    numbers: list[int] = []
    after = None
    while True:
        (page,) = ada.ask(Invitations(after=after))
        numbers += [entry.invitation for entry in page.invitations]
        if (after := page.next) is None:
            break
    assert numbers == [one.invitation for one in reversed(made)]


def test_a_page_that_cannot_be_read_now_is_refused() -> None:
    """And whoever has asked goes on."""
    harness = Harness(FREE)
    ada = harness.user("ada")
    ada.say(Invitations(id=2))
    (effect,) = harness.look_ups
    assert isinstance(effect, Query)
    harness.look_ups.clear()
    reject = Reject(RejectCode.UNAVAILABLE, "later", retry_after_s=1.0)
    asked = effect.command, effect.query
    harness.handle(Answered(ada.id, *asked, reject))
    (refusal,) = ada.take()
    assert (refusal.code, refusal.id) == (RejectCode.UNAVAILABLE, 2)
    assert ada.ask(Ping()) == [Done("ping")]


# --- the first administrator ------------------------------------------------------


def without_accounts() -> Harness:
    """A place in which nobody has an account."""
    harness = Harness(Config(auth=Auth(registration="closed")))
    harness.model.users.clear()
    harness.restart()
    return harness


def test_the_first_administrator_comes_by_the_first_secret() -> None:
    """Once; whatever the setting is, and everybody is told that he has come."""
    harness = without_accounts()
    stranger = harness.open()
    (about,) = stranger.ask(About())
    assert about.setup is True
    assert register(harness, FIRST, "eve") == "ok"
    assert harness.model.users[UserName("eve")].role == "admin"
    assert harness.set_up == 1
    (about,) = stranger.ask(About())
    assert about.setup is False
    assert register(harness, FIRST, "fay") is RejectCode.BAD_CREDENTIALS
    (welcome,) = harness.open().hello(name=GuestName("eve"), password=Secret("right"))
    assert (welcome.role, harness.set_up) == ("admin", 1)


def test_a_restart_offers_it_anew_until_it_was_used() -> None:
    """Also where there are accounts by then, and none of them administers."""
    harness = without_accounts()
    harness.model.setup = b"of before"
    harness.restart()
    assert register(harness, Secret("of before"), "eve") is RejectCode.BAD_CREDENTIALS
    harness.model.users[BOB] = UserRow(BOB, BOB, "user")
    harness.restart()
    assert harness.chat.durable.awaits_admin
    assert register(harness, FIRST, "eve") == "ok"
    harness.restart()
    assert not harness.chat.durable.awaits_admin
    assert harness.model.setup is None


def test_where_there_are_accounts_nobody_is_waited_for() -> None:
    """The operator has begun without it, and goes on so."""
    harness = Harness()
    for name in (ADA, ANN, CY):
        del harness.model.users[name]
    harness.restart()
    assert not harness.chat.durable.awaits_admin
    assert register(harness, FIRST, "eve") is RejectCode.BAD_CREDENTIALS


@pytest.mark.parametrize("how", ["terminal", "issuer", "role"])
def test_who_becomes_administrator_otherwise_takes_its_place(how: str) -> None:
    """By the command line, or by an outside issuer's word: the secret is void."""
    harness = without_accounts()
    peer = harness.open()
    peer.say(Register(GuestName("eve"), NEW, invite=FIRST))
    harness.run_look_up()
    harness.model.users[ANN] = UserRow(ANN, ANN, "admin")
    if how == "terminal":
        harness.give_role(ANN, AccountRole.ADMIN)
    elif how == "role":
        draft = d.SetAccountRole(ANN, AccountRole.ADMIN)
        harness.drafts.append(Origin(None, None, draft))
        harness.drafts.rotate(1)
    else:
        harness.user("ann")
    harness.settle()
    assert code(peer.take()[0]) is RejectCode.BAD_INVITATION
    assert harness.set_up == 1
    assert register(harness, FIRST, "fay") is RejectCode.BAD_CREDENTIALS
    harness.restart()
    assert not harness.chat.durable.awaits_admin


def test_another_role_is_nobody_who_is_waited_for() -> None:
    """An issuer says that somebody is a bot: that changes nothing here."""
    harness = without_accounts()
    harness.model.users[ANN] = UserRow(ANN, ANN, "user")
    harness.user("ann")
    harness.drafts.append(Origin(None, None, d.SetAccountRole(ANN, AccountRole.BOT)))
    harness.settle()
    assert (harness.set_up, harness.chat.durable.users[ANN].role) == (0, "bot")
    assert register(harness, FIRST, "eve") == "ok"


# --- links ------------------------------------------------------------------------


def link_of(peer: Peer) -> Secret:
    """The secret of a new link."""
    (linked,) = peer.ask(Link())
    assert isinstance(linked, Linked), linked
    return Secret(linked.secret)


@pytest.mark.parametrize("is_guest", [False, True])
def test_ones_other_device_comes_in_by_a_link(*, is_guest: bool) -> None:
    """As the same person, with a session of its own; once."""
    harness = Harness(FREE)
    desk = harness.guest(LOBBY) if is_guest else harness.user("ann", LOBBY)
    (linked,) = desk.ask(Link(id=5))
    assert (linked.expires, linked.id) == (harness.now.wall + 300_000, 5)
    phone, other = harness.open(), harness.open()
    (welcome,) = phone.hello(link=Secret(linked.secret))
    assert isinstance(welcome, Welcome)
    assert harness.user_of(phone) == harness.user_of(desk)
    assert [entry.room for entry in welcome.rooms] == [LOBBY]
    assert desk.ending is None
    assert code(other.hello(link=Secret(linked.secret))[0]) is (
        RejectCode.BAD_CREDENTIALS
    )


def test_of_two_who_come_at_once_one_comes_in() -> None:
    """Both were verified; the writer decides."""
    harness = Harness(FREE)
    secret = link_of(harness.user("ann"))
    one, other = harness.open(), harness.open()
    for peer in (one, other):
        peer.say(Hello(link=secret))
    harness.settle()
    assert [one.take()[0].type, other.take()[0].type] == ["welcome", "error"]
    assert len(harness.model.sessions) == 2


def test_a_new_link_takes_the_place_of_the_last_one() -> None:
    """Each session has one; that of another session stays."""
    harness = Harness(FREE)
    ann, again = harness.user("ann"), harness.user("ann")
    old, others = link_of(ann), link_of(again)
    new = link_of(ann)
    assert harness.open().hello(link=old)[0].type == "error"
    for secret in (new, others):
        assert harness.open().hello(link=secret)[0].type == "welcome"


def test_a_link_ends_with_its_session() -> None:
    """Before it is used, and while it is."""
    harness = Harness(FREE)
    ann = harness.user("ann")
    secret = link_of(ann)
    ann.ask(Logout())
    assert harness.open().hello(link=secret)[0].type == "error"
    ann = harness.user("ann")
    secret, phone = link_of(ann), harness.open()
    phone.say(Hello(link=secret))
    harness.run_look_up()
    ann.say(Logout())
    harness.drafts.rotate(1)
    harness.settle()
    assert phone.take()[0].type == "error"
    assert ann.ending is Ending.LOGOUT
    assert not harness.model.sessions


def test_a_link_allows_no_more_than_who_made_it() -> None:
    """Its scope and its end are the first one's; who may nothing makes none."""
    harness = Harness(FREE)
    ends = harness.now.wall + 60_000
    harness.tokens["t"] = Renewal(None, ends, Scope.of(None, ["link"]))
    harness.tokens["u"] = Renewal(None, ends, Scope.of(None, ["send"]))
    narrow, mute = harness.open(), harness.open()
    narrow.hello(token=Secret("t"))
    mute.hello(token=Secret("u"))
    assert code(mute.ask(Link())[0]) is RejectCode.FORBIDDEN
    phone = harness.open()
    phone.hello(link=link_of(narrow))
    assert code(phone.ask(Send(Text("hi"), LOBBY))[0]) is RejectCode.FORBIDDEN
    harness.wait(61)
    assert phone.ending is Ending.EXPIRED


@pytest.mark.parametrize("private", [False, True])
def test_what_an_invitation_depends_on_is_read(private: bool) -> None:
    """Who has made it, and where it leads, though nobody of that room is here."""
    harness = Harness(FREE)
    ann = harness.user("ann")
    (created, *_) = [
        frame
        for frame in ann.ask(
            Create(private=True) if private else Create(PublicRoom("team"))
        )
        if isinstance(frame, Created)
    ]
    harness.give_role(ANN, AccountRole.ADMIN)
    made = invited(harness.user("ann"), room=created.room)
    harness.restart()
    assert register(harness, made) == "ok"
    assert UserName("eve") in harness.model.rooms[created.room].members
    harness.wait(IDLE_S)
    assert set(harness.chat.durable.rooms) == {LOBBY}


def test_who_is_no_administrator_any_more_finds_his_own_invitations() -> None:
    """Behind those of others, which were read for him and are not shown any more."""
    harness = Harness()
    ada, operator = harness.user("ada"), harness.open(is_operator=True)
    ada.ask(CreateInvitation())
    for _ in range(2):
        operator.ask(CreateInvitation())
    ada.say(Invitations(limit=PageLimit(2)))
    answer = harness.look_up(harness.look_ups.pop())
    ada.take()
    harness.give_role(ADA, AccountRole.USER)
    harness.handle(answer)
    page = ada.take()[-1]
    assert (page.invitations, page.next) == ([], 2)
    (rest,) = ada.ask(Invitations(after=page.next))
    assert [one.invitation for one in rest.invitations] == [1]
