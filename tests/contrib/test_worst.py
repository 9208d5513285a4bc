"""The benchmark's worst inputs: of every command, and such as a client can send."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, get_args

import pytest

from chatd.names import NAMES
from chatd.wire.codec import Decoder
from chatd.wire.commands import Command
from chatd.wire.malformed import BadCommand

WORST = Path(__file__).parents[2] / "contrib" / "bench" / "worst.py"
TYPES = sorted(command.type for command in get_args(Command))


@pytest.fixture(scope="module")
def worst() -> dict[str, Any]:
    """What the module holds."""
    return runpy.run_path(str(WORST))


def test_each_command_has_its_worst_input(worst: dict[str, Any]) -> None:
    """Who adds a command says what is dear of it, or this fails."""
    assert worst["missing"]() == set()
    assert sorted(worst["WORST"]) == TYPES


@pytest.mark.parametrize("type_", TYPES)
def test_worst_inputs_reach_the_daemon(worst: dict[str, Any], type_: str) -> None:
    """None is cut off at its header; some are commands, where all names are allowed."""
    decoder, commands = Decoder(4000, NAMES["unicode"]), 0
    payloads = worst["payloads"](type_)
    assert len(set(payloads)) >= min(len(payloads), worst["VARIANTS"])
    for payload in payloads:
        assert len(payload) <= worst["FRAME_BYTES"]
        try:
            decoder.decode(payload)
        except BadCommand:
            continue
        commands += 1
    assert commands >= worst["VARIANTS"]
