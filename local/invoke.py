"""`python -m local invoke`: invoke a function of the running stack through Lambda's own API."""

import json
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.intrinsics import REGION

_LONGEST_SECONDS = 900


def invoke(state: Path, function: str, event: bytes) -> int:
    """Print a function's result. 1 says that it failed, 2 that it was not invoked."""
    try:
        endpoint = json.loads((state / "stack.json").read_text())["aws_endpoint_url"]
    except FileNotFoundError:
        print("The stack does not run: `make dev` starts it.", file=sys.stderr)
        return 2
    client = boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the stand-in takes any
        config=Config(read_timeout=_LONGEST_SECONDS, retries={"max_attempts": 0}),
    )
    try:
        answer = client.invoke(FunctionName=function, Payload=event)
    except ClientError as error:
        print(error, file=sys.stderr)
        return 2
    print(answer["Payload"].read().decode())
    return 1 if "FunctionError" in answer else 0
