"""The driver: inputs into the machine, its effects out into the environment.

`engine` hands inputs to the machine, `effect_runner` carries out the effects; `fanout`
gathers frames and sends them; `lookups` does what takes time; `committer` is the one
task that writes; `restore` fills the core from the store; `hub` ties all that together.
Nothing here decides anything about the chat.
"""

from chatd.hub.hub import Hub

__all__ = ["Hub"]
