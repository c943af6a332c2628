"""Refusals as OAuth has them (RFC 6749, section 5.2), and how clients show who they are (section 2.3.1)."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from auth.oauth.models import InvalidClient, InvalidRequest, OAuthRefusal
from auth.oauth.parameters import Parameters

FORM = "application/x-www-form-urlencoded"
NEVER_STORED = {"cache-control": "no-store"}


def install(app: FastAPI) -> None:
    """Make every refusal of OAuth's that leaves the app's routes an answer of OAuth's."""

    @app.exception_handler(OAuthRefusal)
    async def refused(_request: Request, error: OAuthRefusal) -> JSONResponse:
        unknown = isinstance(error, InvalidClient)
        return JSONResponse(
            {"error": error.code, "error_description": error.detail},
            HTTPStatus.UNAUTHORIZED if unknown else HTTPStatus.BAD_REQUEST,
            {**NEVER_STORED, **({"www-authenticate": 'Basic realm="oauth2", charset="UTF-8"'} if unknown else {})},
        )


def refusals(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """What a route refuses in OAuth's words, for its documentation: `status_400="..."`."""
    members = {"error": {"type": "string"}, "error_description": {"type": "string"}}
    schema = {"type": "object", "properties": members, "required": ["error"]}
    return {
        int(status.removeprefix("status_")): {"description": text, "content": {"application/json": {"schema": schema}}}
        for status, text in statuses.items()
    }


def takes_form(parameters: Mapping[str, str], *, required: Sequence[str]) -> dict[str, Any]:
    """A form for a route's documentation: its parameters with what they are."""
    properties = {name: {"type": "string", "description": text} for name, text in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": [*required]}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


async def form_of(request: Request) -> Parameters:
    """The form that a request brings. Raises InvalidRequest."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidRequest(f"The body has to be {FORM}.")
    return Parameters.parse(await request.body())


def credentials_of(request: Request, form: Parameters) -> tuple[UUID | None, str | None]:
    """The client's id and secret, from the header or the form. Raises InvalidRequest for both, InvalidClient."""
    headers = request.headers.getlist("authorization")
    if not headers:
        return form.identifier("client_id"), form.get("client_secret")
    if len(headers) > 1 or form.get("client_secret") is not None:
        raise InvalidRequest("A client shows who it is in one way.")
    client_id, secret = _basic(headers[0])
    if form.get("client_id") not in {None, client_id}:
        raise InvalidRequest("The header and the form name different clients.")
    return Parameters(pairs=[("client_id", client_id)]).identifier("client_id"), secret


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient from error
