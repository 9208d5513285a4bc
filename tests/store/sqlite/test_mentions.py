"""What a message addresses is on disk as long as the message is, and no longer."""

from __future__ import annotations

import apsw

from chatd.core import drafts as d
from chatd.core.mentions import Mentions
from chatd.core.settings import PLAIN
from chatd.store.sqlite.sql import select
from tests.store.support import ANN, BOB, EPOCH, LOBBY, T0, delete, in_this_thread, say


def test_mentions_go_with_their_messages() -> None:
    """A deletion and a trim leave no row of them behind."""
    writer = in_this_thread(apsw.Connection(":memory:"))
    users: list[d.Draft] = [d.AddUser(n, n, "user", None) for n in (ANN, BOB)]
    room = d.CreateRoom(LOBBY, EPOCH, PLAIN, {ANN: "owner"})
    messages = [say("@") for _ in range(3)]
    for message, everybody in zip(messages, (False, True, False), strict=True):
        whom = () if everybody else (BOB,)
        message.mentions = Mentions(whom, everybody)
    writer.commit([*users, room, *messages], T0)

    def rows() -> list[tuple[int, int]]:
        found = select(writer.db, "SELECT seq, user_id FROM mention ORDER BY seq")
        return [(seq, user) for seq, user in found]

    assert rows() == [(1, 2), (2, 0), (3, 2)]
    writer.commit([delete(1)], T0)
    assert rows() == [(2, 0), (3, 2)]
    writer.commit([d.TrimRoom(LOBBY, None, 1)], T0)
    assert rows() == [(3, 2)]
