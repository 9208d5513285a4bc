"""Names have one spelling, and nothing else passes for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd import ids
from chatd.ids import (
    Epoch,
    Position,
    RoomName,
    Seq,
    UserName,
    direct_members,
    direct_room,
    is_direct,
    is_encodable,
    is_guest,
    parse_account_name,
    parse_cid,
    parse_epoch,
    parse_public_room,
    parse_room_name,
    parse_user_name,
)

NAMES = ["a", "0", "ann", "ann.b-c_d", "9lives", "a" * 32]
NO_NAMES = [
    "",
    ".ann",
    "-ann",
    "_ann",
    "ann ",
    " ann",
    "ann\n",
    "a" * 33,
    "ann~4f7k",
    "ann@home",
    "änn",
    "\u0430nn",  # a Cyrillic first letter
    "\u212aim",  # KELVIN SIGN folds to k elsewhere
    "\u0131",  # dotless i
    "ann\x00",
    "\ud800",
]
PRIVATE = "~abcdefghijklm234"


@pytest.mark.parametrize("name", NAMES)
def test_an_account_name_is_its_own_spelling(name: str) -> None:
    """Letters, digits, dot, underscore and dash, up to 32, are a name as they are."""
    assert parse_account_name(name) == name
    assert parse_user_name(name) == name
    assert not is_guest(UserName(name))


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_account_name_is_refused(name: str) -> None:
    """Nothing outside the alphabet passes, not even what some fold into it."""
    with pytest.raises(ValueError, match=r"a-z 0-9 \. _ -"):
        parse_account_name(name)


def test_ascii_case_is_folded() -> None:
    """ANN and Ann are ann, in every kind of name."""
    assert parse_account_name("ANN") == "ann"
    assert parse_user_name("Ann~4F7K") == "ann~4f7k"
    assert parse_public_room("Lobby") == "lobby"
    assert parse_room_name(PRIVATE.upper()) == PRIVATE
    assert parse_room_name("@Ann,BOB") == "@ann,bob"


@pytest.mark.parametrize("name", ["ann~4f7k", "0~2222", "a" * 32 + "~zzzz"])
def test_a_guest_name_has_a_suffix(name: str) -> None:
    """A name, a tilde and four of a-z 2-7 are a guest's, and no account's."""
    assert parse_user_name(name) == name
    assert is_guest(UserName(name))
    with pytest.raises(ValueError):
        parse_account_name(name)


@pytest.mark.parametrize("name", ["ann~", "ann~4f7", "ann~4f7kk", "ann~4f7!", "~4f7k"])
def test_a_broken_suffix_makes_no_user(name: str) -> None:
    """A guest's suffix has exactly four characters of base 32."""
    with pytest.raises(ValueError):
        parse_user_name(name)


@pytest.mark.parametrize("room", [*NAMES, "a" * 64])
def test_a_public_room_may_be_created(room: str) -> None:
    """Room names have the alphabet of user names, and up to 64 characters."""
    assert parse_public_room(room) == parse_room_name(room) == room
    assert not is_direct(RoomName(room))


@pytest.mark.parametrize("room", ["", "a" * 65, "#lobby", PRIVATE, "@ann,bob", "lo by"])
def test_other_names_cannot_be_created(room: str) -> None:
    """A name with ~ or @ in front is never created by joining."""
    with pytest.raises(ValueError, match="a room name is"):
        parse_public_room(room)


@pytest.mark.parametrize(
    "room", ["~", "~abc", PRIVATE + "a", "~abcdefghijklm231", "a" * 65, "", "\ud800"]
)
def test_no_room_has_such_a_name(room: str) -> None:
    """A private room's name has exactly 16 characters of base 32."""
    with pytest.raises(ValueError, match="a room name is"):
        parse_room_name(room)


@pytest.mark.parametrize(
    "room",
    ["@", "@ann", "@ann,", "@bob,ann", "@ann,ann", "@ann,bob,cy", "@ann~4f7k,bob"],
)
def test_a_direct_room_is_two_accounts_in_order(room: str) -> None:
    """Each pair of accounts has one room; guests and soliloquies have none."""
    with pytest.raises(ValueError, match="two accounts in sorted order"):
        parse_room_name(room)


def test_whoever_asks_gets_the_same_direct_room() -> None:
    """The room of ann and bob is the room of bob and ann."""
    ann, bob = UserName("ann"), UserName("bob")
    room = direct_room(bob, ann)
    assert room == direct_room(ann, bob) == parse_room_name(room) == "@ann,bob"
    assert is_direct(room)
    assert direct_members(room) == (ann, bob)


def test_an_epoch_is_sixteen_hexadecimal_digits() -> None:
    """64 bits in lower case, so that two spellings never differ."""
    assert parse_epoch("8f3c21d07be945aa") == "8f3c21d07be945aa"
    for text in ("", "8F3C21D07BE945AA", "8f3c21d07be945a", "8f3c21d07be945aa\n"):
        with pytest.raises(ValueError, match="16 hexadecimal digits"):
            parse_epoch(text)


def test_a_cid_is_any_text_of_one_to_64_characters() -> None:
    """The client chooses; what could not be stored is refused."""
    for text in ("7", "7c1", "é" * 64, " "):
        assert parse_cid(text) == text
    for text in ("", "x" * 65, "\ud83d"):
        with pytest.raises(ValueError, match="1 to 64"):
            parse_cid(text)


def test_half_a_pair_is_not_encodable() -> None:
    """A lone surrogate cannot be written as UTF-8; everything else can."""
    assert is_encodable("")
    assert is_encodable("grüß 👍 \x00")
    assert not is_encodable("a\udfff")


@pytest.mark.parametrize(
    "parse", [parse_account_name, parse_user_name, parse_public_room, parse_room_name]
)
@given(text=st.text(alphabet="aA0.~@,_- \né\u212a", max_size=70))
def test_parsing_twice_is_parsing_once(parse: Callable[[str], str], text: str) -> None:
    """What a parser returns is canonical: it parses to itself."""
    try:
        name = parse(text)
    except ValueError:
        return
    assert parse(name) == name == text.lower()
    assert name.isascii()


def test_positions_are_values() -> None:
    """Two positions are the same if both epoch and seq are."""
    here = Position(Epoch("8f3c21d07be945aa"), Seq(7))
    assert here == Position(Epoch("8f3c21d07be945aa"), Seq(7))
    assert here != Position(Epoch("0000000000000000"), Seq(7))
    assert len({here, Position(here.epoch, here.seq)}) == 1


def test_an_account_name_is_a_room_name() -> None:
    """The bounds that other modules read are those of the parsers."""
    assert parse_account_name("a" * ids.NAME_CHARS_MAX)
    assert parse_public_room("a" * ids.ROOM_CHARS_MAX)
    assert parse_cid("a" * ids.CID_CHARS_MAX)
