"""What becomes of a line, as OpenAI writes it into the output and the error file.

https://platform.openai.com/docs/api-reference/batch/request-output
"""

from typing import Any, Final

import orjson

from integration.gateway.deferral.models import Line, Outcome
from integration.gateway.responses import error_response

_BAD_REQUEST: Final = 400
EXPIRED: Final = ("batch_expired", "This request could not be executed before the completion window expired.")
CANCELLED: Final = ("batch_cancelled", "This request was not executed because the batch was cancelled.")


def request_name(line: Line) -> str:
    """The id of a line's request."""
    return f"batch_req_{line.call_id.hex}"


def answered(line: Line, status: int, body: bytes, cost_pico: int = 0) -> Outcome:
    """A line whose call was answered, by an error or not."""
    response = {"status_code": status, "request_id": request_name(line), "body": orjson.Fragment(body)}
    return Outcome(_text(line, response, None), status >= _BAD_REQUEST, cost_pico)


def refused(line: Line, error: Exception) -> Outcome:
    """A line whose call was refused, as it would have been when somebody had waited for it."""
    response = error_response(error)
    return answered(line, response.status, response.body)


def not_made(line: Line, why: tuple[str, str]) -> Outcome:
    """A line whose call was not made."""
    code, message = why
    return Outcome(_text(line, None, {"code": code, "message": message}), failed=True)


def _text(line: Line, response: Any, error: Any) -> str:  # noqa: ANN401 - JSON
    written = {"id": request_name(line), "custom_id": line.custom_id, "response": response, "error": error}
    return orjson.dumps(written).decode()
