"""What flows of billing do about a task whose process ended: whoever owes, or has paid, is not left halfway."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

_ENDED_EARLY = {"Lambda.ClientExecutionTimeoutException", "Lambda.Unknown", "Sandbox.Timedout"}
_MACHINES = Path(__file__).parents[2] / "statemachines"


def _tasks(machine: str) -> Mapping[str, Any]:
    states = yaml.safe_load((_MACHINES / f"{machine}.asl.yaml").read_text())["States"]
    return {name: state for name, state in states.items() if state["Type"] == "Task"}


@pytest.mark.parametrize("machine", ["dunning", "refund", "subscription_change"])
def test_a_task_that_ran_out_of_time_or_whose_process_died_is_tried_again(machine: str) -> None:
    """AWS names these so: https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html."""
    tasks = _tasks(machine)

    given_up = {
        name: _ENDED_EARLY.difference(*(retry["ErrorEquals"] for retry in task["Retry"]))
        for name, task in tasks.items()
    }

    assert given_up == {name: set() for name in tasks}
    assert tasks
