"""A fuzzer of the whole daemon: `fuzz` runs it, and says what happened.

A real daemon serves people who say anything in any form over real sockets, while
somebody types the terminal's commands and, now and then, the daemon is killed. What
must hold in spite of that:

* the daemon ends when it is told to, with status 0, and has logged no bug;
* each command has one reply, and each frame of the daemon is in the schema;
* a cid that was acknowledged is stored once, under the seq that was told;
* two who follow the same rooms by the protocol's own loop, one calm, one on a line
  that breaks all the time, show the same, and what a fresh `history` shows;
* the database is whole, the search index has exactly the texts that are there, and
  every room's numbers are without a hole;
* who was told that his account has ended is gone, and so is what he has left, at the
  latest some steps later.

Everything that is drawn comes from the seed; what happens also depends on who is
served first, so a fault comes back with its seed often, not always.
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from random import Random

import apsw
import attrs
import orjson
import trio

from chatd.store.sqlite import search_index
from tests.fuzz.commands import Frame, Speaker, World
from tests.fuzz.leaver import Leaver
from tests.fuzz.operator import chatd, operate
from tests.fuzz.peer import connect
from tests.fuzz.people import LISTENERS, PASSWORD, Listener, Scene, Wild
from tests.live.daemon import Daemon, start
from tests.wire.loop import fold, shown

ROOMS = ("lobby", "garden", "room-0")
FOLLOWED = ("lobby", "garden")
PEOPLE = ("ann", "bob", "cy", "dan")
BOT = "robot"
GUESTS = 4
KILL_EVERY_S = 15.0
CONFIG = """
[metrics]
listen = ["127.0.0.1:0"]

[[rooms.permanent]]
name = "lobby"
"""
ENV = {
    "CHATD_AUTH__REGISTRATION": "open",
    "CHATD_LIMITS__MESSAGES_PER_S": "0",
    "CHATD_LIMITS__COMMANDS_PER_S": "0",
    "CHATD_LIMITS__BYTES_PER_S": "0",
    "CHATD_LIMITS__CONNECTS_PER_S": "0",
    "CHATD_LIMITS__CONNECTIONS_PER_ADDRESS": "0",
    "CHATD_LIMITS__CREATIONS_PER_H": "0",
    "CHATD_LIMITS__GUEST_BYTES_PER_D": "0",
    "CHATD_LIMITS__OUTBOX_SOFT_BYTES": "32768",
    "CHATD_PRESENCE__GRACE_S": "1",
    "CHATD_PRESENCE__TICK_S": "0.2",
    "CHATD_AUTH__GUEST_HOLD_S": "5",
}


@attrs.define(eq=False)
class Stage:
    """The daemon of the moment, and its data."""

    scene: Scene
    data: Path
    config: Path
    daemon: Daemon

    async def kill(self) -> None:
        """Kill the daemon and start another one in its place."""
        self.scene.up = trio.Event()
        self.daemon.kill()
        await self.daemon.wait()
        self.daemon = await start(
            self.data, "-c", str(self.config), env=ENV, port=self.daemon.port
        )
        self.scene.happened["kills"] += 1
        self.scene.up.set()

    async def end(self) -> None:
        """End the daemon as systemd does; it must have met no bug."""
        metrics = await self.daemon.get(self.daemon.metrics_port, "/metrics")
        self.daemon.signal(signal.SIGTERM)
        status = await self.daemon.wait()
        log = self.daemon.log_text()
        assert status == 0, log[-5000:]
        assert Daemon.numbers(metrics)["chatd_connection_bugs_total"] == 0, log
        assert "Traceback" not in log, log[log.index("Traceback") :][:5000]


async def fuzz(directory: Path, seed: int, seconds: float) -> Counter[str]:
    """Run the fuzzer.

    Args:
        directory: An empty one; the daemon's data and log stay there.
        seed: What everything is drawn from.
        seconds: How long it plays.

    Returns:
        What happened, and how often.

    Raises:
        AssertionError: Something that must hold does not.
        ExceptionGroup: The same, out of one of those who take part.
    """
    rng = Random(seed)
    config = directory / "chatd.toml"
    config.write_text(CONFIG)
    data = directory / "data"
    scene = await trio.to_thread.run_sync(_set_up, data, Random(rng.random()))
    daemon = await start(data, "-c", str(config), env=ENV)
    scene.port = daemon.port
    stage = Stage(scene, data, config, daemon)
    listeners = [
        Listener(scene, Random(rng.random()), name, is_calm=name == LISTENERS[0])
        for name in LISTENERS
    ]
    leaver = Leaver(scene, data, Random(rng.random()))
    scene.up.set()
    try:
        async with trio.open_nursery() as nursery:
            for listener in listeners:
                nursery.start_soon(listener.follow, FOLLOWED)
            await _play(stage, leaver, rng, seconds)
            await _compare(scene, listeners)
            nursery.cancel_scope.cancel()
        await stage.end()
    finally:
        if stage.daemon.process.returncode is None:
            stage.daemon.process.kill()
            with trio.CancelScope(shield=True):
                await stage.daemon.wait()
    await trio.to_thread.run_sync(_inspect, data, scene, leaver)
    return scene.happened


def _set_up(data: Path, rng: Random) -> Scene:
    """Make accounts and tokens, before the first start."""
    tokens: dict[str, str] = {}
    for name in (*LISTENERS, *PEOPLE, BOT):
        role = {"ann": ["--admin"], BOT: ["--bot"]}.get(name, [])
        done = chatd(data, "user", "add", name, *role, given=f"{PASSWORD}\n")
        assert done.exit_code == 0, done.output
        scope = ["--room", "lobby"] if name == BOT else []
        issued = chatd(data, "token", "issue", name, *scope)
        assert issued.exit_code == 0, issued.output
        tokens[name] = issued.stdout.split()[-1]
    names = [*PEOPLE, BOT]
    return Scene(0, World([*names, *LISTENERS], [*ROOMS], names), tokens, rng=rng)


async def _play(stage: Stage, leaver: Leaver, rng: Random, seconds: float) -> None:
    """Let everybody do what they do, and the daemon be killed, for a time."""
    scene = stage.scene
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for name in (*PEOPLE, BOT, *[None] * GUESTS):
                speaker = Speaker(Random(rng.random()), scene.world)
                nursery.start_soon(Wild(scene, speaker, name).live)
            nursery.start_soon(operate, scene, stage.data, Random(rng.random()))
            nursery.start_soon(leaver.live)
            while True:
                await trio.sleep(rng.uniform(0.5, 1.5) * KILL_EVERY_S)
                with trio.CancelScope(shield=True):
                    await stage.kill()


async def _compare(scene: Scene, listeners: list[Listener]) -> None:
    """Hold what both show of each room against each other, and against history."""
    for listener in listeners:
        listener.is_done = True
    compared = 0
    for room in FOLLOWED:
        page = await _history(scene, room)
        if page is None:
            continue
        name, as_of, first, messages = page
        for listener in listeners:
            await listener.caught_up(name, as_of)
        lows = [min(each.rooms.get(name, {as_of: {}})) for each in listeners]
        lowest = max(first, *lows)
        truth = {seq: one for seq, one in messages.items() if seq >= lowest}
        for listener in listeners:
            # What was under way when the last one stopped may have come since.
            heard = listener.rooms.get(name, {})
            held = fold({seq: one for seq, one in heard.items() if seq <= as_of})
            mine = {seq: one for seq, one in held.items() if seq >= lowest}
            assert mine == truth, (listener.name, name, _difference(mine, truth))
        compared += len(truth)
    scene.happened["messages compared"] = compared
    assert compared, "nobody showed anything"


def _difference(
    one: dict[int, object], other: dict[int, object]
) -> dict[int, tuple[object, object]]:
    seqs = sorted(one.keys() | other.keys())
    pairs = {seq: (one.get(seq), other.get(seq)) for seq in seqs}
    return {seq: pair for seq, pair in pairs.items() if pair[0] != pair[1]}


async def _history(
    scene: Scene, room: str
) -> tuple[str, int, int, dict[int, object]] | None:
    """Read a room from its newest message to its oldest, as somebody who is there.

    Returns:
        What the room is called now, its head, the lowest seq that is kept, and each
        message as a person sees it; None if there is no room.
    """
    peer = await connect(scene.port)
    hello = {"type": "hello", "token": scene.tokens[LISTENERS[0]]}
    ask: Frame = {"type": "history", "room": room, "limit": 100}
    messages: dict[int, object] = {}
    as_of: int | None = None
    try:
        await peer.say(orjson.dumps(hello))
        await peer.say(orjson.dumps(ask))
        while True:
            page = await peer.hear()
            if page.get("re") != "history":
                continue
            if page["type"] == "error":
                assert page["code"] in {"no_room", "not_member"}, page
                return None
            messages |= {one["seq"]: shown(one) for one in page["messages"]}
            as_of = page["as_of"] if as_of is None else as_of
            if not page["more"]:
                if as_of == page["as_of"]:
                    return page["room"], as_of, page["first"], messages
                # Something has come between the first page and this one.
                messages, as_of = {}, None
                await peer.say(orjson.dumps(ask))
                continue
            before = page["messages"][0]["seq"]
            await peer.say(orjson.dumps(ask | {"before": before}))
    finally:
        await peer.stream.aclose()


def _inspect(data: Path, scene: Scene, leaver: Leaver) -> None:
    """Look at the database that was left behind."""
    db = apsw.Connection(str(data / "chatd.db"))
    try:
        search_index.register(db)
        assert [*db.execute("PRAGMA integrity_check")] == [("ok",)]
        assert [*db.execute("PRAGMA foreign_key_check")] == []
        db.execute("INSERT INTO message_fts (message_fts) VALUES ('integrity-check')")
        leaver.inspect(db)
        holes = [*db.execute(_HOLES)]
        assert holes == [], holes
        told = {tuple(key): seq for *key, seq in db.execute(_CIDS)}
        gone = {name for (name,) in db.execute("SELECT name FROM user WHERE erased")}
        lost = {
            key: (seq, told.get(key))
            for key, seq in scene.stored.items()
            if key[1] not in gone and told.get(key) != seq
        }
        assert lost == {}, lost
        scene.happened["cids looked up"] = len(scene.stored)
    finally:
        db.close()


_HOLES = """
SELECT r.name, r.first, r.head,
  (SELECT count(*) FROM message m WHERE m.room_id = r.id AND m.seq >= r.first)
  + (SELECT count(*) FROM event e WHERE e.room_id = r.id AND e.seq >= r.first) AS rows
FROM room r WHERE rows <> r.head - r.first + 1"""
_CIDS = """
SELECT r.name, u.name, c.cid, c.seq FROM cid c
JOIN (SELECT id, name FROM room UNION ALL SELECT room_id, name FROM former_name) r
ON r.id = c.room_id JOIN user u ON u.id = c.user_id"""
