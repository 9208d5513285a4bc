"""What nodes tell each other comes over as it was; nothing of it is trusted."""

from __future__ import annotations

from typing import Any, get_args

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.core.changes import (
    Appended,
    RoleSet,
    RoomMade,
    SessionsEnded,
    SettingsSet,
)
from chatd.core.cluster import codec
from chatd.core.cluster.codec import Gone, Horizon, Undecodable
from chatd.core.cluster.commits import Commit, Group
from chatd.core.cluster.messages import Message
from chatd.core.inputs import Told
from chatd.core.observations import NodeFacts
from chatd.core.settings import PLAIN
from chatd.enums import AccountRole, Post, Role
from chatd.ids import Epoch, NodeId, RoomName, Seq, SessionId, Stamp, UserName
from chatd.wire import events
from tests.core.cluster.values import CHANGES, groups_of, values_of

ANN = UserName("ann")
LOBBY = RoomName("lobby")
EPOCH = Epoch("0123456789abcdef")
GROUP = Group((RoleSet(ANN, AccountRole.ADMIN),), EPOCH, Seq(7), is_event=False)


def _over(group: Group) -> Group:
    """A group as the other side reads it."""
    commit = codec.decode(
        codec.encode_commit(NodeId(1), Stamp(2), [(0, codec.encode_group(group))])
    )
    assert isinstance(commit, Commit)
    [(_, read)] = commit.groups
    return read


def _line(*changes: Any, **head: Any) -> bytes:
    row = {"room": None, "seq": 0, "event": False, "changes": changes, **head}
    return orjson.dumps(row)


@pytest.mark.parametrize("cls", CHANGES, ids=lambda cls: cls.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_each_change_is_read_as_it_was_written(cls: type, data: st.DataObject) -> None:
    """Whatever is in its fields, with the same types."""
    group = data.draw(groups_of(cls))
    read = _over(group)
    assert read == group
    assert repr(read) == repr(group)


def test_who_is_in_a_room_is_read_as_it_was_written() -> None:
    """Names are the fields of an object there."""
    members = {ANN: Role.OWNER, UserName("bob"): Role.MEMBER}
    group = Group((RoomMade(LOBBY, EPOCH, PLAIN, members),))
    assert _over(group) == group


@given(st.lists(groups_of(Appended, SessionsEnded), min_size=1, max_size=4))
def test_a_row_has_the_lines_of_a_publication(groups: list[Group]) -> None:
    """A group is encoded once, and its place in the row is told with it."""
    lines = [codec.encode_group(group) for group in groups]
    assert codec.read_body(codec.body_of(lines)) == tuple(enumerate(groups))
    told = [(len(lines) - 1, lines[-1])]
    assert codec.decode(codec.encode_commit(NodeId(3), Stamp(9), told)) == Commit(
        NodeId(3), Stamp(9), ((len(groups) - 1, groups[-1]),)
    )


@pytest.mark.parametrize("cls", get_args(Message), ids=lambda cls: cls.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_not_durable_is_told(cls: type, data: st.DataObject) -> None:
    """Whatever is in its fields."""
    said = Told(NodeId(4), data.draw(values_of(cls)))
    assert codec.decode(codec.encode_message(said.node, said.message)) == said


@pytest.mark.parametrize("sign", [Horizon(NodeId(4), 2**62, 3), Gone(NodeId(4))])
def test_a_sign_of_life_is_told(sign: Horizon | Gone) -> None:
    """It is what a node says when it has nothing else to say."""
    assert codec.decode(codec.encode_sign(sign)) == sign


@given(values_of(NodeFacts))
def test_what_a_node_tells_of_itself_is_read(facts: NodeFacts) -> None:
    """It is written into the store, for whoever looks at all nodes."""
    assert codec.read_facts(codec.encode_facts(facts)) == facts


def test_what_a_node_tells_of_itself_is_what_it_has_said() -> None:
    """Its program, how many are there, and how far behind it is."""
    facts = NodeFacts("chatd/1", 5, 6, 1500)
    assert codec.read_facts(codec.encode_facts(facts)) == facts


@pytest.mark.parametrize("data", [b"", b"[]", b'{"users":"3"}'])
def test_a_node_that_tells_nothing_readable_is_shown_all_the_same(data: bytes) -> None:
    """Of it nothing is known but that it is there."""
    assert codec.read_facts(data) == NodeFacts()


def test_what_a_node_says_is_known_by_its_beginning() -> None:
    """So that it need not read what comes back to itself."""
    said = [
        codec.encode_commit(NodeId(1), Stamp(2), [(0, codec.encode_group(GROUP))]),
        codec.encode_sign(Gone(NodeId(1))),
    ]
    for one in said:
        assert one.startswith(codec.beginning_of(NodeId(1)))
        assert not one.startswith(codec.beginning_of(NodeId(11)))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else is raised."""
    for read in (codec.decode, codec.read_body):
        try:
            read(data)
        except Undecodable:
            pass
        else:
            pytest.fail("random bytes were something")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["lobby", "ff"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "type", "user"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("cls", CHANGES, ids=lambda cls: cls.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_a_field_of_another_type_is_not_read(cls: type, data: st.DataObject) -> None:
    """What is read has the types of its class, whatever stands in a field."""
    group = data.draw(groups_of(cls))
    row = orjson.loads(codec.encode_group(group))
    change = row["changes"][0]
    place: Any = change
    if isinstance(change.get("event"), dict) and data.draw(st.booleans()):
        place = change["event"]
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(_JSON)
    [(_, read)] = codec.read_body(orjson.dumps(row))
    for one in read.changes:
        again = _over(attrs.evolve(read, changes=(one,)))
        assert again.changes == (one,)


def _grown(value: Any, name: str = "") -> Any:
    """The same JSON as a newer version writes it, with more fields in each object."""
    if isinstance(value, list):
        return [_grown(one) for one in value]
    if isinstance(value, dict) and name not in _NAMES:
        return {k: _grown(v, k) for k, v in value.items()} | {"later": {"kind": [1]}}
    return value


_NAMES = {"members"}
"""What has names in the place of fields."""


def _newer(said: bytes) -> bytes:
    """A publication, or what stands in the store, as a newer version writes it."""
    lines = [orjson.dumps(_grown(orjson.loads(x))) for x in said.split(b"\n")]
    return b"\n".join(lines)


@pytest.mark.parametrize("cls", CHANGES, ids=lambda cls: cls.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_a_change_of_a_newer_version_is_read_as_far_as_it_is_known(
    cls: type, data: st.DataObject
) -> None:
    """Whatever fields more there are: in it, around it, and in what is in it."""
    lines = [codec.encode_group(data.draw(groups_of(cls))) for _ in range(2)]
    body = codec.body_of(lines)
    assert codec.read_body(_newer(body)) == codec.read_body(body)
    said = codec.encode_commit(NodeId(1), Stamp(2), list(enumerate(lines)))
    assert codec.decode(_newer(said)) == codec.decode(said)


@pytest.mark.parametrize("cls", get_args(Message), ids=lambda cls: cls.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_a_message_of_a_newer_version_is_read_as_far_as_it_is_known(
    cls: type, data: st.DataObject
) -> None:
    """Each kind of them."""
    said = Told(NodeId(4), data.draw(values_of(cls)))
    told = codec.encode_message(said.node, said.message)
    assert codec.decode(_newer(told)) == said


@pytest.mark.parametrize("sign", [Horizon(NodeId(4), 2**62, 3), Gone(NodeId(4))])
def test_a_sign_of_a_newer_version_is_read(sign: Horizon | Gone) -> None:
    """So one hears of each other's horizons, and of who goes."""
    assert codec.decode(_newer(codec.encode_sign(sign))) == sign


def test_what_a_node_of_another_version_tells_of_itself_is_read() -> None:
    """A newer one tells more, an older one less; its version is there in any case."""
    facts = NodeFacts("chatd/2", 5, 6, 1500)
    assert codec.read_facts(_newer(codec.encode_facts(facts))) == facts
    assert codec.read_facts(b'{"server":"chatd/0"}') == NodeFacts("chatd/0")


def test_what_this_version_does_not_know_is_ignored() -> None:
    """A field, and a setting, that a newer version has; what is missing is default."""
    event = {"type": "message", "room": LOBBY, "seq": 1, "ts": 2, "sender": ANN}
    event |= {"text": "hi", "colour": "red"}
    appended = {"kind": "Appended", "event": event, "shape": [1]}
    [(_, group)] = codec.read_body(_line(appended, later=1))
    said = events.Message(LOBBY, Seq(1), 2, ANN, "hi")
    assert group.changes == (Appended(said),)
    room = {"room": LOBBY, "seq": 1, "ts": 2, "sender": ANN}
    changed = {"kind": "SettingsSet", "event": room}
    changed["changes"] = {"post": "moderators", "colour": "red"}
    [(_, group)] = codec.read_body(_line(changed))
    assert group.changes == (
        SettingsSet({"post": Post.MODERATORS}, events.Room(LOBBY, Seq(1), 2, ANN)),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Tomorrow"},
        {"kind": ["Appended"]},
        {},
        3,
        {"kind": "Lapsed", "what": 1},
        {"kind": "RoleSet", "user": "ann"},
        {"kind": "RoleSet", "user": "ann", "role": "emperor"},
        {"kind": "RoleSet", "user": 3, "role": "admin"},
        {"kind": "SessionsEnded", "sessions": "ff"},
        {"kind": "SessionsEnded", "sessions": ["xx"]},
        {"kind": "SettingsSet", "changes": [], "event": {}},
        {"kind": "RoomMade", "room": "a", "epoch": "b", "settings": 1, "members": {}},
        {"kind": "RoomMade", "room": "a", "epoch": "b", "settings": {}, "members": []},
        {"kind": "Appended", "event": {"type": "message"}},
        {"kind": "Appended", "event": {"type": "later"}},
    ],
)
def test_a_change_that_cannot_be_read_is_left_out(change: Any) -> None:
    """What else its group has changed is known, and where that is; and what follows."""
    known = {"kind": "RoleSet", "user": "ann", "role": "admin"}
    line = _line(known, change, known, room=EPOCH, seq=5, event=True)
    body = codec.body_of([line, codec.encode_group(GROUP)])
    read = (RoleSet(ANN, AccountRole.ADMIN),) * 2
    assert codec.read_body(body) == (
        (0, Group(read, EPOCH, Seq(5), is_event=True, is_whole=False)),
        (1, GROUP),
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        _line(seq="1"),
        _line(seq=True),
        _line(room=1),
        _line(event=1),
        _line(changes={}),
    ],
)
def test_a_group_without_its_place_is_refused(line: bytes) -> None:
    """Nobody could say what comes behind it."""
    with pytest.raises(Undecodable):
        codec.read_body(line)


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"v": 2, "node": 1, "gone": True},
        {"v": 1, "node": "1", "gone": True},
        {"v": 1, "node": 1, "gone": 1},
        {"v": 1, "node": 1, "said": 1},
        {"v": 1, "node": 1, "said": {"kind": "Later"}},
        {"v": 1, "node": 1, "said": {"kind": "TypingTold", "room": "a", "on": 1}},
        {"v": 1, "node": 1, "gone": False, "horizon": None, "lost": 0},
        {"v": 1, "node": 1, "gone": False, "horizon": 1},
        {"v": 1, "node": 1, "stamp": 2},
        {"v": 1, "node": 1, "stamp": 2, "of": 3},
        {"v": 1, "node": 1, "stamp": 2, "of": []},
        {"v": 1, "node": 1, "stamp": 2, "of": [0, 1]},
    ],
)
def test_a_head_that_says_something_else_is_refused(head: Any) -> None:
    """Also one that promises more or fewer groups than there are."""
    line = codec.encode_group(GROUP)
    with pytest.raises(Undecodable):
        codec.decode(b"\n".join([orjson.dumps(head), line]))


def test_names_and_defaults_are_the_format() -> None:
    """A publication of today, as the version of yesterday wrote it."""
    assert codec.decode(
        b'{"v":1,"node":3,"stamp":77,"of":[2]}\n'
        b'{"room":"0123456789abcdef","seq":5,"event":true,"changes":[{"event":{'
        b'"room":"lobby","seq":5,"ts":1,"sender":"ann","text":"hi","type":"message"},'
        b'"told":["bob"],"kind":"Appended"},{"sessions":["00ff"],"kind":"SessionsEnded"}]}'
    ) == Commit(
        NodeId(3),
        Stamp(77),
        (
            (
                2,
                Group(
                    (
                        Appended(
                            events.Message(LOBBY, Seq(5), 1, ANN, "hi"),
                            told=(UserName("bob"),),
                        ),
                        SessionsEnded((SessionId(b"\x00\xff"),)),
                    ),
                    EPOCH,
                    Seq(5),
                    is_event=True,
                ),
            ),
        ),
    )
