"""Profile: how somebody is shown."""

from __future__ import annotations

from chatd.core import rate_limits
from chatd.core.commands import authority
from chatd.core.drafts import SetDisplay
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.wire.commands import Profile


def profile(turn: Turn, connection: Connection, command: Profile) -> None:
    """Change what people read instead of one's name."""
    user = turn.user(connection)
    authority.check_unbarred(turn, user)
    rate_limits.pace(turn, connection)
    turn.append(SetDisplay(user.name, command.display), connection, command)
    turn.pend(connection)
