"""Errors as RFC 9457 problem details: the one table of HTTP statuses."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from llmo_core import errors

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:llmo:problem:"
_NOT_IN_THE_BODY = {"json_invalid", "missing"}  # mistakes at a place that the body does not have
_MOST_MISTAKES = 50  # are told of one request: a body may have as many as it has bytes

STATUS_OF: dict[type[errors.LlmoError], HTTPStatus] = {
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.Unprocessable: HTTPStatus.UNPROCESSABLE_CONTENT,
    errors.TooLarge: HTTPStatus.CONTENT_TOO_LARGE,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: errors.LlmoError) -> HTTPStatus:
    """The status of an error: that of its nearest kind in the table; 500 for a kind that nobody placed."""
    return next(
        (STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), HTTPStatus.INTERNAL_SERVER_ERROR
    )


def problem(
    status: int,
    *,
    code: str,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    **members: Any,  # noqa: ANN401 - RFC 9457 extension members are any JSON
) -> JSONResponse:
    """A problem document: `type` is stable and machine-readable, `detail` explains this occurrence."""
    body = {"type": TYPE_PREFIX + code, "title": title, "status": status, "detail": detail, **members}
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def defect() -> JSONResponse:
    """What clients learn of an error that nobody expected: its request id, and nothing else."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal_error",
        title="Something went wrong on our side",
        detail="The error has been recorded under this request's x-request-id.",
    )


def _pointer(mistake: Mapping[str, Any], body: Any) -> str:  # noqa: ANN401 - any JSON
    """Where in the request a mistake is.

    Pydantic's locations name the variants of unions as well, which stand nowhere in the body: they are left out.
    """
    first, *rest = mistake["loc"]
    parts = [first]
    value = body
    for part in rest:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            value = value[part]
            parts.append(part)
        elif first != "body" or (part == rest[-1] and mistake["type"] in _NOT_IN_THE_BODY):
            parts.append(part)
    return "/" + "/".join(map(str, parts))


def install(app: FastAPI) -> None:
    """Make every expected error that leaves the app's routes a problem document."""

    @app.exception_handler(errors.LlmoError)
    async def refused(_request: Request, error: errors.LlmoError) -> JSONResponse:
        retry_after = getattr(error, "retry_after_seconds", None)
        headers = {"retry-after": str(ceil(retry_after))} if retry_after is not None else {}
        if isinstance(error, errors.Unauthenticated):
            headers["www-authenticate"] = "Bearer"
        if error.extensions:
            headers["cache-control"] = "no-store"
        return problem(
            status_of(error),
            code=error.code,
            title=error.title,
            detail=error.detail,
            headers=headers or None,
            **error.extensions,
        )

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        found = error.errors()
        mistakes = [{"pointer": _pointer(item, error.body), "message": item["msg"]} for item in found[:_MOST_MISTAKES]]
        more = [f"and {len(found) - _MOST_MISTAKES} more"] if len(found) > _MOST_MISTAKES else []
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            code="malformed_request",
            title="The request does not have the documented shape",
            detail="; ".join([*(f"{mistake['pointer']}: {mistake['message']}" for mistake in mistakes), *more]),
            errors=mistakes,
        )

    @app.exception_handler(HTTPException)
    async def routing(_request: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        return problem(
            error.status_code,
            code=phrase.lower().replace(" ", "_"),
            title=phrase,
            detail=str(error.detail),
            headers=dict(error.headers or {}) or None,
        )
