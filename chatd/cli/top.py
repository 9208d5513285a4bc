"""`chatd top`: who keeps the daemon busy, as it goes.

What is shown is the difference of two looks; the daemon says which connections are
worth one, by what they have used of its loop lately, and which rooms.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import click

from chatd.amounts import size
from chatd.cli.admin import watch
from chatd.cli.clean import clean
from chatd.cli.config import config_option
from chatd.cli.operator import data_option, json_option, place_of
from chatd.cli.table import Forms, fitted, terminal_width
from chatd.client.frames import Frame

EVERY_S = 2.0
"""Source: procps' `top` has 3 s; two are soon enough for a flood."""
ONCE_S = 1.0
"""Between the two looks of `--once`."""
COUNTED = ("messages", "received", "sent")
COLUMNS = (
    *("connection", "user", "address", "messages_s", "unread", "lag"),
    *("sent_s", "received_s", "rooms"),
)
FORMS: Forms = {
    "lag": lambda seconds: f"{seconds:g} s",
    "received_s": size,
    "sent_s": size,
    "unread": size,
}
_COMMANDS: list[Frame] = [
    {"type": "report"},
    {"type": "connections", "busiest": True},
    {"type": "busy_rooms"},
]
ROOM_COLUMNS = ("room", "events_s", "online", "deliveries_s")
ROOMS_SHOWN = 5
"""Of a page that goes on: the rest is for connections."""
_BESIDE_LINES = 4
"""Of a page beside what it lists: two of the daemon, an empty one, a head."""


@click.command("top")
@click.option("--once", is_flag=True, help="Print it once, and end.")
@config_option
@data_option
@json_option
def top(
    *, once: bool, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Show who keeps the running daemon busy; Ctrl-C ends it.

    Each line is a connection: messages and bytes a second, bytes that wait for it, and
    for how many seconds it has taken none of them. `chatd kick --connection NUMBER`
    ends one. Above are the rooms in which most happens, but direct conversations. With
    --json each look is one object.
    """
    directory = place_of(config_file, data).directory
    page = _Page(once=once, as_json=as_json)
    watch(directory, _COMMANDS, ONCE_S if once else EVERY_S, page.take)


@attrs.define
class _Page:
    """Shows what has changed between two looks."""

    once: bool
    as_json: bool
    before: tuple[Frame, dict[int, Frame]] | None = None

    def take(self, replies: list[Frame]) -> bool:
        """Take one look; says whether another one is wanted."""
        report, listed, busy = replies
        now = {row["connection"]: row for row in listed["connections"]}
        before, self.before = self.before, (report, now)
        if before is None:
            return True
        rows = rates(before, (report, now))
        rooms = room_rates(busy["rooms"], _lasted_s(before[0], report))
        if self.as_json:
            told = {"report": report, "rooms": rooms, "connections": rows}
            click.echo(json.dumps(told, ensure_ascii=False))
        elif self.once:
            click.echo("\n".join(lines(report, rooms, rows, terminal_width())))
        else:
            terminal = shutil.get_terminal_size()
            rooms = rooms[:ROOMS_SHOWN]
            beside = _BESIDE_LINES + 1 + (len(rooms) + 2 if rooms else 0)
            rows = rows[: max(1, terminal.lines - beside)]
            shown = lines(report, rooms, rows, terminal.columns)
            click.clear()
            click.echo("\n".join(line[: terminal.columns] for line in shown))
        return not self.once


def rates(
    before: tuple[Frame, dict[int, Frame]], now: tuple[Frame, dict[int, Frame]]
) -> list[dict[str, Any]]:
    """What each connection did between two looks, the busiest first.

    Of one that was not among them before, all that it ever did is taken for that if it
    is younger, and nothing else.

    Args:
        before: The report of the first look, and its connections by their numbers.
        now: Those of the second.
    """
    began = datetime.fromisoformat(before[0]["now"])
    lasted_s = _lasted_s(before[0], now[0])
    rows = []
    for number, row in now[1].items():
        was = before[1].get(number)
        if was is None and datetime.fromisoformat(row["opened"]) >= began:
            was = dict.fromkeys(COUNTED, 0)
        rows.append(
            {"user": None, "device": None}
            | row
            | {
                f"{name}_s": None
                if was is None
                else round((row[name] - was[name]) / lasted_s, 1)
                for name in COUNTED
            }
        )
    return sorted(rows, key=_busy, reverse=True)


def room_rates(busy: list[Frame], lasted_s: float) -> list[dict[str, Any]]:
    """What happened in each room a second, and how often that was delivered."""
    return [
        one
        | {
            "events_s": round(one["events"] / lasted_s, 1),
            "deliveries_s": round(one["events"] * one["online"] / lasted_s, 1),
        }
        for one in busy
    ]


def _lasted_s(before: Frame, now: Frame) -> float:
    """How long it is from one report to the other, and not nothing."""
    began = datetime.fromisoformat(before["now"])
    return max((datetime.fromisoformat(now["now"]) - began).total_seconds(), 0.001)


def _busy(row: dict[str, Any]) -> tuple[float, int, float]:
    return row["messages_s"] or 0.0, row["unread"], row["sent_s"] or 0.0


def lines(
    report: Frame,
    rooms: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    width: int | None = None,
) -> list[str]:
    """The page: the daemon, a table of rooms if any is busy, and one of connections."""
    state = "ready" if report["ready"] else "not ready: the store does not answer"
    counts = (
        f"connections {report['connections']}, users online {report['users_online']},"
        f" events a second {report['events_per_s']:.1f}, waiting {report['queued']}"
    )
    return [
        clean(f"{report['server']}, {state}, {report['now']}"),
        counts,
        "",
        *([*fitted(rooms, ROOM_COLUMNS, width=width)[0], ""] if rooms else []),
        *fitted(rows, COLUMNS, FORMS, width)[0],
    ]
