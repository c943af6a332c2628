"""Password hashes: Argon2id with OWASP's parameters.

Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html (m=19 MiB, t=2, p=1).
"""

from argon2 import PasswordHasher, Type

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def hash_password(password: str) -> str:
    """The password's hash in PHC string format, with a random salt; takes about 20 ms of CPU."""
    return _HASHER.hash(password)
