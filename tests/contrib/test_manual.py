"""The man pages and completions that contrib/manual writes."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatd.cli import COMMANDS, command_named, main
from chatd.configfile.table import KEYS
from tests.test_documents import commands

ROOT = Path(__file__).parents[2]
GENERATE = ROOT / "contrib" / "manual" / "generate.py"
DAY = "2026-11-28"


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is installed below /usr/share."""
    directory = tmp_path_factory.mktemp("share")
    subprocess.run([sys.executable, GENERATE, directory, DAY], cwd=ROOT, check=True)
    return directory


@pytest.fixture(scope="module")
def shell_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `chatd` is this one."""
    directory = tmp_path_factory.mktemp("bin")
    command = directory / "chatd"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from chatd.cli import main\nmain()\n"
    )
    command.chmod(0o755)
    path = f"{directory}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "HOME": str(directory), "LC_ALL": "C.UTF-8"}


def every_command() -> dict[str, str]:
    """What `chatd … --help` prints, by the name of the page."""
    loaded = [command_named(name) for name in COMMANDS]
    below = [name for one in loaded for name in commands(one, f"chatd {one.name}")]
    names = ["chatd", *below]
    assert set(commands(main)) <= set(names)
    return {name.replace(" ", "-"): name for name in names}


def test_each_command_has_a_page(share: Path) -> None:
    """And there is no other page, but that of the configuration."""
    pages = {path.name for path in share.glob("man/*/*")}
    assert pages == {f"{name}.1" for name in every_command()} | {"chatd.toml.5"}


def test_each_page_is_as_mandoc_wants_it(share: Path) -> None:
    """It has nothing to warn of."""
    pages = sorted(share.glob("man/*/*"))
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *pages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def shown(page: Path) -> str:
    """A page as it is read, on one line."""
    done = subprocess.run(
        ["mandoc", "-T", "utf8", page], capture_output=True, text=True, check=True
    )
    # Bold is a letter, a step back, and the letter again.
    return " ".join(re.sub(r".\x08", "", done.stdout).replace("‐", "-").split())


def test_a_page_says_what_help_says(share: Path) -> None:
    """Each option, and each word of what is said of the command."""
    for page, typed in every_command().items():
        done = CliRunner().invoke(
            main,
            [*typed.split()[1:], "--help"],
            terminal_width=500,
            max_content_width=500,
        )
        assert done.exit_code == 0
        text = shown(share / "man" / "man1" / f"{page}.1")
        options = re.findall(r"^  (-\S+(?:, --\S+)?)", done.output, re.MULTILINE)
        assert options
        said = done.output.partition("\n\n")[2].partition("\nOptions:")[0]
        missing = [word for word in [*options, *said.split()] if word not in text]
        # Quotation in the source is bold in the page.
        assert [word for word in missing if "`" not in word] == [], page


def test_each_setting_is_in_the_page_of_the_file(share: Path) -> None:
    """With its default and its reason."""
    text = shown(share / "man" / "man5" / "chatd.toml.5")
    for path, key in KEYS.items():
        said = " ".join(key.source.split())
        assert f" {path} " in text
        assert said.replace("`", "") in text, path


def test_nothing_in_a_text_is_an_instruction() -> None:
    r"""Neither a dot that begins a line nor a backslash."""
    spec = importlib.util.spec_from_file_location("generate", GENERATE)
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    found = generate.roff(".so /etc/passwd\n'x \\fB")
    assert found == "\\&.so /etc/passwd\n\\&'x \\efB"


BASH = """
source {file}
COMP_WORDS=({words}) COMP_CWORD={last}
_chatd_completion chatd
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["chatd", "us"], ["user"]),
        (["chatd", "user", "pa"], ["password"]),
        (["chatd", "config", ""], ["default", "schema", "show"]),
        (["chatd", "erase", "--mes"], ["--messages"]),
        (["chatd", "erase", "--messages", "r"], ["reassign"]),
    ],
)
def test_shells_complete(
    share: Path, shell_env: dict[str, str], words: list[str], wanted: list[str]
) -> None:
    """Bash and fish as they are typed into; zsh can read its file, and is answered."""

    def ask(*command: str, **more: str) -> list[str]:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=shell_env | more
        )
        assert done.stderr == ""
        return [line for line in done.stdout.splitlines() if line]

    bash = share / "bash-completion" / "completions" / "chatd"
    quoted = " ".join(f"'{word}'" for word in words)
    script = BASH.format(file=bash, words=quoted, last=len(words) - 1)
    assert ask("bash", "--norc", "-c", script) == wanted
    fish = share / "fish" / "vendor_completions.d" / "chatd.fish"
    offered = ask(
        "fish", "--no-config", "-c", f"source {fish}; complete -C '{' '.join(words)}'"
    )
    assert [line.split("\t")[0] for line in offered] == wanted
    ask("zsh", "-f", "-n", str(share / "zsh" / "vendor-completions" / "_chatd"))
    answer = ask(
        "chatd",
        _CHATD_COMPLETE="zsh_complete",
        COMP_WORDS=" ".join(words),
        COMP_CWORD=str(len(words) - 1),
    )
    assert answer[1::3] == wanted
