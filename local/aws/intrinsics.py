"""CloudFormation's intrinsic functions, as far as the template uses them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.aws.template import Template, Tree

REGION = "eu-west-1"
ACCOUNT_ID = "123456789012"

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)}")


class NoValue:
    """What `AWS::NoValue` resolves to: the property or item that holds it disappears."""


NO_VALUE = NoValue()


class TemplateError(Exception):
    """The template asks for something that is not there or that the laptop stack does not know."""


class Resolver:
    """Resolves the values of one template for one set of parameters.

    Args:
        template: The template.
        parameters: Values by name; parameters without one take their default.
        attribute: Gives a resource's attribute by logical id and name; the name `Ref` asks for its reference.
    """

    def __init__(
        self, template: Template, parameters: Mapping[str, str], attribute: Callable[[str, str], Tree]
    ) -> None:
        if unknown := parameters.keys() - template.parameters.keys():
            raise TemplateError(f"The template has no parameter {', '.join(sorted(unknown))}")
        self._template = template
        self._attribute = attribute
        self._references: dict[str, Tree] = {
            name: parameters.get(name, declaration.get("Default")) for name, declaration in template.parameters.items()
        }
        if missing := [name for name, value in self._references.items() if value is None]:
            raise TemplateError(f"These parameters need a value: {', '.join(sorted(missing))}")
        self._references |= {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": f"llmo-{self._references.get('Stage', 'local')}",
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._functions: dict[str, Callable[[Tree], Tree]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::And": lambda parts: all(self.resolve(part) for part in parts),
            "Fn::Equals": lambda parts: self._text(parts[0]) == self._text(parts[1]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": lambda parts: self._attribute(parts[0], parts[1]),
            "Fn::If": lambda parts: self.resolve(parts[1] if self.condition(parts[0]) else parts[2]),
            "Fn::Join": lambda parts: self._text(parts[0]).join(map(self._text, self.resolve(parts[1]))),
            "Fn::Not": lambda parts: not self.resolve(parts[0]),
            "Fn::Or": lambda parts: any(self.resolve(part) for part in parts),
            "Fn::Select": lambda parts: self.resolve(parts[1])[int(parts[0])],
            "Fn::Split": lambda parts: self._text(parts[1]).split(parts[0]),
            "Fn::Sub": self._sub,
        }

    def resolve(self, value: Tree) -> Tree:
        """The value with every intrinsic function in it evaluated. Raises TemplateError."""
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if function := self._functions.get(name):
                return function(argument)
            if str(name).startswith("Fn::"):
                raise TemplateError(f"{name} is not known to the laptop stack")
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds. Raises TemplateError."""
        if name not in self._template.conditions:
            raise TemplateError(f"The template has no condition {name}")
        return bool(self.resolve(self._template.conditions[name]))

    def exists(self, logical_id: str) -> bool:
        """Whether a resource's condition holds, if it has one. Raises TemplateError."""
        condition = self._template.resources[logical_id].get("Condition")
        return condition is None or self.condition(condition)

    def _ref(self, name: str) -> Tree:
        if name in self._references:
            return self._references[name]
        function, _, made = name.partition(".")  # `Function.Alias` is what SAM makes of the function
        return self._attribute(function, "Arn") if made == "Alias" else self._attribute(name, "Ref")

    def _find_in_map(self, parts: list[Tree]) -> Tree:
        name, first, second = (self.resolve(part) for part in parts)
        try:
            return self._template.mappings[name][first][second]
        except KeyError as error:
            raise TemplateError(f"The mapping {name} has no {first}.{second}") from error

    def _sub(self, argument: Tree) -> str:
        text, variables = argument if isinstance(argument, list) else (argument, {})

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return self._text(variables[name])
            logical_id, _, attribute = name.partition(".")
            return self._text(self._attribute(logical_id, attribute) if attribute else self._ref(name))

        return _VARIABLE.sub(replace, text)

    def _text(self, value: Tree) -> str:
        return as_text(self.resolve(value))


def as_text(value: Any) -> str:  # noqa: ANN401 - a scalar of the template
    """A scalar as CloudFormation hands it on: `true`, not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
