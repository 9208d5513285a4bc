"""The audit is complete: whoever moderates or administers is in it, by whatever."""

from __future__ import annotations

from typing import Any

from chatd.config import Difference
from chatd.core import effects
from chatd.core.commands import RULES
from chatd.core.inputs import Seen
from chatd.enums import Audited, GivenRole, InvitedRole, LogLevel, Role
from chatd.ids import OPERATOR, RoomName, Seq, UserName
from chatd.wire import administration as a
from chatd.wire import kinds as k
from chatd.wire import moderation as m
from chatd.wire import operator as o
from chatd.wire import rooms as r
from chatd.wire.admissions import CreateInvitation, Invitations, RevokeInvitation
from chatd.wire.commands import Command
from chatd.wire.operator import AuditShown
from chatd.wire.place import NamePlace
from chatd.wire.sessions import Logout
from chatd.wire.timeline import Delete, Send
from tests.core.harness import ADA, ANN, BOB, CY, Harness, Peer

TEAM = k.PublicRoom("team")
ROOM: Any = TEAM
HI = k.Text("hi")
PASSWORD = k.NewPassword("8 chars!")

BY_OPERATOR: list[Command] = [
    o.Report(),
    o.Connections(),
    o.BusyRooms(),
    o.Audit(),
    a.UserErasure(BOB),
    Invitations(),
    o.Announce(HI),
    o.Announce(HI, ROOM),
    o.Disconnect(user=BOB),
    o.SetLogLevel(LogLevel.DEBUG),
    o.Reload(),
    a.UserAdd(k.GuestName("dan"), PASSWORD),
    a.UserLogout(BOB),
    a.UserPassword(BOB, PASSWORD),
    a.UserRole(BOB, GivenRole.ADMIN),
    a.UserBan(CY),
    a.UserUnban(CY),
    a.TokenIssue(ANN),
    a.TokenRevoke(k.TokenNumber(1)),
    CreateInvitation(),
    RevokeInvitation(k.InvitationNumber(1)),
    r.Create(k.PublicRoom("hall")),
    r.SetRoom(ROOM, topic=k.Topic("tea")),
    m.Kick(ROOM, ADA),
    r.Destroy(ROOM),
    a.UserErase(CY),
    o.Drain(),
]
"""All that he can say, in an order in which each does something."""
ASKING = frozenset(
    {
        *(effects.Answer, effects.Charge, effects.Query),
        *(effects.Observe, effects.Fetch),
    }
)
"""What a command makes that changes nothing."""


BY_OTHERS: list[tuple[str, Command]] = [
    (ANN, m.Mute(ROOM, BOB)),
    (ANN, m.Unmute(ROOM, BOB)),
    (ANN, m.SetRole(ROOM, BOB, Role.MODERATOR)),
    (ANN, Delete(ROOM, Seq(4))),
    (ANN, r.SetRoom(ROOM, topic=k.Topic("tea"))),
    (ANN, m.Kick(ROOM, BOB)),
    (ANN, m.Ban(ROOM, BOB)),
    (ANN, m.Unban(ROOM, BOB)),
    (ADA, NamePlace(k.Display("Northwind"))),
    (ADA, CreateInvitation(role=InvitedRole.ADMIN)),
    (ADA, RevokeInvitation(k.InvitationNumber(1))),
    (ANN, r.Rename(ROOM, k.PublicRoom("crew"))),
    (ANN, r.Destroy(RoomName("crew"))),
]
"""What an owner may do to others, and an administrator."""
UNKEPT: dict[type, str] = {
    m.Invite: "it takes nothing from anybody",
    m.Decline: "it is one's own",
}
"""Commands that change who may do what in a room, and are not kept."""


class Watched:
    """A chat in which is noted what a command has the hub do."""

    def __init__(self) -> None:
        self.harness = Harness()
        self.wanted: list[Any] = []
        self._handle = self.harness.machine.handle
        self.harness.machine.handle = self._note  # type: ignore[method-assign]
        ann = self.harness.user(ANN)
        ann.ask(r.Create(TEAM))
        self.peers = {ANN: ann}
        for name in (BOB, ADA):
            self.peers[name] = self.harness.user(name, ROOM)
        self.peers[BOB].ask(Send(HI, ROOM))

    def _note(self, happened: Any, now: Any) -> list[effects.Effect]:
        found = self._handle(happened, now)
        self.wanted += found
        return found

    def kept(self, peer: Peer, command: Command) -> list[AuditShown]:
        """What the audit has more when a command was carried out."""
        before = len(self.harness.model.audit)
        self.wanted.clear()
        if isinstance(command, o.Reload):
            peer.say(command)
            self.harness.look_ups.clear()
            changed = Difference(("auth.guests",))
            self.harness.handle(Seen(peer.id, command, changed))
            self.harness.settle()
        else:
            peer.ask(command)
        return [entry for entry, _ in self.harness.model.audit[before:]]

    @property
    def is_changed(self) -> bool:
        """Whether that has had more done than asking and answering."""
        return any(type(effect) not in ASKING for effect in self.wanted)


def test_whatever_the_operator_changes_is_kept_as_its_row_says() -> None:
    """Each command of his either only asks, or makes one entry, of his name."""
    watched = Watched()
    operator = watched.harness.open(is_operator=True)
    for command in BY_OPERATOR:
        made, word = watched.kept(operator, command), RULES[type(command)].audited
        assert watched.is_changed == (word is not None), command
        expected = [] if word is None else [(word, OPERATOR)]
        assert [(entry.what, entry.sender) for entry in made] == expected, command
    his = {type(command) for command in BY_OPERATOR}
    assert his == {kind for kind, rule in RULES.items() if rule.operator}


def test_whatever_moderators_change_is_kept_as_its_row_says() -> None:
    """One entry, of the name of who has done it."""
    watched = Watched()
    for who, command in BY_OTHERS:
        (entry,) = watched.kept(watched.peers[UserName(who)], command)
        word = RULES[type(command)].audited
        assert (entry.what, entry.sender) == (word, who), command


def test_no_row_is_without_its_word() -> None:
    """What changes who may do what in a room is kept, and each word is shown here."""
    rows = {kind for kind, rule in RULES.items() if rule.audited is not None}
    said = {type(one) for one in (*BY_OPERATOR, *(one for _, one in BY_OTHERS))}
    assert rows <= said
    hard = {kind for kind, rule in RULES.items() if rule.barrier}
    assert hard - rows == UNKEPT.keys()
    assert {RULES[kind].audited for kind in rows} == set(Audited)


def test_what_is_ones_own_is_not_kept() -> None:
    """One's rooms, messages, sessions, invitations; what changes nothing."""
    watched = Watched()
    ann = watched.peers[ANN]
    for command in (
        r.Create(k.PublicRoom("hall")),
        Send(HI, ROOM),
        Delete(ROOM, Seq(5)),
        m.Invite(ROOM, CY),
        m.Unban(ROOM, CY),
        CreateInvitation(),
        r.Leave(ROOM),
        Logout(everywhere=True),
    ):
        assert watched.kept(ann, command) == [], command
