"""`template.yaml`, read into plain data: short forms such as `!Ref` become the long ones, everything else stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

type Tree = Any
"""What YAML holds: mappings, lists and scalars; a template is checked by `sam validate`, not by types."""

_BARE_TAGS = {"Ref", "Condition"}


class TemplateLoader(yaml.SafeLoader):
    """A safe YAML loader that knows CloudFormation's tags."""


def _construct_intrinsic(loader: TemplateLoader, suffix: str, node: yaml.Node) -> Tree:
    value: Tree
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in _BARE_TAGS else f"Fn::{suffix}": value}


TemplateLoader.add_multi_constructor("!", _construct_intrinsic)


@dataclass(frozen=True, slots=True)
class Template:
    """A SAM template.

    Attributes:
        folder: Where it lies; `CodeUri` and `ContentUri` are relative to it.
        parameters: Declarations by name.
        conditions: Unresolved, by name.
        mappings: By name.
        function_defaults: `Globals.Function`.
        resources: Unresolved, by logical id.
    """

    folder: Path
    parameters: Mapping[str, Mapping[str, Tree]]
    conditions: Mapping[str, Tree]
    mappings: Mapping[str, Mapping[str, Mapping[str, Tree]]]
    function_defaults: Mapping[str, Tree]
    resources: Mapping[str, Mapping[str, Tree]]

    def of_type(self, resource_type: str) -> dict[str, Mapping[str, Tree]]:
        """The properties of all resources of one type, by logical id."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == resource_type
        }


def read_template(path: Path) -> Template:
    """Read a template. Raises OSError and yaml.YAMLError."""
    document = yaml.load(path.read_text(), TemplateLoader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    return Template(
        folder=path.resolve().parent,
        parameters=document.get("Parameters", {}),
        conditions=document.get("Conditions", {}),
        mappings=document.get("Mappings", {}),
        function_defaults=document.get("Globals", {}).get("Function", {}),
        resources=document["Resources"],
    )
