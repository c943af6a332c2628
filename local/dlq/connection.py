"""Whose queues: those of the running laptop stack, of an AWS account, or of a RabbitMQ."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from local.aws.client import stand_in_client
from local.dlq.queues import Broker, DlqError
from local.dlq.rabbitmq import RabbitMq
from local.dlq.sqs import Sqs
from local.rabbitmq import queues_of_stage
from local.running import NotRunning, running_stack

_AWS = "aws"
_AWS_PREFIX = "llmo-"
_CONFIG: Mapping[str, Any] = {
    "retries": {"mode": "standard", "max_attempts": 3},
    "connect_timeout": 5,
    "read_timeout": 30,
}


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
        client = stand_in_client("sqs", _laptop(options)["aws_endpoint_url"], **_CONFIG)
        yield Sqs(client, wait_seconds=0), options.prefix or ""


def _own_client(options: argparse.Namespace) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    session = boto3.Session(profile_name=options.profile, region_name=options.region)
    endpoint = None if options.endpoint in {None, _AWS} else options.endpoint
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise DlqError(f"--endpoint is `aws` or a URL, not {endpoint}")
    return session.client("sqs", endpoint_url=endpoint, config=Config(**_CONFIG))


def _laptop(options: argparse.Namespace) -> Mapping[str, Any]:
    """The addresses of the running laptop stack."""
    try:
        return running_stack(options.state)
    except NotRunning as error:
        raise DlqError(f"{error} For the queues of an AWS account: --endpoint aws.") from None
