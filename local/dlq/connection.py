"""Whose queues: those of the running laptop stack, of an AWS account, or of a RabbitMQ."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from local.aws.intrinsics import REGION
from local.dlq.queues import Broker, DlqError
from local.dlq.rabbitmq import RabbitMq
from local.dlq.sqs import Sqs
from local.rabbitmq import queues_of_stage

_AWS = "aws"
_AWS_PREFIX = "llmo-"
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, read_timeout=30)


@contextmanager
def connect(options: argparse.Namespace) -> Iterator[tuple[Broker, str]]:
    """What has the queues that the options ask for, and the prefix of their names. Raises DlqError, BotoCoreError."""
    if options.endpoint or options.region or options.profile:
        prefix = _AWS_PREFIX if options.prefix is None else options.prefix
        yield Sqs(_own_client(options), wait_seconds=1), prefix
    elif url := options.rabbitmq_url or _laptop(options).get("rabbitmq_url"):
        broker = RabbitMq(url, queues_of_stage(options.stage))
        try:
            yield broker, options.prefix or ""
        finally:
            broker.close()
    else:
        yield Sqs(_laptop_client(_laptop(options)["aws_endpoint_url"]), wait_seconds=0), options.prefix or ""


def _own_client(options: argparse.Namespace) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    session = boto3.Session(profile_name=options.profile, region_name=options.region)
    endpoint = None if options.endpoint in {None, _AWS} else options.endpoint
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise DlqError(f"--endpoint is `aws` or a URL, not {endpoint}")
    return session.client("sqs", endpoint_url=endpoint, config=_CONFIG)


def _laptop(options: argparse.Namespace) -> dict[str, str]:
    """The addresses of the running laptop stack."""
    try:
        addresses: dict[str, str] = json.loads((options.state / "stack.json").read_text())
    except FileNotFoundError:
        raise DlqError(
            "The stack does not run: `make dev` starts it. For the queues of an AWS account: --endpoint aws."
        ) from None
    return addresses


def _laptop_client(endpoint: str) -> Any:  # noqa: ANN401 - likewise
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the stand-in takes any
        config=_CONFIG,
    )
