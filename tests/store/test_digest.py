"""What counts as the same content."""

from __future__ import annotations

import pytest

from chatd.core import drafts as d
from chatd.core.drafts import Durable
from chatd.core.settings import PLAIN
from chatd.enums import MemberChange, Role
from chatd.ids import Cid
from chatd.store.digest import (
    DIGEST_BYTES,
    content_digest,
    creation_digest,
    is_creation_retry,
    is_retry,
)
from tests.store.support import ANN, BOB, DIRECT, EPOCH, LOBBY, delete, edit, react, say


def test_every_field_of_content_counts() -> None:
    """Drafts that differ in kind, text, target or emoji differ in digest."""
    drafts: list[Durable] = [
        say("a"),
        say("b"),
        say("a", reply_to=1),
        say("a", reply_to=2),
        edit(1, "a"),
        edit(1, "b"),
        edit(2, "a"),
        delete(1),
        delete(2),
        react(1, "👍"),
        react(1, "👎"),
        react(1, "👍", on=False),
        react(2, "👍"),
    ]
    digests = {content_digest(draft) for draft in drafts}
    assert len(digests) == len(drafts)
    assert {len(digest) for digest in digests} == {DIGEST_BYTES}


def test_user_room_and_cid_are_no_content() -> None:
    """They are the key under which the digest is kept."""
    same = [say("a"), say("a", "c"), say("a", user=BOB), say("a", room=DIRECT)]
    assert len({content_digest(draft) for draft in same}) == 1


def test_what_is_no_text_has_no_digest() -> None:
    """A lone surrogate is refused before anything is stored."""
    for draft in (say("\ud800"), edit(1, "\udfff", Cid("c"))):
        with pytest.raises(TypeError):
            content_digest(draft)


BOM = "\ufeff"
OLD_AND_NEW: list[tuple[Durable, Durable]] = [
    (react(1, "\u2764"), react(1, "\u2764\ufe0f")),
    (say(BOM + "a", reply_to=1), say("a", reply_to=1)),
    (edit(1, BOM + "a"), edit(1, "a")),
    (
        d.Moderate(
            LOBBY, ANN, None, BOB, MemberChange.BAN, seconds=5, reason=BOM + "x"
        ),
        d.Moderate(LOBBY, ANN, None, BOB, MemberChange.BAN, seconds=5, reason="x"),
    ),
    (
        d.SetRoom(LOBBY, ANN, None, {"title": BOM + "a", "topic": "b", "slow_s": 5}),
        d.SetRoom(LOBBY, ANN, None, {"title": "a", "topic": "b", "slow_s": 5}),
    ),
    (
        d.SetRoom(LOBBY, ANN, None, {"title": BOM + "a", "topic": BOM + "b"}),
        d.SetRoom(LOBBY, ANN, None, {"title": "a", "topic": "b"}),
    ),
]
OTHERS: list[tuple[Durable, Durable]] = [
    (react(1, "\u2764"), react(1, "👍")),
    (react(1, "\u2764", on=False), react(1, "\u2764\ufe0f")),
    (say("a"), say("b")),
    (say("a" + BOM), say("a")),
    (edit(1, BOM + "a"), edit(2, "a")),
    (delete(1), delete(2)),
    (
        d.Moderate(LOBBY, ANN, None, BOB, MemberChange.BAN, reason=BOM + "x"),
        d.Moderate(LOBBY, ANN, None, BOB, MemberChange.BAN),
    ),
    (
        d.SetRoom(LOBBY, ANN, None, {"topic": ""}),
        d.SetRoom(LOBBY, ANN, None, {"topic": BOM}),
    ),
]


@pytest.mark.parametrize(("old", "new"), OLD_AND_NEW)
def test_what_an_older_version_kept_is_the_same_content(
    old: Durable, new: Durable
) -> None:
    """A retry after an upgrade finds the digest of the form that was kept then."""
    assert content_digest(old) != content_digest(new)
    assert is_retry(content_digest(old), new)
    assert is_retry(content_digest(new), new)


@pytest.mark.parametrize(("old", "new"), OTHERS)
def test_other_content_is_other_content(old: Durable, new: Durable) -> None:
    """Nothing but those forms is taken for a retry."""
    assert not is_retry(content_digest(old), new)


def test_a_room_is_made_once_whatever_its_topic_began_with() -> None:
    """The cid of a `create` is compared with what was kept before, too."""
    old, new, other = (
        d.CreateRoom(LOBBY, EPOCH, PLAIN.with_({"topic": topic}), {ANN: Role.OWNER})
        for topic in (BOM + "tea", "tea", "coffee")
    )
    assert is_creation_retry(creation_digest(old), new)
    assert is_creation_retry(creation_digest(new), new)
    assert not is_creation_retry(creation_digest(other), new)
