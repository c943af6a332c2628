"""What becomes of a line, as OpenAI writes it into the output and the error file.

https://platform.openai.com/docs/api-reference/batch/request-output
"""

from dataclasses import replace
from typing import Any, Final

import orjson

from integration.gateway.deferral.models import Line, Outcome
from integration.gateway.errors import UpstreamBroken
from integration.gateway.responses import error_response

_BAD_REQUEST: Final = 400
_SPACES: Final = bytes.maketrans(b"\r\n", b"  ")
EXPIRED: Final = ("batch_expired", "This request could not be executed before the completion window expired.")
CANCELLED: Final = ("batch_cancelled", "This request was not executed because the batch was cancelled.")


def request_name(line: Line) -> str:
    """The id of a line's request."""
    return f"batch_req_{line.call_id.hex}"


def answered(line: Line, status: int, body: bytes, cost_pico: int = 0) -> Outcome:
    """A line whose call was answered with this JSON, by an error or not.

    An answer that could not be read again, for what it is nested in, is one of a provider that is broken.
    """
    response = {"status_code": status, "request_id": request_name(line), "body": orjson.Fragment(on_one_line(body))}
    text = _text(line, response, None)
    if not _readable(text):
        return refused(line, UpstreamBroken("The model provider's answer is nested too deeply."), cost_pico)
    return Outcome(text, status >= _BAD_REQUEST, cost_pico)


def refused(line: Line, error: Exception, cost_pico: int = 0) -> Outcome:
    """A line whose call was refused, as it would have been when somebody had waited for it.

    Args:
        line: The line.
        error: Why.
        cost_pico: What it cost until then: an answer is paid for that a guardrail does not let pass.
    """
    response = error_response(error)
    return replace(answered(line, response.status, response.body), cost_pico=cost_pico)


def not_made(line: Line, why: tuple[str, str]) -> Outcome:
    """A line whose call was not made."""
    code, message = why
    return Outcome(_text(line, None, {"code": code, "message": message}), failed=True)


def on_one_line(json: bytes) -> bytes:
    """The same JSON without line breaks, which stand only between its tokens, and otherwise as it is."""
    return json.translate(_SPACES)


def _readable(text: str) -> bool:
    try:
        orjson.dumps(orjson.loads(text))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False
    return True


def _text(line: Line, response: Any, error: Any) -> str:  # noqa: ANN401 - JSON
    written = {"id": request_name(line), "custom_id": line.custom_id, "response": response, "error": error}
    return orjson.dumps(written).decode()
