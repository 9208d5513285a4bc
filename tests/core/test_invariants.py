"""What holds whatever happens: people, devices, a slow store, lost connections.

Hypothesis drives a `Harness` by commands and by what may come back in any order,
and every connection has a `Mirror` that notices what its client could not
explain. Who may hear what is worked out a second time here, from the timelines.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chatd.config import Auth, Config, History, PermanentRoom, Presence, Rooms
from chatd.config.limits import Limits
from chatd.core.agenda import Due
from chatd.core.barred import address_digest
from chatd.core.changes import Appended
from chatd.core.commands.rooms.lifecycle import EMPTY_S, is_needless
from chatd.core.entities import Room as RoomState
from chatd.core.entities import Sanction
from chatd.core.retention import REVIEW_S
from chatd.core.state import Chat
from chatd.enums import AccountRole, Fate, Level, Post, Role, State, Visibility
from chatd.ids import (
    Cid,
    RoomName,
    Seq,
    SessionId,
    SessionTag,
    UserName,
    direct_room,
    is_guest,
    session_tag,
)
from chatd.wire.accounts import DeleteAccount, Password
from chatd.wire.commands import Command
from chatd.wire.ephemeral import Read, Status, Typing
from chatd.wire.events import Destroy as DestroyEvent
from chatd.wire.events import Member, Room, TimelineEvent
from chatd.wire.kinds import (
    BanSeconds,
    Display,
    Emoji,
    GuestName,
    NewPassword,
    PageLimit,
    PublicRoom,
    QueryText,
    Secret,
    SlowSeconds,
    StatusText,
    Text,
    Topic,
)
from chatd.wire.moderation import (
    Ban,
    Decline,
    Invite,
    Kick,
    Mute,
    SetRole,
    Unban,
    Unmute,
)
from chatd.wire.place import Ping
from chatd.wire.replies import Welcome
from chatd.wire.rooms import Create, Destroy, Join, Leave, Notify, Rename, SetRoom, Who
from chatd.wire.sessions import Hello, Logout, Sessions
from chatd.wire.threads import Follow, Threads
from chatd.wire.timeline import (
    Bookmark,
    Bookmarks,
    Delete,
    Edit,
    Pin,
    Pins,
    React,
    Search,
    Send,
)
from chatd.wire.timeline import History as HistoryCommand
from chatd.wire.users import Block, Blocks, Profile, Unblock
from tests.core.harness import ADA, ANN, BOB, CY, LOBBY, Harness, Peer
from tests.core.mirror import Mirror

CONFIG = Config(
    auth=Auth(guest_hold_s=20.0),
    rooms=Rooms(
        read_receipts=True,
        permanent=(PermanentRoom(name=LOBBY, keep_messages=2, keep_days=1),),
    ),
    history=History(replay_max=6),
    presence=Presence(grace_s=3.0, names_max=3),
    limits=Limits(connections_per_user=3, messages_per_s=2.0, messages_burst=6),
)
TEAM = RoomName("team")
DEN, PRIVATE = RoomName("den"), RoomName("~the.newest")
"""Rooms that are created on the way; the private one's name is put in later."""
ROOMS = st.sampled_from([LOBBY, TEAM, PRIVATE])
DIRECT = direct_room(ANN, BOB)
ANY_ROOM = st.sampled_from([LOBBY, TEAM, DIRECT, PRIVATE, DEN])
ACTED_ON = st.sampled_from([TEAM, TEAM, PRIVATE, LOBBY, DEN, direct_room(ANN, BOB)])
GUEST = UserName("guest~3")
HERE = "192.0.2.1"
PEOPLE = st.sampled_from([ANN, BOB, CY, ADA, UserName("nobody"), GUEST])
FOR = st.sampled_from([None, 1, 20]).map(lambda s: None if s is None else BanSeconds(s))
HAPPENED: Counter[str] = Counter()
"""What the search has seen: it must not prove the fact by seeing nothing."""
SEQS = st.integers(0, 6).map(Seq)
CIDS = st.one_of(st.none(), st.sampled_from("xyz").map(Cid))
TEXTS = st.sampled_from(["a", "b", "@ann @bob", "@all"]).map(Text)
NAMES = st.sampled_from(["attic", "barn", "attic", "team", "den"]).map(PublicRoom)
LAST_THREE = PageLimit(3)
LAST = st.integers(1, 4).map(PageLimit)

NEW = st.just(NewPassword("another password"))


def tag_of(secret: str) -> SessionTag:
    """What the harness calls the session of a secret."""
    return session_tag(SessionId(secret.encode()))


def one_of_these(*kinds: st.SearchStrategy[Command]) -> st.SearchStrategy[Command]:
    """One of some kinds that together come as often as one of the others."""
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Join, ROOMS),
    st.builds(Join, ANY_ROOM, last=LAST),
    st.builds(Leave, ROOMS),
    st.builds(Send, TEXTS, ROOMS),
    st.builds(Send, TEXTS, ANY_ROOM, cid=CIDS),
    st.builds(Send, TEXTS, ANY_ROOM, cid=CIDS, reply_to=SEQS),
    st.builds(Send, TEXTS, to=PEOPLE, cid=CIDS),
    st.builds(Block, PEOPLE),
    st.builds(Unblock, PEOPLE),
    st.just(Blocks()),
    st.builds(Edit, ANY_ROOM, SEQS, TEXTS, CIDS),
    st.builds(Delete, ANY_ROOM, SEQS, CIDS),
    one_of_these(
        st.builds(React, ANY_ROOM, SEQS, st.just(Emoji("+")), st.booleans(), CIDS),
        st.builds(Pin, ANY_ROOM, SEQS, st.booleans(), CIDS),
        st.builds(Bookmark, ANY_ROOM, SEQS, st.booleans()),
        st.builds(Bookmarks),
    ),
    one_of_these(
        st.builds(
            Send, TEXTS, ANY_ROOM, cid=CIDS, reply_to=SEQS, thread=st.just(value=True)
        ),
        st.builds(Follow, ANY_ROOM, SEQS, st.booleans()),
        st.builds(Read, ANY_ROOM, SEQS, thread=SEQS),
        st.builds(HistoryCommand, ANY_ROOM, thread=SEQS),
        st.builds(Threads, st.booleans()),
    ),
    st.builds(
        Status,
        st.sampled_from(["online", "away"]).map(State),
        st.sampled_from([None, StatusText("lunch")]),
    ),
    st.builds(Typing, ANY_ROOM, st.booleans()),
    st.builds(Read, ANY_ROOM, SEQS),
    st.builds(Read, ANY_ROOM, SEQS, st.just(value=True)),
    st.builds(Notify, ANY_ROOM, st.sampled_from(list(Level))),
    st.builds(Profile, st.sampled_from(["A", "B"]).map(Display)),
    st.builds(HistoryCommand, ANY_ROOM, events=st.booleans()),
    st.builds(
        Search,
        st.sampled_from(["a", "a*", "from:ann", "in:team b", "?"]).map(QueryText),
        st.none() | ANY_ROOM,
    ),
    st.builds(Who, ANY_ROOM, all=st.booleans()),
    st.builds(Create, st.sampled_from([TEAM, DEN]).map(PublicRoom), cid=CIDS),
    st.builds(Create, private=st.just(True), cid=CIDS),
    st.builds(SetRoom, ACTED_ON, topic=st.sampled_from("ab").map(Topic), cid=CIDS),
    st.builds(SetRoom, ACTED_ON, archived=st.sampled_from([True, False, False])),
    st.builds(SetRoom, ACTED_ON, slow_s=st.sampled_from([0, 2]).map(SlowSeconds)),
    st.builds(
        SetRoom,
        ACTED_ON,
        post=st.sampled_from(["members", "members", "moderators"]).map(Post),
        history=st.sampled_from(["all", "since_join"]).map(Visibility),
    ),
    st.builds(Rename, ACTED_ON, NAMES, CIDS),
    st.builds(Destroy, st.sampled_from([TEAM, DEN, PRIVATE, LOBBY, DIRECT]), CIDS),
    st.builds(Invite, ACTED_ON, PEOPLE, CIDS),
    st.builds(Invite, ACTED_ON, PEOPLE, CIDS, on=st.just(False)),
    st.builds(Decline, ACTED_ON),
    st.builds(Kick, ACTED_ON, PEOPLE, cid=CIDS),
    st.builds(Ban, ACTED_ON, PEOPLE, FOR, cid=CIDS),
    st.builds(Unban, ACTED_ON, PEOPLE, CIDS),
    st.builds(Mute, ACTED_ON, PEOPLE, FOR, cid=CIDS),
    st.builds(Unmute, ACTED_ON, PEOPLE, CIDS),
    st.builds(
        SetRole,
        ACTED_ON,
        PEOPLE,
        st.sampled_from(["owner", "moderator", "member"]).map(Role),
        CIDS,
    ),
    st.just(Ping()),
    st.builds(Logout, st.sampled_from([False, False, True])),
    st.builds(Logout, session=st.integers(1, 9).map(lambda n: tag_of(f"{n} secret"))),
    st.just(Sessions()),
    st.builds(Password, st.sampled_from(["right", "wrong"]).map(Secret), NEW),
    st.builds(
        DeleteAccount,
        st.sampled_from(["right", *["wrong"] * 3]).map(Secret),
        st.sampled_from(["empty", "reassign"]).map(Fate),
    ),
)

WHISPERS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Send, TEXTS, st.just(DIRECT)),
    st.builds(Send, TEXTS, st.just(DIRECT)),
    st.builds(
        Send,
        TEXTS,
        st.just(DIRECT),
        reply_to=st.integers(1, 3).map(Seq),
        thread=st.just(value=True),
    ),
    st.builds(Edit, st.just(DIRECT), st.integers(1, 3).map(Seq), TEXTS),
    st.builds(Delete, st.just(DIRECT), SEQS),
    one_of_these(
        st.builds(React, st.just(DIRECT), SEQS, st.just(Emoji("+")), st.booleans()),
        st.builds(Pin, st.just(DIRECT), SEQS, st.booleans()),
        st.builds(Pins, st.just(DIRECT)),
    ),
    st.builds(Block, PEOPLE),
    st.builds(Unblock, PEOPLE),
)


def account(name: str, password: str) -> Hello:
    """How an account says hello."""
    return Hello(GuestName(name), Secret(password))


class Life(RuleBasedStateMachine):
    """Several people with several devices, and a store that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.harness = Harness(CONFIG)
        self.mirrors: dict[Peer, Mirror] = {}
        self.secrets: list[Secret] = []
        self.ids = 0

    # --- people ---------------------------------------------------------------

    @initialize(blocked=st.booleans())
    def begin(self, blocked: bool) -> None:
        """Three people are in two rooms, two of them talk."""
        for hello in (account("ann", "right"), account("bob", "right"), Hello()):
            peer = self.open(hello, HERE)
            self.say(peer, Join(LOBBY))
            self.say(peer, Join(TEAM))
        self.harness.settle()
        ann, bob, _ = self.mirrors
        self.say(bob, Send(Text("a"), to=ANN))
        if blocked:
            self.say(ann, Block(BOB))
        self.harness.settle()

    def say(self, peer: Peer, command: Command) -> None:
        """Send a command with the next id."""
        if getattr(command, "room", None) == PRIVATE:
            private = [
                name for name in self.harness.chat.durable.rooms if name[0] == "~"
            ]
            newest = private[-1] if private else RoomName("~" + 16 * "a")
            command = attrs.evolve(command, room=newest)  # type: ignore[arg-type]
        self.ids += 1
        command = attrs.evolve(command, id=self.ids)
        self.mirrors[peer].commands[self.ids] = command
        peer.say(command)

    def open(self, hello: Hello, address: str | None = None) -> Peer:
        """Open a connection that says hello."""
        peer = self.harness.open(address)
        self.mirrors[peer] = Mirror()
        self.say(peer, hello)
        return peer

    def peer(self, data: st.DataObject) -> Peer:
        """Choose a connection."""
        return data.draw(st.sampled_from(list(self.mirrors)), "connection")

    @rule(
        name=st.sampled_from(["ann", "bob", "cy", "ada"]),
        password=st.sampled_from(["right", "right", "right", "wrong"]),
        at_once=st.booleans(),
    )
    def log_in(self, name: str, password: str, at_once: bool) -> None:
        """Somebody logs in."""
        peer = self.open(account(name, password))
        self.say(peer, Join(LOBBY))
        if at_once:
            self.harness.settle()

    @rule(at_once=st.booleans(), address=st.sampled_from([None, HERE, HERE]))
    def guest(self, at_once: bool, address: str | None) -> None:
        """A guest comes."""
        peer = self.open(Hello(), address)
        self.say(peer, Join(LOBBY))
        if at_once:
            self.harness.settle()

    @precondition(lambda self: self.secrets)
    @rule(data=st.data(), another=st.booleans(), at_once=st.booleans())
    def resume(self, data: st.DataObject, another: bool, at_once: bool) -> None:
        """Somebody comes back, takes his session over, or opens one beside it."""
        secret = data.draw(st.sampled_from(self.secrets))
        self.open(Hello(session=secret, another=another))
        if at_once:
            self.harness.settle()

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data(), commands=st.lists(COMMANDS, min_size=1, max_size=4))
    def talk(self, data: st.DataObject, commands: list[Command]) -> None:
        """Somebody sends something."""
        peer = self.peer(data)
        for command in commands:
            self.say(peer, command)

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data(), commands=st.lists(COMMANDS, min_size=2, max_size=6))
    def chatter(self, data: st.DataObject, commands: list[Command]) -> None:
        """Several people send something, and everything comes back."""
        for command in commands:
            self.say(self.peer(data), command)
        self.harness.settle()

    @rule(pair=st.permutations([ANN, BOB]), commands=st.lists(WHISPERS, max_size=4))
    def whisper(self, pair: list[UserName], commands: list[Command]) -> None:
        """One speaks to another, who looks at what there is."""
        speaking, looking = (
            [peer for peer in self.mirrors if self.harness.user_of(peer) == name]
            for name in pair
        )
        for peer in speaking[:1]:
            for command in commands:
                self.say(peer, command)
        self.harness.settle()
        for peer in looking[:1]:
            self.say(peer, HistoryCommand(DIRECT))
            self.say(peer, Join(DIRECT, last=PageLimit(9)))
        self.harness.settle()
        self.harness.wait(1.0)

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data(), room=ANY_ROOM, back=st.integers(-1, 8), users=st.booleans())
    def recover(
        self, data: st.DataObject, room: RoomName, back: int, users: bool
    ) -> None:
        """Somebody joins from where he was."""
        found = self.harness.chat.durable.rooms.get(room)
        if found is not None:
            since = Seq(max(0, found.head - back))
            self.say(self.peer(data), Join(room, since, found.epoch, users=users))

    @precondition(lambda self: self.mirrors)
    @rule(
        data=st.data(),
        whom=st.sampled_from([BOB, CY]),
        bans=st.booleans(),
        replays=st.booleans(),
        history=st.sampled_from(["all", "since_join", "since_join"]).map(Visibility),
        commands=st.lists(COMMANDS, max_size=3),
    )
    def remove(
        self,
        data: st.DataObject,
        whom: UserName,
        bans: bool,
        replays: bool,
        history: Visibility,
        commands: list[Command],
    ) -> None:
        """Somebody is removed while he follows the room, others go on; he is back."""
        ada, own = (self.open(account(n, "right")) for n in (ADA, whom))
        self.harness.settle()
        self.say(own, Join(TEAM))
        self.say(ada, SetRoom(TEAM, history=history))
        self.harness.settle()
        if replays:
            self.recover_from_start(own)
        self.say(ada, Ban(TEAM, whom, BanSeconds(1)) if bans else Kick(TEAM, whom))
        for command in commands:
            self.say(self.peer(data), command)
        self.harness.commit()
        self.harness.wait(1.0)
        self.say(own, Join(TEAM))

    def recover_from_start(self, peer: Peer) -> None:
        """Somebody joins from the last place from which he may."""
        room = self.harness.chat.durable.rooms.get(TEAM)
        if room is not None:
            self.say(peer, Join(TEAM, Seq(max(0, room.head - 3)), room.epoch))

    @precondition(lambda self: self.mirrors)
    @rule(
        data=st.data(),
        names=st.lists(NAMES, min_size=1, max_size=2),
        before=st.lists(COMMANDS, max_size=3),
        behind=st.lists(COMMANDS, max_size=3),
        replays=st.booleans(),
    )
    def rename(
        self,
        data: st.DataObject,
        names: list[PublicRoom],
        before: list[Command],
        behind: list[Command],
        replays: bool,
    ) -> None:
        """A room gets another name while things are under way; who knows the old one
        uses it.
        """
        ada, cy = (self.open(account(name, "right")) for name in (ADA, CY))
        self.harness.settle()
        if replays:
            self.say(cy, Join(TEAM))
            self.harness.settle()
            self.recover_from_start(cy)
        for command in before:
            self.say(self.peer(data), command)
        for name in names:
            self.say(ada, Rename(TEAM, name))
        for command in behind:
            self.say(self.peer(data), command)
        if data.draw(st.booleans()):
            self.harness.commit()
        self.say(cy, Join(TEAM))
        self.say(cy, HistoryCommand(TEAM))
        self.say(cy, Search(QueryText("in:team a")))

    @precondition(lambda self: self.mirrors)
    @rule(
        data=st.data(),
        room=st.sampled_from([PRIVATE, PRIVATE, TEAM]),
        commands=st.lists(COMMANDS, max_size=3),
        leaves=st.booleans(),
        trouble=st.booleans(),
    )
    def end(
        self,
        data: st.DataObject,
        room: RoomName,
        commands: list[Command],
        leaves: bool,
        trouble: bool,
    ) -> None:
        """Somebody makes a room and asks another in; he ends it, or all go."""
        cy, ann = (self.open(account(name, "right")) for name in (CY, ANN))
        self.harness.settle()
        if room == PRIVATE:
            self.say(cy, Create(private=True))
            self.harness.settle()
        self.say(cy, Invite(PRIVATE, ANN))
        self.say(cy, Join(room))
        self.say(ann, Join(room, last=LAST_THREE))
        for command in commands:
            self.say(self.peer(data), command)
        if data.draw(st.booleans()):
            self.harness.settle()
        self.harness.load()
        self.say(ann, Leave(room))
        self.say(cy, Leave(room) if leaves else Destroy(room))
        self.harness.commit()
        if trouble:
            self.harness.fail()
        self.say(ann, Join(room))

    @precondition(lambda self: self.mirrors)
    @rule(
        data=st.data(),
        room=st.sampled_from([RoomName("cave"), RoomName("cellar")]),
        commands=st.lists(COMMANDS, max_size=3),
        early=st.booleans(),
    )
    def abandon(
        self, data: st.DataObject, room: RoomName, commands: list[Command], early: bool
    ) -> None:
        """Somebody makes a room and leaves it; much later people come there."""
        cy, ann = (self.open(account(name, "right")) for name in (CY, ANN))
        self.harness.settle()
        self.say(cy, Join(room))
        self.say(cy, Leave(room))
        self.harness.settle()
        self.what_is_received_makes_sense()
        self.harness.wait(EMPTY_S)
        if early:
            self.say(self.peer(data), Join(room))
        self.harness.commit()
        for command in commands:
            self.say(self.peer(data), command)
        self.say(ann, Join(room))
        self.say(cy, Join(room))

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """A connection is lost."""
        peer = self.peer(data)
        del self.mirrors[peer]
        peer.close()

    @rule()
    def bury(self) -> None:
        """The sockets of those that were told to end are closed."""
        for peer in [peer for peer in self.mirrors if peer.ending is not None]:
            del self.mirrors[peer]
            peer.close()

    # --- the edge -------------------------------------------------------------

    @precondition(lambda self: self.harness.drafts)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        """A batch is committed."""
        self.harness.commit(data.draw(st.integers(1, len(self.harness.drafts))))

    @precondition(lambda self: self.harness.drafts)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """A batch is on disk, which the chat does not know yet; look-ups may see it."""
        self.harness.write(data.draw(st.integers(1, len(self.harness.drafts))))

    @precondition(lambda self: self.harness.drafts)
    @rule(stall=st.booleans())
    def store_trouble(self, stall: bool) -> None:
        """The disk is full, or does not answer for a while."""
        if stall:
            self.harness.stall()
        else:
            self.harness.fail()

    @precondition(lambda self: self.harness.look_ups)
    @rule(data=st.data())
    def look_up(self, data: st.DataObject) -> None:
        """Some look-up comes back."""
        last = len(self.harness.look_ups) - 1
        self.harness.run_look_up(data.draw(st.integers(0, last)))

    @rule()
    def settle(self) -> None:
        """Everything comes back."""
        self.harness.settle()

    @rule(seconds=st.sampled_from([0.4, 1.0, 3.5, 25.0, 90_000.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.harness.wait(seconds)

    @rule()
    def forget(self) -> None:
        """A room's beginning goes, whatever is under way."""
        self.harness.wait(REVIEW_S)
        self.harness.commit()

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data(), back=st.integers(3, 6))
    def recover_what_goes(self, data: st.DataObject, back: int) -> None:
        """Somebody joins from where he was, and some of that goes meanwhile."""
        self.chatter(data, [Send(Text("a"), LOBBY)] * back)
        self.recover(data, LOBBY, back, users=False)
        self.forget()

    @rule(
        what=st.sampled_from(["ban", "ban", "ban", "unban", "logout", "role"]),
        name=st.sampled_from([ANN, ANN, BOB, GUEST]),
        role=st.sampled_from(["user", "admin"]),
        seconds=FOR,
    )
    def operate(
        self, what: str, name: UserName, role: str, seconds: int | None
    ) -> None:
        """Now and then the operator changes something beside the daemon."""
        harness = self.harness
        if name not in harness.model.users:
            return  # he has ended his account
        if what == "role" and not is_guest(name):
            harness.give_role(name, AccountRole(role))
        elif what == "ban":
            until = None if seconds is None else harness.now.wall + seconds * 1000
            harness.ban(name, Sanction(until, None))
        elif what == "unban":
            harness.unban(name)
        elif what == "logout":
            harness.log_out(name)
        theirs = self.harness.chat.durable.rooms_of(name)
        rooms = [name for name in theirs if name[0] != "@"]
        HAPPENED["left to others"] += sum(
            self.is_left_to_others(self.harness.chat.durable.rooms[name])
            for name in rooms
            if name != LOBBY
        )

    @rule(killed=st.sampled_from([False, False, False, True]))
    def restart(self, killed: bool) -> None:
        """Now and then the daemon is killed and comes back."""
        if killed:
            self.harness.restart()
            self.mirrors.clear()

    # --- what holds -----------------------------------------------------------

    @invariant()
    def what_is_received_makes_sense(self) -> None:
        """Each client can explain every frame; nobody gets two replies."""
        for peer, mirror in self.mirrors.items():
            for frame in peer.take():
                self.is_heard_rightly(mirror, frame)
                mirror.take(frame)
                if isinstance(frame, Welcome) and frame.session not in self.secrets:
                    self.secrets.append(Secret(frame.session))
            assert peer.answers <= peer.said

    def is_heard_rightly(self, mirror: Mirror, frame: Any) -> None:
        """Who hears an event live is a member then, or was just removed by it.

        By the timeline, which tells of every account that comes and goes, but for
        declared rooms and direct conversations.
        """
        if not hasattr(frame, "ts") or hasattr(frame, "re"):
            return
        assert mirror.welcome is not None
        user, place = mirror.welcome.user, mirror.rooms.get(frame.room)
        for former in getattr(frame, "was", ()):
            place = mirror.rooms.get(former, place)
            HAPPENED["renamed"] += 1
        if frame.room[0] == "@" or frame.room == LOBBY or is_guest(user):
            return
        assert place is not None
        if isinstance(frame, DestroyEvent):
            HAPPENED["destroyed live" if place.caught_up else "destroyed"] += 1
        is_removal = getattr(frame, "change", "") in ("kick", "ban")
        if is_removal and frame.user == user and frame.seq > place.head:
            HAPPENED["removed live" if place.caught_up else "removed replaying"] += 1
        if place.caught_up:
            last = self.last_change(frame.room, user, frame.seq)
            if last is None:
                # Events name nobody who has ended his account since.
                assert user not in self.harness.model.users
                return
            assert last.change == "join" or last.seq == frame.seq, (user, frame)

    def timeline(self, room: RoomName) -> list[TimelineEvent]:
        """All that has happened in a room, also in one that has ended."""
        found = self.harness.model.room_ever(room)
        assert found is not None
        return found.timeline

    def last_change(self, room: RoomName, user: UserName, upto: Seq) -> Member | None:
        """The last event up to `upto` by which somebody came or went."""
        timeline = self.timeline(room)[:upto]
        changes = ("join", "leave", "kick", "ban")
        for event in reversed(timeline):
            if isinstance(event, Member) and (event.user, event.change) in {
                (user, change) for change in changes
            }:
                return event
        return None

    def reads_from(self, room: RoomName, user: UserName) -> int:
        """The lowest seq that a member may read, by the timeline."""
        timeline = self.timeline(room)
        join = self.last_change(room, user, Seq(len(timeline)))
        assert join is not None
        assert join.change == "join"
        told = [e.history for e in timeline[: join.seq] if isinstance(e, Room)]
        history = [value for value in told if value is not None]
        return join.seq if history and history[-1] == "since_join" else 1

    @rule()
    def quiesce(self) -> None:
        """Everything has come back and a while has passed without news."""
        self.harness.settle()
        self.what_is_received_makes_sense()
        self.bury()
        for _ in range(3):
            self.harness.wait(5.0)
            self.harness.settle()
        while self.harness.chat.live.agenda.keys(Due.GUEST) - set(
            self.harness.chat.live.sessions
        ):
            # The end of a session that nobody has was refused: it is tried again.
            self.harness.wait(5.0)
            self.harness.settle()
        self.what_is_received_makes_sense()
        self.bury()
        chat = self.harness.chat
        for peer, mirror in self.mirrors.items():
            assert peer.answers == peer.said
            mirror.compare(chat, CONFIG.presence.names_max)
        assert not chat.live.barriers
        for name, ended in self.harness.model.ended.items():
            if ended.timeline and not isinstance(ended.timeline[-1], DestroyEvent):
                HAPPENED["dropped" if name[0] == "~" else "needless"] += 1
        again = chat.live.agenda.keys(Due.EMPTY)
        for name, entry in chat.durable.rooms.items():
            assert not is_needless(entry) or name in again
        for user, invites in chat.durable.invites.items():
            assert all(user in chat.durable.rooms[name].invited for name in invites)
        for name, entry in chat.durable.rooms.items():
            if name[0] != "@" and name != LOBBY:
                for user, member in entry.members.items():
                    HAPPENED["since join"] += member.first > 1
                    if not is_guest(user):
                        assert member.first == self.reads_from(name, user)
        HAPPENED["let go"] += len(self.harness.model.rooms) > len(chat.durable.rooms)
        assert self.kept(chat) == self.kept(self.harness.whole())
        assert self.told(chat) == self.told(self.harness.catch_up())
        for event in self.harness.delivered:
            before = self.kept(chat)
            # A room may have been made again, and counts from 1 then.
            if event.room in chat.durable.rooms and event in self.timeline(event.room):
                assert self.harness.apply(Appended(event)) == []
            assert self.kept(chat) == before
        self.harness.delivered.clear()
        for room in self.harness.model.rooms.values():
            uses = Counter(
                (message.sender, message.cid)
                for message in room.messages.values()
                if message.cid is not None
            )
            assert not uses or max(uses.values()) == 1

    def is_left_to_others(self, room: RoomState) -> bool:
        """Whether there are members, and no owner among them who can act."""
        now = self.harness.now.wall
        return bool(room.members) and not any(
            room.members[name].role == "owner" and not (ban and ban.holds(now))
            for name, ban in room.leaders.items()
        )

    def teardown(self) -> None:
        """At the end, too."""
        self.quiesce()

    def told(self, chat: Chat) -> Any:
        """What changes alone tell: not read marks, nor which guests are here."""
        rooms, users, _, invites, *rest = self.kept(chat)
        seen = {
            name: (
                *row[:5],
                {
                    user: (role, first, level)
                    for user, (role, _, first, level) in row[5].items()
                    if not is_guest(user)
                },
                *row[6:],
            )
            for name, row in rooms.items()
        }
        known = {
            name: (
                *row[:3],
                [other for other in row[4] if not is_guest(other)],
                row[5],
            )
            for name, row in users.items()
            if not is_guest(name)
        }
        asked = {key: one for key, one in invites.items() if not is_guest(key[0])}
        return seen, known, asked, *rest, chat.durable.place

    def kept(self, chat: Chat) -> Any:
        """What a restart keeps, of what the harness's chat has in memory.

        Sanctions that have lapsed are nothing.
        """
        here, now = self.harness.chat.durable, self.harness.now.sure
        rooms = {
            room.name: (
                room.epoch,
                room.head,
                room.first,
                room.was,
                room.settings,
                {
                    n: (m.role, m.read, m.first, m.level)
                    for n, m in room.members.items()
                },
                {n: s for n, s in room.bans.items() if s.holds(now)},
                {n: s for n, s in room.mutes.items() if s.holds(now)},
                {n: s for n, s in room.leaders.items() if s and s.holds(now)},
            )
            for room in chat.durable.rooms.values()
            if room.name in here.rooms
        }
        users = {
            user.name: (
                *(user.display, user.role, user.ban, user.address),
                sorted(user.blocks),
                sorted(user.made),
            )
            for user in chat.durable.users.values()
            if user.name in here.users
        }
        guests = {s.id: s.user for s in chat.live.sessions.values() if is_guest(s.user)}
        now = self.harness.now.wall
        invites = {
            (user, room): invite
            for user, invites in chat.durable.invites.items()
            for room, invite in invites.items()
            if room in here.rooms and invite.matters(now)
        }
        digest = address_digest(HERE, chat.durable.address_key)
        barred = {
            place: chat.durable.address_ban(place, digest, now)
            for place in (None, *here.rooms)
        }
        aliases = {
            name: now for name, now in chat.durable.aliases.items() if now in here.rooms
        }
        return rooms, users, guests, invites, barred, aliases


def test_who_is_replayed_to_can_explain_the_end_of_the_room() -> None:
    """It comes before what was still to be read, and `left` alone behind it."""
    life = Life()
    life.begin(blocked=False)
    life.what_is_received_makes_sense()
    ann, bob, _ = life.mirrors
    life.recover_from_start(bob)
    life.say(ann, Destroy(TEAM))
    life.harness.commit()
    told = [frame for frame in bob.frames if getattr(frame, "room", "") == TEAM]
    assert [frame.type for frame in told] == ["ok", "destroy", "left"]
    assert told[1].seq > 1  # and he joined from 0
    life.what_is_received_makes_sense()
    assert TEAM not in life.mirrors[bob].rooms
    life.teardown()


def test_a_room_that_is_just_renamed_again_is_not_read_beside_itself() -> None:
    """It is found by the name that it had at first, and stored under its third, of
    which nobody was told yet.
    """
    life = Life()
    life.begin(blocked=False)
    ann = next(iter(life.mirrors))
    ada = life.open(account(ADA, "right"))
    life.harness.settle()
    for name in ("attic", "barn"):
        life.say(ada, Rename(TEAM, PublicRoom(name)))
    life.say(ann, Create(PublicRoom(TEAM)))
    life.harness.commit()  # the first
    life.harness.write(1)  # the second
    life.harness.settle()
    life.what_is_received_makes_sense()
    assert "barn" in life.harness.chat.durable.rooms
    life.teardown()


@pytest.mark.untraced
@pytest.mark.parametrize("steps", [25, 60])
def test_whatever_happens_every_client_is_told_the_truth(steps: int) -> None:
    """One answer a command, streams without a hole, nothing to non-members, and
    presence and the store agree with the chat once nothing is under way.
    """
    HAPPENED.clear()
    run_state_machine_as_test(
        Life, settings=settings(max_examples=6000 // steps, stateful_step_count=steps)
    )
    wanted = (
        *("removed live", "removed replaying", "since join", "left to others"),
        *("destroyed live", "dropped", "needless", "renamed", "let go"),
    )
    for what in wanted:
        assert HAPPENED[what] > 0, HAPPENED
