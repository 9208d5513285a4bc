"""What a `cid` was used for, as sixteen bytes.

A retry is the same command with the same content; a client that uses a `cid`
for something else has a bug that it must be told about. The content itself is
not kept for this: it may be edited and deleted while the `cid` is remembered.
The label, the user and the room are the key under which a digest is kept, so
they are no part of it.
"""

from __future__ import annotations

from hashlib import blake2b

import orjson

from chatd.core.drafts import DeleteMessage, Durable, EditMessage, NewMessage

DIGEST_BYTES = 16


def content_digest(draft: Durable) -> bytes:
    """Digest what the draft says, whoever says it wherever.

    Raises:
        TypeError: The text is no Unicode text (a lone surrogate).
    """
    content: list[object]
    if isinstance(draft, NewMessage):
        content = ["message", draft.text, draft.reply_to]
    elif isinstance(draft, EditMessage):
        content = ["edit", draft.of, draft.text]
    elif isinstance(draft, DeleteMessage):
        content = ["delete", draft.of]
    else:
        content = ["react", draft.of, draft.emoji, draft.on]
    return blake2b(orjson.dumps(content), digest_size=DIGEST_BYTES).digest()
