"""What commands of the terminal say to the daemon, in the words of the protocol.

One table for the manual, for the document of the protocol and for who looks for the way
of a command; `tests/cli/test_asks.py` compares it with what the commands send, with the
rules of the core, and with the document.
"""

from __future__ import annotations

from typing import get_args

from chatd.wire.operator import OperatorCommand

ASKS: dict[str, tuple[str, ...]] = {
    "announce": ("announce", "report"),
    "audit": ("audit",),
    "doctor": ("report",),
    "drain": ("drain",),
    "erase": ("user_erasure", "user_erase"),
    "invite": ("invitation_create",),
    "invite revoke": ("invitation_revoke",),
    "kick": ("disconnect", "kick"),
    "log level": ("log_level",),
    "reload": ("reload",),
    "room archive": ("room",),
    "room create": ("create",),
    "room delete": ("destroy",),
    "room set": ("room",),
    "status": ("report",),
    "token issue": ("token_issue",),
    "token revoke": ("token_revoke",),
    "top": ("report", "connections", "busy_rooms"),
    "user add": ("user_add",),
    "user ban": ("user_ban",),
    "user logout": ("user_logout",),
    "user password": ("user_password",),
    "user role": ("user_role",),
    "user unban": ("user_unban",),
    "who": ("connections",),
}
"""Each command that speaks to the daemon as the operator: the types of what it says.
What is not here reads the files, or is a client like others."""
UNTYPED = {"invitations": "`chatd invite list` reads them, also while no daemon runs"}
"""What the operator may say that no command of the terminal does, and why."""
HIS_ALONE = frozenset(command.type for command in get_args(OperatorCommand))
"""What nobody else may say."""


def rights_of(type_: str) -> str:
    """Who may say a command, in a few words.

    Args:
        type_: The command's type.
    """
    if type_ in HIS_ALONE:
        return "the operator alone"
    return "the operator; users by their rights"
