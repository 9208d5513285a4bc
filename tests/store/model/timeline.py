"""The model's durable drafts: messages, edits, deletions, reactions, pins."""

from __future__ import annotations

from typing import assert_never

from chatd.core import drafts as d
from chatd.core.changes import Appended
from chatd.core.mentions import Mentions
from chatd.ids import UserName, direct_partner, is_direct
from chatd.store import answers
from chatd.store.digest import content_digest, is_retry
from chatd.wire import events as e
from chatd.wire.events import Millis
from tests.store.model import endings, rooms, threads
from tests.store.model.entities import ModelMessage, ModelRoom, Tables


def durable(model: Tables, draft: d.Durable, now: Millis) -> d.Outcome:
    """Look the cid up, execute, keep the cid."""
    outcome = _durable(model, draft, now)
    return draft.told(outcome) if isinstance(draft, d.DeleteMessage) else outcome


def _durable(model: Tables, draft: d.Durable, now: Millis) -> d.Outcome:
    known = recalled(model, draft)
    if known is not None:
        return known
    room = model.room(draft.room)
    if room is None:
        return answers.NO_ROOM
    if not model.is_known(draft.user):
        return answers.NO_USER
    digest = content_digest(draft)  # fails where a disk would
    other = direct_partner(room.name, draft.user) if is_direct(room.name) else None
    hidden = (other, draft.user) in model.blocks
    match draft:
        case d.NewMessage():
            outcome = _new(model, room, draft, now, hidden=hidden)
        case d.EditMessage():
            outcome = _edit(model, room, draft, now, hidden=hidden)
        case d.DeleteMessage():
            outcome = _delete(room, draft, now)
        case d.SetReaction():
            outcome = _react(room, draft, now, hidden=hidden)
        case d.SetPin():
            outcome = _pin(model, room, draft, now, hidden=hidden)
        case d.Moderate():
            outcome = rooms.moderate(model, room, draft, now)
        case d.SetRoom():
            outcome = rooms.set_room(room, draft, now)
        case d.RenameRoom():
            outcome = rooms.rename_room(model, room, draft, now)
        case d.DestroyRoom():
            outcome = endings.destroy_room(model, room, draft, now)
        case _:
            assert_never(draft)
    if draft.cid is not None:
        if isinstance(outcome, d.Duplicate):
            room.cids[draft.user, draft.cid] = digest, outcome.seq, outcome.ts, ()
        elif isinstance(outcome, d.Committed) and outcome.event is not None:
            where = outcome.event.seq, outcome.event.ts
            missed = outcome.unreached
            room.cids[draft.user, draft.cid] = digest, *where, missed
    return outcome


def recalled(model: Tables, draft: d.Durable) -> d.Duplicate | d.Conflict | None:
    """What the draft's cid stored before; None if nothing."""
    room = model.room_ever(draft.room)
    if room is None or draft.cid is None or not model.is_known(draft.user):
        return None
    use = room.cids.get((draft.user, draft.cid))
    if use is None:
        return None
    known, seq, ts, missed = use
    if not is_retry(known, draft):
        return d.Conflict()
    there = tuple(name for name in missed if name in model.users)
    return d.Duplicate(seq, ts, recalled=True, unreached=there)


def _new(
    model: Tables, room: ModelRoom, draft: d.NewMessage, now: Millis, *, hidden: bool
) -> d.Outcome:
    if draft.reply_to is not None and draft.reply_to not in room.messages:
        return answers.NO_REPLIED
    root = threads.root_of(room, draft)
    if draft.thread and draft.reply_to is not None and root is None:
        return answers.NO_REPLIED
    name, seq, ts = room.stamp(now)
    model.numbered += 1
    message = ModelMessage(
        *(seq, ts, draft.user, draft.text, draft.cid, draft.reply_to),
        thread=root,
        number=model.numbered,
        hidden=hidden,
    )
    message.address(draft.mentions, seq, model.users)
    room.messages[seq] = message
    model.written.append((room, message))
    told = draft.user, draft.text, draft.cid, draft.reply_to
    event = e.Message(name, seq, ts, *told, thread=root)
    if seq == 1 and is_direct(name):
        event.epoch = room.epoch
    room.add(event, hidden=hidden)
    missed = _unreached(model, draft.mentions)
    change = Appended(event, hidden, draft.mentions)
    if root is not None:
        threads.add(model, room, message, change)
    return d.Committed((change,), missed)


def _unreached(model: Tables, found: Mentions | None) -> tuple[UserName, ...]:
    """Those whom a text names and does not reach, the first of them."""
    missed: list[UserName] = []
    for word in found.strangers if found is not None else ():
        meant = next((name for name in word if name in model.users), None)
        if meant is not None and meant not in missed:
            missed.append(meant)
    return tuple(missed[: d.STRANGERS_MAX])


def _edit(
    model: Tables,
    room: ModelRoom,
    draft: d.EditMessage,
    now: Millis,
    *,
    hidden: bool,
) -> d.Outcome:
    message = _own(room, draft)
    if isinstance(message, d.Refused):
        return message
    if message.text == draft.text:
        made = message.edit or message
        return d.Duplicate(made.seq, made.ts)
    message.text = draft.text
    message.hidden = message.hidden or hidden
    message.edit = e.Edit(*room.stamp(now), draft.user, draft.of, draft.text)
    event = room.add(message.edit, hidden=message.hidden)
    found = message.address(draft.mentions, message.edit.seq, model.users)
    missed = _unreached(model, draft.mentions)
    change = Appended(event, message.hidden, *found)
    threads.edited(model, room, message, change)
    return d.Committed((change,), missed)


def _delete(room: ModelRoom, draft: d.DeleteMessage, now: Millis) -> d.Outcome:
    message = _deletable(room, draft)
    if isinstance(message, d.Refused):
        return message
    message.text = message.edit = None
    message.mentions.clear()
    message.reactions.clear()
    room.unpin(draft.of)
    threads.removed(room, message)
    event = room.add(e.Delete(*room.stamp(now), draft.user, draft.of))
    author = None if message.sender == draft.user else message.sender
    return d.Committed((Appended(event, author=author),))


def _react(
    room: ModelRoom, draft: d.SetReaction, now: Millis, *, hidden: bool
) -> d.Outcome:
    message = room.messages.get(draft.of)
    if message is None or message.text is None:
        return answers.NO_MESSAGE
    last = message.reactions.get((draft.emoji, draft.user))
    if last is not None and last.on and draft.on:
        return d.Duplicate(last.seq, last.ts)
    if (last is None or not last.on) and not draft.on:
        return d.Duplicate(message.seq, message.ts)
    kinds = {other.emoji for other in message.on()} - {draft.emoji}
    if draft.on and len(kinds) >= d.REACTION_KINDS_MAX:
        return answers.TOO_MANY_KINDS
    react = e.React(*room.stamp(now), draft.user, draft.of, draft.emoji, draft.on)
    message.reactions[draft.emoji, draft.user] = react
    return d.Committed((Appended(room.add(react, hidden=hidden), hidden),))


def _pin(
    model: Tables, room: ModelRoom, draft: d.SetPin, now: Millis, *, hidden: bool
) -> d.Outcome:
    message = room.messages.get(draft.of)
    if message is None or message.text is None:
        return answers.NO_MESSAGE
    own = room.pinner(draft.user)
    last = room.pins.get((own, draft.of))
    if draft.on == (last is not None):
        made = last or message
        return d.Duplicate(made.seq, made.ts)
    pins = [key for key in room.pins if key[0] == own]
    if draft.on and len(pins) >= d.PINS_MAX:
        return answers.TOO_MANY_PINS
    event = e.Pin(*room.stamp(now), draft.user, draft.of, draft.on)
    viewers = [own]
    if own is not None and not hidden:
        other = direct_partner(room.name, draft.user)
        viewers += [other] if other in model.users else []
    for viewer in viewers:
        room.pins.pop((viewer, draft.of), None)
        if draft.on:
            room.pins[viewer, draft.of] = event
    return d.Committed((Appended(room.add(event, hidden=hidden), hidden),))


def _own(room: ModelRoom, draft: d.EditMessage) -> ModelMessage | d.Refused:
    message = room.messages.get(draft.of)
    if message is None or message.text is None:
        return answers.NO_MESSAGE
    return message if message.sender == draft.user else answers.NOT_YOURS


def _deletable(room: ModelRoom, draft: d.DeleteMessage) -> ModelMessage | d.Refused:
    message = room.messages.get(draft.of)
    if message is None or message.text is None:
        return answers.NO_MESSAGE
    if message.sender != draft.user and draft.of < draft.first:
        return answers.NO_MESSAGE
    if message.sender != draft.user and not draft.moderates:
        return answers.NOT_YOURS
    return message
