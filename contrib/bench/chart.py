"""Draw build/bench.png from build/bench.json: `chart.py BUILD`.

Run by the relays' Python, which has matplotlib; chatd's has not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot

PLACES = (
    ("fanout1", "one message in flight: wall time"),
    ("fanout64", "64 in flight: CPU of the server"),
)

build = Path(sys.argv[1])
rows = {
    row["name"]: row for row in json.loads((build / "bench.json").read_text())["rows"]
}
figure, places = pyplot.subplots(1, len(PLACES), figsize=(10, 3.6))
for place, (name, title) in zip(places, PLACES, strict=True):
    bars = {
        one["title"].removesuffix(", µs"): one["median"]
        for one in rows[name]["figures"]
        if one["title"].endswith(", µs") and "wall" not in one["title"]
    }
    ordered = sorted(bars.items(), key=lambda bar: -bar[1])
    colours = ["tab:blue" if label == "chatd" else "lightgrey" for label, _ in ordered]
    labels, values = zip(*ordered, strict=True)
    drawn = place.barh(labels, values, color=colours)
    place.bar_label(drawn, fmt="%.3g", padding=3)
    place.margins(x=0.2)
    place.set_title(title, fontsize=10)
    place.set_xlabel("µs per delivery, room of 1,000 (less is better)")
    place.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
figure.savefig(build / "bench.png", dpi=120)
