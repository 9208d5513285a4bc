"""The client loop as PROTOCOL.md prints it, and what a client shows by it.

`fold` makes the messages of a room from the events that the loop has applied;
`shown` is what a person sees of one. Whoever compares what clients show with what
`history` shows needs both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

Frame = dict[str, Any]

_PROTOCOL = Path(__file__).parents[2] / "PROTOCOL.md"


@cache
def _printed() -> Any:
    found = re.search(r"```python\n(.*?)```", _PROTOCOL.read_text(), re.DOTALL)
    assert found is not None
    names: Frame = {}
    exec(compile(found[1], "PROTOCOL.md", "exec"), names)  # noqa: S102
    return names["Follower"]


def printed_loop(
    send: Callable[[Frame], Any],
    apply: Callable[[Frame], Any],
    forget: Callable[[str], Any],
    move: Callable[[str, str], Any],
) -> Any:
    """Make the loop that the document prints."""
    return _printed()(send, apply, forget, move)


def fold(events: dict[int, Frame]) -> dict[int, object]:
    """Show the messages of a room, from its events by their seq."""
    held: dict[int, Frame] = {}
    for seq, event in sorted(events.items()):
        if event["type"] == "message":
            held[seq] = dict(event)
        elif event.get("of") in held:
            change(held[event["of"]], event)
    return {seq: shown(message) for seq, message in held.items()}


def change(message: Frame, event: Frame) -> None:
    """Apply an edit, a deletion or a reaction."""
    if event["type"] == "delete" or event.get("deleted"):
        message["deleted"] = True
    elif event["type"] == "edit":
        message["text"], message["edited"] = event["text"], True
    elif event["type"] == "react":
        reactions = message["reactions"] = dict(message.get("reactions", {}))
        who = set(reactions.get(event["emoji"], ())) - {event["from"]}
        reactions[event["emoji"]] = who | ({event["from"]} if event["on"] else set())


def shown(message: Frame) -> object:
    """Show a message as a person sees it."""
    if message.get("deleted"):
        return "deleted"
    reactions = message.get("reactions", {})
    return (
        message["from"],
        message["text"],
        message.get("edited", False),
        message.get("thread"),
        {emoji: sorted(who) for emoji, who in reactions.items() if who},
    )
