"""`python -m local execute`: start a state machine of the running stack, and follow it to its end."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.aws.client import stand_in_client
from local.running import NotRunning, running_stack

_LOOK_EVERY_SECONDS = 0.3
_ENTERED = "StateEntered"


def execute(state: Path, machine: str, event: bytes) -> int:
    """Print each state as it is entered, then the output. 1 says that it failed, 2 that it was not started."""
    try:
        stack = running_stack(state)
    except NotRunning as error:
        print(error, file=sys.stderr)
        return 2
    machines: dict[str, str] = stack["state_machines"]
    if machine not in machines:
        print(f"There is no state machine {machine}. There are: {', '.join(machines) or 'none'}", file=sys.stderr)
        return 2
    client = stand_in_client("stepfunctions", stack["aws_endpoint_url"])
    try:
        started = client.start_execution(stateMachineArn=machines[machine], input=event.decode() or "{}")
    except (ClientError, UnicodeDecodeError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return _follow(client, started["executionArn"])
    except KeyboardInterrupt:
        print(f"\n{started['executionArn']} goes on without you.", file=sys.stderr)
        return 130


def _follow(client: Any, execution: str) -> int:  # noqa: ANN401 - boto3 makes its client classes at run time
    seen = 0
    while True:
        found = client.describe_execution(executionArn=execution)  # before the history, which then is complete
        names = list(_entered(client, execution))
        for name in names[seen:]:
            print(f"→ {name}", file=sys.stderr, flush=True)
        seen = len(names)
        if found["status"] != "RUNNING":
            break
        time.sleep(_LOOK_EVERY_SECONDS)
    if found["status"] == "SUCCEEDED":
        print(found["output"])
        return 0
    print(f"{found['status']}: {found.get('error', '')}\n{found.get('cause', '')}".strip(), file=sys.stderr)
    return 1


def _entered(client: Any, execution: str) -> Iterator[str]:  # noqa: ANN401 - likewise
    for page in client.get_paginator("get_execution_history").paginate(executionArn=execution):
        for event in page["events"]:
            if event["type"].endswith(_ENTERED):
                yield event["stateEnteredEventDetails"]["name"]
