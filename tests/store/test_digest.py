"""What counts as the same content."""

from __future__ import annotations

import pytest

from chatd.core.drafts import Durable
from chatd.ids import Cid
from chatd.store.digest import DIGEST_BYTES, content_digest
from tests.store.support import BOB, DIRECT, delete, edit, react, say


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
