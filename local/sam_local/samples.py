"""The sample events of `events/`, and what they are expected to be answered."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PLACEHOLDERS = {
    "api_key": "llmo_0DemoOrg01_0123456789ABCDEFGHIJabcdefghij39lrAC",
    "org_id": "01980a5e-7c00-7000-8000-000000000001",
    "project_id": "01980a5e-7c00-7000-8000-000000000002",
    "key_id": "01980a5e-7c00-7000-8000-000000000004",
}
"""What stands in the samples for the account that runs them, by the names in BootstrapFunction's answer."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One event.

    Attributes:
        name: `MigrateFunction/upgrade.json`.
        text: The event, JSON.
        expected: A part of the answer; None when nothing is said about it.
    """

    name: str
    text: str
    expected: Mapping[str, Any] | None

    @property
    def function(self) -> str:
        """The function's logical id."""
        return self.name.partition("/")[0]

    def of(self, account: Mapping[str, str]) -> str:
        """The event as if the account had caused it."""
        text = self.text
        for name, placeholder in _PLACEHOLDERS.items():
            text = text.replace(placeholder, account[name])
        return text

    def verdict(self, answer: Any) -> str | None:  # noqa: ANN401 - any function's answer
        """What is wrong with the answer; None when it is right. A function error is wrong unless it is expected."""
        if self.expected is not None:
            return difference(self.expected, answer)
        return function_error(answer)


def samples(events: Path) -> Iterator[Sample]:
    """Every sample, by function and name."""
    expected = json.loads((events / "expected.json").read_text())
    for path in sorted(events.glob("*/*.json")):
        name = path.relative_to(events).as_posix()
        yield Sample(name, path.read_text(), expected.get(name))


def function_error(answer: Any) -> str | None:  # noqa: ANN401 - any function's answer
    """The message of a function that raised, else None."""
    if isinstance(answer, dict) and {"errorMessage", "errorType"} <= answer.keys():
        return f"{answer['errorType']}: {answer['errorMessage']}"
    return None


def difference(expected: Any, actual: Any, where: str = "answer") -> str | None:  # noqa: ANN401 - JSON
    """Where an answer differs from what is expected of it; members that nothing is said about may be anything."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, value in expected.items():
            if name not in actual:
                return f"{where} has no {name}: {json.dumps(actual)[:300]}"
            if found := difference(value, actual[name], f"{where}.{name}"):
                return found
        if "errorMessage" not in expected:
            return function_error(actual)
        return None
    return None if expected == actual else f"{where} is {json.dumps(actual)[:300]}, not {json.dumps(expected)}"
