"""Secrets that the template lets AWS generate, kept in `.local/secrets.json`: stored key hashes stay valid."""

import json
import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

_ALPHABET = string.ascii_letters + string.digits


class SecretFile:
    """Generated values by logical id, readable by this user only.

    Args:
        path: The file; it is made with the first value.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def value(self, logical_id: str, length: int = 48) -> str:
        """The value of a secret: the one it had before, or a new alphanumeric one of this length."""
        if logical_id not in self._values:
            self._values[logical_id] = "".join(secrets.choice(_ALPHABET) for _ in range(length))
            self._save()
        return self._values[logical_id]

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self._path, self._values)


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON file that only this user can read; a reader sees the old file or the new one, never a part."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    draft.replace(path)
