"""The model's end of a user: at once nobody, his traces taken away later."""

from __future__ import annotations

from typing import Any

import attrs

from chatd.core import drafts as d
from chatd.core.changes import UserErased
from chatd.enums import Role
from chatd.ids import RoomName, UserName, is_direct
from chatd.store import answers
from chatd.wire import events as e
from tests.store.model import admissions, bookmarks, threads
from tests.store.model.entities import ModelRoom, Tables


def erase_user(model: Tables, draft: d.EraseUser) -> d.Outcome:
    """Make a user nobody."""
    user = model.users.get(draft.user)
    if user is None:
        return answers.NO_USER
    if not draft.by_operator and user.password_hash != draft.instead_of:
        return answers.PASSWORD_REPLACED
    if draft.nameless is not None and model.is_taken(draft.nameless):
        return answers.NAME_TAKEN
    ownerless = tuple(_owned_alone(model, draft.user))
    del model.users[draft.user]
    model.departed.pop(draft.user, None)
    model.gone.add(draft.user)
    for session in [s for s, row in model.sessions.items() if row.user == draft.user]:
        del model.sessions[session]
    for digest in [t for t, row in model.tokens.items() if row.user == draft.user]:
        del model.tokens[digest]
    admissions.forget_user(model, draft.user)
    for pair in [pair for pair in model.blocks if draft.user in pair]:
        del model.blocks[pair]
    for key in [key for key in model.creations if key[0] == draft.user]:
        del model.creations[key]
    for room in model.rooms.values():
        _leave(room, draft.user)
    name = draft.user
    if draft.nameless is not None:
        name = draft.nameless
        model.gone.add(name)
        for room in model.rooms.values():
            _rename(room, draft.user, name)
    model.erasing.append((draft.user, name))
    return d.Erased((UserErased(draft.user),), ownerless=ownerless)


def _owned_alone(model: Tables, user: UserName) -> list[RoomName]:
    """Rooms with others in them, of which he is the only owner."""
    return sorted(
        room.name
        for room in model.rooms.values()
        if not is_direct(room.name)
        and len(room.members) > 1
        and [name for name, one in room.members.items() if one.role == Role.OWNER]
        == [user]
    )


def _leave(room: ModelRoom, user: UserName) -> None:
    held: tuple[dict[UserName, Any], ...] = (
        room.members,
        room.bans,
        room.mutes,
        room.invites,
    )
    for rows in held:
        rows.pop(user, None)
    for key in [key for key in room.pins if key[0] == user]:
        del room.pins[key]
    for target in [t for t, invite in room.invites.items() if invite.sender == user]:
        del room.invites[target]


def _rename(room: ModelRoom, user: UserName, nameless: UserName) -> None:
    """Let everything that he did be a nameless user's."""
    room.maker = nameless if room.maker == user else room.maker
    for at, event in enumerate(room.timeline):
        fields = ("sender", "user") if isinstance(event, e.Member) else ("sender",)
        named: dict[str, Any] = {
            field: nameless for field in fields if getattr(event, field) == user
        }
        room.timeline[at] = attrs.evolve(event, **named)
    for (root, writer), since in list(room.writers.items()):
        if writer == user:
            del room.writers[root, writer]
            room.writers[root, nameless] = since
    for message in room.messages.values():
        message.sender = nameless if message.sender == user else message.sender
        message.reactions = {
            (emoji, nameless if by == user else by): (
                attrs.evolve(last, sender=nameless) if by == user else last
            )
            for (emoji, by), last in message.reactions.items()
        }


def go_on(model: Tables) -> None:
    """Take away what those have left who were erased."""
    for user, now in model.erasing:
        for room in model.rooms.values():
            if now == user:
                _empty(room, user)
            _forget_reactions(room, now)
            for message in room.messages.values():
                message.mentions.pop(user, None)
            for key in [key for key in room.followers if key[1] == user]:
                del room.followers[key]
    model.erasing.clear()
    bookmarks.sweep(model)


def _empty(room: ModelRoom, user: UserName) -> None:
    for message in room.messages.values():
        if message.sender == user:
            message.text = message.edit = message.cid = None
            message.reactions.clear()
            message.mentions.clear()
            room.unpin(message.seq)
            threads.removed(room, message)
    for at, event in enumerate(room.timeline):
        if isinstance(event, e.Message) and event.sender == user:
            room.timeline[at] = attrs.evolve(event, cid=None)


def _forget_reactions(room: ModelRoom, user: UserName) -> None:
    for message in room.messages.values():
        for key in [key for key in message.reactions if key[1] == user]:
            del message.reactions[key]
    for at, event in enumerate(room.timeline):
        if isinstance(event, e.React) and event.sender == user:
            room.timeline[at] = attrs.evolve(event, emoji=None, on=None, deleted=True)
