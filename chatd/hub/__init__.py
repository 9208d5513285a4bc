"""The driver: inputs into the machine, its effects out into the environment.

`fanout` is where frames are gathered and leave; `lookups` is what takes time;
`committer` is the one task that writes; `restore` fills the core from the store;
`hub` ties them to the machine. Nothing here decides anything about the chat.
"""

from chatd.hub.hub import Hub

__all__ = ["Hub"]
