"""What a look-up or a change costs, counted in the steps of SQLite's machine.

Each worst case is built twice, the second time four times as large, and the steps
are compared: time is another thing on each machine, steps are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw
import attrs
import pytest

from chatd.core import drafts as d
from chatd.core.mentions import Mentions
from chatd.core.query import parse_query
from chatd.core.settings import PLAIN, RoomSettings
from chatd.enums import AccountRole, MemberChange, Role
from chatd.ids import RoomName, Seq, UserName
from chatd.store.sqlite import listing, load, reader, resident, search
from chatd.store.sqlite.search_index import fill
from chatd.store.sqlite.sql import transaction
from chatd.store.sqlite.writer import Writer
from tests.store.support import (
    ANN,
    BOB,
    CY,
    DAY,
    DIRECT,
    EPOCH,
    LOBBY,
    T0,
    delete,
    edit,
    in_this_thread,
    react,
    say,
)

SMALL, LARGE = 250, 1000
SPARE = 1.1
"""What a deeper tree of keys may add."""


@attrs.define
class Place:
    """A store without a file, in which something has happened `n` times."""

    writer: Writer
    n: int

    @property
    def db(self) -> apsw.Connection:
        return self.writer.db

    def commit(self, drafts: Iterable[d.Draft]) -> list[d.Outcome]:
        outcomes = self.writer.commit(list(drafts), T0).outcomes
        assert not any(isinstance(outcome, d.Refused) for outcome in outcomes)
        return outcomes

    def times(self, make: Callable[[int], d.Draft]) -> None:
        self.commit(make(number) for number in range(self.n))


def place(n: int) -> Place:
    """Ann owns the lobby, bob is in it, and they have a conversation."""
    found = Place(in_this_thread(apsw.Connection(":memory:")), n)
    search.prepare(found.db)
    users = [d.AddUser(name, name, AccountRole.USER, None) for name in (ANN, BOB, CY)]
    rooms = [
        d.CreateRoom(room, EPOCH, PLAIN, {ANN: Role.OWNER, BOB: Role.MEMBER})
        for room in (LOBBY, DIRECT)
    ]
    found.commit([*users, *rooms])
    return found


def steps(db: apsw.Connection, act: Callable[[], object]) -> int:
    """How many steps SQLite makes for an act, and all its statements together."""
    counts: list[int] = []

    def ended(event: dict[str, Any]) -> None:
        counts.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])

    db.trace_v2(apsw.SQLITE_TRACE_PROFILE, ended, id=counts)
    act()
    db.trace_v2(0, None, id=counts)
    assert counts
    return sum(counts)


def direct(draft: Any) -> d.Draft:
    """The same in the conversation of ann and bob, by bob."""
    changed: d.Draft = attrs.evolve(draft, room=DIRECT, user=BOB)
    return changed


def user(number: int) -> UserName:
    """One of many."""
    return UserName(f"u{number}")


def to(draft: d.NewMessage | d.EditMessage, *users: UserName) -> d.Draft:
    """The same, addressing somebody, or everybody."""
    draft.mentions = Mentions(users, everybody=not users)
    return draft


def history(db: apsw.Connection, room: RoomName = LOBBY, viewer: UserName = ANN) -> Any:
    """The newest fifty messages."""
    return reader.history(db, room, None, None, 50, Seq(10**9), viewer)


def eventful(db: apsw.Connection) -> Any:
    """The newest fifty messages, with what happened between them."""
    return reader.history(db, LOBBY, None, None, 50, Seq(10**9), ANN, 101)


# --- what there was costs nothing ---------------------------------------------


def reactions_between_two_messages(at: Place) -> Callable[[], object]:
    """And pins and edits; before them somebody was muted."""
    mute = d.Moderate(LOBBY, ANN, None, BOB, MemberChange.MUTE, seconds=9)
    at.commit([say("hi"), mute])
    at.times(lambda number: react(1, "e", on=not number % 2))
    at.times(lambda number: d.SetPin(LOBBY, ANN, None, Seq(1), on=not number % 2))
    at.times(lambda number: edit(1, f"text {number}"))
    return lambda: eventful(at.db)


def what_happened_long_ago(at: Place) -> Callable[[], object]:
    """A page has a hundred events at the most, however many there were before."""
    at.times(lambda number: d.SetRoom(LOBBY, ANN, None, {"topic": f"topic {number}"}))
    at.times(lambda number: say(f"text {number}"))
    at.times(lambda number: d.SetRoom(LOBBY, ANN, None, {"topic": f"other {number}"}))
    return lambda: eventful(at.db)


def blocked_reactions(at: Place) -> Callable[[], object]:
    """Bob, whom ann blocks, puts and takes away any number of emoji."""
    at.commit([direct(say("hi")), d.SetBlock(ANN, BOB, on=True)])
    for number in range(at.n):
        emoji = f"e{number}"
        at.commit([direct(react(1, emoji)), direct(react(1, emoji, on=False))])
    return lambda: history(at.db, DIRECT)


def one_emoji_again_and_again(at: Place) -> Callable[[], object]:
    """Bob, whom ann blocks, cannot decide on one emoji that she saw."""
    at.commit([direct(say("hi")), direct(react(1, "e")), d.SetBlock(ANN, BOB, on=True)])
    at.times(lambda number: direct(react(1, "e", on=bool(number % 2))))
    return lambda: history(at.db, DIRECT)


def reactions_that_were_taken_away(at: Place) -> Callable[[], object]:
    """Many people have put one and taken it away."""
    at.commit([say("hi")])
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: react(1, "e", user=user(number)))
    at.times(lambda number: react(1, "e", user=user(number), on=False))
    return lambda: history(at.db)


def one_message_with_many_reactions(at: Place) -> Callable[[], object]:
    """All have put the same emoji, and the first ones are told."""
    all_react(at)
    return lambda: history(at.db, viewer=user(at.n - 1))


def a_page_of_many_reactions(at: Place) -> Callable[[], object]:
    """Somebody asks who has put one, from the middle on."""
    all_react(at)
    middle = Seq(at.n // 2)
    return lambda: reader.reactions(at.db, LOBBY, Seq(1), "e", middle, 9, ANN)


def all_react(at: Place) -> None:
    """More people than are told put the same emoji on one message."""
    at.commit([say("hi")])
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: react(1, "e", user=user(number)))


def older_messages(at: Place) -> Callable[[], object]:
    """There is a long history before the page."""
    at.times(lambda number: say(f"text {number}"))
    return lambda: history(at.db)


def events_after_the_newest_message(at: Place) -> Callable[[], object]:
    """Nobody has said anything for long, but much was going on."""
    at.commit(say("hi") for _ in range(50))
    at.times(lambda number: react(50, "e", on=not number % 2))
    return lambda: reader.nth_newest(at.db, LOBBY, 50, Seq(10**9))


def a_page_of_a_long_timeline(at: Place) -> Callable[[], object]:
    """A replay reads on from the middle."""
    at.commit([say("hi")])
    at.times(lambda number: say("hi") if number % 2 else react(1, f"e{number}"[:2]))
    return lambda: reader.events(
        at.db, LOBBY, Seq(at.n // 2), Seq(10**9), 50, 10**6, ANN
    )


def deleted_and_unread(at: Place) -> Callable[[], object]:
    """All that came since somebody's mark was deleted."""
    at.times(lambda number: say(f"text {number}", user=BOB))
    at.times(lambda number: delete(number + 1, user=BOB))
    return lambda: reader.unread(at.db, ANN, [(LOBBY, Seq(0), Seq(10**9))])


def hidden_and_unread(at: Place) -> Callable[[], object]:
    """Bob, whom ann blocks, has written on and on."""
    at.commit([d.SetBlock(ANN, BOB, on=True)])
    at.times(lambda number: direct(say(f"text {number}")))
    return lambda: reader.unread(at.db, ANN, [(DIRECT, Seq(0), Seq(10**9))])


def mentioned_once_and_not_any_more(at: Place) -> Callable[[], object]:
    """What somebody has read was edited to address him, and then not to."""
    at.times(lambda number: say("hi", user=BOB))
    at.times(lambda number: to(edit(number + 1, "@ann", user=BOB), ANN))
    at.times(lambda number: edit(number + 1, "nobody", user=BOB))
    return lambda: reader.unread(at.db, ANN, [(LOBBY, Seq(at.n), Seq(10**9))])


def one_more_of_many_who_were_told(at: Place) -> Callable[[], object]:
    """A message has addressed one after the other, and now it does another one."""
    at.commit([say("hi")])
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: to(edit(1, f"@u{number}"), user(number)))
    return lambda: at.commit([to(edit(1, "@cy"), CY)])


def one_more_of_many_reactions(at: Place) -> Callable[[], object]:
    """Many have put the same emoji already."""
    at.commit([say("hi")])
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: react(1, "e", user=user(number)))
    return lambda: at.commit([react(1, "f")])


def the_next_page_of_a_search(at: Place) -> Callable[[], object]:
    """The place where the page before ended is looked for."""
    at.times(lambda number: say("tea" if number % (at.n // 5) else "coffee"))
    with transaction(at.db):
        fill(at.db, at.n, 10**9)
    query = parse_query("coffee")
    scope = [(LOBBY, Seq(1), Seq(10**9))]
    found = search.search(at.db, query, scope, None, 2, ANN, 60.0)
    assert found is not None
    after = found[0][-1].place
    return lambda: search.search(at.db, query, scope, after, 2, ANN, 60.0)


def the_owner_leaves_a_large_room(at: Place) -> Callable[[], object]:
    """Whether there is another one is asked first."""
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: d.SetMember(LOBBY, user(number), Role.MEMBER, event=False))
    at.commit([d.SetMember(LOBBY, user(at.n - 1), Role.OWNER, event=False)])
    return lambda: at.commit([d.SetMember(LOBBY, ANN, None, event=True)])


def a_message_in_a_long_room(at: Place) -> Callable[[], object]:
    """With a cid and a reply."""
    at.times(lambda number: say(f"text {number}", f"c{number}"))
    return lambda: at.commit([say("hi", "c", reply_to=1)])


def a_step_of_trimming(at: Place) -> Callable[[], object]:
    """So many rows are removed, however many there are."""
    at.times(lambda number: say(f"text {number}"))
    at.commit([d.TrimRoom(LOBBY, None, 50, 10)])
    return lambda: at.commit([d.TrimRoom(LOBBY, None, 50, 10)])


def a_step_of_trimming_by_age(at: Place) -> Callable[[], object]:
    """All of it is too old; where that ends is found by halving."""
    at.times(lambda number: say(f"text {number}"))
    at.commit([d.TrimRoom(LOBBY, T0 + 1, None, 10)])
    return lambda: at.commit([d.TrimRoom(LOBBY, T0 + 1, None, 10)])


def a_password_is_changed(at: Place) -> Callable[[], object]:
    """Others have sessions and tokens."""
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(
        lambda number: d.OpenSession(_session(number), user(number), None, T0)  # type: ignore[arg-type]
    )
    at.db.executemany(
        "INSERT INTO token (digest, user_id, name, created) VALUES (?, ?, 't', 0)",
        [(_session(number), number + 4) for number in range(at.n)],
    )
    change = d.ChangePassword(user(0), "new", None, _session(0))  # type: ignore[arg-type]
    return lambda: at.commit([change])


def _session(number: int) -> bytes:
    return number.to_bytes(32)


def a_start_after_years(at: Place) -> Callable[[], object]:
    """There are accounts with sessions, rooms with messages, and guests who went."""
    fill_place(at)
    return lambda: load.load(at.db, T0, T0, DAY, DAY, DAY, serves=True)


def one_of_many_rooms(at: Place) -> Callable[[], object]:
    """It is found by its name, or by one that it had."""
    fill_place(at)
    at.commit([d.RenameRoom(LOBBY, ANN, None, RoomName("hall"))])
    return lambda: resident.rooms(at.db, [LOBBY, DIRECT])


def one_of_many_users(at: Place) -> Callable[[], object]:
    """With his rooms, of which many others are not his, and many are no more."""
    fill_place(at)
    for number in range(at.n):
        room = RoomName(f"gone{number}")
        make = d.CreateRoom(room, EPOCH, PLAIN, {ANN: Role.OWNER}, maker=ANN)
        leave = d.SetMember(room, ANN, None, event=False)
        at.commit([make, leave, d.DropRoom(room)])
    return lambda: resident.user_record(at.db, ANN)


def how_some_of_many_are_shown(at: Place) -> Callable[[], object]:
    """By their names."""
    fill_place(at)
    return lambda: resident.displays(at.db, [ANN, BOB, user(1)])


def a_page_of_public_rooms(at: Place) -> Callable[[], object]:
    """The others lie between them, and are passed over."""
    fill_place(at)
    return lambda: listing.public_rooms(at.db, LOBBY, 9)


def rooms_that_forget(at: Place) -> Callable[[], object]:
    """Most do not."""
    fill_place(at)
    at.commit([d.DeclareRoom(LOBBY, RoomSettings(keep_days=9))])
    return lambda: listing.trimming(at.db, None, 9)


def fill_place(at: Place) -> None:
    """Have much of all that ann has nothing to do with."""
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(
        lambda number: d.OpenSession(_session(number), user(number), None, T0)  # type: ignore[arg-type]
    )
    sessions = {_session(number): T0 - number % 9 for number in range(at.n)}
    at.commit([d.SaveMarks({}, sessions)])  # type: ignore[arg-type]
    for number in range(at.n):
        who, guest = user(number), UserName(f"g{number}~aaaa")
        for name in (f"@c{number},d{number}", f"r{number}", f"~r{number}"):
            room = RoomName(name)
            make = d.CreateRoom(room, EPOCH, PLAIN, {who: Role.OWNER}, maker=who)
            at.commit([make, say("hi", user=who, room=room)])
        new = d.AddUser(guest, "g", AccountRole.GUEST, None)
        begin = d.OpenSession(_session(at.n + number), guest, None, T0, new)  # type: ignore[arg-type]
        enter = d.SetMember(RoomName(f"r{number}"), guest, Role.MEMBER, event=False)
        at.commit([begin, enter, d.EndSession(begin.session)])
        for change in (MemberChange.INVITE, MemberChange.MUTE):
            act = d.Moderate(RoomName(f"r{number}"), who, None, CY, change, seconds=9)
            at.commit([act])
        left = RoomName(f"left{number}")
        make = d.CreateRoom(left, EPOCH, PLAIN, {who: Role.OWNER}, maker=who)
        leave = d.SetMember(left, who, None, event=False)
        at.commit([make, say("hi", user=who, room=left), leave])


PASSED = [
    a_start_after_years,
    one_of_many_rooms,
    one_of_many_users,
    how_some_of_many_are_shown,
    a_page_of_public_rooms,
    rooms_that_forget,
    mentioned_once_and_not_any_more,
    one_more_of_many_who_were_told,
    blocked_reactions,
    one_emoji_again_and_again,
    reactions_that_were_taken_away,
    one_message_with_many_reactions,
    a_page_of_many_reactions,
    older_messages,
    events_after_the_newest_message,
    a_page_of_a_long_timeline,
    deleted_and_unread,
    hidden_and_unread,
    one_more_of_many_reactions,
    the_next_page_of_a_search,
    reactions_between_two_messages,
    what_happened_long_ago,
    the_owner_leaves_a_large_room,
    a_message_in_a_long_room,
    a_step_of_trimming,
    a_step_of_trimming_by_age,
    a_password_is_changed,
]


@pytest.mark.parametrize("case", PASSED)
def test_what_has_been_costs_nothing(
    case: Callable[[Place], Callable[[], object]],
) -> None:
    """Four times of it, and the answer costs the same."""
    costs = [steps(at.db, case(at)) for at in map(place, (SMALL, LARGE))]
    assert costs[1] <= costs[0] * SPARE + 20, costs


# --- what is returned costs its number ----------------------------------------


def reactions_that_are_there(at: Place) -> Callable[[], object]:
    """Many people have put one, and all are told."""
    at.commit([say("hi")])
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: react(1, f"e{number % 20}", user=user(number)))
    return lambda: history(at.db)


def messages_that_are_unread(at: Place) -> Callable[[], object]:
    """Each of them counts."""
    at.times(lambda number: say(f"text {number}", user=BOB))
    return lambda: reader.unread(at.db, ANN, [(LOBBY, Seq(0), Seq(10**9))])


def messages_that_address_somebody(at: Place) -> Callable[[], object]:
    """Each of them counts, some by an edit."""
    at.times(lambda number: to(say("@ann", user=BOB), ANN))
    at.times(lambda number: to(edit(number + 1, "@all", user=BOB)))
    return lambda: reader.unread(at.db, ANN, [(LOBBY, Seq(0), Seq(10**9))])


def a_whole_timeline(at: Place) -> Callable[[], object]:
    """Messages, and edits which carry the text of today."""
    at.times(lambda number: say(f"text {number}"))
    at.times(lambda number: d.EditMessage(LOBBY, ANN, None, Seq(number + 1), "new"))
    return lambda: reader.events(at.db, LOBBY, Seq(0), Seq(10**9), 10**6, 0, ANN)


def members_of_one_room(at: Place) -> Callable[[], object]:
    """All come into memory with it."""
    at.times(lambda number: d.AddUser(user(number), "u", AccountRole.USER, None))
    at.times(lambda number: d.SetMember(LOBBY, user(number), Role.MEMBER, event=False))
    return lambda: resident.rooms(at.db, [LOBBY])


def rooms_that_nobody_needs(at: Place) -> Callable[[], object]:
    """All are told at a start."""
    for number in range(at.n):
        room = RoomName(f"left{number}")
        make = d.CreateRoom(room, EPOCH, PLAIN, {ANN: Role.OWNER}, maker=ANN)
        at.commit([make, d.SetMember(room, ANN, None, event=False)])
    return lambda: load.load(at.db, T0, T0, DAY, DAY, DAY, serves=True)


RETURNED = [
    members_of_one_room,
    rooms_that_nobody_needs,
    reactions_that_are_there,
    messages_that_are_unread,
    messages_that_address_somebody,
    a_whole_timeline,
]


@pytest.mark.parametrize("case", RETURNED)
def test_what_is_returned_costs_its_number(
    case: Callable[[Place], Callable[[], object]],
) -> None:
    """Four times as much of it costs four times as much, not sixteen."""
    costs = [steps(at.db, case(at)) for at in map(place, (SMALL, LARGE))]
    assert costs[1] <= costs[0] * 4 * SPARE, costs
    assert costs[1] > costs[0] * 2, "the case returns nothing"


def test_a_square_would_be_seen() -> None:
    """The measure itself: a plan with a square in it takes sixteen times the steps."""

    def square(at: Place) -> Callable[[], Sequence[object]]:
        at.times(lambda number: say(f"text {number}"))
        sql = "SELECT count(*) FROM message a CROSS JOIN message b ON b.ts + a.ts > 0"
        return lambda: at.db.execute(sql).fetchall()

    costs = [steps(at.db, square(at)) for at in map(place, (SMALL, LARGE))]
    assert costs[1] > costs[0] * 10
