"""What every service's OpenAPI document says beside its routes: credentials, problem documents, common refusals.

Routes name the refusals of their own (`responses=`). What any route may answer is added here, once.
"""

from typing import Annotated, Any, override

from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from llmo_core.http.problems import MEDIA_TYPE

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="An API key, or the access token of somebody who has signed in.",
)

type Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
"""Declares that a route takes credentials; API Gateway's authorizer has looked at them before."""

_PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `type` is stable; `detail` is for people, and may change.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["urn:llmo:problem:unknown_key"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_EVERY = {
    "500": "A defect of ours; it is recorded under the answer's `x-request-id`.",
    "503": "A store that this needs does not answer; see `Retry-After`.",
}
_WITH_CREDENTIALS = {
    "401": "No valid credentials came with the request.",
    "403": "The caller may not do this.",
}
_WITH_INPUT = {"400": "A value makes no sense here, or the body cannot be read."}
_MALFORMED = "The request does not have the documented shape."


def refusals(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers besides success, for its documentation: `status_404="..."`."""
    problem = {MEDIA_TYPE: {"schema": {"type": "object"}}}
    return {
        int(status.removeprefix("status_")): {"description": text, "content": problem}
        for status, text in statuses.items()
    }


class Service(FastAPI):
    """FastAPI whose document is complete."""

    @override
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document."""
        if self.openapi_schema is None:
            document = super().openapi()
            for methods in document["paths"].values():
                for operation in methods.values():
                    _complete(operation)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for replaced in ("HTTPValidationError", "ValidationError"):
                schemas.pop(replaced, None)
            schemas["Problem"] = _PROBLEM
        return self.openapi_schema or {}


def _complete(operation: dict[str, Any]) -> None:
    responses: dict[str, Any] = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        responses["422"] = {"description": _MALFORMED}
    added = dict(_EVERY)
    if operation.get("security"):
        added |= _WITH_CREDENTIALS
    if "requestBody" in operation or "parameters" in operation:
        added |= _WITH_INPUT
    for status, text in added.items():
        responses.setdefault(status, {"description": text})
    for status, response in responses.items():
        if int(status) >= 400 and response.get("content", {}).keys() <= {MEDIA_TYPE}:  # noqa: PLR2004 - refusals
            response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] = dict(sorted(responses.items()))
