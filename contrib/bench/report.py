"""What was measured, reckoned into medians and verdicts, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isinf
from statistics import median
from typing import Any

from rows import Figure, Round, Row


@dataclass(frozen=True)
class Reckoned:
    """One figure over all rounds."""

    title: str
    values: list[float]
    median: float
    bar: float | None
    goal: float | None
    verdict: str
    """`goal`, `bar`, `missed`, or nothing where there is no bar."""


@dataclass(frozen=True)
class Measured:
    """One row, measured."""

    row: Row
    rounds: list[Round]
    figures: list[Reckoned]
    busy: dict[str, tuple[float, float]]
    """For each run: how much of a core the server took, and the load."""

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "name": self.row.name,
            "title": self.row.title,
            "figures": [asdict(figure) for figure in self.figures],
            "rounds": self.rounds,
        }


def reckon(row: Row, rounds: list[Round]) -> Measured:
    """Compute a row's figures, leaving out what QUICK has not run."""
    figures = []
    for figure in row.figures:
        try:
            values = [figure.of(results) for results in rounds]
        except KeyError:
            continue
        figures.append(_reckon(figure, values))
    busy = {
        label: _busy([one[label] for one in rounds])
        for label in rounds[0]
        if "server_cpu_s" in rounds[0][label]
    }
    return Measured(row, rounds, figures, busy)


def _reckon(figure: Figure, values: list[float]) -> Reckoned:
    middle = median(values)
    bar = None if isinf(figure.bar) else figure.bar
    goal = None if isinf(figure.goal) else figure.goal
    verdict = ""
    if bar is not None:
        verdict = "bar" if figure.holds(middle, bar) else "missed"
        if goal is not None and figure.holds(middle, goal):
            verdict = "goal"
    return Reckoned(figure.title, values, middle, bar, goal, verdict)


def _busy(results: list[Any]) -> tuple[float, float]:
    server = median(one["server_cpu_s"] / one["wall_s"] for one in results)
    load = median(one["load_cpu_s"] / one["wall_s"] for one in results)
    return server, load


def number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _spread(figure: Reckoned) -> str:
    low, high = min(figure.values), max(figure.values)
    return "" if len(figure.values) == 1 else f"{number(low)} to {number(high)}"


def line(figure: Reckoned) -> str:
    """A figure for the terminal."""
    text = f"{figure.title:32} {number(figure.median):>10}  {_spread(figure):22}"
    if figure.bar is not None:
        text += f" bar {number(figure.bar)}"
    if figure.goal is not None:
        text += f", goal {number(figure.goal)}"
    verdict = {"missed": "MISSED", "bar": "holds", "goal": "goal reached"}
    return text + (f": {verdict[figure.verdict]}" if figure.verdict else "")


def markdown(measured: list[Measured], about: dict[str, str]) -> str:
    """Write the table for a document."""
    lines = [f"- {key}: {value}" for key, value in about.items()]
    lines += ["", "| | median | spread | bar | goal | |", "|---|--:|---|--:|--:|---|"]
    for done in measured:
        lines.append(f"| **{done.row.title}** | | | | | |")
        for figure in done.figures:
            bar = "" if figure.bar is None else number(figure.bar)
            goal = "" if figure.goal is None else number(figure.goal)
            lines.append(
                f"| {figure.title} | {number(figure.median)} | {_spread(figure)}"
                f" | {bar} | {goal} | {figure.verdict} |"
            )
    return "\n".join([*lines, ""])
