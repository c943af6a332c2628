"""The built template, as `sam local` can run it on this machine."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from local.aws.template import TemplateLoader, Tree
from local.sam_local import web_adapter
from local.stack import StackSpec

_API = "AWS::Serverless::Api"
_STAND_IN = "WebAdapterStandIn"
_WEB_PORT = "8081"  # in these containers the emulator of Lambda's Runtime API has 8080


def write_local_template(build: Path, stack: StackSpec, parameters: Mapping[str, str]) -> Path:
    """Write a template beside the built one, in which this machine's values stand, and return its path.

    SAM would make up the names and ARNs of secrets and buses, and would download the Lambda Web Adapter from AWS.

    Args:
        build: What `sam build` made.
        stack: The resolved environment of each function.
        parameters: Values that become the parameters' defaults.
    """
    document = yaml.load((build / "template.yaml").read_text(), TemplateLoader)  # noqa: S506 - it is a SafeLoader
    for name, value in parameters.items():
        document["Parameters"][name]["Default"] = value
    own = {name for name, resource in document["Resources"].items() if "Layer" in resource["Type"]}
    for logical_id, function in stack.functions.items():
        properties = document["Resources"][logical_id]["Properties"]
        port = {"AWS_LWA_PORT": _WEB_PORT} if function.web_adapter else {}
        properties["Environment"] = {"Variables": {**function.environment, **port}}
        properties["Layers"] = [_local(layer, own) for layer in properties.get("Layers", [])]
    for api in (each["Properties"] for each in document["Resources"].values() if each["Type"] == _API):
        for authorizer in api["Auth"]["Authorizers"].values():
            # SAM looks up `identity.sourceIp` as one name, and answers 401 for want of it. It caches nothing anyway.
            authorizer["Identity"].pop("Context", None)
    document["Resources"][_STAND_IN] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {"ContentUri": str(_lay_out_web_adapter(build / _STAND_IN))},
    }
    path = build / "template.local.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def _local(layer: Tree, own: set[str]) -> Tree:
    """A layer that is built here; the only other one is the web adapter."""
    is_own = isinstance(layer, dict) and layer.get("Ref") in own
    return layer if is_own else {"Ref": _STAND_IN}


def _lay_out_web_adapter(folder: Path) -> Path:
    """The stand-in as a layer: `/opt/bootstrap`."""
    folder.mkdir(exist_ok=True)
    program = folder / "bootstrap"
    shutil.copyfile(web_adapter.__file__, program)
    program.chmod(0o755)
    return folder.resolve()
