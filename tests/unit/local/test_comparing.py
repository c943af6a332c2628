"""What a review sees of a change to the template."""

from typing import Any

from local.template_diff import report
from local.transform.comparing import compare

QUEUE = "AWS::SQS::Queue"
CREATE_ONLY = {QUEUE: ["QueueName", "FifoQueue"], "AWS::Lambda::Function": ["FunctionName"]}


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": QUEUE, "Properties": {"QueueName": "usage", "Tags": {"a": {"b": 1}}, **properties}}


def test_resources_that_come_go_change_and_are_made_anew_are_told_apart() -> None:
    before = {"Gone": queue(), "Renamed": queue(), "Changed": queue(), "Same": queue()}
    after = {
        "New": queue(),
        "Renamed": queue(QueueName="calls"),
        "Changed": queue(Tags={"a": {"b": 2}}, DelaySeconds=1),
        "Same": queue(),
    }
    assert list(report("template", compare(before, after, CREATE_ONLY))) == [
        "template: 1 made, 1 removed, 1 made anew, 1 changed",
        "  ~ Changed AWS::SQS::Queue DelaySeconds, Tags.a.b",
        "  - Gone AWS::SQS::Queue",
        "  + New AWS::SQS::Queue",
        "  ! Renamed AWS::SQS::Queue QueueName",
    ]


def test_another_type_is_another_resource_and_conditions_count() -> None:
    before = {"A": queue(), "B": queue()}
    after = {"A": {**queue(), "Type": "AWS::SNS::Topic"}, "B": {**queue(), "Condition": "Sometimes"}}
    assert [str(change) for change in compare(before, after, CREATE_ONLY)] == [
        "! A AWS::SNS::Topic",
        "~ B AWS::SQS::Queue Condition",
    ]


def test_names_that_sam_makes_of_contents_are_no_change() -> None:
    version = {"Type": "AWS::Lambda::Version", "Properties": {}}
    uses = {"Type": "AWS::Lambda::Function", "Properties": {"Layers": [{"Ref": "CoreLayer0123456789"}]}}
    changed = {"Type": "AWS::Lambda::Function", "Properties": {"Layers": [{"Ref": "CoreLayerabcdef0123"}]}}
    assert compare({"Version0123456789": version, "F": uses}, {"Versionabcdef0123": version, "F": changed}, {}) == []
