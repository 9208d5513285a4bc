"""Write man pages and completions, from the definitions: `generate.py DIRECTORY DAY`.

`chatd(1)` and a page for each command, as click has them; `chatd.toml(5)`, as the table
of settings has it; completions for bash, zsh and fish, which are click's own and ask
chatd itself, so what they offer is what the installed version has.

The pages are in man(7): text is wrapped by whoever shows them. Nothing here knows a
command or a setting by name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, get_args, get_origin

import attrs
import click
from click.shell_completion import (
    BashComplete,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

from chatd import __version__
from chatd.cli import COMMANDS, command_named, main
from chatd.cli.asks import ASKS, rights_of
from chatd.configfile.render import bounds, plain, toml
from chatd.configfile.table import SECTIONS, Key, keys_of

COMPLETIONS: Final[dict[str, type[ShellComplete]]] = {
    "bash-completion/completions/chatd": BashComplete,
    "zsh/vendor-completions/_chatd": ZshComplete,
    "fish/vendor_completions.d/chatd.fish": FishComplete,
}
"""Each shell's file, below `/usr/share`, and what writes it."""

EXITS: Final = {
    "0": "It is done.",
    "1": "It was refused, or failed; why is on standard error.",
    "2": "The command line is wrong.",
    "65": "A password that cannot be one, or a line that cannot be imported.",
    "69": "The daemon is not there.",
    "75": "It may work later.",
    "77": "It is not allowed.",
    "78": "The configuration cannot be used.",
    "141": "Nobody has read what was printed.",
}
FILES: Final = {
    "/etc/chatd/chatd.toml": "The configuration of the service.",
    "/var/lib/chatd": "The data of the service.",
}


def roff(text: str) -> str:
    """Text as man(7) takes it: nothing in it is an instruction."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("’", "\\(cq")
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text)
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.MULTILINE)


def title(name: str, section: int, day: str, summary: str) -> Iterator[str]:
    """The head of a page, with the name of whom it is about."""
    yield f'.TH "{roff(name)}" {section} "{day}" "chatd {__version__}"'
    yield ".SH NAME"
    yield f"{roff(name)} \\- {roff(summary)}"


def paragraphs(text: str, between: str = ".PP") -> Iterator[str]:
    """Paragraphs, with an empty line between; a backspace of click stops wrapping."""
    for number, block in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield between
        if block.startswith("\b"):
            yield ".nf"
            yield roff(block.removeprefix("\b").strip("\n"))
            yield ".fi"
        else:
            yield roff(" ".join(block.split()))


def tagged(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A list of what is in bold, each with what is said of it."""
    for tag, text in entries:
        yield ".TP"
        yield f".B {roff(tag)}"
        yield from paragraphs(text, ".IP")


# --- commands -------------------------------------------------------------------


@attrs.frozen
class Page:
    """A command of the terminal."""

    context: click.Context

    @property
    def command(self) -> click.Command:
        """What click has of it."""
        return self.context.command

    @property
    def words(self) -> str:
        """What is typed for it."""
        return self.context.command_path

    @property
    def name(self) -> str:
        """What its page is called."""
        return self.words.replace(" ", "-")

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        first, _, _ = (self.command.help or "").partition("\n\n")
        return " ".join(first.split())

    @property
    def parts(self) -> list[Page]:
        """The commands below it."""
        if not isinstance(self.command, click.Group):
            return []
        pairs = sorted(self.command.commands.items())
        return [
            Page(_context(_loaded(self.context, name, sub), name, self.context))
            for name, sub in pairs
        ]


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    settings = command.context_settings if parent is None else {}
    return click.Context(command, parent, name, **settings)


def _loaded(parent: click.Context, name: str, found: click.Command) -> click.Command:
    """Commands of the first level are placeholders until they are asked for."""
    is_first = parent.parent is None and name in COMMANDS
    return command_named(name) if is_first else found


def pages() -> Iterator[Page]:
    """Every command, each before those below it."""
    todo = [Page(_context(main, "chatd"))]
    while todo:
        page = todo.pop(0)
        yield page
        todo += page.parts


def command_page(page: Page, day: str) -> str:
    """The page of a command."""
    return "\n".join([*_command_lines(page, day), ""])


def _command_lines(page: Page, day: str) -> Iterator[str]:
    command, context = page.command, page.context
    yield from title(page.name, 1, day, page.summary.rstrip("."))
    yield ".SH SYNOPSIS"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".B {roff(page.words)}\n{roff(usage)}"
    yield ".SH DESCRIPTION"
    yield from paragraphs(command.help or "")
    records = [
        record
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context)) is not None and record[1]
    ]
    yield ".SH OPTIONS"
    yield from tagged(records)
    if page.parts:
        yield ".SH COMMANDS"
        yield from tagged((f"{part.name}(1)", part.summary) for part in page.parts)
    asks = ASKS.get(page.words.removeprefix("chatd "), ())
    if asks:
        yield ".SH PROTOCOL"
        yield from tagged((type_, f"Said by {rights_of(type_)}.") for type_ in asks)
    if context.parent is None:
        yield ".SH EXIT STATUS"
        yield from tagged(EXITS.items())
        yield ".SH FILES"
        yield from tagged(FILES.items())
    yield ".SH SEE ALSO"
    above = context.parent.command_path.replace(" ", "-") if context.parent else ""
    others = [f"{above}(1)"] if above else []
    yield roff(", ".join([*others, "chatd.toml(5)"]))


# --- settings -------------------------------------------------------------------


def config_page(day: str) -> str:
    """The page of the configuration file."""
    return "\n".join([*_config_lines(day), ""])


def _config_lines(day: str) -> Iterator[str]:
    yield from title("chatd.toml", 5, day, "the configuration of chatd")
    yield ".SH DESCRIPTION"
    yield from paragraphs(
        "A file in TOML, all of whose settings have a default. It is read by"
        " `chatd serve` where `--config` names it; `chatd check` says what is wrong"
        " with it, and `chatd config show` what is in force. The environment goes"
        " before the file: `CHATD_LOG__LEVEL=debug` is `level` in `[log]`."
    )
    for section in SECTIONS:
        yield f".SH [{roff(section.name.upper())}]"
        yield from paragraphs(section.doc)
        for key in section.keys:
            yield from tagged([(key.path, _about(key, applies=True))])
            yield from _entries(key)
    yield ".SH SEE ALSO"
    yield roff("chatd(1), chatd-check(1), chatd-config(1)")


def _about(key: Key, *, applies: bool) -> str:
    if key.default is attrs.NOTHING:
        default = "Required"
    else:
        default = f"Default: {toml(plain(key.default))}"
    when = f" A change counts {key.applies}." if applies else ""
    return f"{key.doc}\n\n{default}{bounds(key)} ({key.source}).{when}"


def _entries(key: Key) -> Iterator[str]:
    """The keys of an array of tables."""
    inner = get_args(key.type)[:1] if get_origin(key.type) is tuple else ()
    if inner and attrs.has(inner[0]) and "__str__" not in vars(inner[0]):
        yield ".RS"
        yield from tagged((k.name, _about(k, applies=False)) for k in keys_of(inner[0]))
        yield ".RE"


# --- files ----------------------------------------------------------------------


def files(day: str) -> Iterator[tuple[str, str]]:
    """Every file: its path below `/usr/share`, and its text.

    Args:
        day: The date of the pages, as `2026-11-28`.
    """
    for page in pages():
        yield f"man/man1/{page.name}.1", command_page(page, day)
    yield "man/man5/chatd.toml.5", config_page(day)
    for path, shell in COMPLETIONS.items():
        yield path, shell(main, {}, "chatd", "_CHATD_COMPLETE").source() + "\n"


def write(directory: Path, day: str) -> None:
    """Write all files below a directory."""
    for path, text in files(day):
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2])
