"""What the port promises of who gets in, and by what, on every implementation."""

from __future__ import annotations

from chatd.core import drafts as d
from chatd.ids import UserName
from chatd.ports import Store
from chatd.store import answers
from tests.store.support import ANN, LOBBY, T0, Site, one, session_id

GUEST = UserName("dan~4f7k")


# --- what the place is called ---------------------------------------------------


async def test_the_place_is_called_as_it_was_called_last(site: Site) -> None:
    """Nobody has said, somebody has, somebody else has; over a restart."""
    async with site.opened() as store:
        assert (await store.load(T0)).place is None
        assert await one(store, d.SetPlace("Northwind")) == d.Committed()
        assert await one(store, d.SetPlace("Northwind")) == d.Duplicate()
        assert (await store.load(T0)).place == "Northwind"
        await store.commit([d.SetPlace("a"), d.SetPlace("北風")], T0)
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
        *[d.Committed()] * 3,
        answers.SESSION_GONE,
        d.Committed(),
    ]
    assert await store.session(session_id("c")) is None
    assert await store.session(session_id("d")) is not None


async def test_a_guest_with_two_sessions_is_there_till_the_last(store: Store) -> None:
    """His memberships go with that, however it ends."""
    new = d.AddUser(GUEST, "dan", "guest", None)
    first, second = session_id("a"), session_id("b")
    await store.commit(
        [
            d.OpenSession(first, GUEST, None, T0, new),
            d.OpenSession(second, GUEST, None, T0, beside=first),
            d.SetMember(LOBBY, GUEST, "member", event=False),
            d.EndSession(first),
        ],
        T0,
    )
    snapshot = await store.load(T0)
    assert [row.session for row in snapshot.guest_sessions] == [second]
    assert GUEST in [row.user for room in snapshot.rooms for row in room.members]
    await one(store, d.EndSession(second))
    snapshot = await store.load(T0)
    assert GUEST not in [row.user for room in snapshot.rooms for row in room.members]


async def test_of_a_guests_sessions_the_one_ends_that_was_idle_longest(
    store: Store,
) -> None:
    """As of an account's."""
    new = d.AddUser(GUEST, "dan", "guest", None)
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
    assert outcome.ended == (ids[1],)
