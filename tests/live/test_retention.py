"""A declared room that keeps ten messages, as its people and its disk see it."""

from __future__ import annotations

from pathlib import Path

import trio

from tests.live.daemon import PATIENCE_S, Daemon, Frame, person, running

KEEPS = """
[[rooms.permanent]]
name = "lobby"
keep_messages = 10
"""
ENV = {"CHATD_LIMITS__MESSAGES_PER_S": "0", "CHATD_LIMITS__COMMANDS_PER_S": "0"}


def secret(number: int) -> str:
    """A text that stands nowhere else, not even in the index, which folds words."""
    return f"Mango{number:03}Zebra"


def on_disk(data: Path) -> bytes:
    """All bytes of the data directory."""
    return b"".join(path.read_bytes() for path in data.iterdir() if path.is_file())


async def begins_at(daemon: Daemon, first: int) -> Frame:
    """Join until the room begins there: it is trimmed in steps."""
    async with person(daemon.url) as bob:
        await bob.hello(name="bob")
        with trio.fail_after(PATIENCE_S):
            joined = await bob.ask(type="join", room="lobby")
            while joined["first"] != first:
                joined = await bob.ask(type="join", room="lobby")
    return joined


async def test_a_room_keeps_ten_messages(tmp_path: Path) -> None:
    """After a restart with the setting `first` has moved, an old position is not
    recovered, history begins there, and the disk has forgotten the other texts; their
    words leave the index within a day.
    """
    data, file = tmp_path / "data", tmp_path / "chatd.toml"
    async with running(data, env=ENV) as daemon, person(daemon.url) as ann:
        await ann.hello(name="ann")
        joined = await ann.ask(type="join", room="lobby")
        assert joined["first"] == 1
        for number in range(1, 51):
            cid = f"c{number}"
            await ann.ask(type="send", room="lobby", text=secret(number), cid=cid)
    before = on_disk(data)
    assert all(secret(number).encode() in before for number in range(1, 51))
    file.write_text(KEEPS)
    async with running(data, "--config", str(file), env=ENV) as daemon:
        fresh = await begins_at(daemon, 41)
        assert (fresh["seq"], fresh["epoch"]) == (50, joined["epoch"])
        async with person(daemon.url) as cy:
            await cy.hello(name="cy")
            await cy.ask(type="join", room="lobby")
            for since, recovered in ((20, False), (39, False), (40, True)):
                answer = await cy.ask(
                    type="join", room="lobby", since=since, epoch=joined["epoch"]
                )
                assert answer["recovered"] is recovered, since
            page = await cy.ask(type="history", room="lobby", limit=100)
            assert (page["first"], page["more"]) == (41, False)
            assert [message["seq"] for message in page["messages"]] == [*range(41, 51)]
            gone = await cy.ask(type="react", room="lobby", of=40, emoji="👍")
            assert gone["code"] == "no_message"
            sent = await cy.ask(type="send", room="lobby", text="hi", reply_to=41)
            assert sent["seq"] == 51
    after = on_disk(data)
    assert all(secret(number).encode() not in after for number in range(1, 41))
    assert all(secret(number).encode() in after for number in range(41, 51))
