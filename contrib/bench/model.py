"""What a hundred nodes with a million people would do, by what three have cost.

    .venv/bin/python contrib/bench/model.py

Prints the tables that stand in PERFORMANCE.md (tests/contrib/test_model.py compares
them). `Measured` is from `nodes.py` and `bus.py`, `Assumed` is of people; the rest is
arithmetic. A resource is **full** at all of its cores, bytes or connections; what is
full at the least multiple of this load breaks first.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from chatd.core.cluster.presence import UNSURE_S


@attrs.frozen
class Measured:
    """What was measured; microseconds of CPU unless it says otherwise."""

    message_us: float = 1620
    """The sender's node: a message in a commit of its own."""
    delivery_us: float = 7.09
    """One receiver more, one message in flight."""
    apply_us: float = 80
    """A node that hears of a message of one of its rooms, without delivering it."""
    presence_us: float = 46
    """A node that hears of presence in one of its rooms."""
    hear_us: float = 16
    """A node that reads or hears what concerns nobody there."""
    commit_postgres_us: float = 687
    commit_wal_bytes: float = 2096
    commit_rows: float = 5.2
    beat_postgres_us: float = 432
    beat_row_us: float = 0.32
    """More of a beat for each commit of the log behind the node's horizon."""
    tail_postgres_us: float = 2.6
    """To give a node one commit of the log."""
    carry_valkey_us: float = 1.1
    """One publication to one node, at such a rate."""
    publication_bytes: float = 445
    """Of one message, with its frame; so of the next two."""
    presence_bytes: float = 221
    beat_bytes: float = 131
    node_kib: float = 70_400
    connection_kib: float = 23.6
    room_kib: float = 9.9
    """In memory of a node that has one of ten there."""
    channel_kib: float = 0.24
    """Of Valkey, for a stream that a node follows."""
    hello_us: float = 4400
    """One who comes back on another node, and into a room."""


@attrs.frozen
class Assumed:
    """How many there are, and what they do."""

    nodes: int = 100
    people: int = 1_000_000
    """Who are there at the same time, each on one connection."""
    rooms_each: int = 10
    room_size: int = 10
    """People who are there, of each room; which node each is on is chance."""
    messages_a_day: int = 50
    changes_a_day: int = 10
    """Of presence: who comes, goes, is away, is back."""
    hellos_a_day: int = 5
    peak: float = 1 / 6
    """Of a day's, in its busiest hour."""
    beat_s: float = 2
    horizon_s: float = 3
    """How far behind what a node knows is, in the mean."""
    connections_each: int = 7
    """Of a node, to PostgreSQL."""
    connections: int = 1000
    """That PostgreSQL lets in."""
    postgres_cores: int = 16
    node_gib: int = 4
    valkey_gib: int = 16


MEASURED, ASSUMED = Measured(), Assumed()


@attrs.frozen
class Load:
    """What comes of them, in the busiest hour: of all nodes, in a second."""

    m: Measured
    a: Assumed

    def _rate(self, a_day: float) -> float:
        return self.a.people * a_day * self.a.peak / 3600

    @property
    def messages(self) -> float:
        """Messages; each is a commit, since a node has few at the same moment."""
        return self._rate(self.a.messages_a_day)

    @property
    def places(self) -> float:
        """The nodes on which a room has somebody, in the mean."""
        nodes = self.a.nodes
        return float(nodes * (1 - (1 - 1 / nodes) ** self.a.room_size))

    @property
    def rooms(self) -> float:
        """Rooms that somebody is in."""
        return self.a.people * self.a.rooms_each / self.a.room_size

    @property
    def node_rooms(self) -> float:
        """Rooms in memory of a node."""
        return self.rooms * self.places / self.a.nodes

    @property
    def presence(self) -> float:
        """Publications of presence: a change is told in each room."""
        return self._rate(self.a.changes_a_day) * self.a.rooms_each

    @property
    def hellos(self) -> float:
        """People who come."""
        return self._rate(self.a.hellos_a_day)

    @property
    def beats(self) -> float:
        """Beats; each is heard by all nodes."""
        return self.a.nodes / self.a.beat_s

    @property
    def published(self) -> float:
        """All that is published."""
        return self.messages + self.presence + self.beats

    @property
    def carried(self) -> float:
        """All that Valkey sends: to each node that follows, the teller too."""
        rooms = (self.messages + self.presence) * self.places
        return rooms + self.beats * self.a.nodes

    @property
    def carried_bytes(self) -> float:
        """The same in bytes."""
        m = self.m
        rooms = self.messages * m.publication_bytes + self.presence * m.presence_bytes
        return rooms * self.places + self.beats * self.a.nodes * m.beat_bytes

    @property
    def tailed(self) -> float:
        """Commits of the log that nodes read.

        All of them on each, since somebody comes to each all the time, and what he
        missed is looked for.
        """
        return self.messages * self.a.nodes

    # --- of what there is ---------------------------------------------------------

    @property
    def node_cores(self) -> float:
        """Of one node."""
        m = self.m
        told = self.messages + self.presence
        said = self.messages * m.message_us + told * self.others * m.delivery_us
        heard = self.messages * m.apply_us + self.presence * m.presence_us
        heard *= self.places - 1
        read = (self.tailed + self.beats * self.a.nodes) * m.hear_us
        came = self.hellos * m.hello_us
        return (said + heard + read + came) / self.a.nodes / 1e6

    @property
    def others(self) -> float:
        """Whom somebody tells something in a room."""
        return self.a.room_size - 1

    @property
    def postgres_cores(self) -> float:
        """Of the one PostgreSQL."""
        m = self.m
        behind = self.messages * self.a.horizon_s
        beat = m.beat_postgres_us + behind * m.beat_row_us
        read = self.tailed * m.tail_postgres_us
        return (self.messages * m.commit_postgres_us + self.beats * beat + read) / 1e6

    @property
    def valkey_cores(self) -> float:
        """Of the one Valkey."""
        return self.carried * self.m.carry_valkey_us / 1e6

    @property
    def node_gib(self) -> float:
        """Memory of one node."""
        m = self.m
        people = self.a.people / self.a.nodes * m.connection_kib
        return (m.node_kib + people + self.node_rooms * m.room_kib) / 2**20

    @property
    def valkey_gib(self) -> float:
        """Memory of Valkey: rooms and people that are followed."""
        followed = self.node_rooms * self.a.nodes + self.a.people
        return followed * self.m.channel_kib / 2**20

    # --- when the bus was away ------------------------------------------------------

    @property
    def asked(self) -> float:
        """What a node publishes then: it asks in each of its rooms, and tells twice."""
        return 3 * self.node_rooms

    @property
    def looked_over_s(self) -> float:
        """How long a node takes for its rooms then, some at a time."""
        return self.node_rooms * self.places * UNSURE_S

    @property
    def answered(self) -> float:
        """What a node hears then of the others in its rooms."""
        return self.asked * (self.places - 1)


Row = tuple[str, str]


def _number(value: float) -> str:
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.2g}"


def rates(load: Load) -> list[Row]:
    """What goes where, each second."""
    m, nodes = load.m, load.a.nodes
    return [
        ("messages = commits, all nodes", _number(load.messages)),
        ("nodes that have a room's people", _number(load.places)),
        ("rooms in memory of a node", _number(load.node_rooms)),
        ("publications: messages", _number(load.messages)),
        ("publications: presence", _number(load.presence)),
        ("publications: beats", _number(load.beats)),
        ("a node publishes", _number(load.published / nodes)),
        ("a node hears", _number(load.carried / nodes)),
        ("a node hears, KB", _number(load.carried_bytes / nodes / 1000)),
        ("Valkey takes", _number(load.published)),
        ("Valkey sends", _number(load.carried)),
        ("Valkey sends, MB", _number(load.carried_bytes / 1e6)),
        ("PostgreSQL: rows written", _number(load.messages * m.commit_rows)),
        ("PostgreSQL: WAL, MB", _number(load.messages * m.commit_wal_bytes / 1e6)),
        ("PostgreSQL: commits read from the log", _number(load.tailed)),
    ]


def limits(load: Load) -> list[tuple[str, float, float]]:
    """What is used of what there is: what, how much, of how much."""
    a = load.a
    return [
        ("a node's core", load.node_cores, 1),
        ("a node's memory, GiB", load.node_gib, a.node_gib),
        ("PostgreSQL, cores", load.postgres_cores, a.postgres_cores),
        ("PostgreSQL, connections", a.nodes * a.connections_each, a.connections),
        ("Valkey, its core", load.valkey_cores, 1),
        ("Valkey, memory, GiB", load.valkey_gib, a.valkey_gib),
    ]


def storm(load: Load) -> list[Row]:
    """What it takes until all is told anew when the bus was away."""
    core_s = load.answered * load.m.presence_us / 1e6
    return [
        ("a node publishes", _number(load.asked)),
        ("a node hears", _number(load.answered)),
        ("its core has to do for, s", _number(core_s)),
        ("over so long, s", _number(load.looked_over_s)),
        ("of its core meanwhile", _number(core_s / load.looked_over_s)),
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(load: Load) -> list[str]:
    """All of them."""
    a, m = load.a, load.m
    assumed = [
        (name.replace("_", " "), f"{value:,.3g}" if value < 1 else f"{value:,}")
        for name, value in attrs.asdict(a).items()
    ]
    measured = [
        (name.replace("_", " "), _number(value))
        for name, value in attrs.asdict(m).items()
    ]
    used = sorted(limits(load), key=lambda row: row[2] / row[1])
    shown = [
        (what, _number(is_), _number(of), f"{of / is_:.2g}") for what, is_, of in used
    ]
    return [
        table(("assumed", ""), assumed),
        table(("measured", ""), measured),
        table(("in the busiest hour, each second", ""), rates(load)),
        table(("what is full first", "used", "of", "full at, times"), shown),
        table(("when the bus comes back, once", ""), storm(load)),
    ]


def main() -> None:
    """Print them."""
    print("\n\n".join(tables(Load(MEASURED, ASSUMED))))


if __name__ == "__main__":
    main()
