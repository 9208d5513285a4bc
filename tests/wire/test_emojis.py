"""One emoji has one form, whichever of its forms is sent."""

from __future__ import annotations

import pytest
from emoji import EMOJI_DATA, STATUS
from hypothesis import given
from hypothesis import strategies as st

from chatd.wire.emojis import _qualified, forms, load, qualified
from chatd.wire.text import parse_emoji

VS15, VS16, ZWJ, KEYCAP = "\ufe0e", "\ufe0f", "\u200d", "\u20e3"
LISTED = sorted(EMOJI_DATA)

SAME = [
    # what is stored, and what else may be sent
    ("\u2764" + VS16, ["\u2764", "\u2764" + VS15]),
    ("\u2714" + VS16, ["\u2714"]),
    ("\u263a" + VS16, ["\u263a", "\u263a" + VS15]),
    ("\u00a9" + VS16, ["\u00a9"]),
    ("1" + VS16 + KEYCAP, ["1" + KEYCAP, "1" + VS15 + KEYCAP, "1" + KEYCAP + VS16]),
    ("#" + VS16 + KEYCAP, ["#" + KEYCAP]),
    ("👍", ["👍" + VS16, "👍" + VS15, "👍" + VS16 * 2]),
    ("👍🏽", ["👍" + VS16 + "🏽", "👍🏽" + VS16]),
    ("☝🏽", ["\u261d" + VS16 + "🏽"]),
    ("🇩🇪", ["🇩🇪" + VS16]),
    (f"🏳{VS16}{ZWJ}🌈", [f"🏳{ZWJ}🌈"]),
    (
        f"🏳{VS16}{ZWJ}\u26a7{VS16}",
        [f"🏳{ZWJ}\u26a7", f"🏳{VS16}{ZWJ}\u26a7", f"🏳{ZWJ}\u26a7{VS16}"],
    ),
    (f"🏴{ZWJ}\u2620{VS16}", [f"🏴{ZWJ}\u2620"]),
    (f"🤷{ZWJ}\u2642{VS16}", [f"🤷{ZWJ}\u2642"]),
    (f"🤷🏿{ZWJ}\u2642{VS16}", [f"🤷🏿{ZWJ}\u2642"]),
    (f"👁{VS16}{ZWJ}🗨{VS16}", [f"👁{ZWJ}🗨", f"👁{VS16}{ZWJ}🗨", f"👁{ZWJ}🗨{VS16}"]),
    (f"👩{ZWJ}\u2764{VS16}{ZWJ}👩", [f"👩{ZWJ}\u2764{ZWJ}👩"]),
    (f"⛓{VS16}{ZWJ}💥", [f"⛓{ZWJ}💥"]),
    ("🏽", ["🏽" + VS16]),
]


@pytest.mark.parametrize(("stored", "sent"), SAME)
def test_each_form_of_an_emoji_is_the_one_that_is_stored(
    stored: str, sent: list[str]
) -> None:
    """Selectors that are missing, that are too many, and those for text."""
    assert [parse_emoji(form) for form in (stored, *sent)] == [stored] * (1 + len(sent))


def test_every_listed_form_leads_to_one_that_is_fully_qualified() -> None:
    """Of all emoji; only components, such as a skin tone, have no qualified form."""
    for form in LISTED:
        found = qualified(form)
        assert found is not None
        row = EMOJI_DATA[found]
        assert row["status"] in (STATUS["fully_qualified"], STATUS["component"])
        assert row["en"] == EMOJI_DATA[form]["en"]
        assert qualified(found) == found


def test_no_two_emoji_become_one() -> None:
    """As many are left as Unicode has names for."""
    assert len({*map(qualified, LISTED)}) == len({r["en"] for r in EMOJI_DATA.values()})


@given(st.sampled_from(LISTED), st.lists(st.sampled_from([VS15, VS16])), st.data())
def test_selectors_change_nothing_wherever_they_stand(
    form: str, selectors: list[str], data: st.DataObject
) -> None:
    """However many, also where the list has none."""
    sent = form
    for selector in selectors:
        at = data.draw(st.integers(1, len(sent)))
        sent = sent[:at] + selector + sent[at:]
    assert qualified(sent) == qualified(form)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "1", "#", VS16, VS15, "1" + VS16, "a" + VS16, ZWJ, KEYCAP),
        *("👍👍", "👍 ", ":+1:", "🇩", "🇩" + VS16, "\ud83d", "x" * 10_000, "👍" + ZWJ),
        *(VS16 * 10_000, "🏳🌈", "👩👩", "❤❤" + VS16),
    ],
)
def test_what_is_not_exactly_one_emoji_is_none(text: str) -> None:
    """Selectors alone make no emoji, and joiners are no selectors."""
    assert qualified(text) is None
    assert forms(text) == ()


def test_all_forms_of_an_emoji_are_found() -> None:
    """In which older versions may have kept it."""
    assert set(forms("\u2764" + VS16)) == {"\u2764", "\u2764" + VS16}
    assert forms("👍") == ("👍",)
    assert len(forms(f"👁{VS16}{ZWJ}🗨{VS16}")) == 4


def test_the_list_can_be_read_before_anybody_needs_it() -> None:
    """Then the first who reacts does not wait for it."""
    _qualified.cache_clear()
    load()
    assert _qualified.cache_info().currsize == 1
