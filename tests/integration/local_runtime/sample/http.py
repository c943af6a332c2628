"""Handlers behind the REST API."""

import base64
import json
import time
from typing import Any


def describe(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer with the event; a binary body comes back reversed."""
    if event["isBase64Encoded"]:
        reverse = base64.b64decode(event["body"])[::-1]
        return {"statusCode": 200, "body": base64.b64encode(reverse).decode(), "isBase64Encoded": True}
    return {
        "statusCode": 201,
        "headers": {"X-Answered-By": "describe"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": json.dumps(event),
    }


def authorize(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Know one bearer token, which may read."""
    token = event["headers"]["Authorization"].removeprefix("Bearer ")
    if token == "broken":
        raise RuntimeError("no database")
    if token != "good":
        raise PermissionError("Unauthorized")
    allow = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:*:*/*/GET/*"}
    return {
        "principalId": "key-1",
        "policyDocument": {"Version": "2012-10-17", "Statement": [allow]},
        "context": {"org_id": "o-1", "admin": False},
    }


def fail(_event: Any, _context: Any) -> None:
    raise RuntimeError("database is gone")


def malformed(_event: Any, _context: Any) -> dict[str, Any]:
    return {"body": "no status"}


def hang(_event: Any, _context: Any) -> None:
    time.sleep(60)
