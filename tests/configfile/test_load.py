"""From sources to a Config, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import tomli_w
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatd.config import Config, JwtIssuer, PermanentRoom, TcpAddress
from chatd.configfile import load
from chatd.configfile.table import KEYS, SECTIONS, Key
from chatd.errors import ConfigError
from chatd.ids import RoomName


def problems(
    tmp_path: Path,
    text: str | bytes,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> list[str]:
    """What is wrong with a file of this text; nothing if it loads."""
    file = tmp_path / "chatd.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        load(file, environ or {}, overrides)
    except ConfigError as error:
        return [problem.replace(f"{file}", "FILE") for problem in error.problems]
    return []


def test_nothing_is_the_defaults() -> None:
    """Without any source every value is its default and says so."""
    loaded = load(None, {"PATH": "/bin", "chatd_log__level": "loud"})
    assert loaded.config == Config()
    assert loaded.origins == dict.fromkeys(KEYS, "default")


def test_later_sources_go_before_earlier_ones(tmp_path: Path) -> None:
    """Command line over environment over file over default, and each is named."""
    file = tmp_path / "chatd.toml"
    file.write_text(
        "[server]\nlisten = ['localhost:1']\n"
        "[store]\npath = 'file'\n[limits]\nmessages_per_s = 1\n"
    )
    environ = {"CHATD_STORE__PATH": "env", "CHATD_SERVER__LISTEN": "['localhost:2']"}
    loaded = load(file, environ, {"server.listen": ("localhost:3",)})
    assert loaded.config.server.listen == (TcpAddress("localhost", 3),)
    assert loaded.config.store.path == "env"
    assert loaded.config.limits.messages_per_s == 1.0
    told = {k: v for k, v in loaded.origins.items() if v != "default"}
    assert told == {
        "server.listen": "command line",
        "store.path": "environment CHATD_STORE__PATH",
        "limits.messages_per_s": str(file),
    }


def test_rooms_are_canonical(tmp_path: Path) -> None:
    """Room names are folded once, here."""
    file = tmp_path / "chatd.toml"
    file.write_text("[[rooms.permanent]]\nname = 'Tea-Room'\n")
    (room,) = load(file, {}).config.rooms.permanent
    assert room == PermanentRoom(name=RoomName("tea-room"), topic="")


def test_an_issuer_is_a_table_of_its_own(tmp_path: Path) -> None:
    """What it must have is asked for, and a near name is told."""
    file = tmp_path / "chatd.toml"
    text = (
        "[[auth.jwt]]\nissuer = 'https://a'\naudience = 'chat'\nalgorithm = 'EdDSA'\n"
    )
    file.write_text(f"{text}key_file = 'k'\nleeway_s = 5\n")
    (entry,) = load(file, {}).config.auth.jwt
    assert entry == JwtIssuer(
        issuer="https://a",
        audience="chat",
        algorithm="EdDSA",
        key_file="k",
        leeway_s=5.0,
    )
    words = " or ".join(f'"{word}"' for word in ("EdDSA", "RS256", "ES256", "HS256"))
    assert problems(tmp_path, "[[auth.jwt]]\nalgorithm = 'none'\nkeyfile = 'k'") == [
        "auth.jwt[0].issuer: is required",
        "auth.jwt[0].audience: is required",
        f'auth.jwt[0].algorithm: expected {words}, found the string "none"',
        'auth.jwt[0].keyfile: unknown key, did you mean "key_file"?',
    ]
    assert problems(tmp_path, "[auth.jwt]\nissuer = 'https://a'") == [
        "auth.jwt: expected an array, found a table: write [[auth.jwt]]"
    ]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """In the order of the file, then what came from elsewhere, each with its path."""
    text = """
        [log]
        level = "inof"
        [sever]
        [server]
        listne = ["localhost:1"]
        listen = ["localhost:1", "localhost", 3]
        "a\\nb" = 1
        [limits]
        outbox_soft_bytes = 5_000_000
        [[rooms.permanent]]
        nam = "x"
        """
    environ = {"CHATD_HISTORY__CID_KEEP_D": "6", "CHATD_LOG__LEVLE": "info"}
    spelled = 'expected "HOST:PORT", "[IPV6]:PORT", "unix:PATH" or "systemd"'
    levels = 'expected "debug" or "info" or "warning" or "error"'
    variable = "CHATD_HISTORY__CID_KEEP_D"
    assert problems(tmp_path, text, environ, {"store.path": ""}) == [
        f'log.level: {levels}, found the string "inof", did you mean "info"?',
        'sever: unknown section, did you mean "server"?',
        'server.listne: unknown key, did you mean "listen"?',
        f'server.listen[1]: "localhost": {spelled}',
        "server.listen[2]: expected a string, found a whole number",
        'server."a\\nb": unknown key',
        "limits.outbox_soft_bytes: must be below outbox_hard_bytes (4194304)",
        "rooms.permanent[0].name: is required",
        'rooms.permanent[0].nam: unknown key, did you mean "name"?',
        f"history.cid_keep_d: must be at least 7, is 6 (environment {variable})",
        "store.path: must not be empty (command line)",
        'CHATD_LOG__LEVLE: not a setting, did you mean "CHATD_LOG__LEVEL"?',
    ]


def test_a_section_that_is_wrong_contradicts_nothing(tmp_path: Path) -> None:
    """Of a section with errors no conflict is told: its values are not known."""
    text = "[server]\nlisten = 1\n[metrics]\nlisten = ['127.0.0.1:8765']\n"
    assert len(problems(tmp_path, text)) == 1
    text = "[limits]\noutbox_soft_bytes = 9_000_000\noutbox_hard_bytes = '9 GB'\n"
    assert len(problems(tmp_path, text)) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("listen = 1", 'listen: unknown key, did you mean "server.listen"?'),
        ("[log]\ngests = 1", 'log.gests: unknown key, did you mean "auth.guests"?'),
        ("[zzz]", "zzz: unknown section"),
        ("zzz = 1", "zzz: unknown key"),
        ("server = 1", "server: expected a table, found a whole number"),
        ("[[server]]", "server: expected a table, found an array"),
    ],
)
def test_near_names(tmp_path: Path, text: str, problem: str) -> None:
    """A key that stands in the wrong place is told the right one."""
    assert problems(tmp_path, text) == [problem]


def test_a_section_that_is_no_table_hides_nothing_from_the_environment(
    tmp_path: Path,
) -> None:
    """What cannot be overridden is still told as it is."""
    environ = {"CHATD_SERVER__PUBLIC_URL": ""}
    assert problems(tmp_path, "server = 1", environ) == [
        "server: expected a table, found a whole number"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            b"[log]\nlevel info\n",
            "FILE: Expected '=' after a key in a key/value pair (at line 2, column 7)",
        ),
        (b"[log]\nlevel = '\xff'\n", "FILE: not UTF-8 (at line 2)"),
        (b"a = " + b"[" * 100_000, "FILE: nested too deeply"),
        (b"a = 2001-02-30", "FILE: Invalid date or datetime (at line 1, column 5)"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(
    tmp_path: Path, text: bytes, problem: str
) -> None:
    """The parser's fault is one problem that names file and line."""
    assert problems(tmp_path, text) == [problem]


def test_a_number_that_python_refuses_to_read_is_a_problem(tmp_path: Path) -> None:
    """More digits than Python converts end in a sentence, not in a traceback."""
    (problem,) = problems(tmp_path, f"a = {'9' * 5000}")
    assert problem.startswith("FILE: ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a directory and an impossible name are problems."""
    with pytest.raises(ConfigError, match="gone: No such file or directory"):
        load(tmp_path / "gone", {})
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, {})
    with pytest.raises(ConfigError, match="null"):
        load(Path("a\0b"), {})


def test_a_file_name_cannot_forge_a_line(tmp_path: Path) -> None:
    """A newline in a file's name does not break the one line of a problem."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "a\nserver.listen: fine", {})
    assert "\n" not in caught.value.problems[0]


VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.dates()
    | st.sampled_from(["users", "localhost:1", "lobby", "[::1]:0", "10.0.0.0/8"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "topic", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from([key.name for key in KEYS.values()]) | st.text(max_size=8)
TABLES = st.sampled_from([section.name for section in SECTIONS]) | st.text(max_size=8)
DOCUMENTS = st.dictionaries(
    TABLES, st.dictionaries(NAMES, VALUES, max_size=4) | VALUES, max_size=4
)


def told(path: Path | None, environ: Mapping[str, str]) -> list[str]:
    """The problems of a configuration that may be anything; none if it loads."""
    try:
        loaded = load(path, environ)
    except ConfigError as error:
        return error.problems
    assert isinstance(loaded.config, Config)
    return []


@settings(max_examples=200)
@given(document=DOCUMENTS)
def test_any_toml_is_a_config_or_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, object]
) -> None:
    """No document gives anything but a Config or a ConfigError of single lines."""
    file = tmp_path_factory.mktemp("any") / "chatd.toml"
    file.write_text(tomli_w.dumps(document), encoding="utf-8")
    assert all(len(problem.splitlines()) == 1 for problem in told(file, {}))


@given(
    key=st.sampled_from(list(KEYS.values())),
    text=st.text(max_size=20) | VALUES.map(str),
)
@example(key=KEYS["server.tls_cert"], text="0")
def test_any_environment_is_a_config_or_a_list_of_problems(key: Key, text: str) -> None:
    """No value of a variable gives anything but a Config or a ConfigError of it.

    What is wrong may be that another key is missing; then this one is named.
    """
    for problem in told(None, {key.variable: text}):
        assert f"environment {key.variable}" in problem or key.name in problem
