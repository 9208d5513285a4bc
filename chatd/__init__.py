"""chatd: the chat daemon that a team runs itself.

One process, one TOML file, any WebSocket client. ARCHITECTURE.md, beside the
package, tells how a message travels through these modules and which module may
import which.
"""

__version__ = "0.2.0"
