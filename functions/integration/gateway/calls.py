"""Reading a call: from the bytes of a request to a validated `Call`.

Only what the gateway itself relies on is checked. Everything else, including fields that do not exist yet, goes to the
provider untouched.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import orjson

from integration.choices import Caching
from integration.gateway.call_headers import read_cache, read_explain, read_region, read_tags
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.request import Request, missing, text
from integration.gateway.errors import InvalidApiKey, InvalidCall
from integration.gateway.models import Call, Step
from integration.gateway.organization import Policy
from integration.gateway.planning import Plan
from integration.gateway.usage import Json
from integration.provider_kinds import Kind
from llmo_auth import api_key
from llmo_auth.api_key import ApiKey
from llmo_auth.networks import address_bits
from llmo_core.trace import parse_traceparent

# Names go into usage events, which must stay small.
_MAX_NAME_LENGTH: Final = 256
# Another one whenever answers are stored otherwise: those that are stored already are not found any more.
_STORED_AS: Final = "2"
_TAKE_CACHE_KEYS: Final = frozenset((Kind.OPENAI, Kind.AZURE_OPENAI))


def read_key(headers: Mapping[str, str]) -> ApiKey:
    """The API key in an Authorization header; raises InvalidApiKey when there is none that could be valid."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise InvalidApiKey("You didn't provide an API key. Send it as `Authorization: Bearer YOUR_KEY`.")
    key = api_key.parse(given.strip())
    if key is None:
        raise InvalidApiKey
    return key


def read_address(headers: Mapping[str, str]) -> str:
    """Where a request comes from, as `llmo_auth.networks` writes it.

    API Gateway appends the address that it was called from; what stands before it is the client's own say.
    """
    return address_bits(headers.get("x-forwarded-for", "").rpartition(",")[2].strip())


def read_call(
    form: Form,
    raw: bytes,
    headers: Mapping[str, str],
    plan: Callable[[str], Plan],
    policy: Policy | None = None,
    owner: str = "",
    salt: str = "",
) -> Call:
    """The call in a request's body and headers, as its project's policy makes it.

    Args:
        form: The endpoint.
        raw: The body.
        headers: With names in lower case.
        plan: Where calls for a name can go.
        policy: What may be done to make it cheaper; None for nothing.
        owner: Whose the call is: prompts of two owners are never cached together.
        salt: What else keeps stored answers apart.

    Raises InvalidCall naming the field at fault, and what `plan` raises for the model's name.
    """
    try:
        return _call(form, raw, headers, plan, policy, owner, salt)
    except orjson.JSONEncodeError as error:
        raise InvalidCall("The JSON body of your request is nested too deeply.", code="invalid_json") from error


def _call(
    form: Form,
    raw: bytes,
    headers: Mapping[str, str],
    plan: Callable[[str], Plan],
    policy: Policy | None,
    owner: str,
    salt: str,
) -> Call:
    request = form.parse(raw, headers)
    fields = request.fields
    model = _model(fields, form.default_model)
    form.check(fields)
    planned = plan(model)
    steps: tuple[Step, ...] = ()
    if policy is not None:
        request, steps = form.optimized(request, _fitting(policy, planned), owner)
    reading = form.read(request, planned)
    cache = read_cache(
        headers,
        lambda namespace: _digest(form, request, planned.salt + salt + namespace),
        usable=reading.cacheable and (policy is None or policy.cache is not Caching.OFF),
        seconds=None if policy is None else policy.cache_ttl,
    )
    sent = reading.sent
    return Call(
        endpoint=form.endpoint,
        model=model,
        stream=reading.stream,
        usage_wanted=reading.usage_wanted,
        body=sent.renamed(model) if fields.get("model") is None else sent.raw,
        content_type=sent.content_type,
        cache=cache,
        address=read_address(headers),
        likely=reading.likely,
        most=reading.most,
        service_tier=text(fields, "service_tier") or "auto",
        end_user=(text(fields, "user") or "")[:_MAX_NAME_LENGTH] or None,
        tags=read_tags(headers),
        traceparent=parse_traceparent(headers.get("traceparent", "")),
        tools=reading.tools,
        vision=reading.vision,
        region=read_region(headers),
        answer_format=reading.answer_format,
        steps=steps,
        explained=read_explain(headers),
        renamed=sent.renamed,
        text=request.text,
    )


def _fitting(policy: Policy, plan: Plan) -> Policy:
    """The policy as far as every provider that the call may go to understands it."""
    if policy.prompt_cache and not all(target.provider in _TAKE_CACHE_KEYS for target in plan.targets):
        return replace(policy, prompt_cache=False)
    return policy


def _model(fields: Json, default: str | None) -> str:
    model = fields.get("model")
    if model is None:
        model = default
    if model is None:
        raise missing("model")
    if not isinstance(model, str) or not 0 < len(model) <= _MAX_NAME_LENGTH:
        raise InvalidCall("'model' must be the name of a model.", param="model")
    return model


def _digest(form: Form, request: Request, salt: str) -> str:
    digest = hashlib.blake2b((_STORED_AS + salt).encode(), digest_size=24, person=form.endpoint[:16].encode())
    for piece in request.identity():
        digest.update(piece)
    return digest.hexdigest()
