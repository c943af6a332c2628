"""Names of functions and queues on AWS: dashboards, alarms and the operator's view tell by them whose they are."""

from analytics.platform.models import Names
from tests.template.conftest import STAGE, Resources, of_type


def test_the_operator_finds_every_function_and_queue_by_its_name(transformed: Resources) -> None:
    names = Names(prefix=f"llmo-{STAGE}-")
    named = [each["FunctionName"]["Fn::Sub"] for each in of_type(transformed, "AWS::Lambda::Function").values()]
    named += [each["QueueName"]["Fn::Sub"] for each in of_type(transformed, "AWS::SQS::Queue").values()]
    found = [names.own(name.replace("${Stage}", STAGE)) for name in named]
    assert None not in found
    assert all(len(name) <= 64 - len("staging") for name in named)


def test_a_functions_name_begins_with_its_services(transformed: Resources) -> None:
    for function in of_type(transformed, "AWS::Lambda::Function").values():
        service = function["Handler"].partition("/")[0].partition(".")[0]
        assert function["FunctionName"]["Fn::Sub"].startswith(f"llmo-${{Stage}}-{service}"), function["FunctionName"]
