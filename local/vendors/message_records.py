"""What the messaging stand-ins were given: the last messages, and how often each of ours came."""

import json
import re
import secrets
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from itertools import islice
from pathlib import Path
from typing import Any, Final

type Json = dict[str, Any]

_MOST_RECORDS: Final = 10_000
_MOST_COUNTED: Final = 1_000_000
_LINK = re.compile(r"https?://[^\s\"'<>\\)\]]+")


class Records:
    """Messages, the last ones of them whole.

    Args:
        file: Where they are kept between runs, one JSON object a line; None keeps them in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._last: deque[Json] = deque(maxlen=_MOST_RECORDS)
        self._times: OrderedDict[str, int] = OrderedDict()
        self._accepted: Counter[str] = Counter()
        self._file = file
        self._lines = 0
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                self._keep(json.loads(line))
            self._write_anew(file)

    def add(self, channel: str, provider: str, **fields: Any) -> Json:  # noqa: ANN401 - any JSON
        """Keep a message that was accepted. Duplicates are counted by `message_id`, which is ours."""
        made: Json = {
            "id": secrets.token_hex(8),
            "at": time.time(),
            "channel": channel,
            "provider": provider,
            **fields,
        }
        self._keep(made)
        if self._file is not None:
            with self._file.open("a") as kept:
                kept.write(json.dumps(made) + "\n")
            self._lines += 1
            if self._lines > 2 * _MOST_RECORDS:
                self._write_anew(self._file)
        return made

    def _write_anew(self, file: Path) -> None:
        """The file with what is still known, so that it does not grow for ever."""
        file.write_text("".join(f"{json.dumps(each)}\n" for each in self._last))
        self._lines = len(self._last)

    def _keep(self, made: Json) -> None:
        self._last.append(made)
        self._accepted[made["provider"]] += 1
        ours = made.get("message_id")
        if ours:
            self._times[ours] = self._times.get(ours, 0) + 1
            if len(self._times) > _MOST_COUNTED:
                self._times.popitem(last=False)

    def find(self, record_id: str) -> Json | None:
        """A message by the id that it has here."""
        return next((each for each in self._last if each["id"] == record_id), None)

    def newest(self, *, limit: int = 100, to: str = "", **equal: str) -> list[Json]:
        """Messages, the newest first, of these channels, providers or ids of ours.

        Args:
            limit: How many.
            to: What the address contains, in whatever case.
            equal: What fields must be.
        """
        return [_shown(each) for each in islice(self._matching(to.lower(), equal), limit)]

    def _matching(self, to: str, equal: dict[str, str]) -> Iterator[Json]:
        for each in reversed(self._last):
            if to in str(each.get("to", "")).lower() and all(each.get(name) == value for name, value in equal.items()):
                yield each

    def counts(self) -> Json:
        """How many came, how many of ours those are, and which of ours came more than once."""
        return {
            "accepted": sum(self._accepted.values()),
            "by_provider": dict(self._accepted),
            "messages": len(self._times),
            "duplicates": {name: times for name, times in self._times.items() if times > 1},
        }

    def clear(self) -> None:
        """Forget everything."""
        self._last.clear()
        self._times.clear()
        self._accepted.clear()
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._lines = 0


def links(text: str) -> list[str]:
    """The addresses of the web that a text has, each once, in its order."""
    return [*dict.fromkeys(found.rstrip(".,;:") for found in _LINK.findall(text))]


def _shown(record: Json) -> Json:
    sent = datetime.fromtimestamp(record["at"], UTC).isoformat(timespec="milliseconds")
    found = links(f"{record.get('text', '')}\n{record.get('url') or ''}\n{unescape(record.get('html', ''))}")
    return {**record, "sent": sent, "links": found}
