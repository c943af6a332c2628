"""Which resource of the API a path belongs to.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from local.stack import RouteSpec

ANY = "ANY"


@dataclass(frozen=True, slots=True)
class Resource:
    """One path of the API with its methods.

    Attributes:
        path: The template's path, e.g. `/api/v1/api-keys/{key_id}`.
        methods: By method, `ANY` included.
    """

    path: str
    methods: Mapping[str, RouteSpec]

    def route(self, method: str) -> RouteSpec | None:
        """Return the route for a method: its own, else that for any."""
        return self.methods.get(method) or self.methods.get(ANY)


@dataclass(frozen=True, slots=True)
class Match:
    """A resource, and what the path's parameters are: as sent, that is still percent-encoded, as REST APIs do."""

    resource: Resource
    parameters: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    literal: "dict[str, _Node]" = field(default_factory=dict)
    parameter: "_Node | None" = None
    parameter_name: str = ""
    greedy: Resource | None = None
    greedy_name: str = ""
    resource: Resource | None = None


class RouteTable:
    """Finds the most specific resource: a literal segment before `{name}`, and that before `{name+}`."""

    def __init__(self, routes: Iterable[RouteSpec]) -> None:
        methods: dict[str, dict[str, RouteSpec]] = {}
        for route in routes:
            methods.setdefault(route.path, {})[route.method.upper()] = route
        self._root = _Node()
        for path, by_method in methods.items():
            self._add(Resource(path, by_method))

    def match(self, path: str) -> Match | None:
        """Find the resource for a path without query; a trailing slash makes no difference."""
        segments = path.strip("/").split("/") if path.strip("/") else []
        return _find(self._root, segments, 0, {})

    def _add(self, resource: Resource) -> None:
        node = self._root
        for segment in filter(None, resource.path.split("/")):
            if segment.startswith("{") and segment.endswith("+}"):
                node.greedy, node.greedy_name = resource, segment[1:-2]
                return
            if segment.startswith("{") and segment.endswith("}"):
                node.parameter = node.parameter or _Node()
                node.parameter_name = segment[1:-1]
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        node.resource = resource


def _find(node: _Node, segments: list[str], position: int, parameters: dict[str, str]) -> Match | None:
    if position == len(segments):
        return Match(node.resource, parameters) if node.resource else None
    segment = segments[position]
    found: Match | None = None
    if (child := node.literal.get(segment)) is not None:
        found = _find(child, segments, position + 1, parameters)
    if found is None and node.parameter is not None and segment:
        found = _find(node.parameter, segments, position + 1, {**parameters, node.parameter_name: segment})
    if found is None and node.greedy is not None:
        found = Match(node.greedy, {**parameters, node.greedy_name: "/".join(segments[position:])})
    return found
