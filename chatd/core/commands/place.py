"""About, ping, and the name of the place: what is asked of the server as a whole.

`about` is what a client asks that has not said who it is: it changes nothing, costs
nothing that grows, and tells nothing that the page before a login would not show.
"""

from __future__ import annotations

from chatd.core import rate_limits
from chatd.core.commands.sessions.welcome import PROTOCOL
from chatd.core.drafts import SetPlace
from chatd.core.entities import Connection
from chatd.core.turn import Turn
from chatd.enums import AccountRole
from chatd.errors import Reject, RejectCode
from chatd.ids import DISPLAY_CHARS_MAX, NAME_CHARS_MAX
from chatd.wire.fields import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN
from chatd.wire.place import About, Described, EntryLimits, NamePlace, Ping
from chatd.wire.replies import Done


def about(turn: Turn, connection: Connection, command: About) -> None:
    """Answer what this place is, to whoever asks."""
    auth, limits = turn.config.auth, turn.config.limits
    described = Described(
        turn.place,
        turn.server,
        PROTOCOL,
        auth.registration,
        auth.guests,
        auth.names,
        EntryLimits(
            NAME_CHARS_MAX,
            DISPLAY_CHARS_MAX,
            PASSWORD_CHARS_MIN,
            PASSWORD_CHARS_MAX,
            limits.text_chars,
            limits.frame_bytes,
        ),
        setup=turn.durable.awaits_admin,
        id=command.id,
    )
    turn.answer(connection.id, described)


def ping(turn: Turn, connection: Connection, command: Ping) -> None:
    """Answer that the connection works."""
    turn.answer(connection.id, Done(command.type, command.id))


def name(turn: Turn, connection: Connection, command: NamePlace) -> None:
    """Have the place called otherwise, by an administrator."""
    if turn.user(connection).role != AccountRole.ADMIN:
        raise Reject(
            RejectCode.FORBIDDEN, "only an administrator says what this place is called"
        )
    rate_limits.may_send(turn, connection)
    turn.append(SetPlace(command.name, turn.user(connection).name), connection, command)
    turn.pend(connection)
