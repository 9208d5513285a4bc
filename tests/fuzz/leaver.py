"""One who makes one account after the other, talks for a while, and ends it.

He says nothing in the rooms that are followed: what an erased user has written is
emptied without an event, so those who follow would show something else than history.
His address is his own, since the wrong passwords of others count for theirs.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import apsw
import attrs
import orjson
import trio

from tests.fuzz.commands import Frame, Speaker
from tests.fuzz.operator import chatd
from tests.fuzz.peer import PATIENCE_S, Gone, Peer, connect
from tests.fuzz.people import PASSWORD, Scene

_ADDRESS = "127.0.0.2"
_TALK = ("send", "edit", "delete", "react", "block", "read", "create")
_ROOM = "room-0"
_ACTS_MAX = 150
_LEFT = """
SELECT u.name FROM user u WHERE u.erased = 'done' AND (
  EXISTS (SELECT 1 FROM message WHERE user_id = u.id AND text IS NOT NULL
          AND u.name NOT LIKE 'erased~%')
  OR EXISTS (SELECT 1 FROM reaction WHERE user_id = u.id)
  OR EXISTS (SELECT 1 FROM cid WHERE user_id = u.id)
  OR EXISTS (SELECT 1 FROM mention WHERE user_id = u.id))
OR u.erased IS NOT NULL AND (
  u.password_hash IS NOT NULL
  OR EXISTS (SELECT 1 FROM session WHERE user_id = u.id)
  OR EXISTS (SELECT 1 FROM token WHERE user_id = u.id)
  OR EXISTS (SELECT 1 FROM member WHERE user_id = u.id)
  OR EXISTS (SELECT 1 FROM invite WHERE u.id IN (user_id, sender_id))
  OR EXISTS (SELECT 1 FROM block WHERE u.id IN (user_id, blocked_id)))"""
"""Who is gone, and has left something that had to go by then."""


@attrs.define(eq=False)
class Leaver:
    """One account after the other."""

    scene: Scene
    data: Path
    rng: Random
    ended: set[str] = attrs.field(factory=set)
    """Those whose end was acknowledged."""

    async def live(self) -> None:
        """Make accounts and end them until cancelled."""
        number = 0
        while True:
            await self.scene.up.wait()
            number += 1
            name = f"leaver{number}"
            async with self.scene.terminal:
                is_added = await trio.to_thread.run_sync(self._add, name)
            if is_added:
                self.scene.world.targets.append(name)
                try:
                    await self._visit(name)
                except Gone as gone:
                    self.scene.happened[f"leaver closed {gone.code}"] += 1
            await trio.sleep(self.rng.random())

    def _add(self, name: str) -> bool:
        done = chatd(self.data, "user", "add", name, given=f"{PASSWORD}\n")
        return done.exit_code == 0

    async def _visit(self, name: str) -> None:
        speaker = Speaker(Random(self.rng.random()), self.scene.world)
        peer = await connect(self.scene.port, source=_ADDRESS)
        try:
            hello = {"type": "hello", "name": name, "password": PASSWORD}
            await self._ask(peer, hello)
            await self._ask(peer, {"type": "join", "room": _ROOM})
            for _ in range(self.rng.randrange(_ACTS_MAX)):
                said = speaker.command(*_TALK)
                if "room" in said:
                    said["room"] = _ROOM
                await peer.say(orjson.dumps(said))
            await self._end(peer, name)
        finally:
            peer.stream.socket.close()

    async def _end(self, peer: Peer, name: str) -> None:
        """Leave; what was said before need not be answered yet."""
        end = {"type": "account_delete", "password": PASSWORD}
        if self.rng.random() < 0.5:
            end["messages"] = self.rng.choice(["empty", "reassign"])
        reply = await self._ask(peer, end)
        if reply["type"] != "ok":
            return
        self.ended.add(name)
        code = await self._closed(peer)
        assert code in {4505, None}, (name, code)

    async def _closed(self, peer: Peer) -> int | None:
        """Wait until the daemon closes; with what, if it was not killed before."""
        with trio.fail_after(PATIENCE_S):
            while True:
                try:
                    await peer.hear()
                except Gone as gone:
                    return gone.code

    async def _ask(self, peer: Peer, command: Frame) -> Frame:
        """Say something, and wait for its reply."""
        await peer.say(orjson.dumps(command | {"id": "asked"}))
        with trio.fail_after(PATIENCE_S):
            while True:
                frame = await peer.hear()
                self.scene.hear(frame)
                if frame.get("id") == "asked" and frame.get("re") == command["type"]:
                    return frame

    def inspect(self, db: apsw.Connection) -> None:
        """Look for those who have ended in the database that was left behind."""
        rows = db.execute("SELECT name FROM user WHERE erased IS NOT NULL")
        gone = {name for (name,) in rows}
        assert self.ended <= gone, self.ended - gone
        left = [name for (name,) in db.execute(_LEFT)]
        assert left == [], left
        self.scene.happened["accounts ended"] = len(self.ended)
