"""Reading a call: from the bytes of a request to a validated `Call`.

Only what the gateway itself relies on is checked. Everything else, including fields that do not exist yet, goes to the
provider untouched.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import orjson

from integration.choices import Caching, SemanticMode
from integration.gateway.call import Call, Step
from integration.gateway.call_headers import read_cache, read_explain, read_region, read_tags
from integration.gateway.endpoints.form import CHARACTERS_PER_TOKEN, Form
from integration.gateway.endpoints.request import Request, missing, text
from integration.gateway.errors import InvalidApiKey, InvalidCall, ModelNotFound, ModelRetired
from integration.gateway.facts import VERSION
from integration.gateway.organization import NO_TERMS, Policy, Terms
from integration.gateway.planning import Plan, embedder
from integration.gateway.sought import Sought
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
# They stand in no salt.
_LEVELLED: Final = "\x01"
_SUBSTITUTED: Final = "\x02"
_MEANT: Final = "\x03"
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
    terms: Terms = NO_TERMS,
    *,
    prompt: str | None = None,
) -> Call:
    """The call in a request's body and headers, as its policy makes it.

    Args:
        form: The endpoint.
        raw: The body.
        headers: With names in lower case.
        plan: Where calls for a name can go.
        terms: What holds for it.
        prompt: What it was made from.

    Raises InvalidCall naming the field at fault, and what `plan` raises for the model's name.
    """
    try:
        return _call(form, raw, headers, plan, terms, prompt)
    except orjson.JSONEncodeError as error:
        raise InvalidCall("The JSON body of your request is nested too deeply.", code="invalid_json") from error


def _call(
    form: Form,
    raw: bytes,
    headers: Mapping[str, str],
    plan: Callable[[str], Plan],
    terms: Terms,
    prompt: str | None,
) -> Call:
    policy = terms.policy
    request = form.parse(raw, headers)
    fields = request.fields
    model = _model(fields, form.default_model)
    form.check(fields)
    planned = asked_for = plan(model)
    steps: tuple[Step, ...] = ()
    if policy is not None:
        planned, substituted = _substituted(asked_for, policy, len(request.text), plan)
        request, optimized = form.optimized(request, _fitting(policy, planned), terms.owner)
        steps = substituted + optimized
    reading = form.read(request, planned)
    region = read_region(headers)
    salt = planned.salt + terms.cache_epoch + ("" if planned is asked_for else _SUBSTITUTED + planned.name)
    levelled = form.levelled(request, policy) if policy is not None and policy.levels else None
    cache = read_cache(
        headers,
        lambda namespace: _digest(form, request, salt + namespace),
        (lambda namespace: _digest(form, levelled, salt + namespace + _LEVELLED)) if levelled is not None else None,
        None
        if policy is None or policy.semantic is None
        else partial(_sought, form, request, policy, plan, region, salt),
        usable=reading.cacheable and (policy is None or policy.cache is not Caching.OFF),
        policy=policy,
    )
    sent = reading.sent
    return Call(
        endpoint=form.endpoint,
        model=model,
        routed_as=planned.name,
        instead_of=None if planned is asked_for or asked_for.route else asked_for.targets[0].prices,
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
        prompt=prompt,
        tags=read_tags(headers),
        traceparent=parse_traceparent(headers.get("traceparent", "")),
        tools=reading.tools,
        vision=reading.vision,
        media=reading.media,
        region=region,
        answer_format=reading.answer_format,
        steps=steps,
        explained=read_explain(headers),
        renamed=sent.renamed,
        text=request.text,
    )


def _substituted(
    asked_for: Plan, policy: Policy, size: int, plan: Callable[[str], Plan]
) -> tuple[Plan, tuple[Step, ...]]:
    """What answers a call of this size (bytes) for a model or route, and that it is not the one that was asked for.

    A substitute that is not there, or for other endpoints, is none.
    """
    name = policy.substitutes.get(asked_for.name)
    most = policy.substitute_up_to
    if name is None or (most is not None and size > most * CHARACTERS_PER_TOKEN):
        return asked_for, ()
    try:
        substitute = plan(name)
    except (ModelNotFound, ModelRetired):
        return asked_for, ()
    return substitute, (Step("substitute", f"{name} answers in place of {asked_for.name}"),)


def _sought(
    form: Form,
    request: Request,
    policy: Policy,
    plan: Callable[[str], Plan],
    region: str | None,
    salt: str,
    namespace: str,
    threshold: float,
) -> Sought | None:
    """What is asked for among calls with the same meaning; None of those that the answer to another one never does for.

    All that must be equal is in the bucket's digest, so that nothing else is ever compared. A call that names a region
    is embedded there or not at all: a connection whose region is not known, and the deployment's own, are elsewhere.
    """
    semantic = policy.semantic
    target = None if semantic is None else embedder(plan, semantic.model)
    if target is not None and region is not None and (not target.connection or target.connection.region != region):
        return None
    asked = None if target is None else form.asked(request, policy)
    if semantic is None or target is None or asked is None:
        return None
    vectors = f"{VERSION} {target.id} {target.provider} {target.upstream_model} {target.salt}"
    return Sought(
        bucket=_digest(form, asked.request, salt + namespace + _MEANT + vectors),
        model=semantic.model,
        text=asked.text,
        wording=asked.facts.wording,
        digest=asked.facts.digest,
        threshold=max(threshold, semantic.threshold),
        answers=semantic.mode is SemanticMode.ON,
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
