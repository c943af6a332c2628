"""Making calls from an organization's prompts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from integration import templates
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.request import read_json
from integration.gateway.errors import InvalidCall, PromptNotFound
from integration.gateway.models import PromptVersion
from integration.gateway.organization import Organization, Prompt

_FIELD: Final = "prompt"
_MENTIONED: Final = b'"prompt"'
_KNOWN: Final = frozenset({"id", "version", "variables"})


class PromptVersions(Protocol):
    """What prompts say."""

    async def find(self, org_ref: str, prompt_id: str, number: int) -> PromptVersion | None:
        """A version of an organization's prompt, which never changes. Raises StoreUnavailable, DatabaseUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """The body of a call, and what it was made from: `name@version`, or None when it says everything itself."""

    raw: bytes
    prompt: str | None = None


class Prompting:
    """Puts what a prompt says into the calls that name it."""

    def __init__(self, versions: PromptVersions) -> None:
        self._versions = versions

    async def made(self, form: Form, raw: bytes, org_ref: str, organization: Organization) -> Made:
        """The body of a call with what its prompt says.

        The prompt's messages come first, and its defaults count where the call says nothing. Raises PromptNotFound, and
        InvalidCall for values that the prompt does not need, or none where it does.
        """
        if form.prompted is None or _MENTIONED not in raw:
            return Made(raw)
        fields = read_json(raw).fields
        asked = fields.get(_FIELD)
        prompt = _named(asked, organization) if isinstance(asked, dict) else None
        if prompt is None or not isinstance(asked, dict):
            return _unmade(form, raw, asked)
        if unknown := sorted(asked.keys() - _KNOWN):
            raise InvalidCall(f"A prompt has an id, a version and variables, and no {unknown[0]!r:.80}.", param=_FIELD)
        try:
            number = templates.chosen(asked.get("version"), prompt.labels, prompt.newest)
            version = await self._versions.find(org_ref, prompt.id, number)
            if version is None:
                raise PromptNotFound(prompt.name)
            messages = templates.rendered(version.messages, _values(asked))
        except templates.TemplateError as error:
            raise InvalidCall(str(error), param=_FIELD) from error
        said = {name: value for name, value in fields.items() if name != _FIELD}
        body = form.prompted({**version.defaults, **said}, messages)
        try:
            return Made(orjson.dumps(body), f"{prompt.name}@{number}")
        except orjson.JSONEncodeError as error:
            raise InvalidCall("The JSON body of your request is nested too deeply.", code="invalid_json") from error


def names_prompt(form: Form, raw: bytes) -> bool:
    """Whether the body of a call may name a prompt."""
    return form.prompted is not None and _MENTIONED in raw and isinstance(read_json(raw).fields.get(_FIELD), dict)


def _unmade(form: Form, raw: bytes, asked: object) -> Made:
    """A call that names no prompt of the organization's: perhaps one that the provider keeps, or none at all."""
    if form.provider_prompts or not isinstance(asked, dict):
        return Made(raw)
    raise PromptNotFound(str(asked.get("id"))[:80])


def _named(asked: Mapping[str, Any], organization: Organization) -> Prompt | None:
    name = asked.get("id")
    if not isinstance(name, str):
        raise InvalidCall("'prompt.id' must be the name or the id of a prompt.", param=_FIELD)
    by_name = organization.prompts.get(name)
    return by_name or next((prompt for prompt in organization.prompts.values() if prompt.id == name), None)


def _values(asked: Mapping[str, Any]) -> Mapping[str, object]:
    values = asked.get("variables") or {}
    if not isinstance(values, dict):
        raise InvalidCall("'prompt.variables' must be an object.", param=_FIELD)
    return values
