"""From a credential to a principal: the only place where a secret is compared.

* `passwords`: Argon2 in threads, a bounded number at a time.
* `attempts`: how many attempts may fail, asked before anything is hashed.
* `tokens`: our own are 256 random bits, kept and looked up as their SHA-256, like
  sessions; so a storm of reconnects never reaches Argon2.
* `jwt`, `keys`: tokens of outside issuers, and their keys.
* `authenticator`: verifies what a command brings, and says what a client is told.

A name that does not exist costs the same time and gets the same answer as a wrong
password. Every credential that is refused is one line in the log.
"""

from chatd.auth.authenticator import Authenticator
from chatd.auth.jwt import Issuers, read_issuers
from chatd.auth.passwords import hash_password
from chatd.auth.tokens import digest_of, new_secret

__all__ = [
    "Authenticator",
    "Issuers",
    "digest_of",
    "hash_password",
    "new_secret",
    "read_issuers",
]
