"""Whose turn it is: rounds, those who used much behind the others, nobody starved."""

from __future__ import annotations

import attrs
import pytest

from chatd.hub.ready import (
    HEAVY_EVERY,
    HEAVY_S,
    LEAK_S_PER_S,
    USED_S_MAX,
    Message,
    Ready,
    use,
    used_s,
)


@attrs.define(eq=False)
class Client:
    """A connection that sends."""

    name: str
    inbox: list[Message] = attrs.field(factory=list)
    used_s: float = 0.0
    used_at: float = 0.0


def served(ready: Ready, count: int = 1, now: float = 0.0) -> list[str]:
    """Serve everybody `count` messages a turn until nothing is left."""
    order = []
    while ready:
        client = ready.take()
        assert isinstance(client, Client)
        order.append(client.name)
        ready.served(client, min(count, len(client.inbox)), now)
    return order


def test_each_is_served_in_rounds() -> None:
    """Whoever has sent a thousand does not come before whoever has sent one."""
    ready = Ready()
    ann, bob, cy = Client("ann"), Client("bob"), Client("cy")
    ready.add(ann, [b"1", b"2", b"3"], 0.0)
    ready.add(bob, [b"1"], 0.0)
    ready.add(cy, [b"1", b"2"], 0.0)
    ready.add(bob, [b"2"], 0.0)
    assert len(ready) == 7
    assert served(ready) == ["ann", "bob", "cy", "ann", "bob", "cy", "ann"]
    assert len(ready) == 0


def test_messages_keep_their_order() -> None:
    """Of one connection, also when more comes while it waits."""
    ready, ann = Ready(), Client("ann")
    ready.add(ann, [b"1", b"2", b"3"], 0.0)
    assert ready.take() is ann
    ready.served(ann, 2, 0.0)
    ready.add(ann, [b"4"], 0.0)
    assert ann.inbox == [b"3", b"4"]
    assert served(ready, count=9) == ["ann"]


def test_who_has_used_much_is_served_behind_the_others() -> None:
    """But for one turn in `HEAVY_EVERY`, however many others there are."""
    ready = Ready()
    for number in range(4):
        heavy = Client(f"heavy {number}")
        use(heavy, HEAVY_S, 0.0)
        ready.add(heavy, [b"1"], 0.0)
    for _ in range(12):
        ready.add(Client("light"), [b"1"], 0.0)
    order = served(ready)
    found = [at for at, name in enumerate(order, 1) if name != "light"]
    assert found == [HEAVY_EVERY * (number + 1) for number in range(4)]
    assert [order[at - 1] for at in found] == [f"heavy {n}" for n in range(4)]


def test_a_new_message_of_a_light_one_comes_before_what_heavy_ones_have_left() -> None:
    """He waits for one turn of theirs at the most."""
    ready = Ready()
    for _ in range(100):
        heavy = Client("heavy")
        use(heavy, 1.0, 0.0)
        ready.add(heavy, [b"x"] * 50, 0.0)
    for _ in range(20):
        ready.served(ready.take(), 1, 0.0)
        ready.add(Client("light"), [b"1"], 0.0)
        names = []
        for _ in range(2):
            client = ready.take()
            assert isinstance(client, Client)
            names.append(client.name)
            ready.served(client, 1, 0.0)
        assert "light" in names


@pytest.mark.parametrize("used", [HEAVY_S, USED_S_MAX, 3600.0])
def test_what_was_used_is_forgotten(used: float) -> None:
    """A second takes away so much; nobody is heavy for more than ten."""
    ann = Client("ann")
    use(ann, used, 5.0)
    kept = min(used, USED_S_MAX)
    assert used_s(ann, 5.0) == kept
    assert used_s(ann, 6.0) == pytest.approx(kept - LEAK_S_PER_S)
    assert used_s(ann, 5.0 + USED_S_MAX / LEAK_S_PER_S + 0.1) == 0.0
    light = Client("light")
    ready = Ready()
    ready.add(ann, [b"1"], 15.1)
    ready.add(light, [b"1"], 15.1)
    assert served(ready, now=15.1) == ["ann", "light"]


def test_use_below_what_leaks_makes_nobody_heavy() -> None:
    """Ten messages a second of a person's cost, for an hour."""
    ann = Client("ann")
    for tenth in range(36_000):
        use(ann, LEAK_S_PER_S / 10, tenth / 10)
        assert ann.used_s < HEAVY_S
