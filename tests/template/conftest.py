"""The template as it is written, as CloudFormation gets it, and as a deployed platform."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.aws.intrinsics import ACCOUNT_ID, REGION
from local.aws.platform import PlatformReader
from local.aws.provision import Provisioner
from local.aws.secrets import SecretFile
from local.aws.template import Template, TemplateLoader, Tree, read_template
from local.stack import FunctionSpec, StackSpec

ROOT = Path(__file__).resolve().parents[2]
_SAM_PYTHON = ROOT / ".tools" / "sam" / "bin" / "python"
_TRANSLATE = Path(__file__).with_name("translate.py")
_EXPAND = Path(__file__).with_name("expand.py")
STAGE = "dev"
TOPIC, KEY = "arn:aws:sns:eu-west-1:123456789012:llmo-dev-alarms", "arn:aws:kms:eu-west-1:123456789012:key/data"

type Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def document() -> dict[str, Tree]:
    """`template.yaml` with every short form made long."""
    loaded: dict[str, Tree] = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)  # noqa: S506 - it is safe
    return loaded


@pytest.fixture(scope="session")
def template() -> Template:
    return read_template(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def transformed(document: dict[str, Tree]) -> Resources:
    """The resources that CloudFormation gets from SAM's transform."""
    resources: Resources = _by_sam(_TRANSLATE, document)["Resources"]
    return resources


@pytest.fixture(scope="session")
def observability() -> dict[str, Tree]:
    """The nested stack of logs and alarms, with its loops and parameters resolved, as of an account with traces."""
    loaded = yaml.load((ROOT / "infrastructure" / "observability.yaml").read_text(), TemplateLoader)  # noqa: S506 - it is safe
    values = {"Stage": STAGE, "DataKeyArn": KEY, "AlarmTopic": TOPIC, "LogRetentionDays": "30"}
    values |= {"ExportsTraces": "true", "TellsOfMailsBySes": "true"}
    return _by_sam(_EXPAND, loaded, *(f"{name}={value}" for name, value in values.items()))


def _by_sam(script: Path, document: dict[str, Tree], *arguments: str) -> dict[str, Tree]:
    assert _SAM_PYTHON.exists(), "SAM CLI is missing: `make .tools/sam/.ready` installs it"
    done = subprocess.run(  # noqa: S603 - this repository's own script
        [_SAM_PYTHON, "-W", "ignore", script, *arguments],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": REGION},
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Tree] = json.loads(done.stdout)
    return answer


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
