"""Errors in OpenAI's shape: the one table of their HTTP statuses, types and codes.

Source: https://platform.openai.com/docs/guides/error-codes
"""

from dataclasses import dataclass, field
from math import ceil
from typing import Final

import orjson

from integration.gateway import deferral_errors as deferral
from integration.gateway import errors, limit_errors
from integration.gateway.answer_headers import duration, told
from llmo_core.errors import LlmoError, TooManyRequests, Unavailable


@dataclass(frozen=True, slots=True)
class Shape:
    """How OpenAI announces a kind of error."""

    status: int
    type: str
    code: str | None


_SHAPES: Final[tuple[tuple[type[LlmoError], Shape], ...]] = (
    (errors.InvalidApiKey, Shape(401, "invalid_request_error", "invalid_api_key")),
    (errors.AddressNotAllowed, Shape(403, "invalid_request_error", "address_not_allowed")),
    (errors.BillingNotActive, Shape(403, "billing_not_active", "billing_not_active")),
    (errors.InvalidCall, Shape(400, "invalid_request_error", None)),
    (errors.ContentBlocked, Shape(400, "invalid_request_error", "content_filter")),
    (errors.IdempotencyKeyReused, Shape(422, "invalid_request_error", "idempotency_key_reused")),
    (errors.RequestInProgress, Shape(409, "invalid_request_error", "request_in_progress")),
    (deferral.NoSuchFile, Shape(404, "invalid_request_error", None)),
    (deferral.NoSuchBatch, Shape(404, "invalid_request_error", None)),
    (deferral.TooManyBatches, Shape(429, "requests", "batch_limit_exceeded")),
    (deferral.NoRoomForFile, Shape(400, "invalid_request_error", "storage_limit_exceeded")),
    (deferral.BatchEnded, Shape(409, "invalid_request_error", None)),
    (errors.ModelNotFound, Shape(404, "invalid_request_error", "model_not_found")),
    (errors.PromptNotFound, Shape(404, "invalid_request_error", "prompt_not_found")),
    (errors.EntryNotFound, Shape(404, "invalid_request_error", None)),
    (errors.ModelRetired, Shape(404, "invalid_request_error", "model_not_found")),
    (errors.NoTargetFits, Shape(400, "invalid_request_error", "no_target_fits")),
    (errors.ModelNotAllowed, Shape(403, "invalid_request_error", "model_not_found")),
    (limit_errors.RateLimited, Shape(429, "requests", "rate_limit_exceeded")),
    (limit_errors.CallTooLarge, Shape(429, "tokens", "rate_limit_exceeded")),
    (limit_errors.TooManyAtOnce, Shape(429, "requests", "rate_limit_exceeded")),
    (limit_errors.BudgetExceeded, Shape(429, "insufficient_quota", "insufficient_quota")),
    (
        limit_errors.BudgetReserved,
        Shape(429, "requests", "rate_limit_exceeded"),
    ),  # it passes: clients may repeat the call
    (errors.CacheMiss, Shape(504, "invalid_request_error", "cache_miss")),
    (errors.UpstreamTimeout, Shape(504, "server_error", "upstream_timeout")),
    (errors.AddressNotCalled, Shape(502, "server_error", "provider_address_refused")),
    (errors.UpstreamMisconfigured, Shape(502, "server_error", "upstream_authentication_failed")),
    (errors.UpstreamError, Shape(502, "server_error", "upstream_error")),
    (Unavailable, Shape(503, "server_error", "service_unavailable")),
)
_DEFECT: Final = Shape(500, "server_error", "internal_error")


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error as it goes over the wire."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def error_response(error: Exception) -> ErrorResponse:
    """The response for any error; one outside the tree says nothing about itself."""
    if isinstance(error, errors.UpstreamRefused) and error.body:
        return ErrorResponse(error.status, error.body, dict(error.headers))
    shape = next((shape for kind, shape in _SHAPES if isinstance(error, kind)), _DEFECT)
    status = error.status if isinstance(error, errors.UpstreamRefused) else shape.status
    message = error.detail if isinstance(error, LlmoError) else "The server had an error while processing your request."
    return ErrorResponse(status, _body(error, shape, message), _headers(error))


def not_found(method: str, path: str) -> ErrorResponse:
    """What OpenAI answers for a URL that it does not serve."""
    message = f"Invalid URL ({method} {path})"
    return ErrorResponse(404, _json(message, "invalid_request_error", None, None))


def _body(error: Exception, shape: Shape, message: str) -> bytes:
    kind, code, param = shape.type, shape.code, None
    if isinstance(error, limit_errors.RateLimited):
        kind = error.kind.counted
    elif isinstance(error, errors.InvalidCall):
        code, param = error.reason, error.param
    elif isinstance(error, errors.ModelNotFound | errors.ModelRetired | errors.NoTargetFits | errors.ModelNotAllowed):
        param = "model"
    elif isinstance(error, errors.PromptNotFound):
        param = "prompt"
    return _json(message, kind, param, code)


def _headers(error: Exception) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, errors.UpstreamRefused):
        return dict(error.headers)
    if isinstance(error, errors.ContentBlocked):
        headers["x-llmo-guardrails"] = told(error.triggered)
    if isinstance(error, errors.CacheMiss):
        headers["x-should-retry"] = "false"  # OpenAI's clients repeat what got a 5xx unless they are told not to
    if isinstance(error, TooManyRequests | Unavailable):
        headers["retry-after"] = str(max(1, ceil(error.retry_after_seconds)))
    if isinstance(error, errors.RequestInProgress):
        headers["retry-after"] = "1"
    if isinstance(error, limit_errors.RateLimited):
        headers[f"x-ratelimit-limit-{error.kind.counted}"] = str(error.limit)
        headers[f"x-ratelimit-remaining-{error.kind.counted}"] = "0"
        headers[f"x-ratelimit-reset-{error.kind.counted}"] = duration(ceil(error.retry_after_seconds * 1000))
    return headers


def _json(message: str, kind: str, param: str | None, code: str | None) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})
