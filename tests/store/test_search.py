"""What `Store.search` promises, on every implementation."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.core import drafts as d
from chatd.core.query import Place, parse_query
from chatd.core.settings import PLAIN
from chatd.enums import Role
from chatd.ids import RoomName, Seq
from chatd.ports import Store
from chatd.store.ranking import WINDOW
from chatd.wire.events import DAY_MS
from chatd.wire.replies import MessageFound
from tests.store.support import ANN, BOB, DIRECT, EPOCH, LOBBY, T0, delete, edit, say

ALL = Seq(10**9)
BOTH = [(LOBBY, Seq(1), ALL), (DIRECT, Seq(1), ALL)]


async def find(
    store: Store, text: str, scope: Any = BOTH, limit: int = 100
) -> list[tuple[RoomName, int]]:
    """Where the first page's messages are."""
    page = await store.search(parse_query(text), scope, None, limit, ANN)
    assert page is not None
    return [(hit.message.room, hit.message.seq) for hit in page[0]]


async def pages(
    store: Store, text: str, limit: int, scope: Any = BOTH
) -> list[list[int]]:
    """The seq of every page's messages."""
    found: list[list[int]] = []
    place: Place | None = None
    while True:
        page = await store.search(parse_query(text), scope, place, limit, ANN)
        assert page is not None
        hits, more = page
        assert len(hits) <= limit
        found.append([hit.message.seq for hit in hits])
        if not more:
            return found
        place = hits[-1].place


async def test_what_is_found_is_whole(store: Store) -> None:
    """Where and when it is, whose, the text of today, and where in it the words are."""
    await store.commit(
        [say("tee"), say("Green tea?", user=BOB, reply_to=1), edit(1, "TEA, tea")], T0
    )
    page = await store.search(parse_query("tea"), BOTH, None, 9, ANN)
    assert page is not None
    assert [hit.message for hit in page[0]] == [
        MessageFound(
            LOBBY,
            Seq(1),
            T0,
            ANN,
            "TEA, tea",
            "TEA, tea",
            [[0, 3], [5, 8]],
            edited=True,
        ),
        MessageFound(
            LOBBY,
            Seq(2),
            T0,
            BOB,
            "Green tea?",
            "Green tea?",
            [[6, 9]],
            reply_to=Seq(1),
        ),
    ]


async def test_a_commit_is_found_at_once(store: Store) -> None:
    """Nothing that was acknowledged is missing, whatever has been indexed since."""
    for number in range(40):
        await store.commit([say(f"word{number} tea")], T0)
        assert await find(store, f"word{number}") == [(LOBBY, number + 1)]
    assert len(await find(store, "tea")) == 40


async def test_a_message_is_found_by_its_text_of_today(store: Store) -> None:
    """An old word, or one that was deleted, is found nowhere."""
    await store.commit([say("tea"), say("tea"), say("tea")], T0)
    await store.commit([edit(1, "coffee"), delete(2)], T0)
    assert await find(store, "tea") == [(LOBBY, 3)]
    assert await find(store, "coffee") == [(LOBBY, 1)]
    assert await find(store, "from:ann") == [(LOBBY, 3), (LOBBY, 1)]


async def test_only_the_scope_is_searched(store: Store) -> None:
    """Its rooms, each from a first to a last seq."""
    await store.commit(
        [say("tea"), say("tea"), say("tea"), say("tea", room=DIRECT)], T0
    )
    lobby = [(LOBBY, Seq(2), Seq(2))]
    for text in ("tea", "from:ann", "in:lobby", "t*"):
        assert await find(store, text, lobby) == [(LOBBY, 2)]
        assert await find(store, text, [(DIRECT, Seq(1), ALL)]) == [(DIRECT, 1)]
        assert await find(store, text, []) == []
        nowhere = [(RoomName("nowhere"), Seq(1), ALL)]
        assert await find(store, text, nowhere) == []
        assert len(await find(store, text)) == 4


async def test_thousands_of_rooms_can_be_searched(store: Store) -> None:
    """Only a few of them have what is sought, or any message at all."""
    rooms = [RoomName(f"room{number}") for number in range(3000)]
    for at in range(0, 3000, 500):
        drafts = [
            d.CreateRoom(room, EPOCH, PLAIN, {ANN: Role.OWNER})
            for room in rooms[at : at + 500]
        ]
        await store.commit(drafts, T0)
    await store.commit([say("tea", room=rooms[7]), say("tea", room=rooms[2999])], T0)
    scope = [(room, Seq(1), ALL) for room in rooms]
    for text in ("tea", "from:ann tea", "from:ann", "after:2026-01-01"):
        found = [(rooms[2999], 1), (rooms[7], 1)]
        assert await find(store, text, scope) == found


async def test_filters(store: Store) -> None:
    """Whose and when; the day begins in UTC."""
    day = T0 // DAY_MS * DAY_MS  # 2026-09-21
    await store.commit([say("tea one")], day - 1)
    await store.commit([say("tea two", user=BOB)], day)
    await store.commit([say("tea three")], day + DAY_MS - 1)
    await store.commit([say("tea four")], day + DAY_MS)
    for words in ("", "tea "):
        for text, seqs in {
            "from:ann": [4, 3, 1],
            "from:bob": [2],
            "from:cy": [],
            "from:nobody": [],
            "after:2026-09-21": [4, 3, 2],
            "before:2026-09-21": [1],
            "after:2026-09-21 before:2026-09-22": [3, 2],
            "after:2026-09-21 before:2026-09-22 from:ann": [3],
        }.items():
            found = await find(store, words + text)
            assert [seq for _, seq in found] == seqs, words + text


@pytest.mark.parametrize(
    ("text", "seqs"),
    [
        ("CAJ", [1]),
        ("čaj", [1]),
        ("чай", [1]),
        ("日本", [2]),
        ("本語", [2]),
        ("語日", []),
        ("日本 tokyo", [2]),
        ("東京タワ", [2]),
        ("タワー*", [2]),
        ("สวัสดี", [3]),
        ("ดี", [3]),
        ("한국*", [4]),
        ("국어", [4]),
        ("어국", []),
        ("o'neill", [5]),
        ("c++", [5]),
        ("user@example.org", [5]),
        ("example.or*", [5]),
        ("snake_case", [5]),
        ('"neill c"', [5]),
        ('"c neill"', []),
        ("naïve", [6]),
        ("naive", [6]),
    ],
)
async def test_words_in_many_languages(
    store: Store, text: str, seqs: list[int]
) -> None:
    """Case and accents do not matter; where no spaces are written, none are needed."""
    await store.commit(
        [
            say("Čaj, ЧАЙ"),
            say("日本語と東京タワー in Tokyo"),
            say("สวัสดีครับ"),
            say("한국어는"),
            say("O'Neill, C++ user@example.org snake_case"),
            say("nai\u0308ve"),
        ],
        T0,
    )
    assert [seq for _, seq in await find(store, text)] == seqs


@pytest.mark.parametrize(
    "pair",
    [
        ("\ud68c\uc758\ub85d", "\u1112\u116c\u110b\u1174\u1105\u1169\u11a8"),
        ("ﾊﾟｿｺﾝ", "ハ\u309aソコン"),
        ("йогурт", "и\u0306огурт"),
        ("οδός", "ΟΔΟΣ"),
        ("καλημέρα", "καλημερα"),
        ("ёлка", "елка"),
        ("Straße", "STRASSE"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("ＦＵＬＬ", "full"),
        ("ﾀﾜｰ", "タワー"),
        ("Łódź", "lodz"),
        ("Fuß\u00adball", "fussball"),
        ("می\u200cخواهم", "میخواهم"),
        ("फ़ोन", "फोन"),
        ("น้ำ", "นำ"),
        ("𐐀𐐁", "𐐨𐐩"),
    ],
    ids=lambda pair: pair[1],
)
async def test_equal_words_are_found_by_each_other(
    store: Store, pair: tuple[str, str]
) -> None:
    """Said in one way and sought in the other, and the hit is all that was said."""
    for said, sought in (pair, pair[::-1]):
        await store.commit([say(f"tea, {said}! 👍"), say("x")], T0)
        for text in (sought, f"«{sought}»", f"{sought}＊"):
            page = await store.search(parse_query(text), BOTH, None, 1, ANN)
            assert page is not None
            message = page[0][0].message
            ((start, end),) = message.hits
            assert message.snippet[start:end] == said


async def test_the_best_come_first_and_then_the_newest(store: Store) -> None:
    """More often, in a shorter text; equal ones by their age."""
    texts = ["tea", "tea tea tea", "tea", "some tea with a lot of other words " * 5]
    await store.commit([say(text) for text in texts], T0)
    assert [seq for _, seq in await find(store, "tea")] == [2, 3, 1, 4]


async def test_what_others_say_does_not_change_the_order(store: Store) -> None:
    """A word's rarity in rooms that the asker cannot read would tell of them."""
    await store.commit([say("tea tea milk"), say("tea milk milk")], T0)
    scope = [(LOBBY, Seq(1), ALL)]
    before = await find(store, "tea milk", scope)
    await store.commit([say("milk", room=DIRECT) for _ in range(300)], T0)
    assert await find(store, "tea milk", scope) == before


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_have_every_message_once(store: Store, limit: int) -> None:
    """Ranked or not, and over the bounds of what is ranked together."""
    count = WINDOW * 2 + 3 if limit == 100 else 7
    texts = [f"{'tea ' * (number % 5 + 1)}x" for number in range(count)]
    await store.commit([say(text) for text in texts], T0)
    for text in ("tea", "from:ann", "t* from:ann"):
        for scope in (BOTH, BOTH[:1]):
            found = await pages(store, text, limit, scope)
            flat = [seq for page in found for seq in page]
            assert sorted(flat) == list(range(1, count + 1))
            assert all(found)
            if text == "from:ann":
                assert flat == sorted(flat, reverse=True)
            else:
                first = [seq for seq in flat if seq > count - WINDOW]
                assert flat[: len(first)] == first
                assert first[0] % 5 == 0


async def test_what_is_written_between_pages_is_on_none_of_them(store: Store) -> None:
    """Nor does it push what was shown already onto a later page."""
    texts = [f"{'tea ' * (number % 5 + 1)}x" for number in range(WINDOW + 20)]
    await store.commit([say(text) for text in texts], T0)
    written = len(texts)
    for text in ("tea", "from:ann"):
        before, found = written, list[int]()
        place: Place | None = None
        more = True
        while more:
            page = await store.search(parse_query(text), BOTH[:1], place, 100, ANN)
            assert page is not None
            hits, more = page
            found += [hit.message.seq for hit in hits]
            place = hits[-1].place
            await store.commit([say(word) for word in texts[:30]], T0)
            written += 30
        assert sorted(found) == list(range(1, before + 1))


async def test_a_page_goes_on_behind_a_message_that_changed(store: Store) -> None:
    """It was deleted or edited between the pages; new ones are not looked at."""
    texts = ["tea", "tea tea", "tea tea tea", "tea tea tea tea"]
    await store.commit([say(text) for text in texts], T0)
    first = await store.search(parse_query("tea"), BOTH, None, 2, ANN)
    assert first is not None
    assert [hit.message.seq for hit in first[0]] == [4, 3]
    await store.commit([delete(3), edit(4, "milk"), say("tea tea tea tea tea")], T0)
    second = await store.search(parse_query("tea"), BOTH, first[0][-1].place, 2, ANN)
    assert second is not None
    assert [hit.message.seq for hit in second[0]] == [2, 1]
    assert not second[1]


async def test_a_place_at_which_nothing_is_is_told(store: Store) -> None:
    """The message was trimmed, or never was."""
    await store.commit(
        [say("tea"), d.SetMember(LOBBY, BOB, Role.OWNER, event=True)], T0
    )
    for place in (
        Place(LOBBY, Seq(2), 10, (LOBBY, Seq(1))),
        Place(LOBBY, Seq(1), 10, (LOBBY, Seq(9))),
        Place(LOBBY, Seq(1), 10),
        Place(DIRECT, Seq(1), 10),
    ):
        assert await store.search(parse_query("tea"), BOTH, place, 9, ANN) is None
