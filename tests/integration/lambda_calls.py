"""Calls of an API's Lambda handler, with everything as it is wired."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3

from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.organizations import Org
from tests.integration.statements import run

EVENTS = Path(__file__).parents[2] / "events"

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def moto_client(service: str, moto_url: str) -> Any:
    """A client of one of moto's services."""
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client(service, endpoint_url=moto_url, region_name="eu-west-1", **keys)


def environment(moto_url: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """What every function is told, with the ARNs of these secrets by the names of their variables."""
    manager = moto_client("secretsmanager", moto_url)
    arns = {
        name: manager.create_secret(Name=f"{new_id().hex}-{name}", SecretString=value)["ARN"]
        for name, value in secrets.items()
    }
    return {
        **arns,
        "STAGE": "test",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": moto_url,
        "EVENT_BUS_NAME": "default",
        "CLAIMS_BUCKET": "claims",
    }


def call(
    handler: Handler,
    sample: str,
    org: Org,
    method: str,
    path: str,
    body: Any = None,
    *,
    idempotency_key: str | None = None,
) -> tuple[int, Any]:
    """Call a handler as one of an organization's keys, with an event like this sample."""
    event: dict[str, Any] = json.loads((EVENTS / f"{sample}.json").read_text())
    event["requestContext"]["authorizer"] |= {
        "org_id": str(org.org_id),
        "project_id": str(org.project_id),
        "actor_id": str(org.key_id),
    }
    event |= {"httpMethod": method, "path": path, "body": json.dumps(body) if body is not None else None}
    event["multiValueHeaders"]["Content-Type"] = ["application/json"]
    if idempotency_key is not None:
        event["multiValueHeaders"]["Idempotency-Key"] = [idempotency_key]
    answer = handler(event, None)
    return answer["statusCode"], json.loads(answer["body"] or "null")


async def waiting(database: Database, schema: str, org: Org) -> int:
    """How many of an organization's events the bus has not taken yet."""
    async with database.transaction(org.org_id) as connection:
        return len(await run(connection, "SELECT event_id FROM {}", schema, "outbox"))
