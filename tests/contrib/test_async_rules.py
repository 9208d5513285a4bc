"""The short way through flake8-async finds what the long way finds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from flake8_async import Plugin
from flake8_async.visitors import ERROR_CLASSES_CST

FILE = Path(__file__).parents[2] / "contrib" / "lint" / "async_rules.py"

FAULTS = {
    "ASYNC101": """
        async def numbers():
            with trio.CancelScope():
                yield 1
                await trio.sleep(1)
    """,
    "ASYNC102": """
        async def end():
            try:
                await trio.sleep(1)
            finally:
                await trio.sleep(2)
    """,
    "ASYNC103": """
        async def go():
            try:
                await trio.sleep(1)
            except BaseException:
                print()
    """,
    "ASYNC105": """
        async def go():
            trio.sleep(1)
    """,
    "ASYNC109": """
        async def go(timeout):
            await trio.sleep(timeout)
    """,
    "ASYNC110": """
        async def go(holds):
            while not holds():
                await trio.sleep(1)
    """,
    "ASYNC112": """
        async def go():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep, 1)
    """,
    "ASYNC113": """
        @asynccontextmanager
        async def go():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.serve_tcp, 1, 2)
                yield
    """,
    "ASYNC115": """
        async def go():
            await trio.sleep(0)
    """,
    "ASYNC116": """
        async def go():
            await trio.sleep(999999999)
    """,
    "ASYNC119": """
        async def numbers(made):
            async with made:
                yield 1
    """,
    "ASYNC120": """
        async def go():
            try:
                await trio.sleep(1)
            except ValueError:
                await trio.sleep(2)
                raise
    """,
    "ASYNC121": """
        async def go():
            async with trio.open_nursery() as nursery:
                await trio.sleep(1)
                nursery.start_soon(trio.sleep, 2)
                return
    """,
    "ASYNC210": """
        async def go():
            requests.get("https://a.example")
    """,
    "ASYNC220": """
        async def go():
            subprocess.Popen("ls")
    """,
    "ASYNC221": """
        async def go():
            subprocess.run("ls")
    """,
    "ASYNC230": """
        async def go():
            open("file")
    """,
    "ASYNC251": """
        async def go():
            time.sleep(1)
    """,
}


@pytest.fixture
def rules() -> ModuleType:
    """The script."""
    spec = importlib.util.spec_from_file_location("async_rules", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module._options()
    return module


def spelled(fault: str) -> str:
    """A module with a fault, as somebody would write it."""
    imports = "import requests, subprocess, time, trio\n"
    lines = fault.strip("\n").splitlines()
    return imports + "\n".join(line.removeprefix(" " * 8) for line in lines) + "\n"


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_found(rules: ModuleType, code: str) -> None:
    """At its line, with all others that the linter by itself would find."""
    source = spelled(FAULTS[code])
    found = sorted(map(str, rules.errors(source)))
    assert found == sorted(map(str, Plugin.from_source(source).run()))
    assert any(code in line for line in found)


def test_a_fault_that_is_meant_is_not_told(rules: ModuleType) -> None:
    """By its code, or by no code; and not by that of another."""
    for noqa, count in (("", 1), ("  # noqa", 0), ("  # noqa: ASYNC115", 0)):
        source = f"import trio\nasync def go():\n    await trio.sleep(0){noqa}\n"
        assert len(list(rules.errors(source))) == count
    source = source.replace("ASYNC115", "ASYNC110 - that is another")
    assert len(list(rules.errors(source))) == 1


def test_the_slow_half_has_no_rule_that_nobody_knows_of() -> None:
    """What is there is needed in one case, is ruff's, is of asyncio, or is off."""
    codes = {code for rule in ERROR_CLASSES_CST for code in rule.error_codes}
    assert codes == {
        "ASYNC100",
        "ASYNC101",
        "ASYNC124",
        "ASYNC300",
        "ASYNC910",
        "ASYNC911",
        "ASYNC912",
        "ASYNC913",
    }
