"""The model's place, invitations, first administrator and links."""

from __future__ import annotations

import attrs

from chatd.core import drafts as d
from chatd.core.changes import Change, PlaceNamed
from chatd.core.principal import InvitationKept
from chatd.enums import AccountRole, Role, Visibility
from chatd.ids import RoomName, UserName, is_guest
from chatd.store import answers
from chatd.wire.events import Millis
from tests.store.model.entities import ModelInvitation, Tables
from tests.store.model.people import add_user
from tests.store.model.rooms import set_member


def set_place(model: Tables, draft: d.SetPlace) -> d.Outcome:
    """Call the place otherwise."""
    if model.place == draft.name:
        return d.Duplicate(changes=(PlaceNamed(draft.name),))
    model.place = draft.name
    return d.Committed((PlaceNamed(draft.name),))


def add_invitation(model: Tables, draft: d.AddInvitation) -> d.Outcome:
    """Record an invitation, unless its maker has too many."""
    if draft.maker is not None and draft.maker not in model.users:
        return answers.NO_USER
    room = model.room(draft.room) if draft.room is not None else None
    if draft.room is not None and room is None:
        return answers.NO_ROOM
    made = [one for one in model.invitations.values() if one.kept.maker == draft.maker]
    if draft.maker is not None and len(made) >= d.INVITATIONS_MAX:
        return answers.TOO_MANY_INVITATIONS
    if any(one.digest == draft.digest for one in model.invitations.values()):
        return answers.NOT_STORED
    return d.Invited(number=add(model, draft, draft.maker))


def add(model: Tables, draft: d.AddInvitation, maker: UserName | None) -> int:
    """Add an invitation, of somebody or of the operator; what it is called by."""
    model.invited += 1
    kept = InvitationKept(
        model.invited,
        maker,
        draft.role,
        None,
        draft.created,
        draft.expires,
        draft.uses,
        0,
    )
    room = model.room(draft.room) if draft.room is not None else None
    model.invitations[model.invited] = ModelInvitation(draft.digest, kept, room)
    return model.invited


def remove_invitation(model: Tables, draft: d.RemoveInvitation) -> d.Outcome:
    """Take an invitation back."""
    if draft.maker is not None and draft.maker not in model.users:
        return answers.NO_USER
    found = model.invitations.get(draft.number)
    if found is None or draft.maker not in (None, found.kept.maker):
        return answers.NO_INVITATION
    del model.invitations[draft.number]
    return d.Committed()


def forget_user(model: Tables, user: UserName) -> None:
    """Take away the invitations of somebody, and by which one he came."""
    for number, one in list(model.invitations.items()):
        if one.kept.maker == user:
            del model.invitations[number]
        elif user in one.kept.users:
            one.kept.users.remove(user)


def prune(model: Tables, now: Millis) -> None:
    """Forget invitations that have ended long ago."""
    for number, one in list(model.invitations.items()):
        assert one.kept.expires is not None
        if one.kept.expires < now - d.INVITATION_KEEP_MS:
            del model.invitations[number]


def enroll(model: Tables, draft: d.Enroll, now: Millis) -> d.Outcome:
    """Record an account that comes by an invitation, which is used by that."""
    found = _found(model, draft.digest)
    if found is None and not _is_offered(model, draft.digest):
        return d.BAD_INVITATION
    if found is not None:
        kept = found.kept
        assert kept.expires is not None
        if kept.used >= kept.uses:
            return d.INVITATION_USED
        if kept.expires <= draft.now:
            return d.INVITATION_EXPIRED
    added = add_user(model, draft.account)
    if not isinstance(added, d.Committed):
        return added
    if found is None:
        model.setup = None
        return added
    found.kept.used += 1
    found.kept.users.append(draft.account.user)
    return d.Committed(added.changes + _enter(model, draft, now))


def _enter(model: Tables, draft: d.Enroll, now: Millis) -> tuple[Change, ...]:
    room = model.room(draft.room) if draft.room is not None else None
    if room is None:
        return ()
    since = room.settings.history == Visibility.SINCE_JOIN
    entry = d.SetMember(
        room.name,
        draft.account.user,
        Role.MEMBER,
        draft.event,
        since_join=since,
        may_own=draft.event,
    )
    entered = set_member(model, entry, now)
    assert isinstance(entered, d.Committed)
    return entered.changes


def _found(model: Tables, digest: bytes) -> ModelInvitation | None:
    found = (one for one in model.invitations.values() if one.digest == digest)
    return next(found, None)


def _is_offered(model: Tables, digest: bytes) -> bool:
    return model.setup == digest and not _has_admin(model)


def _has_admin(model: Tables) -> bool:
    return any(user.role == AccountRole.ADMIN for user in model.users.values())


def offer_setup(model: Tables, draft: d.OfferSetup) -> d.Outcome:
    """Let somebody become the first administrator, where nobody is one yet."""
    accounts = [user for user in model.users.values() if user.role != AccountRole.GUEST]
    is_new = not accounts and all(map(is_guest, model.gone))
    is_awaited = not _has_admin(model) and (model.setup is not None or is_new)
    model.setup = draft.digest if is_awaited else None
    return d.Committed() if is_awaited else d.Duplicate()


def set_link(model: Tables, draft: d.SetLink) -> d.Outcome:
    """Let a session be opened beside another by a secret."""
    if draft.session not in model.sessions:
        return answers.SESSION_GONE
    model.links[draft.session] = draft.digest, draft.until
    return d.Committed()


# --- what is read -----------------------------------------------------------------


def invitation(model: Tables, digest: bytes) -> InvitationKept | None:
    """Find an invitation, or that of the first start."""
    found = _found(model, digest)
    if found is not None:
        return attrs.evolve(_as_read(model, found), users=[])
    if _is_offered(model, digest):
        return InvitationKept(0, None, AccountRole.ADMIN, None, 0, None, 1, 0)
    return None


def invitations(
    model: Tables, maker: UserName | None, after: int | None
) -> list[InvitationKept]:
    """All invitations older than `after`, of one user or of all, the newest first."""
    return [
        _as_read(model, one)
        for number, one in sorted(model.invitations.items(), reverse=True)
        if (after is None or number < after) and maker in (None, one.kept.maker)
    ]


def _as_read(model: Tables, one: ModelInvitation) -> InvitationKept:
    name: RoomName | None = None
    if one.room is not None and model.room(one.room.name) is one.room:
        name = one.room.name
    return attrs.evolve(one.kept, room=name, users=list(one.kept.users))
