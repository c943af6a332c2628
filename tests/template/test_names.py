"""Functions are found by names that CloudFormation makes: `<stack>-<logical id>-<12 characters>`, 64 at most."""

import re
import tomllib

from analytics.platform.models import Names
from local.stack import StackSpec
from local.transform.documents import ROOT

LONGEST_STACK = 23  # as docs/adr/0048 promises
STAGES = ("dev", "staging", "prod")
_RANDOM = "A1B2C3D4E5F6"


def test_no_functions_name_is_shortened_so_that_it_could_not_be_found(stack: StackSpec) -> None:
    names = Names(stack="s" * LONGEST_STACK, queues="")

    for logical_id in stack.functions:
        physical = f"{names.stack}-{logical_id}-{_RANDOM}"
        assert len(physical) <= 64, logical_id
        assert names.function(physical) == logical_id


def test_the_stacks_that_are_configured_have_names_that_are_short_enough() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    stacks = [each["deploy"]["parameters"]["stack_name"] for name, each in config.items() if name in STAGES]

    assert stacks
    assert all(len(name) <= LONGEST_STACK and re.fullmatch(r"[a-z][a-z0-9-]+", name) for name in stacks)
