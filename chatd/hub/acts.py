"""What moderators and the operator do, as lines of the log: who did what, to whom.

There is one for each entry of the audit, by what was committed: so it is there as well
where nobody waits any more for the answer, and never for a retry that changes nothing.
What people have written (reasons, announcements) is theirs, and stays in the audit.
What the operator has asked for and is not kept is a line, too: it was not done.
"""

from __future__ import annotations

from chatd.core.audit import KINDS, entry_of
from chatd.core.drafts import RecordAct, Refused
from chatd.core.inputs import Executed
from chatd.enums import Audited
from chatd.observe import log
from chatd.wire.operator import Reload
from chatd.wire.timestamps import rfc3339

ACTS = KINDS
"""The drafts of which a line may be written."""
_UNSAID = frozenset({"reason", "of", "text"})
"""What is for the audit alone."""
_NAMES = {"token": "number"}
"""What is called otherwise: of that name the log has secrets alone, and shows none."""
_SAID = frozenset({Audited.RELOAD, Audited.LOG_LEVEL, Audited.DRAIN})
"""What the process says by itself when it does it."""


def tell_act(executed: Executed) -> None:
    """Log what has become of one of `ACTS`, if anything has.

    Args:
        executed: The draft, and what the store has made of it.
    """
    draft, outcome = executed.origin.draft, executed.outcome
    if isinstance(draft, RecordAct) and isinstance(outcome, Refused):
        _tell_refusal(draft, outcome, final=executed.final)
        return
    entry = entry_of(draft, outcome)
    if entry is None or entry.what in _SAID:
        return
    about = {"room": entry.room, "user": entry.user, **entry.detail}
    if "until" in about:
        about["until"] = rfc3339(about["until"])
    said = {
        _NAMES.get(name, name): str(value) if name == "role" else value
        for name, value in about.items()
        if value is not None and name not in _UNSAID
    }
    kind = "administration" if entry.room is None else "moderation"
    log().info(kind, by=entry.by, what=str(entry.what), **said)


def _tell_refusal(draft: RecordAct, refused: Refused, *, final: bool) -> None:
    """Log that something is not in the audit, so that it is not done, or is though."""
    act = draft.act
    if isinstance(act, Reload):
        line = "this is in force, and not in the audit"
    elif final:
        line = "this was not done: it could not be kept in the audit"
    else:
        line = "this is not done before it is in the audit"
    log().warning(line, what=act.type, reason=refused.text)
