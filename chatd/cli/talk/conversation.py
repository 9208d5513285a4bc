"""What becomes of each line that is typed, until it is answered.

What a line means says `chatd.cli.talk.orders`: a message to the room that was joined
last, or an order. Whatever it asks for is kept until it is answered (`Asked`). A line
that was refused is given back with the reason; one that has no answer at the end is
said.

A person who is refused a room stays where he is, and is asked before a room is made. A
pipe asks nobody, and is in no room then until the next `/join`: what comes behind it
was not written for the room before.

What a person has before his eyes when he types counts as read.

With JSON a line that starts with `{` is a command of the protocol, answered with its
own `id`.
"""

from __future__ import annotations

import os

import attrs
import orjson
import trio

from chatd.cli.clean import clean
from chatd.cli.standard import OutputLost
from chatd.cli.talk.orders import (
    BACKLOG,
    Misunderstood,
    Order,
    command,
    emoji_called,
    help_lines,
    joined,
    parse,
    said,
)
from chatd.cli.talk.places import strings
from chatd.cli.talk.recent import Recent
from chatd.cli.talk.screen import Screen
from chatd.client import Client, CommandRefused, Frame
from chatd.client.unanswered import NEVER_ANSWERED
from chatd.ids import UserName, direct_room, is_direct

YES = frozenset({"y", "yes"})
NO = frozenset({"", "n", "no"})
"""Answers; what is neither was no answer."""


@attrs.define(eq=False)
class Asked:
    """What a line has asked for; it comes back with the answer, as its `id`."""

    line: str
    """As it was typed; empty for what nobody typed."""
    label: object = None
    """The `id` of a command of the protocol."""
    frame: Frame = attrs.field(factory=dict)
    """The command that it was."""


@attrs.define(eq=False)
class Conversation:
    """One run of the command: where lines go, and what comes of them."""

    room: str | None
    """Where messages go: the room that was joined last."""
    screen: Screen
    status: int = attrs.field(default=0, init=False)
    """The exit code."""
    _refused: bool = attrs.field(default=False, init=False)
    """Whether a line was lost to whoever cannot type it again."""
    _lost: OutputLost | None = attrs.field(default=None, init=False)
    """Why nobody is shown anything any more."""
    _waiting: list[Asked] = attrs.field(factory=list, init=False)
    """What has no answer yet."""
    _answered: trio.lowlevel.ParkingLot = attrs.field(
        factory=trio.lowlevel.ParkingLot, init=False
    )
    _recent: Recent = attrs.field(factory=Recent, init=False)
    _read: dict[str, int] = attrs.field(factory=dict, init=False)
    """Up to where each room is read."""

    async def run(self, client: Client) -> None:
        """Show events and send lines until either has its end.

        Raises:
            OutputLost: Nobody is shown what happens.

        Cancellation: safe; what has no answer is said.
        """
        started = False
        try:
            async with trio.open_nursery() as nursery:
                async for event in client:
                    await self._take(client, event)
                    if event["type"] == "welcome" and not started:
                        started = True
                        nursery.start_soon(self._converse, client, event)
                    elif event["type"] == "offline" and event["after"] is None:
                        self.status = 0 if event["code"] == 1000 else os.EX_NOPERM
                nursery.cancel_scope.cancel()
        finally:
            for asked in self._waiting:
                self.screen.complain(f"no answer came, it may be taken: {asked.line}")
            self._refused = self._refused or bool(self._waiting)
        if self._lost is not None:
            raise self._lost
        self.status = self.status or int(self._refused)

    async def _converse(self, client: Client, welcome: Frame) -> None:
        """Come in, do what lines say, and leave when all is answered."""
        await self._enter(client, welcome)
        async for line in self.screen.lines:
            if line == "/quit":
                break
            if line.strip():
                await self._obey(client, line)
            await self._mark(client)
        if self._waiting and self.screen.interactive:
            left = f"-- waits for what is on the way: {len(self._waiting)}"
            self.screen.tell([f"{left} (Ctrl-C gives it up)"])
        await client.answered()
        client.leave()

    async def _enter(self, client: Client, welcome: Frame) -> None:
        """Join the room that was asked for, else one's own, else a suggested."""
        mine = [entry["room"] for entry in welcome["rooms"]]
        mine = [room for room in mine if not is_direct(room)]
        wanted, self.room = self.room, None
        rooms = [wanted] if wanted else mine or welcome.get("suggested", [])[:1]
        if not self.screen.interactive:
            for room in rooms:
                await self._move(client, Asked(""), joined(room))
            return
        for room in rooms[-1:]:
            await self._move(client, Asked(""), joined(room))
        for room in mine:
            if room != self.room:
                await self._post(client, Asked(""), joined(room))

    async def _move(self, client: Client, asked: Asked, join: Frame) -> None:
        """Come into a room; where that is refused, who sees it stays where he is."""
        if not self.screen.interactive:
            self._stand(None)
        try:
            reply = await client.request(join)
        except CommandRefused as refused:
            # The reply itself is an event, and shown as one.
            here = "you are in no room now" if self.room is None else "you stay here"
            is_new = refused.code == "no_room" and not join["create"]
            if is_new and self.screen.interactive and asked.line:
                if await self._agreed(f"make the room {clean(join['room'])}? (y/N) "):
                    await self._move(client, asked, join | {"create": True})
                return
            makes = f"; /create {join['room']} makes it, if you may" if is_new else ""
            self._give_back(asked.line, here + makes)
        else:
            self._stand(reply["room"])

    def _stand(self, room: str | None) -> None:
        """Have the next line go to a room."""
        self.room = room
        self.screen.enter(room)

    async def _agreed(self, question: str) -> bool:
        """Ask, and return whether the next line says yes.

        A line that is no answer was typed before the question was seen.
        """
        self.screen.ask(question)
        line = await anext(self.screen.lines, "")
        self.screen.ask("")
        answer = line.strip().lower()
        if answer not in YES | NO:
            self._give_back(line, "this is neither yes nor no, and so it is no")
        return answer in YES

    async def _obey(self, client: Client, line: str) -> None:
        """Do what one line says."""
        try:
            if self.screen.as_json and line.startswith("{"):
                await self._command(client, line)
                return
            parsed = parse(line)
            if isinstance(parsed, Order):
                await self._order(client, parsed, line)
            elif self.room is None:
                raise Misunderstood("you are in no room: /join ROOM")
            else:
                frame = said(parsed, self.room, client.core.user)
                await self._post(client, Asked(line), frame)
        except Misunderstood as misunderstood:
            self._give_back(line, str(misunderstood))

    async def _order(self, client: Client, order: Order, line: str) -> None:
        """Carry out an order."""
        match order:
            case Order("help"):
                self.screen.tell(help_lines())
            case Order("edit", text):
                await self._edit(client, text, line)
            case Order("react", rest):
                await self._react(client, rest, line)
            case Order("msg", name) if len(name.split()) == 1:
                await self._turn_to(client, name.removeprefix("@"))
            case Order("join", name) if is_direct(name) and "," not in name:
                await self._turn_to(client, name.removeprefix("@"))
            case Order("join" | "create"):
                await self._move(client, Asked(line), command(order, self.room))
            case _:
                await self._post(client, Asked(line), command(order, self.room))

    async def _turn_to(self, client: Client, name: str) -> None:
        """Have the next lines go to somebody alone."""
        if not self.screen.interactive:
            raise Misunderstood("it is written /msg NAME TEXT")
        one, other = sorted((UserName(str(client.core.user)), UserName(name)))
        room = direct_room(one, other)
        if room in client.core.rooms and room not in self._read:
            ask = {"type": "history", "room": room, "limit": BACKLOG}
            await self._post(client, Asked(""), ask)
        self._stand(room)

    async def _edit(self, client: Client, text: str, line: str) -> None:
        """Correct one's last message, or have it back to correct it."""
        room = await self._settled()
        of = self._recent.last(room, client.core.user)
        if of is None:
            raise Misunderstood("none of your messages here was seen from here")
        if text:
            frame = {"type": "edit", "room": room, "of": of, "text": text}
            await self._post(client, Asked(line), frame)
        elif self.screen.interactive:
            self.screen.give_back(f"/edit {self._recent.text(room, of)}")
        else:
            raise Misunderstood("it is written /edit TEXT")

    async def _react(self, client: Client, rest: str, line: str) -> None:
        """React to the last message of somebody, or of anybody else."""
        sign, *names = rest.split()
        if len(names) > 1:
            raise Misunderstood("it is written /react EMOJI [NAME]")
        room = await self._settled()
        name = names[0].removeprefix("@") if names else None
        of = self._recent.last(room, name, but=str(client.core.user))
        if of is None:
            whose = "nobody else" if name is None else name
            raise Misunderstood(f"no message of {whose} here was seen from here")
        frame = {"type": "react", "room": room, "of": of, "emoji": emoji_called(sign)}
        await self._post(client, Asked(line), frame)

    async def _settled(self) -> str:
        """Wait until it is known what became of the lines before; return the room."""
        while self._waiting:
            await self._answered.park()
        if self.room is None:
            raise Misunderstood("you are in no room: /join ROOM")
        return self.room

    async def _mark(self, client: Client) -> None:
        """Say that the room is read, by a person who types there."""
        room = self.room if self.screen.interactive else None
        following = client.core.rooms.get(room) if room is not None else None
        last = following.last if following is not None else None
        if room is not None and last is not None and last > self._read.get(room, 0):
            self._read[room] = last
            await client.post({"type": "read", "room": room, "seq": last})

    async def _command(self, client: Client, line: str) -> None:
        """Send a line that is a command of the protocol."""
        try:
            frame = orjson.loads(line)
            await self._post(client, Asked(line, frame.get("id")), frame)
        except (orjson.JSONDecodeError, TypeError) as error:
            raise Misunderstood(f"this is not a command: {error}") from None

    async def _post(self, client: Client, asked: Asked, frame: Frame) -> None:
        """Send a command, and remember it until its answer."""
        if frame.get("type") not in NEVER_ANSWERED:
            asked.frame = frame
            self._waiting.append(asked)
            self.screen.wait_for(len(self._waiting))
        await client.post(frame | {"id": asked})

    async def _take(self, client: Client, event: Frame) -> None:
        """Take an event: the answer to a line, or what has happened."""
        asked = event.get("id")
        if isinstance(asked, Asked):
            event = self._answer(client, asked, event)
            if event["type"] == "error" and not self.screen.as_json:
                return
        told = self._recent.take(event)
        if event["type"] == "rename" and self.room in strings(event.get("was")):
            self._stand(str(event.get("room")))
        try:
            followed = str(event.get("room")) in client.core.rooms
            shown = event if self.screen.as_json else told
            await self.screen.take(shown, followed=followed)
        except OutputLost as lost:
            self._lost = lost
            client.leave()
        if event["type"] == "left" and event.get("room") == self.room:
            self._stand(None)

    def _answer(self, client: Client, asked: Asked, event: Frame) -> Frame:
        """Take the answer to a line; return it as whoever has typed it knows it."""
        self._waiting.remove(asked)
        self.screen.wait_for(len(self._waiting))
        event = {key: value for key, value in event.items() if key != "id"}
        if asked.label is not None:
            event["id"] = asked.label
        if event["type"] == "error":
            self._give_back(asked.line, str(event.get("text")))
        elif event.get("re") == "send":
            user, text = str(client.core.user), str(asked.frame["text"])
            seq = event.get("seq")
            if isinstance(seq, int):
                self._recent.sent(str(event.get("room")), seq, user, text)
        self._answered.unpark_all()
        return event

    def _give_back(self, line: str, reason: str) -> None:
        """Say that a line was not taken, so that it can be sent again."""
        self._refused = self._refused or not self.screen.interactive
        self.screen.complain(reason)
        if line:
            self.screen.give_back(line)
