"""Reading the lines of a batch's file.

What every line must have is checked here, and one that lacks it fails the batch, as at OpenAI. Whether its call makes
sense is found out when it is made, by the same reading as for calls that somebody waits for.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from integration.gateway.deferral.models import MOST_LINES, Json, Line
from llmo_core.ids import NewId

_MOST_LINE_BYTES: Final = 1_000_000
MOST_BODY_BYTES: Final = 999_000  # and what else is in a line
_MOST_CUSTOM_ID: Final = 512
_MOST_ERRORS: Final = 100


class Unreadable(Exception):
    """A line that is none; `code`, `message` and `param` say why."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param

    def at(self, position: int | None) -> Json:
        """As the batch's errors list it."""
        return {"code": self.code, "message": self.message, "param": self.param, "line": position}


def read_lines(content: bytes, endpoint: str, new_id: NewId) -> tuple[Sequence[Line], Sequence[Json]]:
    """The lines of a file, or what is wrong with it; blank lines are none."""
    lines: list[Line] = []
    wrong: list[Json] = []
    known: set[str] = set()
    for position, raw in _numbered(content):
        if len(lines) == MOST_LINES:
            return (), [Unreadable("too_many_tasks", f"A batch has at most {MOST_LINES} lines.").at(None)]
        try:
            custom_id, body = _read(raw, endpoint, known)
        except Unreadable as error:
            wrong.append(error.at(position))
            if len(wrong) == _MOST_ERRORS:
                break
            continue
        known.add(custom_id)
        lines.append(Line(position, custom_id, new_id(), body))
    if not lines and not wrong:
        wrong = [Unreadable("empty_file", "The file has no lines.").at(None)]
    return ((), wrong) if wrong else (lines, ())


def _numbered(content: bytes) -> Iterator[tuple[int, bytes]]:
    for position, raw in enumerate(content.split(b"\n"), 1):
        if raw.strip():
            yield position, raw


def _read(raw: bytes, endpoint: str, known: set[str]) -> tuple[str, str]:
    """The custom id and the body of a line."""
    if len(raw) > _MOST_LINE_BYTES:
        raise Unreadable("line_too_long", f"A line has at most {_MOST_LINE_BYTES} bytes.")
    try:
        line: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable("invalid_json_line", "This line is not parseable as valid JSON.") from error
    if not isinstance(line, dict):
        raise Unreadable("invalid_json_line", "This line is not a JSON object.")
    custom_id, body = line.get("custom_id"), line.get("body")
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _MOST_CUSTOM_ID or "\x00" in custom_id:
        message = f"'custom_id' must be a text of 1 to {_MOST_CUSTOM_ID} characters."
        raise Unreadable("missing_required_parameter", message, "custom_id")
    if custom_id in known:
        raise Unreadable("duplicate_custom_id", "The custom_id of this line is another one's already.", "custom_id")
    if line.get("method") != "POST":
        raise Unreadable("invalid_method", "'method' must be 'POST'.", "method")
    if line.get("url") != endpoint:
        raise Unreadable("invalid_url", f"'url' must be the endpoint of the batch, {endpoint}.", "url")
    if not isinstance(body, dict):
        raise Unreadable("missing_required_parameter", "'body' must be an object.", "body")
    try:
        return custom_id, orjson.dumps(body).decode()
    except orjson.JSONEncodeError as error:
        raise Unreadable("invalid_json_line", "This line is nested too deeply.") from error
