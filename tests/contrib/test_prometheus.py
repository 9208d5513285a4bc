"""What contrib has for monitoring, held against a daemon that was used."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from chatd.store.sqlite.files import BackupNote, write_backup_note
from tests.live.daemon import PATIENCE_S, person, running

CONTRIB = Path(__file__).parents[2] / "contrib"
ALERTS = CONTRIB / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((CONTRIB / "grafana" / "chatd.json").read_text())
PROMETHEUS_OWN = {"up", "ALERTS"}
ADDED_BY_PROMETHEUS = {"instance", "job", "le"}


def promtool(*arguments: str, given: str = "") -> str:
    """What promtool says; it must be content."""
    done = subprocess.run(
        ["promtool", *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a daemon says in which people came, talked, erred and went."""
    data = tmp_path_factory.mktemp("exported") / "data"
    data.mkdir(mode=0o700)
    write_backup_note(data, BackupNote(1_750_000_000_250, "/b/1.db", 4096))
    return trio.run(_exported, data)


async def _exported(data: Path) -> str:
    env = {"CHATD_METRICS__LISTEN": '["127.0.0.1:0"]'}
    async with running(data, env=env) as daemon:
        async with person(daemon.url) as ann:
            welcome = await ann.hello(name="annabel")
            joined = await ann.ask(type="join", room="lobby")
            await ann.ask(type="create", room="den-of-annabel")
            for number in range(40):
                await ann.ask(type="send", room="lobby", text=f"said {number}")
            await ann.ask(type="send", room="nowhere", text="x")
        async with person(daemon.url) as ann:
            await ann.hello(session=welcome["session"])
            at = {"epoch": joined["epoch"], "since": joined["seq"]}
            assert (await ann.ask(type="join", room="lobby", **at))["recovered"]
            old = {"epoch": "0" * 16, "since": 0}
            assert not (await ann.ask(type="join", room="lobby", **old))["recovered"]
        async with person(daemon.url) as eve:
            await eve.ask(type="hello", name="annabel", password="hunter2")
        with trio.fail_after(PATIENCE_S):
            while True:
                text = (await daemon.get(daemon.metrics_port, "/metrics")).decode()
                ended = re.search(r'ended_total{reason="closed"} (\S+)', text)
                lag = re.search(r"chatd_loop_lag_seconds_count (\S+)", text)
                assert ended
                assert lag
                if float(ended[1]) >= 2 and float(lag[1]):
                    return text
                await trio.sleep(0.05)


def test_promtool_finds_nothing(exported: str) -> None:
    """Each name, type and help is as Prometheus wants it."""
    assert promtool("check", "metrics", given=exported) == ""


def test_what_happened_is_counted(exported: str) -> None:
    """Each where it belongs."""
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(exported)
        for sample in family.samples
    }
    assert found["chatd_logins_total", "guest"] == 1
    assert found["chatd_logins_total", "resume"] == 1
    assert found["chatd_logins_failed_total", "unknown_user"] == 1
    assert found["chatd_resumes_total", "recovered"] == 1
    assert found["chatd_resumes_total", "incomplete"] == 1
    assert found["chatd_errors_total", "no_room"] == 1
    limited = found["chatd_errors_total", "rate_limited"]
    assert found.get(("chatd_rate_limited_total", "send"), 0) == limited > 0
    stored = found["chatd_events_total",]
    assert found["chatd_ack_seconds_count",] >= stored > 10
    batches = found["chatd_commit_seconds_count",]
    assert found["chatd_batch_drafts_count",] == batches
    assert found["chatd_delivery_seconds_count",] == batches
    assert found["chatd_batch_drafts_sum",] >= found["chatd_ack_seconds_count",]
    assert found["chatd_store_bytes",] > 0
    assert found["chatd_store_free_bytes",] > 0
    assert found["chatd_last_backup_timestamp_seconds",] == 1_750_000_000.25
    assert found["process_open_fds",] > 0
    assert found["process_start_time_seconds",] > 1.7e9


def test_nobody_is_named_and_nothing_is_created_twice(exported: str) -> None:
    """No label by user or room, and no series that only says when another began."""
    assert "annabel" not in exported
    assert "lobby" not in exported
    assert "127.0.0.1" not in exported
    assert "_created" not in exported


# --- alerts and the dashboard ---------------------------------------------------------


def test_the_alerts_do_what_their_tests_say() -> None:
    """Each fires for what it is about, and none on a quiet day."""
    promtool("check", "rules", str(ALERTS))
    tests = ALERTS.with_name("alerts.test.yml")
    assert "SUCCESS" in promtool("test", "rules", str(tests))
    named = set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
    tested = set(re.findall(r'alertname="(\w+)"', tests.read_text()))
    assert named == tested


def queries() -> Iterator[tuple[str, str]]:
    """Every expression that contrib has, with what it is for."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    text = re.sub(r"\n {10,}", " ", ALERTS.read_text())
    yield from re.findall(r"alert: (\w+)\n *expr: (?:>-)?(.*)", text)


def test_every_query_asks_for_what_there_is(exported: str) -> None:
    """Its names, its labels, and those of their values that it spells out."""
    series: dict[str, dict[str, set[str]]] = {name: {} for name in PROMETHEUS_OWN}
    for family in text_string_to_metric_families(exported):
        for sample in family.samples:
            labels = series.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    seen = set()
    for title, expr in queries():
        found = re.findall(r"\b((?:chatd|process|python)_\w+|up)\b(?:{(.*?)})?", expr)
        assert found, title
        grouped = {
            word.strip()
            for words in re.findall(r"by \(([^)]*)\)", expr)
            for word in words.split(",")
        }
        names = {name for name, _ in found}
        assert names <= series.keys(), (title, names - series.keys())
        seen |= names
        known = set.union(ADDED_BY_PROMETHEUS, *(set(series[name]) for name in names))
        assert grouped <= known, (title, grouped - known)
        for name, chosen in found:
            for label, value in re.findall(r'(\w+)=~?\s*"\s*([^"]*)"', chosen):
                assert label in ADDED_BY_PROMETHEUS | series[name].keys(), title
                if label in series[name]:
                    assert set(value.split("|")) <= series[name][label], title
    assert len(seen) > 30
    # Whatever a histogram has for is looked at somewhere.
    for name in series:
        if name.startswith("chatd_") and name.endswith("_bucket"):
            base = name.removesuffix("_bucket")
            assert any(one.startswith(base) for one in seen), name


def test_every_query_can_be_read(tmp_path: Path) -> None:
    """By Prometheus itself, with what Grafana puts into it."""
    rules: list[dict[str, Any]] = [
        {
            "record": f"test:{number}",
            "expr": expr.replace("$__rate_interval", "5m").replace("$instance", ".*"),
        }
        for number, (_, expr) in enumerate(queries())
    ]
    file = tmp_path / "rules.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "test", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(file))


def test_no_panel_lies_on_another() -> None:
    """And each has a number of its own."""
    places = [
        (panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy)
        for panel in DASHBOARD["panels"]
        for dx in range(panel["gridPos"]["w"])
        for dy in range(panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert all(0 <= x < 24 for x, _ in places)
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(numbers) == len(set(numbers))
