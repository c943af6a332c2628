"""The stacks, created by a CloudFormation: references resolve, nothing waits for itself, what is made fits together.

It is a stand-in (ministack) and lacks what LACKS says; these resources are left out, and linted only. Handlers are not
run: code is an empty archive. Migrations are left out too, for there is no database here.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.template import Tree
from local.transform.documents import ROOT, expanded, read_document, transformed
from tests.template.cloudformation import CloudFormation, running

LACKS = {
    "AWS::CloudWatch::CompositeAlarm": "the stand-in has none",
    "AWS::CodeDeploy::Application": "the stand-in has none",
    "AWS::CodeDeploy::DeploymentGroup": "the stand-in has none",
    "AWS::Logs::QueryDefinition": "the stand-in has none",
    "Custom::Migration": "there is no database",
}
WATCHED = {"ExportsTraces": "false", "TellsOfMailsBySes": "false"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFormation]:
    with running(tmp_path_factory.mktemp("cloudformation")) as found:
        yield found


def _there(resources: dict[str, Any]) -> dict[str, Any]:
    """Without what the stand-in lacks: types, alarms on computed metrics, and what refers to them."""
    kept = {
        name: {key: value for key, value in each.items() if key != "UpdatePolicy"}
        for name, each in resources.items()
        if each["Type"] not in LACKS and "Metrics" not in each.get("Properties", {})
    }
    gone = resources.keys() - kept.keys()
    for each in kept.values():
        before = each.pop("DependsOn", [])
        if left := [name for name in ([before] if isinstance(before, str) else before) if name not in gone]:
            each["DependsOn"] = left
    return {name: each for name, each in kept.items() if not any(f"${{{lost}." in json.dumps(each) for lost in gone)}


@pytest.fixture(scope="module")
def watching() -> dict[str, Tree]:
    """The nested stack with its loops expanded, since alarms in them are left out one by one."""
    document = read_document(ROOT / "infrastructure" / "observability.yaml")
    values = {"Stage": "dev", "DataKeyArn": "key", "AlarmTopic": "topic", "LogRetentionDays": "30", **WATCHED}
    loops = expanded(document, values)
    resources = _there(loops["Resources"])
    resources = {name: each for name, each in resources.items() if "Condition" not in each}
    outputs = {name: each for name, each in loops["Outputs"].items() if "Condition" not in each}
    outputs["Availability"] = {"Value": "llmo-dev-availability-FiveMinutes"}
    return {"Resources": resources, "Outputs": outputs, "Parameters": document["Parameters"]}


@pytest.fixture(scope="module")
def application(cloud: CloudFormation) -> dict[str, Tree]:
    """The application, with archives in place of code."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("empty", "")
    cloud.put("artefacts", "code.zip", archive.getvalue())
    place = {"S3Bucket": "artefacts", "S3Key": "code.zip"}
    document = transformed(read_document(ROOT / "template.yaml"))
    resources = _there(document["Resources"])
    for each in resources.values():
        properties = each.get("Properties", {})
        if each["Type"] == "AWS::Lambda::Function":
            properties["Code"] = place
        elif each["Type"] == "AWS::Lambda::LayerVersion":
            properties["Content"] = place
        elif each["Type"] == "AWS::StepFunctions::StateMachine":
            properties.pop("DefinitionS3Location")
            properties.pop("DefinitionSubstitutions", None)
            properties["DefinitionString"] = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    return {**{name: part for name, part in document.items() if name != "Transform"}, "Resources": resources}


def test_the_stack_that_watches_can_be_created(cloud: CloudFormation, watching: dict[str, Tree]) -> None:
    values = {"Stage": "alone", "DataKeyArn": "key", "AlarmTopic": "topic", "LogRetentionDays": "30", **WATCHED}

    outputs = cloud.deploy("watching", watching, values)

    assert outputs["Gateway"] == "/llmo/dev/integration-gateway"
    assert len(cloud.resources("watching")) == len(watching["Resources"]) > 150


def test_the_application_can_be_created_with_the_stack_inside_it_and_updated(
    cloud: CloudFormation, application: dict[str, Tree], watching: dict[str, Tree]
) -> None:
    inside = application["Resources"]["Observability"]["Properties"]
    inside["TemplateURL"] = cloud.put("templates", "inside.json", json.dumps(watching).encode())

    outputs = cloud.deploy("llmo-dev", application, {"Release": "0123456789"})
    made = cloud.resources("llmo-dev")

    assert outputs["GatewayFunctionName"] == "llmo-dev-integration-gateway"
    wanted = {name for name, each in application["Resources"].items() if "Condition" not in each}
    assert wanted <= made.keys()
    cloud.deploy("llmo-dev", application, {"Release": "9876543210", "LogLevel": "DEBUG"})
    configured = cloud.client("lambda").get_function_configuration(FunctionName="llmo-dev-auth-api")
    assert configured["Environment"]["Variables"]["RELEASE"] == "9876543210"


def test_what_was_created_hangs_together(cloud: CloudFormation) -> None:
    queues = {url.rpartition("/")[2] for url in cloud.client("sqs").list_queues(MaxResults=1000)["QueueUrls"]}
    assert {"llmo-dev-email", "llmo-dev-email-dead"} <= queues
    api = next(each for each in cloud.client("apigateway").get_rest_apis()["items"] if each["name"] == "llmo-dev")
    paths = {each["path"] for each in cloud.client("apigateway").get_resources(restApiId=api["id"], limit=500)["items"]}
    assert {"/v1/{proxy+}", "/api/v1/me", "/webhooks/stripe"} <= paths
    mappings = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert {"llmo-dev-email"} <= {each["EventSourceArn"].rpartition(":")[2] for each in mappings}
