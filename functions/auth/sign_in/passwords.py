"""Password hashes: Argon2id with OWASP's parameters.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html (m=19 MiB, t=2, p=1).
"""

import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# Of random bytes that nobody kept: what an unknown address is checked against, at the same cost.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$aVsD1KJhhfrZunnA6M3lOg$1ZAEdBAz3GVtNeLWHmVckj7F6es6bYtK87Y3e3t5jQc"


class Argon2Passwords:
    """Hashes and verifies; each takes about 20 ms of CPU.

    Keyboards write the same character in different ways: passwords are hashed in Unicode's normal form KC.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)

    def hash(self, password: str) -> str:
        """The password's hash in PHC string format, with a random salt."""
        return self._hasher.hash(_normal(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. None costs as much as any hash, and is never right."""
        try:
            self._hasher.verify(password_hash or _NOBODYS, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(password_hash)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
