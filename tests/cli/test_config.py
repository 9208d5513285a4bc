"""`chatd check` and `chatd config`, as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatd.cli import main
from chatd.configfile import example, json_schema
from chatd.configfile.table import KEYS

NO_SETTINGS = {name: None for name in os.environ if name.startswith("CHATD_")}


def chatd(*args: str | Path, env: dict[str, str] | None = None) -> Result:
    """Run a command with no settings in the environment but these."""
    return CliRunner().invoke(
        main, [*map(str, args)], env={**NO_SETTINGS, **(env or {})}
    )


def test_check_says_what_it_read(tmp_path: Path) -> None:
    """The line counts the values of each source."""
    file = tmp_path / "chatd.toml"
    file.write_text("[auth]\nguests = false\nsession_days = 1\n")
    done = chatd("check", "-c", file, env={"CHATD_LOG__LEVEL": "debug"})
    assert done.exit_code == 0
    assert done.stdout == (
        f"ok: {len(KEYS) - 3} from default, 2 from {file},"
        " 1 from environment CHATD_LOG__LEVEL\n"
    )


def test_check_without_a_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is looked for, not even in the working directory."""
    (tmp_path / "chatd.toml").write_text("nonsense")
    monkeypatch.chdir(tmp_path)
    done = chatd("check")
    assert done.exit_code == 0
    assert "none was read" in done.stdout
    assert chatd("config", "show").stdout.startswith("# no file was named with -c")


def test_check_points_out_surprises() -> None:
    """What is allowed but open to the world is told, and is no failure."""
    done = chatd("check", env={"CHATD_SERVER__LISTEN": '["192.0.2.1:80"]'})
    assert done.exit_code == 0
    assert "note: auth.guests: anyone who reaches 192.0.2.1:80 " in done.stdout


@pytest.mark.parametrize("command", [("check",), ("config", "show")])
def test_problems_are_told_on_stderr_with_78(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """One line each, nothing on standard output, and EX_CONFIG."""
    file = tmp_path / "chatd.toml"
    file.write_text("[server]\nlistne = 1\n[auth]\nguests = 1\n")
    done = chatd(*command, "-c", file)
    assert done.exit_code == 78
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        'server.listne: unknown key, did you mean "listen"?',
        "auth.guests: expected true or false, found a whole number",
    ]


def test_a_missing_file_is_78() -> None:
    """What was named and is not there is a problem of the configuration."""
    done = chatd("check", "-c", "/nonexistent/chatd.toml")
    assert done.exit_code == 78
    assert done.stderr == "/nonexistent/chatd.toml: No such file or directory\n"


def test_default_and_schema_are_printed_whole() -> None:
    """What is printed is what is kept in the project."""
    assert chatd("config", "default").stdout == example()
    assert json.loads(chatd("config", "schema").stdout) == json_schema()


def test_show_names_origins(tmp_path: Path) -> None:
    """Each value is followed by where it came from."""
    file = tmp_path / "chatd.toml"
    file.write_text("[presence]\ntick_s = 2\n")
    lines = chatd("config", "show", "-c", file).stdout.splitlines()
    assert lines[0] == "[server]"
    assert f"tick_s = 2  # {file}" in lines
    assert "grace_s = 10  # default" in lines


def test_it_runs_as_a_module() -> None:
    """`python -m chatd` is the same program."""
    done = subprocess.run(
        [sys.executable, "-m", "chatd", "--version"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.startswith("chatd, version ")


def test_check_reads_the_keys_of_issuers(tmp_path: Path) -> None:
    """A key that is too short is told with its place, and ends with 78."""
    key, file = tmp_path / "key", tmp_path / "chatd.toml"
    key.write_bytes(b"x" * 31)
    file.write_text(
        '[[auth.jwt]]\nissuer = "https://site.example"\naudience = "chat"\n'
        f'algorithm = "HS256"\nkey_file = "{key}"\n'
    )
    done = chatd("check", "-c", file)
    assert done.exit_code == 78
    assert done.stderr == (
        f"auth.jwt[0].key_file: {key}: an HS256 key has at least 32 bytes\n"
    )
    key.write_bytes(b"x" * 32)
    assert chatd("check", "-c", file).exit_code == 0


def test_check_looks_at_what_the_configuration_names_here(tmp_path: Path) -> None:
    """The group of its sockets and the modes of its data, all at once."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    env = {"CHATD_STORE__PATH": str(data), "CHATD_SERVER__UNIX_GROUP": "no-such-group"}
    data.chmod(0o777)
    done = chatd("check", env=env)
    assert done.exit_code == 78
    assert done.stdout == ""
    group, modes = done.stderr.splitlines()
    assert group == 'server.unix_group: there is no group "no-such-group" here'
    assert modes == (
        f"store.path: every user of this machine can write to {data} (mode 0777),"
        f" and replace the messages; chmod o-w {data}"
    )
    data.chmod(0o770)
    done = chatd("check", env={**env, "CHATD_SERVER__UNIX_GROUP": ""})
    assert done.exit_code == 0
    assert f"note: store.path: {data} (mode 0770): its group can write" in done.stdout
