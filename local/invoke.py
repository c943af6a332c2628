"""`python -m local invoke`: invoke a function of the running stack through Lambda's own API."""

import sys
from pathlib import Path

from botocore.exceptions import ClientError

from local.aws.client import stand_in_client
from local.running import NotRunning, running_stack

_LONGEST_SECONDS = 900


def invoke(state: Path, function: str, event: bytes) -> int:
    """Print a function's result. 1 says that it failed, 2 that it was not invoked."""
    try:
        endpoint = running_stack(state)["aws_endpoint_url"]
    except NotRunning as error:
        print(error, file=sys.stderr)
        return 2
    client = stand_in_client("lambda", endpoint, read_timeout=_LONGEST_SECONDS)
    try:
        answer = client.invoke(FunctionName=function, Payload=event)
    except ClientError as error:
        print(error.response["Error"]["Message"], file=sys.stderr)
        return 2
    print(answer["Payload"].read().decode())
    return 1 if "FunctionError" in answer else 0
