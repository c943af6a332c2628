"""The template that `sam local` runs is the built one, with this machine's values in it."""

import os
import shutil
from pathlib import Path

from local.aws.template import read_template
from local.sam_local.template import write_local_template
from local.stack import StackSpec

ROOT = Path(__file__).resolve().parents[2]


def test_sam_local_gets_resolved_variables_and_a_stand_in_for_the_web_adapter(stack: StackSpec, tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "template.yaml", tmp_path / "template.yaml")
    written = read_template(write_local_template(tmp_path, stack, {"Architecture": "x86_64"}))
    assert written.parameters["Architecture"]["Default"] == "x86_64"
    layers = written.of_type("AWS::Serverless::LayerVersion")
    for name, function in written.of_type("AWS::Serverless::Function").items():
        assert all(isinstance(value, str) for value in function["Environment"]["Variables"].values()), name
        assert {layer["Ref"] for layer in function["Layers"]} <= layers.keys(), name
    gateway = written.of_type("AWS::Serverless::Function")["GatewayFunction"]
    (stand_in,) = layers.keys() - read_template(ROOT / "template.yaml").of_type("AWS::Serverless::LayerVersion").keys()
    assert {"Ref": stand_in} in gateway["Layers"]
    bootstrap = Path(layers[stand_in]["ContentUri"]) / "bootstrap"
    assert bootstrap.read_text().startswith("#!")
    assert os.access(bootstrap, os.X_OK)
