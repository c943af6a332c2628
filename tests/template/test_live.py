"""The live view: streams that last for minutes starve no other function, and its role opens nothing that is sealed."""

from typing import Any

from integration.live.service import LONGEST_SECONDS
from local.stack import StackSpec
from tests.template.conftest import Resources, of_type

VIA_SECRETS_MANAGER = {"StringEquals": {"kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"}}}


def test_streams_hold_so_many_executions_and_no_more(transformed: Resources, document: dict[str, Any]) -> None:
    function = of_type(transformed, "AWS::Lambda::Function")["LiveFunction"]

    assert function["ReservedConcurrentExecutions"] == {
        "Fn::If": ["BoundsLiveConcurrency", {"Ref": "LiveConcurrency"}, {"Ref": "AWS::NoValue"}]
    }
    assert document["Parameters"]["LiveConcurrency"]["Default"] > 0


def test_a_stream_ends_before_the_function_does(stack: StackSpec) -> None:
    assert stack.functions["LiveFunction"].timeout_seconds > LONGEST_SECONDS


def test_the_live_view_reads_its_secrets_and_decrypts_nothing_else(transformed: Resources) -> None:
    role = of_type(transformed, "AWS::IAM::Role")["LiveFunctionRole"]
    statements = [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "kms:Decrypt" in statement["Action"]
    ]

    assert [statement["Condition"] for statement in statements] == [VIA_SECRETS_MANAGER]
