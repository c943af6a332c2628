"""The template as it is written, as CloudFormation gets it, and as a deployed platform."""

import re
from typing import Any

import pytest

from local.aws.intrinsics import ACCOUNT_ID, REGION
from local.aws.platform import PlatformReader
from local.aws.provision import Provisioner
from local.aws.secrets import SecretFile
from local.aws.template import Template, Tree, read_template
from local.stack import FunctionSpec, StackSpec
from local.transform.documents import ROOT, expanded, read_document
from local.transform.documents import transformed as by_sam

STAGE = "dev"
TOPIC, KEY = "arn:aws:sns:eu-west-1:123456789012:llmo-dev-alarms", "arn:aws:kms:eu-west-1:123456789012:key/data"

type Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def document() -> dict[str, Tree]:
    """`template.yaml` with every short form made long."""
    return read_document(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def template() -> Template:
    return read_template(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def transformed(document: dict[str, Tree]) -> Resources:
    """The resources that CloudFormation gets from SAM's transform."""
    resources: Resources = by_sam(document)["Resources"]
    return resources


@pytest.fixture(scope="session")
def observability() -> dict[str, Tree]:
    """The nested stack of logs and alarms, with its loops and parameters resolved, as of an account with traces."""
    values = {"Stage": STAGE, "DataKeyArn": KEY, "AlarmTopic": TOPIC, "LogRetentionDays": "30"}
    values |= {"ExportsTraces": "true", "TellsOfMailsBySes": "true"}
    return expanded(read_document(ROOT / "infrastructure" / "observability.yaml"), values)


class _Deployed(Provisioner):
    """Knows the names and ARNs that resources would have, and makes none."""

    def attribute(self, logical_id: str, name: str) -> str:
        return f"arn:aws:any:{REGION}:{ACCOUNT_ID}:{logical_id}" if name in {"Arn", "Ref"} else f"{logical_id}.{name}"


@pytest.fixture(scope="session")
def stack(template: Template, tmp_path_factory: pytest.TempPathFactory) -> StackSpec:
    """The platform with the parameters' defaults and all that can be had besides, as the laptop stack reads it."""
    secrets = SecretFile(tmp_path_factory.mktemp("template") / "secrets.json")
    given = {"OtlpEndpoint": "https://otlp.example", "SesConfigurationSet": "mails"}
    deployed = _Deployed(template, given, endpoint_url="", secret_file=secrets)
    return PlatformReader(template, deployed, "http://127.0.0.1").read()


def asgi_module(spec: FunctionSpec) -> str:
    """The module of the app that answers: the handler's, or the one that the start script names."""
    if not spec.web_adapter:
        return spec.handler.rpartition(".")[0]
    found = re.search(r"uvicorn (\S+):app", (spec.code_uri.parent / spec.handler).read_text())
    assert found, f"{spec.handler} starts no ASGI app"
    return found[1]


def of_type(resources: Resources, resource_type: str) -> Resources:
    """The properties of one type's resources, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in resources.items()
        if resource["Type"] == resource_type
    }
