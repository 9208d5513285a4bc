"""What the port promises of who gets in, and by what, on every implementation."""

from __future__ import annotations

from chatd.core import drafts as d
from chatd.core.changes import MemberSet, SessionsEnded, UserAdded
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Role
from chatd.errors import RejectCode
from chatd.ids import OPERATOR, Epoch, RoomName, Seq, UserName
from chatd.ports import Store
from chatd.store import answers
from tests.store.support import (
    ANN,
    BOB,
    DAY,
    LOBBY,
    STORED,
    T0,
    Site,
    fill,
    one,
    refused,
    row,
    session_id,
)

GUEST = UserName("dan~4f7k")
EVE, FAY = UserName("eve"), UserName("fay")
SECRET, OTHER = b"i" * 32, b"o" * 32


# --- what the place is called ---------------------------------------------------


async def test_the_place_is_called_as_it_was_called_last(site: Site) -> None:
    """Nobody has said, somebody has, somebody else has; over a restart."""
    async with site.opened() as store:
        assert (await store.load(T0)).place is None
        assert await one(store, d.SetPlace("Northwind", OPERATOR)) == STORED
        assert await one(store, d.SetPlace("Northwind", OPERATOR)) == d.Duplicate()
        assert (await store.load(T0)).place == "Northwind"
        await store.commit(
            [d.SetPlace("a", OPERATOR), d.SetPlace("北風", OPERATOR)], T0
        )
    async with site.opened() as store:
        assert (await store.load(T0)).place == "北風"


# --- a session beside another -----------------------------------------------------


async def test_a_session_is_opened_beside_one_that_is_there(store: Store) -> None:
    """Not beside one that has ended, in the same batch even; nor with a new user."""
    first, second = session_id("a"), session_id("b")
    outcomes = await store.commit(
        [
            d.OpenSession(first, ANN, None, T0),
            d.OpenSession(second, ANN, None, T0, beside=first),
            d.EndSession(first),
            d.OpenSession(session_id("c"), ANN, None, T0, beside=first),
            d.OpenSession(session_id("d"), ANN, None, T0, beside=second),
        ],
        T0,
    )
    assert outcomes == [
        *[STORED] * 3,
        answers.SESSION_GONE,
        STORED,
    ]
    assert await store.session(session_id("c")) is None
    assert await store.session(session_id("d")) is not None


async def test_a_guest_with_two_sessions_is_there_till_the_last(store: Store) -> None:
    """His memberships go with that, however it ends."""
    new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    first, second = session_id("a"), session_id("b")
    await store.commit(
        [
            d.OpenSession(first, GUEST, None, T0, new),
            d.OpenSession(second, GUEST, None, T0, beside=first),
            d.SetMember(LOBBY, GUEST, Role.MEMBER, event=False),
            d.EndSession(first),
        ],
        T0,
    )
    snapshot = await store.load(T0)
    assert [row.session for row in snapshot.guest_sessions] == [second]
    assert GUEST in (await row(store)).members
    ended = await one(store, d.EndSession(second))
    assert ended == d.Committed((SessionsEnded((second,), GUEST, left=True),))
    assert GUEST not in (await row(store)).members


async def test_of_a_guests_sessions_the_one_ends_that_was_idle_longest(
    store: Store,
) -> None:
    """As of an account's."""
    new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
    ids = [session_id(word) for word in "abcd"]
    await one(store, d.OpenSession(ids[0], GUEST, None, T0, new))
    for number, session in enumerate(ids[1:3], 1):
        await one(store, d.OpenSession(session, GUEST, None, T0, beside=ids[0]))
        await one(store, d.SaveMarks({}, {session: T0 + number}))
    opened = d.OpenSession(
        ids[3], GUEST, None, T0, most=3, held=(ids[0],), beside=ids[0]
    )
    outcome = await one(store, opened)
    assert isinstance(outcome, d.Committed)
    assert outcome.changes[-1] == SessionsEnded((ids[1],), GUEST)


# --- invitations ------------------------------------------------------------------


def invitation(
    digest: bytes = SECRET,
    maker: UserName = ANN,
    room: RoomName | None = None,
    role: AccountRole = AccountRole.USER,
    uses: int = 1,
) -> d.AddInvitation:
    """An invitation for a week."""
    return d.AddInvitation(digest, maker, room, role, uses, T0, T0 + 7 * DAY)


def enroll(name: UserName = EVE, digest: bytes = SECRET, **fields: object) -> d.Enroll:
    """Somebody comes by one."""
    role = AccountRole(str(fields.pop("role", "user")))
    account = d.AddUser(name, name, role, "hash")
    return d.Enroll(account, digest, T0, **fields)  # type: ignore[arg-type]


async def test_an_invitation_is_kept_with_who_came_by_it(site: Site) -> None:
    """Over a restart; its number is never another's."""
    async with site.opened() as store:
        await store.load(T0)
        await fill(store)
        made = await store.commit([invitation(uses=2), invitation(OTHER, BOB)], T0)
        assert made == [d.Invited(number=1), d.Invited(number=2)]
        assert await one(store, enroll()) == STORED
    async with site.opened() as store:
        await store.load(T0)
        found = await store.invitation(SECRET)
        assert found is not None
        assert (found.number, found.maker, found.uses, found.used) == (1, ANN, 2, 1)
        assert found.users == []
        page, more = await store.invitations(None, None, 1)
        assert ([kept.number for kept in page], more) == ([2], True)
        page, more = await store.invitations(None, 2, 5)
        assert ([kept.users for kept in page], more) == ([[EVE]], False)
        page, _ = await store.invitations(BOB, None, 5)
        assert [kept.number for kept in page] == [2]
        assert (await store.invitations(BOB, 2, 5))[0] == []
        await one(store, d.RemoveInvitation(2, None, ANN))
        assert await store.invitation(OTHER) is None
        assert await one(store, invitation(OTHER, BOB)) == d.Invited(number=3)


async def test_one_is_used_by_no_more_than_it_is_for(store: Store) -> None:
    """In one batch even; a refused account uses nothing up."""
    await one(store, invitation(uses=2))
    outcomes = await store.commit(
        [
            enroll(ANN),
            enroll(EVE),
            enroll(EVE),
            enroll(FAY),
            enroll(UserName("gil")),
        ],
        T0,
    )
    assert outcomes == [
        answers.NAME_TAKEN,
        STORED,
        answers.NAME_TAKEN,
        STORED,
        d.INVITATION_USED,
    ]
    assert await store.user(UserName("gil")) is None
    row = await store.user(EVE)
    assert row is not None
    assert (row.role, row.password_hash) == ("user", "hash")


async def test_what_lets_nobody_in(store: Store) -> None:
    """One that is not there, has ended, or was taken back."""
    assert await one(store, enroll()) == d.BAD_INVITATION
    await one(store, invitation())
    late = enroll()
    late.now = T0 + 7 * DAY
    assert await one(store, late) == d.INVITATION_EXPIRED
    assert await one(store, d.RemoveInvitation(1, BOB, BOB)) == answers.NO_INVITATION
    assert await one(store, d.RemoveInvitation(1, ANN, ANN)) == STORED
    assert await one(store, d.RemoveInvitation(1, ANN, ANN)) == answers.NO_INVITATION
    assert await one(store, enroll()) == d.BAD_INVITATION
    nobody = UserName("nobody")
    refusals = await store.commit(
        [
            invitation(maker=nobody),
            invitation(room=RoomName("nowhere")),
            d.RemoveInvitation(1, nobody, nobody),
        ],
        T0,
    )
    codes = [RejectCode.NO_USER, RejectCode.NO_ROOM, RejectCode.NO_USER]
    assert [refused(refusal) for refusal in refusals] == codes


async def test_one_secret_is_one_invitation(store: Store) -> None:
    """A second one of the same is a fault of whoever draws them."""
    await one(store, invitation())
    assert await one(store, invitation()) == answers.NOT_STORED


async def test_a_user_has_so_many(store: Store) -> None:
    """Used up ones count; the operator has as many as he likes."""
    made = [invitation(bytes([n // 256, n % 256]) * 16) for n in range(500)]
    assert len(await store.commit(made, T0)) == d.INVITATIONS_MAX
    assert await one(store, invitation(OTHER)) == answers.TOO_MANY_INVITATIONS
    await one(store, invitation(OTHER, BOB))
    await one(store, d.RemoveInvitation(1, ANN, ANN))
    await one(store, invitation())


async def test_who_comes_is_in_the_room_at_once(store: Store) -> None:
    """With an event where the room is told; reading what the room lets him."""
    tea = RoomName("tea")
    await store.commit(
        [
            d.CreateRoom(tea, Epoch("b" * 16), PLAIN, {}),
            invitation(room=LOBBY, uses=9),
            invitation(OTHER, room=tea, uses=9),
        ],
        T0,
    )
    outcome = await one(store, enroll(EVE, room=LOBBY, event=True))
    assert isinstance(outcome, d.Committed)
    assert outcome.event is not None
    assert (outcome.event.room, outcome.event.seq) == (LOBBY, 1)
    await one(store, d.SetRoom(LOBBY, ANN, None, {"history": "since_join"}))
    outcome = await one(store, enroll(FAY, room=LOBBY))
    added = UserAdded(FAY, FAY, AccountRole.USER)
    assert outcome == d.Committed((added, MemberSet(LOBBY, FAY, Role.MEMBER, Seq(3))))
    owner = await one(store, enroll(UserName("gil"), OTHER, room=tea, event=True))
    assert isinstance(owner, d.Committed)
    assert getattr(owner.event, "role", None) == "owner"
    members = (await row(store)).members
    assert (members[EVE].role, members[EVE].first) == ("member", 1)
    assert members[FAY].first == Seq(3)
    gone = await one(store, enroll(UserName("hal"), room=RoomName("nowhere")))
    assert gone == STORED


async def test_it_leads_into_no_room_that_has_ended(store: Store) -> None:
    """It stays, and so does who came by it."""
    await one(store, invitation(room=LOBBY, uses=9))
    found = await store.invitation(SECRET)
    assert found is not None
    assert found.room == LOBBY
    await one(store, d.RenameRoom(LOBBY, ANN, None, RoomName("hall")))
    found = await store.invitation(SECRET)
    assert found is not None
    assert found.room == "hall"
    await one(store, d.DestroyRoom(RoomName("hall"), ANN, None))
    found = await store.invitation(SECRET)
    assert found is not None
    assert found.room is None
    assert await one(store, enroll(room=RoomName("hall"))) == STORED


async def test_who_is_erased_has_no_invitations(store: Store) -> None:
    """Nor is it told any more by which one he came."""
    await store.commit(
        [invitation(uses=9), invitation(OTHER, BOB), enroll(EVE), enroll(FAY)], T0
    )
    await one(store, d.EraseUser(EVE, "hash", None))
    page, _ = await store.invitations(ANN, None, 5)
    assert [(kept.used, kept.users) for kept in page] == [(2, [FAY])]
    await one(store, d.EraseUser(ANN, None, None))
    page, _ = await store.invitations(None, None, 5)
    assert [kept.maker for kept in page] == [BOB]
    assert await store.invitation(SECRET) is None


# --- the first administrator ------------------------------------------------------


async def test_the_first_administrator_is_waited_for_once(site: Site) -> None:
    """In a new store, by the secret that was offered last, until there is one."""
    async with site.opened() as store:
        await store.load(T0)
        offers = [d.OfferSetup(SECRET), d.OfferSetup(OTHER)]
        assert await store.commit(offers, T0) == [STORED] * 2
        assert await store.invitation(SECRET) is None
        found = await store.invitation(OTHER)
        assert found is not None
        assert (found.number, found.role, found.expires) == (0, "admin", None)
        await one(store, d.AddUser(BOB, "bob", AccountRole.USER, None))
    async with site.opened() as store:
        await store.load(T0)
        assert await one(store, d.OfferSetup(SECRET)) == STORED
        outcomes = await store.commit(
            [
                enroll(EVE, OTHER, role="admin"),
                enroll(EVE, role="admin"),
                enroll(FAY, role="admin"),
            ],
            T0,
        )
        assert outcomes == [
            d.BAD_INVITATION,
            STORED,
            d.BAD_INVITATION,
        ]
        assert await one(store, d.OfferSetup(OTHER)) == d.Duplicate()
        assert await store.invitation(OTHER) is None


async def test_nobody_is_waited_for_where_there_are_accounts(site: Site) -> None:
    """Guests are none; one that was erased is, and an administrator ends it."""
    async with site.opened() as store:
        await store.load(T0)
        new = d.AddUser(GUEST, "dan", AccountRole.GUEST, None)
        await one(store, d.OpenSession(session_id("g"), GUEST, None, T0, new))
        assert await one(store, d.OfferSetup(SECRET)) == STORED
        await one(store, d.AddUser(ANN, "ann", AccountRole.ADMIN, None))
        assert await store.invitation(SECRET) is None
        assert await one(store, enroll(role="admin")) == d.BAD_INVITATION
        assert await one(store, d.OfferSetup(SECRET)) == d.Duplicate()
        await one(store, d.SetAccountRole(ANN, AccountRole.USER))
        assert await one(store, d.OfferSetup(SECRET)) == d.Duplicate()
        await one(store, d.EraseUser(ANN, None, None))
        assert await one(store, d.OfferSetup(SECRET)) == d.Duplicate()


# --- links ------------------------------------------------------------------------


async def test_a_link_opens_one_session_beside_its_own(store: Store) -> None:
    """The last one of a session, and while that is there."""
    desk = session_id("desk")

    def opened(word: str, link: bytes) -> d.OpenSession:
        return d.OpenSession(session_id(word), ANN, None, T0, beside=desk, link=link)

    await one(store, d.OpenSession(desk, ANN, None, T0))
    assert await one(store, d.SetLink(desk, SECRET, T0 + 9)) == STORED
    assert await one(store, d.SetLink(desk, OTHER, T0 + 9)) == STORED
    assert await store.linked(SECRET) is None
    found = await store.linked(OTHER)
    assert found is not None
    assert (found[0].session, found[1].user, found[2]) == (desk, ANN, T0 + 9)
    outcomes = await store.commit(
        [opened("a", SECRET), opened("b", OTHER), opened("c", OTHER)], T0
    )
    assert outcomes == [answers.LINK_GONE, STORED, answers.LINK_GONE]
    assert await store.linked(OTHER) is None
    await one(store, d.SetLink(desk, SECRET, T0 + 9))
    await one(store, d.EndSession(desk))
    assert await store.linked(SECRET) is None
    assert await one(store, opened("d", SECRET)) == answers.SESSION_GONE
    assert await one(store, d.SetLink(desk, SECRET, T0)) == answers.SESSION_GONE


async def test_a_new_password_voids_the_link_of_the_session_that_stays(
    store: Store,
) -> None:
    """It was made by whoever knew the old one, too."""
    desk = session_id("desk")
    await store.commit(
        [
            d.OpenSession(desk, ANN, None, T0),
            d.SetLink(desk, SECRET, T0 + 9),
            d.ChangePassword(ANN, "new", None, desk),
        ],
        T0,
    )
    assert await store.session(desk) is not None
    assert await store.linked(SECRET) is None
