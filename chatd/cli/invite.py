"""`chatd invite`: links by which people make their accounts.

The secret of a link goes to standard output, once, and is not kept. On a terminal the
link is shown as a QR code, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from chatd.cli.admin import order
from chatd.cli.config import config_option
from chatd.cli.operator import (
    data_option,
    duration_ms,
    json_option,
    now,
    place_of,
    say,
    time_of,
    told,
)
from chatd.cli.table import show
from chatd.client.frames import Frame
from chatd.config.sections import Server
from chatd.core.principal import InvitationKept
from chatd.daemon import links
from chatd.enums import InvitedRole
from chatd.ids import is_direct
from chatd.store.sqlite import inviting
from chatd.wire.events import DAY_MS, Millis
from chatd.wire.fields import (
    INVITATION_S_MAX,
    INVITATION_S_MIN,
    INVITATION_USES_MAX,
)

WEEK_MS = 7 * DAY_MS


@click.group("invite", invoke_without_command=True)
@click.option(
    "--uses",
    type=click.IntRange(1, INVITATION_USES_MAX),
    default=1,
    show_default=True,
    help="How many people may come by it.",
)
@click.option(
    "--expires",
    callback=duration_ms,
    metavar="TIME",
    help="How long it holds, such as 30d; 7d if not given.",
)
@click.option("--room", help="A room in which they are then.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in InvitedRole]),
    default=InvitedRole.USER.value,
    show_default=True,
    help="What they are on this server.",
)
@config_option
@data_option
@json_option
@click.pass_context
def invite_group(
    context: click.Context,
    uses: int,
    expires: Millis | None,
    room: str | None,
    role: str,
    *,
    config_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Print a link by which people make their accounts; once only.

    Whatever `auth.registration` says, it holds: it is yours.
    """
    if context.invoked_subcommand is not None:
        return
    place = place_of(config_file, data)
    where = None if room is None else place.room(room)
    lasts = WEEK_MS if expires is None else expires
    if not INVITATION_S_MIN * 1000 <= lasts <= INVITATION_S_MAX * 1000:
        raise click.BadParameter("expected 1m to 365d", param_hint="--expires")
    if where is not None and is_direct(where):
        raise click.BadParameter(
            "nobody is asked into a direct conversation", param_hint="--room"
        )
    command: Frame = {"type": "invitation_create", "uses": uses, "role": role}
    command |= {"for": lasts // 1000, "room": where}
    reply = order(place, command, makes=True)
    number, until = reply["invitation"], reply["expires"]
    link = _link(place.config.server, reply["secret"])
    fields = {"id": number, "link": link, "uses": uses, "expires": until}
    say(link, fields | {"room": where, "role": role}, as_json=as_json)
    if is_terminal() and not as_json:
        draw(link)
    click.echo(f"this is invitation {number}, for {uses}, until {until}", err=True)


def _link(server: Server, secret: str) -> str:
    """The link, as far as it is known where it has to lead."""
    url = links.page_url(server, server.listen)
    if not server.public_url:
        click.echo(
            "server.public_url is not set, so the link may not lead here", err=True
        )
    return links.link(url or "https://HOST", "invite", secret)


def is_terminal() -> bool:
    """Whether a person sees what is printed."""
    return sys.stdout.isatty()


def draw(link: str) -> None:
    """Draw a QR code of the link, for a phone."""
    import segno  # noqa: PLC0415 - only here, and only on a terminal

    segno.make(link, error="m", micro=False).terminal(compact=True)


@invite_group.command("list")
@config_option
@data_option
@json_option
def list_invitations(
    *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """List all invitations, the newest first; those that have ended for 30 days."""
    with told():
        found = inviting.invitations(place_of(config_file, data).store)
    at = now()
    show(
        [_invitation(one, at) for one in found],
        ["id", "from", "created", "expires", "state", "room", "role", "users"],
        as_json=as_json,
    )


def _invitation(kept: InvitationKept, at: Millis) -> dict[str, Any]:
    """An invitation for a table or a program."""
    assert kept.expires is not None
    state = f"{kept.used} of {kept.uses} used"
    if kept.expires <= at and kept.used < kept.uses:
        state += ", has ended"
    return {
        "id": kept.number,
        "from": kept.maker,
        "created": time_of(kept.created),
        "expires": time_of(kept.expires),
        "state": state,
        "uses": kept.uses,
        "used": kept.used,
        "room": kept.room,
        "role": kept.role,
        "users": kept.users,
    }


@invite_group.command("revoke")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@config_option
@data_option
@json_option
def revoke_invitation(
    number: int, *, config_file: Path | None, data: str | None, as_json: bool
) -> None:
    """Take the invitation ID back, as `list` shows it, whoever has made it."""
    command = {"type": "invitation_revoke", "invitation": number}
    order(place_of(config_file, data), command)
    say(f"invitation {number} is taken back", {"id": number}, as_json=as_json)
