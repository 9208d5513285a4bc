"""Credentials that are being verified, and which of them a cut has overtaken.

What was verified at a hello is a little old when its user is welcomed. Where the user's
connections were cut meanwhile, or the session was ended, it is not believed, and the
credential is verified once more. A cut is remembered as long as any hello is under way
that began before it.
"""

from __future__ import annotations

from itertools import takewhile

import attrs

from chatd.ids import ConnectionId, SessionId, UserName


@attrs.define(eq=False)
class Verifications:
    """Connections whose hello is under way, and whoever was cut since."""

    cuts: int = 0
    """How often a user's connections were cut."""
    cut_at: dict[UserName | SessionId, int] = attrs.field(factory=dict)
    """When a user's were cut last, or a session ended. The oldest first."""
    pending: dict[ConnectionId, int] = attrs.field(factory=dict)
    """Connections whose hello is under way, with `cuts` when that began. The oldest
    first."""

    def note_begun(self, connection: ConnectionId) -> None:
        """The hello of a connection is under way, perhaps once more."""
        self.pending.pop(connection, None)
        self.pending[connection] = self.cuts

    def note_over(self, connection: ConnectionId) -> None:
        """It is over, whatever became of it."""
        if self.pending.pop(connection, None) is not None:
            self._forget_cuts()

    def note_cut(self, what: UserName | SessionId) -> None:
        """What was verified of a user or a session before is not believed."""
        self.cuts += 1
        self.cut_at.pop(what, None)
        self.cut_at[what] = self.cuts
        self._forget_cuts()

    def was_cut(self, connection: ConnectionId, *these: UserName | SessionId) -> bool:
        """Whether any of these was cut since the hello of a connection began."""
        began = self.pending[connection]
        return any(self.cut_at.get(one, 0) > began for one in these)

    def _forget_cuts(self) -> None:
        """Forget the cuts that came before every hello that is under way."""
        if not self.cut_at:
            return
        oldest = next(iter(self.pending.values()), self.cuts)
        past = list(takewhile(lambda item: item[1] <= oldest, self.cut_at.items()))
        if len(past) == len(self.cut_at):
            # Not emptied: a dictionary keeps the place of what has left it.
            self.cut_at = {}
        for one, _ in past:
            self.cut_at.pop(one, None)
