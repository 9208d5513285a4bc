"""What a `cid` was used for, as sixteen bytes.

A retry is the same command with the same content; a client that uses a `cid`
for something else has a bug that it must be told about. The content itself is
not kept for this: it may be edited and deleted while the `cid` is remembered.
The label, the user and the room are the key under which a digest is kept, so
they are no part of it.

What the same command meant to an older chatd is the same content still: a retry that
comes after an upgrade finds its digest, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import combinations
from typing import Any

import attrs
import orjson

from chatd.core.drafts import (
    CreateRoom,
    DeleteMessage,
    DestroyRoom,
    Durable,
    EditMessage,
    Moderate,
    NewMessage,
    RenameRoom,
    SetPin,
    SetReaction,
    SetRoom,
)
from chatd.ids import is_private
from chatd.wire.emojis import forms
from chatd.wire.text import FILE_MARK

DIGEST_BYTES = 16


def content_digest(draft: Durable) -> bytes:
    """Digest the content of a draft, without its user and room.

    Raises:
        TypeError: The text is no Unicode text (a lone surrogate).
    """
    content: list[object]
    if isinstance(draft, NewMessage):
        content = ["message", draft.text, draft.reply_to]
        content += ["thread"] if draft.thread else []
    elif isinstance(draft, EditMessage):
        content = ["edit", draft.of, draft.text]
    elif isinstance(draft, DeleteMessage):
        content = ["delete", draft.of]
    elif isinstance(draft, SetReaction):
        content = ["react", draft.of, draft.emoji, draft.on]
    elif isinstance(draft, SetPin):
        content = ["pin", draft.of, draft.on]
    elif isinstance(draft, Moderate):
        said = [draft.role, draft.seconds, draft.reason]
        content = [draft.change, draft.target, *said]
    elif isinstance(draft, RenameRoom):
        content = ["rename", draft.name]
    elif isinstance(draft, DestroyRoom):
        content = ["destroy"]
    else:
        content = ["room", draft.changes]
    return _digest(content)


def is_retry(known: bytes, draft: Durable) -> bool:
    """Whether the digest that is known of a draft's cid is that of its content."""
    return known == content_digest(draft) or any(
        known == content_digest(former) for former in _former(draft)
    )


def _former(draft: Durable) -> Iterator[Durable]:
    """The drafts that older versions may have made of the same command.

    Emoji were kept in the form in which they were sent, and so was the mark of a file
    before a text. Whatever else is cleaned today was refused.
    """
    match draft:
        case SetReaction():
            for form in forms(draft.emoji):
                yield attrs.evolve(draft, emoji=form)
        case NewMessage() | EditMessage():
            yield attrs.evolve(draft, text=FILE_MARK + draft.text)
        case Moderate(reason=str(reason)):
            yield attrs.evolve(draft, reason=FILE_MARK + reason)
        case SetRoom():
            for changes in _marked(draft.changes):
                yield attrs.evolve(draft, changes=changes)


def _marked(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The settings with the mark of a file before some of their texts."""
    texts = [name for name in ("topic", "title") if settings.get(name)]
    for count in range(1, len(texts) + 1):
        for names in combinations(texts, count):
            yield settings | {name: FILE_MARK + settings[name] for name in names}


def creation_digest(draft: CreateRoom) -> bytes:
    """Digest what a `create` asks for; a private room's name is drawn, not asked."""
    return _digest_of_creation(draft, draft.settings.changed())


def is_creation_retry(known: bytes, draft: CreateRoom) -> bool:
    """Whether the digest that is known of a cid of `create` is that of the draft."""
    settings = draft.settings.changed()
    return any(
        known == _digest_of_creation(draft, said)
        for said in (settings, *_marked(settings))
    )


def _digest_of_creation(draft: CreateRoom, settings: dict[str, Any]) -> bytes:
    name = None if is_private(draft.room) else draft.room
    return _digest(["create", name, settings])


def _digest(content: list[object]) -> bytes:
    data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return blake2b(data, digest_size=DIGEST_BYTES).digest()
