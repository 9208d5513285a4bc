"""What looks alike has one skeleton."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core import drafts as d
from chatd.enums import AccountRole
from chatd.errors import RejectCode
from chatd.ids import UserName
from chatd.names import UNICODE, skeleton
from chatd.names.tables import LOOKS
from tests.store.model import Model

ALIKE = [
    ("alice", "\u0430lice"),  # a Cyrillic first letter
    ("coco", "сосо"),  # Cyrillic throughout, so of one script
    ("admin", "\u0251dmin"),  # Latin alpha
    ("modern", "modem"),
    ("paypal", "paypa1"),
    ("bob", "b0b"),
    ("bob", "ꓐꓳꓐ"),  # Lisu, which has capitals only
    ("oo", "οσ"),
    ("kim", "kım"),
    ("kim", "ki\u0307m"),
    ("jo", "j\u0307o"),
    ("caesar", "cæsar"),
    ("नमस्ते", "नमस्\u200dते"),
    ("一", "ー"),
]
UNLIKE = [
    ("ann", "anne"),
    ("paypal", "paypai"),
    ("bob", "dod"),
    ("zoe", "zoë"),
    ("é", "è"),
    ("анна", "инна"),
    ("太郎", "次郎"),
    ("a.b", "a-b"),
    ("u", "v"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE, ids=ascii)
def test_these_look_alike(one: str, other: str) -> None:
    """Whatever they are made of."""
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), UNLIKE, ids=ascii)
def test_these_do_not(one: str, other: str) -> None:
    """What a reader tells apart stays two names."""
    assert skeleton(one) != skeleton(other)


letters = st.characters(categories=("L", "M", "Nd"))


@given(st.text(letters | st.sampled_from("il1o0mrn\u0307\u0131\u0456"), max_size=12))
def test_a_skeleton_is_its_own(text: str) -> None:
    """The table leads to prototypes, and from there nowhere."""
    text = unicodedata.normalize("NFC", text.lower())
    assert skeleton(skeleton(text)) == skeleton(text)


def test_the_table_is_closed() -> None:
    """No prototype has a part that has a prototype, so one look is enough."""
    entries = [entry.split() for entry in LOOKS.split(";")]
    sources = [source for _, *rest in entries for source in rest]
    parts = {part for prototype, *_ in entries for part in prototype.split("+")}
    assert not parts & set(sources)
    assert len(sources) == len(set(sources))


alphabets = st.sampled_from(("ao0l1ib.", "аоі1.", "οσι1", "ꓐꓳꓮ"))
words = alphabets.flatmap(
    lambda alphabet: st.text(st.sampled_from(alphabet), min_size=1, max_size=3)
)


@pytest.mark.untraced
@given(st.lists(words, max_size=20))
def test_no_two_distinct_names_look_alike(sent: list[str]) -> None:
    """Of those that are added as distinct, each has a skeleton of its own."""
    model = Model()
    added: dict[str, UserName] = {}
    for text in sent:
        try:
            name = UNICODE.account(text)
        except ValueError:
            continue
        look = skeleton(name)
        draft = d.AddUser(name, name, AccountRole.USER, None, look, distinct=True)
        outcome = model.execute(draft, 0)
        if look in added:
            assert isinstance(outcome, d.Refused)
            assert outcome.code is RejectCode.NAME_TAKEN
        else:
            assert isinstance(outcome, d.Committed)
            added[look] = name
    assert set(model.users) == set(added.values())
