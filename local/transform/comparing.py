"""What a change does to a stack: which resources are made, removed, changed, and which of these are made anew."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from local.aws.template import Tree

type Resources = Mapping[str, Mapping[str, Tree]]

_NAMED_BY_CONTENT: Final = ("AWS::ApiGateway::Deployment", "AWS::Lambda::Version", "AWS::Lambda::LayerVersion")
_DIGEST: Final = re.compile(r"[0-9a-f]{8,}$")
_DEPTH: Final = 4


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource.

    Attributes:
        what: `+` it is made, `-` it is removed, `!` it is made anew, `~` it is changed.
        properties: The paths that differ, of a resource that stays, such as `Environment.Variables.STAGE`.
    """

    what: str
    logical_id: str
    type: str
    properties: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.what} {self.logical_id} {self.type} {', '.join(self.properties)}".rstrip()


def compare(before: Resources, after: Resources, create_only: Mapping[str, list[str]]) -> list[Change]:
    """The changes in order of the resources' names; what SAM names by its content is left out.

    `create_only` has by type the properties that cannot be changed. A condition or dependency counts as a property.
    """
    old, new = _named(before), _named(after)
    changes = [Change("-", name, old[name]["Type"]) for name in old.keys() - new.keys()]
    changes += [Change("+", name, new[name]["Type"]) for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        kind = new[name]["Type"]
        paths = tuple(sorted(set(_differing(_content(old[name]), _content(new[name]), ()))))
        fixed = tuple(each.replace("/", ".") for each in create_only.get(kind, []))
        anew = old[name]["Type"] != kind or any(
            path == each or path.startswith(f"{each}.") for path in paths for each in fixed
        )
        if paths or anew:
            changes.append(Change("!" if anew else "~", name, kind, paths))
    return sorted(changes, key=lambda change: change.logical_id)


def _named(resources: Resources) -> dict[str, Mapping[str, Tree]]:
    return {name: each for name, each in resources.items() if each["Type"] not in _NAMED_BY_CONTENT}


def _content(resource: Mapping[str, Tree]) -> dict[str, Tree]:
    around = {name: value for name, value in resource.items() if name not in {"Type", "Properties", "Metadata"}}
    return {**around, **resource.get("Properties", {})}


def _differing(old: Tree, new: Tree, path: tuple[str, ...]) -> Iterator[str]:
    """The paths at which two values differ, down to a few steps; named by content counts as the same name."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and len(path) < _DEPTH:
        for name in old.keys() | new.keys():
            yield from _differing(old.get(name), new.get(name), (*path, name))
    elif _unnamed(old) != _unnamed(new):
        yield ".".join(path)


def _unnamed(value: Tree) -> Tree:
    if isinstance(value, Mapping):
        return {name: _unnamed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_unnamed(each) for each in value]
    return _DIGEST.sub("", value) if isinstance(value, str) else value
