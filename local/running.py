"""The running laptop stack, as commands in other terminals find it: `stack.json` in its state folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.aws.secrets import write_private


class NotRunning(Exception):
    """No stack runs on this state folder."""

    def __init__(self) -> None:
        super().__init__("The stack does not run: `make dev` starts it.")


def stack_file(state: Path) -> Path:
    """Where a running stack notes its addresses; it is gone when the stack is."""
    return state / "stack.json"


def publish(state: Path, addresses: Mapping[str, object]) -> None:
    """Note where the stack and its servers are."""
    write_private(stack_file(state), addresses)


def running_stack(state: Path) -> Mapping[str, Any]:
    """What it noted: `base_url`, `aws_endpoint_url`, `state_machines`, the stores' URLs. Raises NotRunning."""
    try:
        addresses: dict[str, Any] = json.loads(stack_file(state).read_text())
    except FileNotFoundError:
        raise NotRunning from None
    return addresses
