"""What a draft was decided on, for a writer that other nodes have beside them.

A node decides on its copy of a room. The writer, which holds the room's lock, compares
the number of the last event that changed who may do what there: where it is another
than the draft was decided on, the node has not heard of something yet, and decides
again (`chatd.core.drafts.outcomes.Stale`).
"""

from __future__ import annotations

import attrs

from chatd.ids import Epoch, Seq, SessionId


@attrs.frozen
class Basis:
    """Whose command it was, and what was known of the rights in its room."""

    session: SessionId | None
    """Of the connection that asked; None where the machine itself did."""
    rights: Seq | None = None
    """The seq of the last event that changed them; None: of no room in memory."""
    epoch: Epoch | None = None
    """Of that room: under its name there may be another by now."""
    since: int = 0
    """The catch-up behind which it was decided; of a session the later has the higher,
    or the same."""
