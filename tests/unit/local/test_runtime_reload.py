from pathlib import Path

import pytest

from local.runtime.endpoint import function_name
from local.runtime.models import exit_reason
from local.runtime.reload import affected_functions
from local.stack import FunctionSpec


def function(root: Path, name: str, *layers: str) -> FunctionSpec:
    return FunctionSpec(
        logical_id=name,
        name=name,
        code_uri=root / "functions" / name,
        handler=f"{name}.api.handler",
        layer_paths=tuple(root / "layers" / layer for layer in layers),
        environment={},
        timeout_seconds=30,
        memory_mb=512,
    )


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("functions/auth/api.py", {"auth"}),
        ("functions/auth/deep/module.py", {"auth"}),
        ("layers/core/llmo_core/errors.py", {"auth", "analytics"}),
        ("layers/data/llmo_data/postgres.py", {"analytics"}),
        ("functions/authors/api.py", set()),
        ("README.md", set()),
    ],
)
def test_a_change_concerns_the_functions_whose_code_or_layer_it_is(
    tmp_path: Path, changed: str, affected: set[str]
) -> None:
    functions = {
        "auth": function(tmp_path, "auth", "core"),
        "analytics": function(tmp_path, "analytics", "core", "data"),
    }

    assert affected_functions([tmp_path / changed], functions) == affected


@pytest.mark.parametrize(
    "name",
    [
        "BillingFunction",
        "BillingFunction:live",
        "123456789012:function:BillingFunction",
        "arn:aws:lambda:eu-west-1:123456789012:function:BillingFunction",
        "arn:aws:lambda:eu-west-1:123456789012:function:BillingFunction:$LATEST",
    ],
)
def test_a_function_may_be_named_in_every_way_that_invoke_accepts(name: str) -> None:
    assert function_name(name) == "BillingFunction"


@pytest.mark.parametrize(
    ("return_code", "reason"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (-9, "Runtime exited with error: signal: killed"),
    ],
)
def test_the_end_of_a_process_is_told_in_lambdas_words(return_code: int, reason: str) -> None:
    assert exit_reason(return_code) == reason
