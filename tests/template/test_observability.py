"""What the nested stack of logs, alarms and dashboards has to do with the application around it."""

import json
import re
from typing import Any

import pytest

from local.aws.template import Tree
from tests.template.conftest import KEY, STAGE, TOPIC, Resources, of_type

MOST_RESOURCES = (
    500  # of a stack: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
)
PARTS = re.compile(rf"llmo-{STAGE}-(availability|latency)-(Hour|FiveMinutes|SixHours|HalfHour)")


def _named(value: Tree) -> str:
    """A name that begins with the stage's."""
    return str(value["Fn::Sub"]).replace("${Stage}", STAGE)


@pytest.fixture(scope="module")
def alarms(observability: dict[str, Tree]) -> Resources:
    return of_type(observability["Resources"], "AWS::CloudWatch::Alarm")


def _watched(alarms: Resources, metric: str) -> set[str]:
    """What an alarm on the metric that tells somebody is about."""
    stated = [alarm for alarm in alarms.values() if "MetricName" in alarm]
    computed = [
        query["MetricStat"]["Metric"] | {"AlarmActions": alarm["AlarmActions"]}
        for alarm in alarms.values()
        for query in alarm.get("Metrics", [])
        if "MetricStat" in query and "AlarmActions" in alarm
    ]
    return {
        dimension["Value"]
        for each in [*stated, *computed]
        for dimension in each["Dimensions"]
        if each["MetricName"] == metric and each["AlarmActions"] == [TOPIC]
    }


def test_no_stack_holds_more_than_cloudformation_takes(transformed: Resources, observability: dict[str, Tree]) -> None:
    assert 100 < len(transformed) < MOST_RESOURCES
    assert 100 < len(observability["Resources"]) < MOST_RESOURCES


@pytest.mark.parametrize("metric", ["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"])
def test_every_queue_raises_an_alarm_on_age_and_depth(alarms: Resources, transformed: Resources, metric: str) -> None:
    queues = {_named(queue["QueueName"]) for queue in of_type(transformed, "AWS::SQS::Queue").values()}
    assert _watched(alarms, metric) == queues


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_raises_an_alarm_on_failures_and_refusals(
    alarms: Resources, transformed: Resources, metric: str
) -> None:
    functions = {_named(each["FunctionName"]) for each in of_type(transformed, "AWS::Lambda::Function").values()}
    failing_to_refuse = {f"llmo-{STAGE}-authorizer"} if metric == "Errors" else set()
    assert _watched(alarms, metric) == functions - failing_to_refuse


def test_every_state_machine_raises_an_alarm_when_it_fails(alarms: Resources, transformed: Resources) -> None:
    machines = {
        _named(each["StateMachineName"]) for each in of_type(transformed, "AWS::StepFunctions::StateMachine").values()
    }
    watched = {
        json.dumps(dimension["Value"]).rpartition(":")[2].rstrip('"}')
        for alarm in alarms.values()
        if alarm.get("MetricName") == "ExecutionsFailed"
        for dimension in alarm["Dimensions"]
    }
    assert watched == machines


def test_every_alarm_says_what_it_means_tells_the_topic_and_has_a_name_of_its_own(
    observability: dict[str, Tree], alarms: Resources
) -> None:
    composites = of_type(observability["Resources"], "AWS::CloudWatch::CompositeAlarm")
    everything = {**alarms, **composites}
    names = [each["AlarmName"] for each in everything.values()]
    assert len(names) == len(set(names))
    for name, alarm in everything.items():
        assert len(alarm["AlarmDescription"]) > 20, name
        part = PARTS.fullmatch(alarm["AlarmName"])
        assert part or alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC], name


def test_objectives_are_looked_at_over_a_long_and_a_short_time(
    observability: dict[str, Tree], alarms: Resources
) -> None:
    parts = {alarm["AlarmName"] for alarm in alarms.values() if PARTS.fullmatch(alarm["AlarmName"])}
    rules = [
        each["AlarmRule"] for each in of_type(observability["Resources"], "AWS::CloudWatch::CompositeAlarm").values()
    ]
    assert len(rules) == 4
    named = [re.findall(r'ALARM\("([^"]+)"\)', rule) for rule in rules]
    assert all(len(each) == 2 for each in named)
    assert {name for each in named for name in each} == parts


def test_every_function_logs_to_a_group_of_its_own_that_is_encrypted_and_kept_for_a_while(
    observability: dict[str, Tree], transformed: Resources
) -> None:
    groups = of_type(observability["Resources"], "AWS::Logs::LogGroup")
    for name, group in groups.items():
        assert 7 <= int(group["RetentionInDays"]) <= 365, name
        assert group["KmsKeyId"] == KEY, name
    made = {group["LogGroupName"] for group in groups.values()}
    outputs = {name: output["Value"] for name, output in observability["Outputs"].items()}
    for name, function in of_type(transformed, "AWS::Lambda::Function").items():
        stack, output = function["LoggingConfig"]["LogGroup"]["Fn::GetAtt"]
        assert (stack, output) == ("Observability", f"Outputs.{name.removesuffix('Function')}")
        value = outputs[name.removesuffix("Function")]
        group = groups[value["Ref"]]["LogGroupName"] if isinstance(value, dict) else value
        assert group == f"/llmo/{STAGE}/{_named(function['FunctionName']).removeprefix(f'llmo-{STAGE}-')}"
        assert group in made


def test_what_functions_say_of_themselves_is_said_by_one_that_is_there(
    alarms: Resources, transformed: Resources
) -> None:
    services = {
        each["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for each in of_type(transformed, "AWS::Lambda::Function").values()
    }
    own = [alarm for alarm in alarms.values() if alarm.get("Namespace") == "LLMOptimizer"]
    assert len(own) >= 10
    for alarm in own:
        (dimension,) = alarm["Dimensions"]
        assert dimension["Name"] == "service"
        assert dimension["Value"] in services, alarm["AlarmName"]


def test_there_is_a_dashboard_for_each_service_and_one_over_all(observability: dict[str, Tree]) -> None:
    dashboards = of_type(observability["Resources"], "AWS::CloudWatch::Dashboard")
    assert {each["DashboardName"] for each in dashboards.values()} == {
        f"llmo-{STAGE}",
        *(
            f"llmo-{STAGE}-{name}"
            for name in ("integration", "auth", "billing", "notification", "analytics", "platform")
        ),
    }
    for name, dashboard in dashboards.items():
        body = dashboard["DashboardBody"]
        widgets: list[dict[str, Any]] = json.loads(body["Fn::Sub"] if isinstance(body, dict) else body)["widgets"]
        assert len(widgets) >= 7, name
        places = {(each["x"], each["y"]) for each in widgets}
        assert len(places) == len(widgets), f"{name}: two widgets lie upon each other"
        assert all(each["x"] + each["width"] <= 24 for each in widgets), name


@pytest.mark.parametrize("what", ["Tracing", "SesReceipts"])
def test_what_is_not_there_is_not_watched(observability: dict[str, Tree], what: str) -> None:
    watching = {name: each for name, each in observability["Resources"].items() if name.startswith(what)}
    assert len(watching) >= 7
    assert {each["Condition"] for each in watching.values()} == {f"{what}Exists"}
    assert observability["Outputs"][what]["Condition"] == f"{what}Exists"
