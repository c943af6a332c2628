"""Templates as CloudFormation gets them: by SAM's own transforms, which run in SAM's own Python."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from local.aws.intrinsics import REGION
from local.aws.template import TemplateLoader, Tree

ROOT = Path(__file__).resolve().parents[2]
SAM_PYTHON = ROOT / ".tools" / "sam" / "bin" / "python"


def read_document(path: Path) -> dict[str, Tree]:
    """A template with every short form made long."""
    loaded: dict[str, Tree] = yaml.load(path.read_text(), TemplateLoader)  # noqa: S506 - it is safe
    return loaded


def transformed(document: Mapping[str, Tree]) -> dict[str, Tree]:
    """An application's template after SAM's transform, with the parameters' defaults."""
    answer: dict[str, Tree] = _by_sam("translate.py", document)
    return answer


def expanded(document: Mapping[str, Tree], parameters: Mapping[str, str]) -> dict[str, Tree]:
    """A template with its loops and parameters resolved."""
    answer: dict[str, Tree] = _by_sam("expand.py", document, *(f"{name}={value}" for name, value in parameters.items()))
    return answer


def stack_documents(root: Path) -> dict[str, dict[str, dict[str, Tree]]]:
    """The resources of every template below a folder, by the template's name."""
    documents = {"template": transformed(read_document(root / "template.yaml"))}
    for path in sorted((root / "infrastructure").glob("*.yaml")):
        document = read_document(path)
        loops = "AWS::LanguageExtensions" in document.get("Transform", [])
        documents[path.stem] = expanded(document, _stand_ins(document)) if loops else document
    return {name: document["Resources"] for name, document in documents.items()}


def create_only(types: Iterable[str]) -> dict[str, list[str]]:
    """By type of resources, the properties that cannot be changed: CloudFormation makes the resource anew."""
    answer: dict[str, list[str]] = _by_sam("replacing.py", sorted(types))
    return answer


def _stand_ins(document: Mapping[str, Tree]) -> dict[str, str]:
    """Values: `true` where it is allowed, so that everything is there, else the default, else something."""
    return {
        name: "true" if "true" in each.get("AllowedValues", []) else str(each.get("Default", f"of-{name.lower()}"))
        for name, each in document.get("Parameters", {}).items()
    }


def _by_sam(script: str, asked: Tree, *arguments: str) -> Tree:
    if not SAM_PYTHON.exists():
        raise FileNotFoundError("SAM CLI is missing: `make .tools/sam/.ready` installs it")
    done = subprocess.run(
        [SAM_PYTHON, "-W", "ignore", Path(__file__).with_name(script), *arguments],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": REGION},
    )
    if done.returncode != 0:
        raise ValueError(f"{script} refused: {done.stderr}")
    return json.loads(done.stdout)
