"""The client against a model of the server, over a network that loses at will.

The model has one room and keeps protocol sections 2 to 4: hello with sessions,
join with `since` and `last`, replay as it is now, `cid`, gaps. Its frames and
the client's wait in two queues until a rule delivers them, or loses them.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatd.client import ClientCore, Credential

Frame = dict[str, Any]
ROOM = "lobby"
REPLAY_MAX = 12


class Server:
    """One room, its guests' sessions and one connection."""

    def __init__(self) -> None:
        self.epoch = "8f3c21d07be945aa"
        self.timeline: list[Frame] = []
        self.cids: dict[tuple[str, str], int] = {}
        self.sessions: dict[str, str] = {}
        self.members: set[str] = set()
        self.names = 0
        self.refuse: str | None = None
        self.disconnect()

    def disconnect(self) -> None:
        self.to_client: list[Frame] = []
        self.user: str | None = None
        self.joined = False

    @property
    def head(self) -> int:
        return len(self.timeline)

    def append(self, event: Frame) -> int:
        event |= {"room": ROOM, "seq": self.head + 1, "ts": "2026-11-22T20:31:28.123Z"}
        self.timeline.append(event)
        if self.joined:
            self.to_client.append(event)
        return self.head

    def shown(self, event: Frame) -> Frame:
        """An event as a replay shows it: with the text that it has now."""
        of = event.get("of", event["seq"])
        texts = [e["text"] for e in self.timeline if e.get("of", e["seq"]) == of]
        return event | {"text": texts[-1]}

    def messages(self) -> dict[int, str]:
        """What a fresh history of everything gives."""
        return {
            event["seq"]: self.shown(event)["text"]
            for event in self.timeline
            if event["type"] == "message"
        }

    def receive(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind == "hello":
            self.hello(frame)
            return
        assert self.user is not None, "nothing may come before hello is answered"
        reply: Frame = {"type": "ok", "re": kind, "id": frame.get("id")}
        if kind == "send":
            self.send(frame, reply)
        elif kind == "join":
            self.join(frame, reply)
        elif kind == "history":
            self.to_client.append(reply | self.page(frame["before"]))
        else:
            self.to_client.append(reply)

    def hello(self, frame: Frame) -> None:
        secret = frame.get("session")
        if secret is None:
            self.names += 1
            secret = f"secret{self.names}"
            self.sessions[secret] = f"ann~{self.names}"
        if secret not in self.sessions:
            refusal = {"type": "error", "re": "hello", "code": "bad_credentials"}
            self.to_client.append(refusal)
            return
        self.user = self.sessions[secret]
        entry = {"room": ROOM, "epoch": self.epoch, "seq": self.head}
        welcome = {"type": "welcome", "user": self.user, "session": secret}
        rooms = [entry] if self.user in self.members else []
        self.to_client.append(welcome | {"rooms": rooms, "heartbeat": 25})

    def send(self, frame: Frame, reply: Frame) -> None:
        assert self.user is not None
        key = (self.user, frame["cid"])
        refuse, self.refuse = self.refuse, None
        refusal = {"type": "error", "code": refuse, "retry_after": 0.5}
        if key in self.cids:
            self.to_client.append(reply | {"seq": self.cids[key], "dup": True})
        elif refuse in ("rate_limited", "unavailable"):
            self.to_client.append(reply | refusal)
        else:
            assert self.user in self.members, "sent before joined"
            self.cids[key] = self.head + 1
            done = {"seq": self.head + 1, "room": ROOM}
            self.to_client.append(reply | (refusal if refuse else done))
            event = {"type": "message", "from": self.user, "text": frame["text"]}
            self.append(event)

    def page(self, before: int) -> Frame:
        found = [
            {"seq": seq, "text": text}
            for seq, text in self.messages().items()
            if seq < before
        ]
        return {"messages": found, "as_of": self.head, "room": ROOM}

    def join(self, frame: Frame, reply: Frame) -> None:
        assert self.user is not None
        self.members.add(self.user)
        self.joined = True
        reply |= {"room": ROOM, "epoch": self.epoch, "seq": self.head}
        start = self.head
        if "since" in frame:
            recovered = (
                frame["epoch"] == self.epoch
                and 0 <= self.head - frame["since"] <= REPLAY_MAX
            )
            reply["recovered"] = recovered
            start = frame["since"] if recovered else self.head
        elif "last" in frame:
            start = max(0, self.head - frame["last"])
        self.to_client.append(reply)
        self.to_client += [self.shown(event) for event in self.timeline[start:]]
        end = {"type": "caught_up", "room": ROOM, "seq": self.head}
        self.to_client.append(end | {"epoch": self.epoch})


class View:
    """What somebody holds who believes everything the client tells."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.messages: dict[int, str] = {}
        self.from_seq = 0
        self.answers: list[Frame] = []

    def take(self, event: Frame) -> None:
        assert "session" not in event
        kind = event["type"]
        if kind == "ok" and event["re"] == "join" and event.get("recovered") is False:
            self.last = event["seq"]
            self.messages.clear()
            self.from_seq = 0
        elif kind == "ok" and event["re"] == "history":
            self.messages = {m["seq"]: m["text"] for m in event["messages"]}
        elif kind in ("message", "edit"):
            if self.last is None:
                self.from_seq = event["seq"]
            else:
                assert event["seq"] == self.last + 1, "one after the other, each once"
            self.last = event["seq"]
            of: int = event.get("of") or event["seq"]
            if kind == "message" or of in self.messages:
                self.messages[of] = event["text"]
        elif kind in ("ok", "error") and "cid" in event:
            self.answers.append(event)


class Meeting(RuleBasedStateMachine):
    """Any order of sending, losing, refusing, editing and coming back."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.server = Server()
        self.view = View()
        self.core = ClientCore(Credential(name="ann"), Random(7))
        self.to_server: list[Frame] = []
        self.up = False
        self.submitted = 0
        self.core.submit({"type": "join", "room": ROOM, "last": 50})
        self.connect()
        self.settle()

    def settle(self) -> None:
        """Deliver until nothing is on its way."""
        for _ in range(10_000):
            if not (self.to_server or self.server.to_client or self.core.unanswered):
                break
            self.now += 0.05
            self.server_takes(5)
            self.client_takes(5)

    def drain(self) -> None:
        self.to_server += map(json.loads, self.core.to_send(self.now))
        for event in self.core.take_events():
            self.view.take(event)
        if self.core.hang_up and self.up:
            self.lose(arrive=True)

    @rule()
    def connect(self) -> None:
        if not self.up:
            self.up = True
            self.core.connected(self.now)
            self.drain()

    @rule(arrive=st.booleans())
    def lose(self, arrive: bool) -> None:
        if self.up:
            if arrive:
                self.server_takes(1000)
            self.up = False
            self.to_server.clear()
            self.server.disconnect()
            assert self.core.closed(None) is not None
            self.drain()

    @rule(count=st.integers(1, 3))
    def send(self, count: int) -> None:
        for _ in range(count):
            self.submitted += 1
            text = f"mine {self.submitted}"
            self.core.submit({"type": "send", "room": ROOM, "text": text})
        self.drain()

    @rule(count=st.integers(1, 20))
    def others_send(self, count: int) -> None:
        for _ in range(count):
            self.server.append({"type": "message", "from": "bob", "text": "his"})

    @rule(which=st.integers(0, 1000))
    def others_edit(self, which: int) -> None:
        messages = list(self.server.messages())
        if messages:
            of = messages[which % len(messages)]
            text = f"edit {self.server.head}"
            self.server.append({"type": "edit", "from": "bob", "of": of, "text": text})

    @rule(count=st.integers(1, 5))
    def server_takes(self, count: int) -> None:
        for frame in self.to_server[:count]:
            self.server.receive(frame)
        del self.to_server[:count]

    @rule(count=st.integers(1, 30))
    def client_takes(self, count: int) -> None:
        for frame in self.server.to_client[:count]:
            self.core.received(json.dumps(frame), self.now)
        del self.server.to_client[:count]
        self.drain()

    @rule(told=st.booleans())
    def gap(self, told: bool) -> None:
        """The newest live events are dropped; a gap says so, or the next event."""
        queue = self.server.to_client
        dropped = []
        while queue and queue[-1]["type"] in ("message", "edit"):
            dropped.append(queue.pop()["seq"])
        if dropped and self.server.joined:
            have, seq = min(dropped) - 1, max(dropped)
            if told:
                queue.append({"type": "gap", "room": ROOM, "have": have, "seq": seq})
            else:
                self.others_send(1)

    @rule()
    def stutter(self) -> None:
        """An event comes a second time."""
        queue = self.server.to_client
        if queue and queue[-1]["type"] in ("message", "edit"):
            queue.append(queue[-1])

    @rule(code=st.sampled_from(["rate_limited", "unavailable", "internal"]))
    def refuse(self, code: str) -> None:
        self.server.refuse = code

    @rule()
    def void(self) -> None:
        self.server.sessions.clear()

    @rule()
    def restore_backup(self) -> None:
        """The numbering begins a new life; here its events stay the same."""
        if not self.up:
            self.server.epoch = f"{int(self.server.epoch, 16) + 1:016x}"

    @rule(seconds=st.sampled_from([0.1, 1.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.drain()

    @invariant()
    def order_is_kept(self) -> None:
        """One's own messages are stored in the order in which they were given."""
        mine = [e["text"] for e in self.server.timeline if e["text"][:4] == "mine"]
        numbers = [int(text.split()[1]) for text in mine]
        assert numbers == sorted(set(numbers))

    def teardown(self) -> None:
        """In the end the view is the room, and every command is answered once."""
        self.server.refuse = None
        self.connect()
        self.settle()
        assert self.core.online
        assert len(self.view.answers) == self.submitted
        expected = self.server.messages()
        held = {s: t for s, t in expected.items() if s >= self.view.from_seq}
        assert self.view.messages == held


TestMeeting = Meeting.TestCase
TestMeeting.settings = settings(
    max_examples=200, stateful_step_count=50, phases=[Phase.generate]
)
