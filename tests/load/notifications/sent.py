"""What the stand-ins were given, read while they write it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Mail(NamedTuple):
    """A mail that a provider took; or a push notification.

    Attributes:
        at: Unix's time.
        message_id: Ours.
        header: By which it is known again: its Message-ID to mailboxes, its Topic (RFC 8030, 5.4) to a push service.
        subject: Which of somebody's mails it is.
    """

    at: float
    to: str
    message_id: str
    header: str
    subject: str


@dataclass
class Sent:
    """The mails that were sent since the last look."""

    file: Path
    _read: int = field(default=0, init=False)

    def new(self) -> list[Mail]:
        """Those, in the order in which the provider took them."""
        if not self.file.exists():
            return []
        with self.file.open("rb") as opened:
            opened.seek(self._read)
            found = opened.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._read += len(whole)
        return [_mail(json.loads(line)) for line in whole.splitlines()]


def _mail(record: dict[str, Any]) -> Mail:
    headers = record["headers"]
    known_by, said = ("Topic", "title") if record["channel"] == "push" else ("Message-ID", "subject")
    return Mail(record["at"], record["to"], record["message_id"], headers[known_by], record[said])
