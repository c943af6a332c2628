"""Whose queues: those of the running laptop stack, or those of an AWS account."""

import argparse
import json
from typing import Any

import boto3
from botocore.config import Config

from local.aws.intrinsics import REGION
from local.dlq.queues import DlqError
from local.dlq.sqs import Sqs

_AWS = "aws"
_AWS_PREFIX = "llmo-"
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, read_timeout=30)


def connect(options: argparse.Namespace) -> tuple[Sqs, str]:
    """SQS as the options ask for it, and the prefix of the queues' names. Raises DlqError, BotoCoreError."""
    if options.endpoint or options.region or options.profile:
        prefix = _AWS_PREFIX if options.prefix is None else options.prefix
        return Sqs(_own_client(options), wait_seconds=1), prefix
    return Sqs(_laptop_client(options), wait_seconds=0), options.prefix or ""


def _own_client(options: argparse.Namespace) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    session = boto3.Session(profile_name=options.profile, region_name=options.region)
    endpoint = None if options.endpoint in {None, _AWS} else options.endpoint
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise DlqError(f"--endpoint is `aws` or a URL, not {endpoint}")
    return session.client("sqs", endpoint_url=endpoint, config=_CONFIG)


def _laptop_client(options: argparse.Namespace) -> Any:  # noqa: ANN401 - likewise
    try:
        endpoint = json.loads((options.state / "stack.json").read_text())["aws_endpoint_url"]
    except FileNotFoundError:
        raise DlqError(
            "The stack does not run: `make dev` starts it. For the queues of an AWS account: --endpoint aws."
        ) from None
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the stand-in takes any
        config=_CONFIG,
    )
