"""State machines in the AWS stand-in, whose interpreter calls functions through the laptop's own Lambda endpoint."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.aws.intrinsics import ACCOUNT_ID, TemplateError
from local.aws.template import Tree

_SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
_ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/laptop"  # nobody checks it here


def definition(folder: Path, properties: Mapping[str, Tree]) -> str:
    """The machine's definition in Amazon States Language, as JSON, with every substitution made.

    Raises TemplateError for a `${Name}` that `DefinitionSubstitutions` does not have, and for events other than
    schedules, which only AWS has for state machines.
    """
    for name, event in properties.get("Events", {}).items():
        if event.get("Type") != "ScheduleV2":
            raise TemplateError(
                f"{name}: of events only schedules start state machines on the laptop;"
                " `python -m local execute` starts one by hand."
            )
    text = (folder / properties["DefinitionUri"]).read_text()
    substitutions = properties.get("DefinitionSubstitutions", {})

    def value(found: re.Match[str]) -> str:
        if found[1] not in substitutions:
            raise TemplateError(f"{properties['DefinitionUri']} names ${{{found[1]}}}, which has no substitution")
        return str(substitutions[found[1]])

    return json.dumps(yaml.safe_load(_SUBSTITUTION.sub(value, text)))


def make_state_machine(client: Any, name: str, asl: str, kind: str) -> str:  # noqa: ANN401 - boto3 makes its classes
    """Make a machine, or give the one of this name the new definition; its ARN."""
    for machine in client.list_state_machines()["stateMachines"]:
        if machine["name"] == name:
            client.update_state_machine(stateMachineArn=machine["stateMachineArn"], definition=asl)
            return str(machine["stateMachineArn"])
    made = client.create_state_machine(name=name, definition=asl, roleArn=_ROLE, type=kind)
    return str(made["stateMachineArn"])
