"""The model's messages as they are shown, with their reactions and pins."""

from __future__ import annotations

from chatd.ids import Seq, UserName
from chatd.store.answers import NAMES_MAX, shown_whole
from chatd.wire import events as e
from chatd.wire import replies as r
from tests.store.model import threads
from tests.store.model.entities import ModelMessage, ModelRoom


def _reactions(
    room: ModelRoom, message: ModelMessage, viewer: UserName
) -> list[e.React]:
    """The reactions that somebody sees, in the order in which they were put."""
    seen: dict[tuple[str | None, UserName], e.React] = {}
    for event in room.timeline:
        if (
            isinstance(event, e.React)
            and event.of == message.seq
            and (event.emoji, event.sender) in message.reactions
            and (event.seq not in room.hidden or event.sender == viewer)
        ):
            seen[event.emoji, event.sender] = event
    return sorted((last for last in seen.values() if last.on), key=lambda r: r.seq)


def count_reactions(room: ModelRoom, message: ModelMessage) -> int:
    """How many reactions somebody sees, be it only who has put one."""
    nobody = UserName("")
    seen = [*message.on(), *_reactions(room, message, nobody)]
    return len({(react.emoji, react.sender) for react in seen})


def shown(room: ModelRoom, message: ModelMessage, viewer: UserName) -> r.MessageShown:
    """The message as history shows it to somebody."""
    if message.hidden and message.sender != viewer:
        return r.MessageShown(
            message.seq, message.ts, sender=None, text=None, hidden=True
        )
    reactions, reacted = _first_names(room, message, viewer)
    pin = room.pins.get((room.pinner(viewer), message.seq))
    return r.MessageShown(
        seq=message.seq,
        ts=message.ts,
        sender=message.sender,
        text=message.text,
        edited=message.edit is not None,
        deleted=message.text is None,
        cid=message.cid,
        reply_to=message.reply_to,
        thread=message.thread,
        replies=threads.summary(room, message.seq, viewer),
        reactions=reactions,
        reacted=reacted,
        pinned=None if pin is None else pin.seq,
    )


def _first_names(
    room: ModelRoom, message: ModelMessage, viewer: UserName
) -> tuple[dict[str, list[UserName]], dict[str, int]]:
    """The users to name for each emoji, and how many where that is not all."""
    names: dict[str, list[UserName]] = {}
    for last in _reactions(room, message, viewer):
        assert last.emoji is not None
        names.setdefault(last.emoji, []).append(last.sender)
    first = {
        emoji: users[:NAMES_MAX] + [viewer] * (viewer in users[NAMES_MAX:])
        for emoji, users in names.items()
    }
    many = {k: len(users) for k, users in names.items() if len(users) > NAMES_MAX}
    return first, many


def page_of(
    room: ModelRoom, messages: list[ModelMessage], viewer: UserName, *, newest: bool
) -> list[r.MessageShown]:
    """As many of the messages as are shown in one page, from one end."""
    page = [shown(room, message, viewer) for message in messages]
    ordered = page[::-1] if newest else page
    whole = shown_whole(
        sum(min(len(users), NAMES_MAX) for users in message.reactions.values())
        for message in ordered
    )
    return page[-whole:] if newest else page[:whole]


def pinned_in(
    room: ModelRoom, first: Seq, below: Seq, limit: int, viewer: UserName
) -> tuple[list[r.MessageShown], bool]:
    """The messages that are pinned by events below one, the last pinned first."""
    pins = sorted(
        (event.seq, of)
        for (whose, of), event in room.pins.items()
        if whose == room.pinner(viewer) and of >= first and event.seq < below
    )
    found = [shown(room, room.messages[of], viewer) for _, of in reversed(pins)]
    seen = [message for message in found if not message.hidden]
    names = (sum(map(len, message.reactions.values())) for message in seen[:limit])
    page = seen[: shown_whole(names)]
    return page, len(seen) > len(page)


def reactions_of(
    room: ModelRoom, of: Seq, emoji: str, after: Seq, viewer: UserName
) -> list[tuple[Seq, UserName]] | None:
    """Who has put an emoji on a message, from one seq on; None: there is none."""
    message = room.messages.get(of)
    if message is None or message.text is None:
        return None
    if message.hidden and message.sender != viewer:
        return []
    return [
        (last.seq, last.sender)
        for last in _reactions(room, message, viewer)
        if last.emoji == emoji and last.seq > after
    ]
