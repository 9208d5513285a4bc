"""The rows of the table: who runs, under which load, and what is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import page
import years
from measure import Ceiling, Restart, Result, Run, Start, Typed
from years import Years

Round = dict[str, Result]
"""The results of one round, by the label of the run."""

Measure = Callable[[Result], float]


@dataclass(frozen=True)
class Figure:
    """One number of a row, computed in each round."""

    title: str
    of: Callable[[Round], float]
    bar: float = inf
    goal: float = inf
    more_is_better: bool = False

    def holds(self, value: float, limit: float) -> bool:
        """Whether a value is as good as `limit`."""
        return value >= limit if self.more_is_better else value <= limit


def one(title: str, label: str, measure: Measure, *limits: float, **how: Any) -> Figure:
    """A number of one run."""
    return Figure(title, lambda results: measure(results[label]), *limits, **how)


def ratio(title: str, label: str, base: str, of: Measure, *limits: float) -> Figure:
    """A number of one run, as a part of another's."""
    return Figure(title, lambda r: of(r[label]) / of(r[base]), *limits)


def each(measure: Measure, labels: Iterable[str]) -> list[Figure]:
    """The same number of several runs, in microseconds."""
    return [one(f"{label}, µs", label, measure) for label in labels]


@dataclass(frozen=True)
class Row:
    """One piece of work."""

    name: str
    title: str
    runs: Mapping[str, Run | Ceiling]
    figures: list[Figure]
    rounds: int = 5
    quick: bool = False
    """Whether it is run with QUICK=1, once."""


def wall_us(result: Result) -> float:
    """Wall time per delivery."""
    return float(result["wall_s"]) / float(result["deliveries"]) * 1e6


def cost_us(result: Result) -> float:
    """The server's CPU per delivery."""
    return float(result["server_cpu_s"]) / float(result["deliveries"]) * 1e6


def message_us(result: Result) -> float:
    """The server's CPU per message."""
    return float(result["server_cpu_s"]) / float(result["messages"]) * 1e6


def cpu_ms(result: Result) -> float:
    """CPU in all, in milliseconds."""
    return float(result["server_cpu_s"]) * 1000


def rate(result: Result) -> float:
    """Acknowledged messages a second."""
    return float(result["acks"]) / float(result["wall_s"])


def fast_share(result: Result) -> float:
    """Share of the messages that took the fast lane."""
    return float(result["fast"]) / (float(result["fast"]) + float(result["slow"]))


def delivery_p50(result: Result) -> float:
    """Median of delivery, in milliseconds."""
    return float(result["delivery_ms"]["p50"])


def delivery_p99(result: Result) -> float:
    """p99 of delivery, in milliseconds."""
    return float(result["delivery_ms"]["p99"])


def ack_p99(result: Result) -> float:
    """p99 of the acknowledgements, in milliseconds."""
    return float(result["ack_ms"]["p99"])


def ack_rounds(result: Result) -> float:
    """p99 of the acknowledgements, in microseconds for each of 100 senders."""
    return ack_p99(result) * 1000 / 100


def longest_pause(result: Result) -> float:
    """The longest full collection, in milliseconds."""
    return float(max(result["pauses_ms"], default=0.0))


def longest_pass(result: Result) -> float:
    """The longest pass of the loop, in milliseconds."""
    return float(result["passes"]["longest_ms"])


def caught_up(result: Result) -> float:
    """Seconds until everybody had come back and had everything."""
    return float(result["caught_up_s"])


def part_us(result: Result, part: str, per: str) -> float:
    """What a part of chatd took, for each message or delivery."""
    nanoseconds = result["parts"][part][1]
    return float(nanoseconds) / 1000 / float(result[per])


ROOM = "--mode fanout --members 1000"
ROOMS = "--mode fanout --rooms 100 --members 10 --messages 400"
LONG_ROOMS = "--mode fanout --rooms 100 --members 10 --messages 1600"
BIG = "--mode fanout --members 10000 --timeout 300"
STALL = f"{ROOM} --text 1000 --messages 500"
PING = "--mode ping --connections 100 --messages 300"
PIPE = "--mode pipeline --connections 1"
IDLE = "--mode idle --connections 5000 --rooms 5 --settle 15 --seconds 60"
RESUME = (
    "--mode resume --connections 5000 --rooms 5 --messages 30 --missed 20"
    " --handshakes 5000 --settle 8 --timeout 200"
)

HEARTBEAT_S = 25
"""chatd's default."""
ECHO = "websockets echo"
"""The yardstick of work that is counted by messages: the CPU of a server that sends
back what comes, written with the library that most would take. Bars in its units hold
on a machine that is three times slower as well."""
C_TO_C = "C to C"
"""The yardstick of deliveries: the time of one from the load generator to itself."""


def echoes(title: str, label: str, of: Measure, *limits: float) -> Figure:
    """A number of one run, in µs, as a part of the CPU of an echo."""
    return Figure(title, lambda r: of(r[label]) / message_us(r[ECHO]), *limits)


def c_deliveries(title: str, of: Measure, *limits: float) -> Figure:
    """A number of chatd's run, in µs, as a part of one delivery from C to C."""
    return Figure(title, lambda r: of(r["chatd"]) / r[C_TO_C]["wall_us_1"], *limits)


FANOUT1 = {
    "chatd": Run("chatd", f"{ROOM} --messages 400"),
    "websockets": Run("websockets", f"{ROOM} --messages 200"),
    "C epoll": Run("C epoll", f"{ROOM} --messages 300"),
    "picows": Run("picows", f"{ROOM} --messages 300"),
    "node ws": Run("node ws", f"{ROOM} --messages 200"),
    "fastapi": Run("fastapi", f"{ROOM} --messages 60"),
    "naive trio": Run("naive trio", f"{ROOM} --messages 20"),
}
FANOUT64 = {
    "chatd": Run("chatd", f"{ROOM} --inflight 64 --messages 6000"),
    "websockets": Run("websockets", f"{ROOM} --inflight 64 --messages 256"),
    "C epoll": Run("C epoll", f"{ROOM} --inflight 64 --messages 512"),
    "picows": Run("picows", f"{ROOM} --inflight 64 --messages 384"),
}
LEVERS: tuple[tuple[str, str, str, Measure], ...] = (
    ("direct send: µs/delivery", f"{ROOM} --messages 200", "no_direct_send", cost_us),
    (
        "joined batches: µs/delivery",
        f"{ROOM} --inflight 64 --messages 1500",
        "no_joined_batches",
        cost_us,
    ),
    ("group commit: acks/s", ROOMS, "no_group_commit", rate),
    ("common turns: µs/ping", PING, "no_common_turns", message_us),
    (
        "batch per read: µs/message",
        f"{PIPE} --inflight 1000 --messages 40000",
        "no_batch_per_read",
        message_us,
    ),
    (
        "fast lane: µs/message",
        f"{PIPE} --inflight 1000 --messages 10000",
        "no_bound_of_fragments",
        message_us,
    ),
    ("switch interval: p99 ack, ms", ROOMS, "slow_thread_switch", ack_p99),
    ("measuring: µs/message", ROOMS, "no_measuring", message_us),
)
"""What is tried with and without: a figure, a load, the patch, the measure."""


def starts() -> Row:
    """What a process takes before it does anything."""
    python, version, serve = "python -c pass", "chatd --version", "chatd serve"
    typed = {
        python: Typed("python", "-c pass"),
        version: Typed("chatd", "-m chatd --version"),
        "chatd --help": Typed("chatd", "-m chatd --help"),
    }

    def allowed(results: Round, label: str) -> float:
        return cpu_ms(results[label]) / (4 * cpu_ms(results[python]) + 100)

    return Row(
        "starts",
        "how a process begins, on an empty directory: CPU",
        {**typed, serve: Start("chatd", "")},
        [
            *(
                Figure(
                    f"{label}: of 4 pythons and 0.1 s", partial(allowed, label=label), 1
                )
                for label in list(typed)[1:]
            ),
            one(f"{serve}, until it listens, ms", serve, cpu_ms, 700),
            *(
                ratio(f"{label}, of {python}", label, python, cpu_ms)
                for label in (version, "chatd --help", serve)
            ),
            *(one(f"{label}, ms", label, cpu_ms) for label in typed),
        ],
        quick=True,
    )


def with_and_without() -> Row:
    """Each lever, as it is and taken away."""
    runs: dict[str, Run] = {}
    figures: list[Figure] = []
    for title, load, patch, measure in LEVERS:
        runs[title] = Run("chatd", load)
        without = f"{title}, without"
        # The fast lane is taken away by whoever sends nothing for it.
        slow = " --fragment-every 1" if patch == "no_bound_of_fragments" else ""
        runs[without] = Run("chatd", load + slow, patch=patch)
        figures += [one(label, label, measure) for label in (title, without)]
    title = "garbage when idle"
    watched = "watched"
    runs[title] = Restart("chatd", RESUME, patch=watched)
    without = f"{title}, without"
    runs[without] = Restart(
        "chatd", RESUME, patch=f"{watched},python_decides_when_to_collect"
    )
    for label in (title, without):
        figures.append(one(f"{label}: longest pause, ms", label, longest_pause))
        figures.append(one(f"{label}: caught up, s", label, caught_up))
    return Row("levers", "what each lever gives", runs, figures, rounds=3)


def parts_of(title: str, load: str, per: str, parts: Iterable[str]) -> Row:
    """Where the time goes, in microseconds; a part holds what it calls."""
    run = Run("chatd", load, patch="parts")
    figures = [
        one("all CPU, timers among it", title, cost_us)
        if per == "deliveries"
        else one("all CPU, timers among it", title, message_us)
    ]
    figures += [
        one(part, title, lambda r, part=part: part_us(r, part, per)) for part in parts
    ]
    name = title.replace(" ", "-")
    return Row(name, f"{title}: where the time goes", {title: run}, figures, rounds=3)


INNOCENT = "--mode fanout --rooms 10 --members 2 --rate 40 --seconds 30 --warmup 5"
NO_RATES = "commands_per_s = 0\nbytes_per_s = 0\n"


def attacked() -> Row:
    """What others have of those who send the dearest of everything."""
    runs = {
        label: Run(
            "chatd",
            f"{INNOCENT} --timeout 200",
            patch="passes",
            config="worst.toml",
            limits=limits,
            meanwhile=meanwhile,
        )
        for label, limits, meanwhile in (
            ("quiet", "", ""),
            ("attacked", "", "attacked"),
            ("without rates", NO_RATES, "attacked"),
        )
    }
    runs[ECHO] = Run(ECHO, PING)
    figures = [one("quiet: p99 ack, ms", "quiet", ack_p99)]
    for label, bars in (("attacked", (5.0, 2000.0)), ("without rates", (inf, inf))):
        figures += [
            ratio(f"{label}: p99 ack, of quiet", label, "quiet", ack_p99, bars[0]),
            one(f"{label}: p99 ack, ms", label, ack_p99),
            echoes(
                f"{label}: longest pass of the loop, echoes",
                label,
                lambda r: longest_pass(r) * 1000,
                bars[1],
            ),
            one(f"{label}: longest pass of the loop, ms", label, longest_pass),
        ]
    title = "40 messages/s while 100 others send the worst of each command"
    return Row("worst", title, runs, figures, rounds=3)


def over_years() -> list[Row]:
    """What a big store costs: `years.py`."""
    talks = {
        "quiet": Years("chatd", "", measure=years.talking("")),
        "erasing": Years("chatd", "", measure=years.talking("erasing")),
        "trimming": Years(
            "chatd",
            "",
            measure=years.talking("trimming"),
            keep=", keep_messages = 100",
        ),
        "copying": Years("chatd", "", measure=years.talking("copying")),
    }
    return [
        Row(
            "years-start",
            "start with a store of years",
            {
                "empty": Years("chatd", "", big=False),
                "big": Years("chatd", ""),
            },
            [
                one("ready, s", "big", lambda r: r["ready_s"]),
                ratio("ready, of empty", "big", "empty", lambda r: r["ready_s"], 1.5),
                one(
                    "after `kill -9`: longer by, s",
                    "big",
                    lambda r: r["killed_s"] - r["ready_s"],
                    2.0,
                ),
                ratio("RSS, of empty", "big", "empty", lambda r: r["rss_kib"], 1.5),
            ],
            rounds=3,
        ),
        Row(
            "years-hello",
            "hello with 1,000 unread in each of 100 rooms",
            {
                "hello": Years("chatd", "", measure=years.hello),
                "first": Years("chatd", "", measure=years.first),
                "back": Years("chatd", "", measure=years.back),
            },
            [
                one("CPU, ms", "hello", lambda r: r["back0_ms"]),
                one(
                    "CPU, of one room's",
                    "hello",
                    lambda r: r["back0_ms"] / r["one_ms"],
                    5.0,
                ),
                one("before anybody else, ms", "first", lambda r: r["back0_ms"]),
                one("the same in one room, ms", "first", lambda r: r["one_ms"]),
                one("100 at once are in, s", "back", lambda r: r["in_s"], 5.0),
                one(
                    "p99 of others' pages, ms", "back", lambda r: r["page_p99_ms"], 50.0
                ),
            ],
            rounds=3,
        ),
        Row(
            "years-rooms",
            "100 rooms of 10 beside a store of years",
            {
                label: Years(
                    "chatd", "", measure=years.rooms(LONG_ROOMS), big=label == "big"
                )
                for label in ("empty", "big")
            },
            [
                ratio("p99 ack, of empty", "big", "empty", ack_p99, 1.2),
                ratio("acks/s, of empty", "big", "empty", rate),
                ratio("CPU per message, of empty", "big", "empty", message_us),
            ],
        ),
        Row(
            "years-search",
            "search of a rare word, and of sixteen prefixes of two letters",
            {"search": Years("chatd", "", measure=years.search)},
            [
                one("in one room, ms", "search", lambda r: r["one_ms"]),
                one(
                    "in 100 rooms, of in 5",
                    "search",
                    lambda r: r["back0_ms"] / r["five_ms"],
                    3.0,
                ),
                one("prefixes, ms", "search", lambda r: r["prefixes_ms"], 250.0),
            ],
            rounds=3,
        ),
        Row(
            "years-removal",
            "40 messages/s while a user is erased, rooms trimmed, the file copied",
            talks,
            [
                one("quiet: p99 ack, ms", "quiet", ack_p99),
                *(
                    ratio(f"{label}: p99 ack, of quiet", label, "quiet", ack_p99, 1.5)
                    for label in ("erasing", "trimming", "copying")
                ),
                *(
                    one(
                        f"{label}: messages/s",
                        label,
                        lambda r: r["per_s"],
                        3000,
                        more_is_better=True,
                    )
                    for label in ("erasing", "trimming")
                ),
            ],
            rounds=3,
        ),
    ]


def in_a_browser() -> Row:
    """What the page does to a browser: `page.py`."""
    reading = "reading"
    return Row(
        "page",
        "the page in Chromium: 50 messages/s, 20,000 messages, 5,000 scrolled back",
        {reading: page.Reading("chatd", "")},
        [
            one(
                "50 messages/s: the longest task over 50 ms, ms",
                reading,
                lambda r: max(r["tasks_ms"], default=0.0),
                50.0,
            ),
            one("50 messages/s: such tasks", reading, lambda r: len(r["tasks_ms"])),
            one(
                "heap after 20,000 messages, of after 2,000",
                reading,
                lambda r: r["last"]["heap_mib"] / r["first"]["heap_mib"],
                1.1,
            ),
            one(
                "heap after 20,000 messages, MiB",
                reading,
                lambda r: r["last"]["heap_mib"],
            ),
            one(
                "nodes after 20,000 messages, of after 2,000",
                reading,
                lambda r: r["last"]["nodes"] / r["first"]["nodes"],
                1.1,
            ),
            one(
                "scrolling back: the longest task over 50 ms, ms",
                reading,
                lambda r: max(r["scroll_tasks_ms"], default=0.0),
                100.0,
            ),
            one(
                "scrolling back: p95 of a frame, ms",
                reading,
                lambda r: r["scroll_frame_p95_ms"],
                34.0,
            ),
            one(
                "scrolling back: messages in the page at most",
                reading,
                lambda r: r["scroll_messages"],
                500,
            ),
        ],
        rounds=3,
    )


PARTS = (
    "find and unmask frames",
    "bytes to command",
    "decide",
    "event to bytes",
    "fan out, with the sends",
    "send",
    "write and sync, in its thread",
)

ROWS = [
    Row(
        "fanout1",
        "one room of 1,000, one message in flight: wall per delivery",
        FANOUT1,
        [
            ratio("of websockets", "chatd", "websockets", wall_us, 0.9, 0.65),
            *each(wall_us, FANOUT1),
        ],
        quick=True,
    ),
    Row(
        "fanout64",
        "the same, 64 in flight: CPU per delivery",
        FANOUT64,
        [
            ratio("of websockets", "chatd", "websockets", cost_us, 1 / 25, 1 / 60),
            ratio("of C epoll", "chatd", "C epoll", cost_us, 1 / 8, 1 / 30),
            *each(cost_us, FANOUT64),
            one("chatd, wall, µs", "chatd", wall_us),
        ],
        quick=True,
    ),
    Row(
        "latency16",
        "the same, 16 in flight: p99 of delivery",
        {
            "chatd": Run("chatd", f"{ROOM} --inflight 16 --messages 1500"),
            "websockets": Run("websockets", f"{ROOM} --inflight 16 --messages 200"),
        },
        [
            ratio("of websockets", "chatd", "websockets", delivery_p99, 1 / 10, 1 / 20),
            one("chatd, ms", "chatd", delivery_p99),
            one("websockets, ms", "websockets", delivery_p99),
        ],
        quick=True,
    ),
    Row(
        "rooms",
        "100 rooms of 10, 100 senders, one in flight each",
        {
            "pinned": Run("chatd", ROOMS),
            "not pinned": Run("chatd", ROOMS, pinned=False),
            ECHO: Run(ECHO, PING),
        },
        [
            figure
            for name in ("pinned", "not pinned")
            for figure in (
                echoes(f"{name}: CPU per message, echoes", name, message_us, 12, 3),
                echoes(f"{name}: p99 ack, rounds of 100 echoes", name, ack_rounds, 30),
                one(f"{name}: acks/s", name, rate),
                one(f"{name}: p99 ack, ms", name, ack_p99),
                one(f"{name}: CPU per message, µs", name, message_us),
            )
        ],
        quick=True,
    ),
    Row(
        "downloads",
        "the same while 20 clients download, as fast as they get it",
        {
            "quiet": Run("chatd", ROOMS),
            "downloads": Run("chatd", ROOMS, meanwhile="downloading"),
        },
        [
            ratio("p99 ack, of quiet", "downloads", "quiet", ack_p99, 1.2),
            ratio("acks/s, of quiet", "downloads", "quiet", rate),
            one("p99 ack, ms", "downloads", ack_p99),
        ],
    ),
    Row(
        "flood",
        "the same while 8 connections flood `typing`, not pinned",
        {
            "chatd": Run("chatd", f"{ROOMS} --flooders 8", pinned=False),
            "quiet": Run("chatd", ROOMS, pinned=False),
        },
        [
            ratio("p99 ack, of quiet", "chatd", "quiet", ack_p99, 2, 1.3),
            one("p99 ack, ms", "chatd", ack_p99),
            one("acks/s", "chatd", rate),
        ],
    ),
    Row(
        "ping",
        "`ping`, 100 connections, one in flight each: CPU per message",
        {
            "chatd": Run("chatd", PING),
            ECHO: Run(ECHO, PING),
        },
        [
            echoes("of the echo", "chatd", message_us, 1.3, 0.7),
            *each(message_us, ("chatd", ECHO)),
        ],
        quick=True,
    ),
    Row(
        "pipeline",
        "one connection that pipelines; one with 2 % fragments",
        {
            "whole": Run("chatd", f"{PIPE} --inflight 1000 --messages 100000"),
            "fragments": Run(
                "chatd",
                f"{PIPE} --inflight 4000 --rate 20000 --seconds 5 --fragment-every 100",
            ),
            ECHO: Run(ECHO, PING),
        },
        [
            figure
            for name in ("whole", "fragments")
            for figure in (
                one(f"{name}: fast lane", name, fast_share, 0.99, more_is_better=True),
                echoes(f"{name}: CPU per message, echoes", name, message_us, 0.75, 0.5),
                one(f"{name}: CPU per message, µs", name, message_us),
            )
        ],
        quick=True,
    ),
    Row(
        "huge",
        "a room of 10,000, 10 messages/s for 60 s; another room beside it",
        {
            "chatd": Run(
                "chatd",
                f"{BIG} --rate 10 --seconds 60 --warmup 5",
                beside="--mode fanout --base 1 --members 10 --rate 10 --seconds 75"
                " --warmup 5 --timeout 300",
            ),
            C_TO_C: Ceiling(),
        },
        [
            c_deliveries(
                "p99 delivery, of 10,000 from C to C",
                lambda r: delivery_p99(r) * 1000 / 10_000,
                8,
                5,
            ),
            c_deliveries(
                "p99 ack beside, of the same",
                lambda r: ack_p99(r["beside"]) * 1000 / 10_000,
                7,
                5.5,
            ),
            one("p99 delivery, ms", "chatd", delivery_p99),
            one("p99 ack beside, ms", "chatd", lambda r: ack_p99(r["beside"])),
        ],
        rounds=1,
    ),
    Row(
        "idle",
        "5,000 guests, joined and quiet, default heartbeat",
        {"chatd": Run("chatd", IDLE), ECHO: Run(ECHO, PING)},
        [
            one(
                "KiB each",
                "chatd",
                lambda r: r["rss_per_connection_bytes"] / 1024,
                24,
                19,
            ),
            echoes(
                "CPU of a heartbeat, echoes",
                "chatd",
                lambda r: r["quiet_cpu_share"] * 1e6 * HEARTBEAT_S / 5000,
                10,
                5,
            ),
            one("share of a core, %", "chatd", lambda r: r["quiet_cpu_share"] * 100),
        ],
        rounds=1,
    ),
    Row(
        "resume",
        "5,000 come back at once after a SIGKILL, rooms of 1,000, 20 events each",
        {
            "chatd": Restart("chatd", RESUME, patch="watched"),
            ECHO: Run(ECHO, PING),
        },
        [
            echoes(
                "all caught up, echoes for each",
                "chatd",
                lambda r: caught_up(r) * 1e6 / 5000,
                150,
                100,
            ),
            one("dropped as slow", "chatd", lambda r: r["ended_slow"], 0),
            one(
                "full collections meanwhile", "chatd", lambda r: len(r["pauses_ms"]), 0
            ),
            one("all caught up, s", "chatd", caught_up),
            one(
                "presence for each, KiB",
                "chatd",
                lambda r: r["presence_bytes"] / 5000 / 1024,
            ),
        ],
        rounds=3,
    ),
    Row(
        "stalled",
        "1 in 100 of a room of 1,000 stops reading: the others",
        {
            "none": Run("chatd", STALL),
            "a while": Run("chatd", f"{STALL} --stalled 10"),
            "too long": Run(
                "chatd", f"{STALL} --stalled 10", limits="write_timeout_s = 1.0\n"
            ),
        },
        [
            ratio("a while: p50, of none", "a while", "none", delivery_p50, 1.1),
            ratio("a while: p99, of none", "a while", "none", delivery_p99, 1.3),
            ratio("too long: p50, of none", "too long", "none", delivery_p50, 1.1),
            ratio("too long: p99, of none", "too long", "none", delivery_p99, 1.3),
            one(
                "gaps told and made good",
                "a while",
                lambda r: r["stalled"]["gaps"],
                10,
                more_is_better=True,
            ),
            one(
                "ended as slow, came back",
                "too long",
                lambda r: min(r["stalled"]["resumed"], r["ended_slow"]),
                10,
                more_is_better=True,
            ),
            Figure(
                "memory for each, KiB",
                lambda r: (
                    (
                        r["a while"]["server_rss_after_kib"]
                        - r["none"]["server_rss_after_kib"]
                    )
                    / 10
                ),
                4096,  # limits.outbox_hard_bytes
            ),
        ],
        rounds=3,
    ),
    Row(
        "flat",
        "CPU per delivery, 64 in flight, in a room of 10,000",
        {
            "1,000": Run("chatd", f"{ROOM} --inflight 64 --messages 6000"),
            "10,000": Run("chatd", f"{BIG} --inflight 64 --messages 600"),
        },
        [
            ratio("of a room of 1,000", "10,000", "1,000", cost_us, 1.3, 1.15),
            *each(cost_us, ("1,000", "10,000")),
        ],
        rounds=3,
    ),
    Row(
        "tls",
        "TLS spoken by chatd itself: CPU per delivery, and per `ping`",
        {
            f"{what}, {how}": Run("chatd", load, tls=how == "tls")
            for what, load in (
                ("1 in flight", f"{ROOM} --messages 300"),
                ("64 in flight", f"{ROOM} --inflight 64 --messages 3000"),
                ("ping", PING),
            )
            for how in ("plain", "tls")
        },
        [
            figure
            for what, measure in (
                ("1 in flight", cost_us),
                ("64 in flight", cost_us),
                ("ping", message_us),
            )
            for figure in (
                *each(measure, (f"{what}, plain", f"{what}, tls")),
                ratio(f"{what}, of plain", f"{what}, tls", f"{what}, plain", measure),
            )
        ],
        rounds=3,
    ),
    attacked(),
    starts(),
    in_a_browser(),
    *over_years(),
    with_and_without(),
    parts_of("a delivery", f"{ROOM} --messages 300", "deliveries", PARTS),
    parts_of("a message in rooms of 10", ROOMS, "messages", PARTS),
    parts_of("a ping", PING, "messages", PARTS[:-1]),
]
