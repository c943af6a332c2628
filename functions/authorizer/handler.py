"""The REST API's REQUEST authorizer: who is calling, as an IAM policy with the principal in its context.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from authorizer import wiring
from authorizer.models import AmbiguousCredentials
from llmo_core.cold_starts import Counting
from llmo_core.errors import Unauthenticated
from llmo_core.loop import run
from llmo_core.observability import logger

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


class Unauthorized(Exception):
    """Makes API Gateway answer 401, which it does for exactly this message."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Let a caller with a valid API key or access token through; raise Unauthorized for everybody else.

    API Gateway reuses the answer for the same `Authorization` header from the same address until the authorizer's TTL
    has passed, whatever the route: the policy therefore covers all that the credentials are for, the whole stage or one
    service of it, and routes check permissions themselves. A revoked key or an ended session may be let through to
    management routes for that long.
    """
    request_id = event["requestContext"]["requestId"]
    try:
        caller = run(wiring.authenticator().authenticate(_authorization(event), source_ip=_source_ip(event)))
    except Unauthenticated as error:
        logger().info("refused", extra={"request_id": request_id, "reason": error.code})
        raise Unauthorized from None
    context = caller.to_context()
    logger().info(
        "let through",
        extra={"request_id": request_id, "org_id": context["org_id"], "actor_id": context["actor_id"]},
    )
    return _allow(context, event["methodArn"])


def _authorization(event: Mapping[str, Any]) -> str | None:
    """The only one: of two, one might be looked at here and the other one behind."""
    headers: Mapping[str, str] = event["headers"] or {}
    every: Mapping[str, Sequence[str]] = event.get("multiValueHeaders") or {}
    if sum(len(values) for name, values in every.items() if name.lower() == "authorization") > 1:
        raise AmbiguousCredentials
    return next((value for name, value in headers.items() if name.lower() == "authorization"), None)


def _source_ip(event: Mapping[str, Any]) -> str | None:
    identity: Mapping[str, str] = event["requestContext"].get("identity") or {}
    return identity.get("sourceIp")


def _allow(context: dict[str, str], method_arn: str) -> dict[str, Any]:
    api, stage, *_ = method_arn.split("/")
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": _resources(f"{api}/{stage}", context["service"]),
    }
    return {
        "principalId": context["actor_id"],
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }


def _resources(stage: str, service: str) -> str | list[str]:
    """What a policy lets through. Methods are named: IAM's `*` matches slashes too, and with them other services."""
    if not service:
        return f"{stage}/*/*"
    return [f"{stage}/{method}/api/v1/{service}{below}" for method in _METHODS for below in ("", "/*")]
