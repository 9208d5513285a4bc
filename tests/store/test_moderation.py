"""What `chatd.ports.Store` promises of roles, bans and settings, on every store."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chatd.core import changes
from chatd.core import drafts as d
from chatd.core.entities import INVITE_MS, Invite, Membership, Sanction
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import MemberChange, Role, Visibility
from chatd.errors import RejectCode
from chatd.ids import OPERATOR, Cid, Epoch, RoomName, Seq, UserName
from chatd.ports import Store
from chatd.wire import events as e
from chatd.wire.events import DAY_MS
from chatd.wire.kinds import SlowSeconds, Topic
from tests.store.support import (
    ANN,
    BOB,
    CY,
    EPOCH,
    LOBBY,
    STORED,
    T0,
    Site,
    Stored,
    delete,
    fill,
    one,
    page,
    refused,
    row,
    say,
    seqs,
    timeline,
)

DEN = RoomName("den")
PRIVATE = RoomName("~abcdefghijklmnop")
NOBODY = UserName("nobody")
NOWHERE = RoomName("nowhere")


def act(
    change: str, target: UserName = BOB, cid: str | None = None, **fields: Any
) -> d.Moderate:
    """An act of ann's in the lobby."""
    room = fields.pop("room", LOBBY)
    return d.Moderate(
        room, ANN, Cid(cid) if cid else None, target, MemberChange(change), **fields
    )


def settings(cid: str | None = None, **changes: Any) -> d.SetRoom:
    """Settings that ann changes in the lobby."""
    return d.SetRoom(LOBBY, ANN, Cid(cid) if cid else None, changes)


def member(seq: int, change: str, user: UserName = BOB, **said: Any) -> e.Member:
    """The event of an act of ann's."""
    return e.Member(LOBBY, Seq(seq), T0, ANN, user, MemberChange(change), **said)


# --- acts ---------------------------------------------------------------------


async def test_each_act_is_an_event_and_a_change(store: Store) -> None:
    """With who did it, to whom, and what was said; told as it was by a replay."""
    acts = [
        act("invite", CY),
        act("mute", seconds=60, reason="noise"),
        act("unmute"),
        act("role", role="moderator"),
        act("mute", CY),
        act("kick", reason="bye"),
        act("uninvite", CY),
        act("ban", CY, seconds=5),
        act("unban", CY),
    ]
    expected = [
        member(1, "invite", CY),
        member(2, "mute", until=T0 + 60_000, reason="noise"),
        member(3, "unmute"),
        member(4, "role", role="moderator"),
        member(5, "mute", CY),
        member(6, "kick", reason="bye"),
        member(7, "uninvite", CY),
        member(8, "ban", CY, until=T0 + 5_000),
        member(9, "unban", CY),
    ]
    outcomes = await store.commit(acts, T0)
    assert outcomes == [Stored(event) for event in expected]
    assert await timeline(store) == expected
    room = await row(store)
    assert room.members == {ANN: Membership(Role.OWNER, Seq(0))}
    assert room.bans == {}
    assert room.invites == {CY: Invite(ANN, T0, T0 + DAY_MS)}
    assert room.mutes == {CY: Sanction(None, None)}


async def test_what_an_act_leaves_is_there_at_the_start(store: Store) -> None:
    """Bans, mutes and invitations with their end, reason, sender and time."""
    await store.commit(
        [
            act("invite", CY),
            act("mute", CY, reason="noise"),
            act("ban", BOB, seconds=60),
            act("mute", ANN, seconds=60),
        ],
        T0,
    )
    room = await row(store)
    assert room.bans == {BOB: Sanction(T0 + 60_000, None)}
    assert room.mutes == {
        ANN: Sanction(T0 + 60_000, None),
        CY: Sanction(None, "noise"),
    }
    assert room.invites == {CY: Invite(ANN, T0)}


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (act("kick"), None),
        (act("invite", CY), act("invite", CY)),
        (act("role", role="moderator"), act("role", role="moderator")),
        (act("ban", reason="x"), act("ban", reason="x")),
        (act("ban"), act("ban", reason="x")),
        (act("ban"), act("ban", seconds=5)),
        (act("mute"), act("mute")),
        (act("mute", seconds=5), act("mute")),
        (None, act("unban")),
        (None, act("unmute")),
        (None, act("invite")),
        (None, act("uninvite")),
        (None, act("decline", CY)),
        (act("invite", CY), act("uninvite", CY)),
        (None, act("role", role="member")),
    ],
)
async def test_what_changes_nothing_is_a_duplicate(
    store: Store, first: d.Moderate | None, again: d.Moderate | None
) -> None:
    """With the head of the room; another end or reason is a change."""
    await one(store, say("a"), T0 - 5)
    if first is not None:
        assert seqs([await one(store, first)]) == [2]
    if again is not None:
        changes = first is not None and attrs.astuple(first) != attrs.astuple(again)
        outcome = await one(store, again)
        if changes:
            assert seqs([outcome]) == [3]
        elif first is None:
            assert outcome == d.Duplicate(Seq(1), T0 - 5)
        else:
            assert outcome == d.Duplicate(Seq(2), T0)


async def test_a_ban_removes_whoever_came_back_in_between(store: Store) -> None:
    """The same ban is no duplicate while its user is in the room."""
    await store.commit([act("ban"), d.SetMember(LOBBY, BOB, Role.MEMBER, True)], T0)
    outcome = await one(store, act("ban"))
    assert seqs([outcome]) == [3]
    assert list((await row(store)).members) == [ANN]


async def test_acts_on_strangers_are_refused(store: Store) -> None:
    """An unknown user, and for kick and role who is not there, is `no_user`."""
    outcomes = await store.commit(
        [
            act("ban", NOBODY),
            act("kick", CY),
            act("role", CY, role="owner"),
            act("mute", room=NOWHERE),
            d.SetRoom(NOWHERE, ANN, None, {"topic": "x"}),
            d.Moderate(LOBBY, NOBODY, None, BOB, MemberChange.KICK),
        ],
        T0,
    )
    no_user, no_room = RejectCode.NO_USER, RejectCode.NO_ROOM
    assert [refused(outcome) for outcome in outcomes] == [
        *[no_user] * 3,
        *[no_room] * 2,
        no_user,
    ]
    assert await timeline(store) == []


async def test_the_operator_acts_though_he_is_no_user(store: Store) -> None:
    """He is named in the timeline, and remembered by his cid."""
    await fill(store)
    kick = d.Moderate(LOBBY, OPERATOR, Cid("k"), BOB, MemberChange.KICK)
    first = await one(store, kick)
    assert isinstance(first, d.Committed)
    again = await one(store, kick)
    assert isinstance(again, d.Duplicate)
    assert again.recalled
    assert await timeline(store) == [
        e.Member(LOBBY, Seq(1), T0, OPERATOR, BOB, MemberChange.KICK)
    ]
    end = await one(store, d.DestroyRoom(LOBBY, OPERATOR, None))
    assert isinstance(end, d.Committed)


async def test_an_act_is_remembered_by_its_cid(store: Store) -> None:
    """The same again stores nothing, whatever became of it; other content conflicts."""
    outcomes = await store.commit(
        [
            act("kick", cid="x", reason="bye"),
            act("kick", cid="x", reason="bye"),
            act("kick", cid="x"),
            act("mute", cid="x"),
            settings(cid="y", topic="tea"),
            settings(cid="y", topic="tea"),
            settings(cid="y", topic="leaves"),
            d.Recall(act("kick", cid="x", reason="bye"), d.Refused("x", "no")),  # type: ignore[arg-type]
        ],
        T0,
    )
    assert [type(outcome) for outcome in outcomes] == [
        d.Committed,
        d.Duplicate,
        d.Conflict,
        d.Conflict,
        d.Committed,
        d.Duplicate,
        d.Conflict,
        d.Duplicate,
    ]
    assert seqs(outcomes) == [1, 1, 0, 0, 2, 2, 0, 1]


async def test_until_follows_the_rooms_time(store: Store) -> None:
    """A clock that steps back gives no ban that has lapsed already."""
    await one(store, say("a"), T0 + 1000)
    outcome = await one(store, act("ban", seconds=1))
    assert isinstance(outcome, d.Committed)
    assert isinstance(outcome.event, e.Member)
    assert outcome.event.until == T0 + 2000


async def test_sanctions_and_invitations_lapse(store: Store) -> None:
    """Told by no start that comes later; an invitation may then be made again."""
    await store.commit(
        [act("ban", seconds=1), act("mute", CY, seconds=1), act("invite", CY)], T0
    )
    room = await row(store, now=T0 + 999)
    assert (len(room.bans), len(room.mutes), len(room.invites)) == (1, 1, 1)
    assert isinstance(await one(store, act("invite", CY), T0 + 999), d.Duplicate)
    room = await row(store, now=T0 + 1000)
    assert (room.bans, room.mutes) == ({}, {})
    later = T0 + INVITE_MS
    assert seqs([await one(store, act("invite", CY), later)]) == [4]
    assert (await row(store, now=later)).invites == {CY: Invite(ANN, later)}
    assert (await row(store, now=later + INVITE_MS)).invites == {}


async def test_becoming_a_member_uses_up_an_invitation_and_a_lapsed_ban(
    store: Store,
) -> None:
    """A ban voids the invitation, too, which keeps the next one away."""
    await store.commit(
        [
            act("invite", CY),
            act("mute", CY),
            act("ban", CY, seconds=1),
            act("unban", CY),
            act("ban", CY, seconds=1),
        ],
        T0,
    )
    assert (await row(store)).invites == {CY: Invite(ANN, T0, T0 + DAY_MS)}
    await store.commit(
        [act("invite", CY), d.SetMember(LOBBY, CY, Role.MEMBER, event=True)], T0
    )
    room = await row(store)
    assert (room.invites, room.bans) == ({}, {})
    assert room.mutes == {CY: Sanction(None, None)}


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        (["invite", "uninvite"], T0 + DAY_MS),
        (["invite", "decline"], T0 + INVITE_MS),
        (["invite", "decline", "ban"], T0 + INVITE_MS),
        (["invite", "ban", "decline"], T0 + DAY_MS),
        (["invite", "uninvite", "invite"], None),
    ],
)
async def test_what_ends_an_invitation_is_kept_as_long_as_it_matters(
    store: Store, changes: list[str], until: int | None
) -> None:
    """The longest time counts; a new one is open again."""
    await store.commit([act(change, CY) for change in changes], T0)
    assert (await row(store)).invites == {CY: Invite(ANN, T0, until)}
    ends = T0 + INVITE_MS if until is None else until
    assert (await row(store, now=ends - 1)).invites == {CY: Invite(ANN, T0, until)}
    assert (await row(store, now=ends)).invites == {}


async def test_a_moderator_deletes_what_is_not_his(store: Store) -> None:
    """Whether he is one, the draft says."""
    await store.commit([say("a"), say("b")], T0)
    outcomes = await store.commit(
        [
            delete(1, user=BOB),
            attrs.evolve(delete(1, user=BOB), moderates=True),
            attrs.evolve(delete(1, user=BOB), moderates=True),
        ],
        T0,
    )
    assert [refused(outcome) for outcome in outcomes] == [
        RejectCode.FORBIDDEN,
        None,
        RejectCode.NO_MESSAGE,
    ]
    assert [message.text for message in await page(store)] == [None, "b"]
    (event,) = [x for x in await timeline(store) if isinstance(x, e.Delete)]
    assert event.sender == BOB


async def test_ones_own_is_deleted_wherever_it_is(store: Store) -> None:
    """Below what one may read, and by who is not in the room, who is told what he is
    told of a room that is not there, whatever else he asks for.
    """
    await store.commit([say("a"), say("b"), say("c", user=BOB), say("d", user=BOB)], T0)
    unseen = d.Refused(RejectCode.NO_ROOM, "there is no room", "room")

    def out(of: int, cid: str = "", **changes: Any) -> d.DeleteMessage:
        return attrs.evolve(delete(of, cid), otherwise=unseen, **changes)

    outcomes = await store.commit(
        [
            attrs.evolve(delete(1), first=Seq(3)),
            attrs.evolve(delete(3), first=Seq(3), moderates=True),
            attrs.evolve(delete(4), first=Seq(5), moderates=True),
            out(2, "x"),
            out(2, "x"),
            out(2),
            out(1),
            out(4),
            out(99),
            out(2, room=RoomName("nowhere")),
            out(2, user=UserName("nobody")),
            out(4, "x"),
        ],
        T0,
    )
    assert seqs(outcomes) == [5, 6, 0, 7, 7, 0, 0, 0, 0, 0, 0, 0]
    assert refused(outcomes[2]) is RejectCode.NO_MESSAGE
    assert outcomes[4] == d.Duplicate(Seq(7), T0)
    assert outcomes[5:11] == [unseen] * 6
    assert outcomes[11] == d.Conflict()
    assert [message.text for message in await page(store)] == [None, None, None, "d"]


# --- members ------------------------------------------------------------------


@pytest.mark.parametrize(("event", "first"), [(True, 3), (False, 3)])
async def test_a_newcomer_reads_from_his_join_on(
    store: Store, event: bool, first: int
) -> None:
    """With `since_join`: from his own join's event, or from what follows it."""
    await store.commit([say("a"), say("b")], T0)
    await one(store, d.SetMember(LOBBY, CY, Role.MEMBER, event, since_join=True))
    firsts = {name: m.first for name, m in (await row(store)).members.items()}
    assert firsts == {ANN: 1, BOB: 1, CY: first}
    # Another role is no other beginning.
    await one(store, act("role", CY, role="moderator"))
    await one(store, d.SetMember(LOBBY, CY, Role.OWNER, event=False, since_join=True))
    firsts = {name: m.first for name, m in (await row(store)).members.items()}
    assert firsts[CY] == first
    # Who is in already, as another node's member may be, is told from where.
    again = await one(store, d.SetMember(LOBBY, CY, Role.OWNER, event, since_join=True))
    same = changes.MemberSet(LOBBY, CY, Role.OWNER, Seq(first))
    assert again == d.Duplicate(changes=(same,))


async def test_the_last_owner_does_not_leave_others_alone(store: Store) -> None:
    """Refused while there are others of whom none is an owner; alone he may go."""
    leave = d.SetMember(LOBBY, ANN, None, event=True)
    outcome = await one(store, leave)
    assert refused(outcome) == RejectCode.FORBIDDEN
    await one(store, act("role", role="owner"))
    assert seqs(await store.commit([leave], T0)) == [2]
    assert seqs([await one(store, d.SetMember(LOBBY, BOB, None, event=True))]) == [3]
    assert (await row(store)).members == {}


# --- settings -----------------------------------------------------------------


async def test_settings_are_changed_and_told(store: Store) -> None:
    """The event tells what differs from before; the default is told as well."""
    outcomes = await store.commit(
        [
            settings(topic="tea", slow_s=5),
            settings(topic="tea", history="since_join"),
            settings(topic="tea"),
            settings(slow_s=0),
        ],
        T0,
    )
    events = [
        e.Room(LOBBY, Seq(1), T0, ANN, topic=Topic("tea"), slow_s=SlowSeconds(5)),
        e.Room(LOBBY, Seq(2), T0, ANN, history=Visibility.SINCE_JOIN),
        e.Room(LOBBY, Seq(3), T0, ANN, slow_s=SlowSeconds(0)),
    ]
    assert outcomes == [
        Stored(events[0]),
        Stored(events[1]),
        d.Duplicate(Seq(2), T0),
        Stored(events[2]),
    ]
    assert await timeline(store) == events
    room = await row(store)
    assert room.settings == RoomSettings(topic="tea", history="since_join")


async def test_declared_settings_replace_all_that_were(store: Store) -> None:
    """And tell the timeline nothing."""
    await one(store, settings(topic="tea", slow_s=5))
    declared = RoomSettings(post="moderators")
    assert await one(store, d.DeclareRoom(LOBBY, declared)) == STORED
    assert (await row(store)).settings == declared
    assert len(await timeline(store)) == 1


# --- creating -----------------------------------------------------------------


def create(room: RoomName = DEN, cid: str = "x", **fields: Any) -> d.CreateRoom:
    """A room of ann's."""
    kept = RoomSettings(**fields)
    return d.CreateRoom(room, EPOCH, kept, {ANN: Role.OWNER}, event=True, cid=Cid(cid))


async def test_a_creation_is_remembered_by_its_cid(site: Site) -> None:
    """A retry learns which room it made, also of a drawn name, over a restart."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        outcomes = await store.commit(
            [
                create(),
                create(),
                create(topic="tea"),
                create(RoomName("other")),
                create(PRIVATE, "y"),
                create(RoomName("~bbbbbbbbbbbbbbbb"), "y"),
                create(DEN, "z"),
                attrs.evolve(create(RoomName("bobs")), members={BOB: Role.OWNER}),
            ],
            T0,
        )
        assert [type(outcome) for outcome in outcomes[:1]] == [d.Committed]
        assert outcomes[1:4] == [d.Duplicate(room=DEN), d.Conflict(), d.Conflict()]
        assert isinstance(outcomes[4], d.Committed)
        assert outcomes[5:7] == [d.Duplicate(room=PRIVATE), d.Duplicate()]
        assert isinstance(outcomes[7], d.Committed)
    async with site.opened() as store:
        await store.load(T0 + 1)
        assert await one(store, create()) == d.Duplicate(room=DEN)


async def test_a_creation_is_recalled_without_making_anything(store: Store) -> None:
    """What its cid made, or a conflict, or the refusal that was given."""
    await one(store, create())
    no = d.Refused(RejectCode.FORBIDDEN, "no more")
    nobodys = attrs.evolve(create(), members={NOBODY: Role.OWNER})
    asked = [
        create(),
        create(topic="tea"),
        create(PRIVATE, "y"),
        attrs.evolve(create(), cid=None),
        attrs.evolve(create(), members={}),
        nobodys,
    ]
    outcomes = await store.commit([d.Recall(draft, no) for draft in asked], T0)
    assert outcomes == [d.Duplicate(room=DEN), d.Conflict(), no, no, no, no]
    assert await store.rooms([PRIVATE]) == []


async def test_a_creation_without_a_creator_remembers_nothing(store: Store) -> None:
    """There is nobody whose cid it is; an unknown one is refused."""
    empty = d.CreateRoom(DEN, EPOCH, PLAIN, {}, cid=Cid("x"))
    assert await store.commit([empty, empty], T0) == [STORED, d.Duplicate()]
    nobodys = d.CreateRoom(
        RoomName("x"), Epoch("a" * 16), PLAIN, {NOBODY: Role.OWNER}, cid=Cid("x")
    )
    assert refused(await one(store, nobodys)) == RejectCode.NO_USER
