"""The model of a hundred nodes: what it prints is what PERFORMANCE.md says."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import attrs
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    """What the module holds."""
    return runpy.run_path(str(ROOT / "contrib/bench/model.py"))


def test_the_document_says_what_the_model_does(model: dict[str, Any]) -> None:
    """Whoever changes a constant changes the tables, and the other way round."""
    document = (ROOT / "PERFORMANCE.md").read_text()
    tables = model["tables"](model["Load"](model["MEASURED"], model["ASSUMED"]))
    assert [table for table in tables if table not in document] == []


def test_one_node_has_all_of_each_room(model: dict[str, Any]) -> None:
    """Then nothing is heard of another, and each room is in memory once."""
    alone = attrs.evolve(model["ASSUMED"], nodes=1)
    load = model["Load"](model["MEASURED"], alone)
    assert load.places == 1
    assert load.node_rooms == load.rooms
    assert load.answered == 0


def test_each_person_more_is_as_much_more_on_the_bus(model: dict[str, Any]) -> None:
    """What is published by people grows with them, and beats do not."""
    assumed = model["ASSUMED"]
    twice = attrs.evolve(assumed, people=2 * assumed.people)
    one, two = (model["Load"](model["MEASURED"], a) for a in (assumed, twice))
    assert two.beats == one.beats
    published = one.published - one.beats
    assert two.published - two.beats == pytest.approx(2 * published)
