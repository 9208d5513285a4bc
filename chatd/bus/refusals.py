"""What the server's errors mean, in words that say what to do.

An error begins with a word in capitals, by which it is known. Its text is for people,
and may have a command in it, the password with it: it is shown up to there.
"""

from __future__ import annotations

from chatd.config.bus import PASSWORD_VARIABLE

TOO_OLD = "is too old: Valkey, or Redis 7 or newer, is needed"
CLUSTERED = (
    "is in cluster mode, where channels are spread over many servers: use one that is"
    " not (cluster-enabled no)"
)
REPLICA = (
    "is a replica, from which nothing reaches the others: name the primary, or an"
    " address that leads there"
)
SENTINEL = "is a Sentinel, which carries no messages: name the server itself"

_MEANINGS = {
    "NOAUTH": "wants a password: put it into a file (cluster.bus with"
    f" ?passfile=/etc/chatd/bus-password), or into {PASSWORD_VARIABLE}",
    "WRONGPASS": "knows no such user with this password: see the user in cluster.bus,"
    f" and the file that it names or {PASSWORD_VARIABLE}",
    "NOPERM": "does not permit that to its user: ACL SETUSER NAME +hello +spublish"
    " +ssubscribe +sunsubscribe &chatd:*",
    "NOPROTO": TOO_OLD,
    "MOVED": CLUSTERED,
    "CROSSSLOT": CLUSTERED,
    "CLUSTERDOWN": CLUSTERED,
    "LOADING": "is starting: it reads its data",
    "DENIED": "is in protected mode, where it lets in only its own machine: give it a"
    " password, then `protected-mode no`",
}
_TEXTS = {
    "unknown command": TOO_OLD,
    "max number of clients": "has as many clients as it may have (maxclients)",
}


def meaning(error: str) -> str:
    """Say what an error of the server means, as the end of "the bus ...".

    Args:
        error: What the server has said.
    """
    if known := _MEANINGS.get(error.partition(" ")[0]):
        return known
    for text, said in _TEXTS.items():
        if text in error:
            return said
    shown = " ".join(error.partition(", with args")[0].split())
    return f"says: {shown}"
