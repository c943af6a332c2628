"""What the caller asks of the gateway itself, in headers. Each reader raises InvalidCall naming the header at fault."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from integration.gateway.call import CachePolicy
from integration.gateway.errors import InvalidCall
from integration.gateway.organization import Policy
from integration.gateway.sought import Sought

_CACHE: Final = "x-llmo-cache"
_CACHE_TTL: Final = "x-llmo-cache-ttl"
_CACHE_NAMESPACE: Final = "x-llmo-cache-namespace"
_CACHE_THRESHOLD: Final = "x-llmo-cache-threshold"
_TAGS: Final = "x-llmo-tags"
_REGION: Final = "x-llmo-region"
_EXPLAIN: Final = "x-llmo-explain"
_CONTROLS: Final = frozenset(("", "no-cache", "no-store", "only-if-cached", "exact"))
_MOST_TTL_SECONDS: Final = 2_592_000  # thirty days
_MOST_NAMESPACE_LENGTH: Final = 64
_MOST_REGION_LENGTH: Final = 256
_MOST_TAGS: Final = 20
_TAG: Final = re.compile(r"([A-Za-z0-9_.:/@-]{1,64})=([A-Za-z0-9_.:/@-]{1,64})")
_COSINE: Final = re.compile(r"[01](\.[0-9]{1,6})?")
_SEPARATOR: Final = "\x00"  # stands in no header


def read_cache(
    headers: Mapping[str, str],
    digest: Callable[[str], str],
    form_digest: Callable[[str], str] | None = None,
    sought: Callable[[str, float], Sought | None] | None = None,
    *,
    usable: bool,
    policy: Policy | None = None,
) -> CachePolicy:
    """What the cache may do for a call.

    Args:
        headers: The request's.
        digest: Identifies equal calls of the same namespace.
        form_digest: Identifies those of the same form; None where these are other calls.
        sought: What is asked for among those with the same meaning in a namespace, at a least cosine; None of nothing.
        usable: Whether an equal call may get the same answer.
        policy: What holds where the caller says nothing.
    """
    control = headers.get(_CACHE, "")
    if control not in _CONTROLS:
        raise InvalidCall(f"The header {_CACHE} takes no-cache, no-store, only-if-cached or exact.", param=_CACHE)
    wanted, namespace, threshold = _ttl(headers), _namespace(headers, policy), _threshold(headers)
    only = control == "only-if-cached"
    if control == "no-store" or not usable:
        return CachePolicy(read=False, only=only)
    return CachePolicy(
        digest(namespace),
        form_digest=form_digest(namespace) if form_digest is not None and control != "exact" else "",
        sought=sought(namespace, threshold) if sought is not None and not control else None,
        read=control != "no-cache",
        only=only,
        seconds=policy.cache_ttl if wanted is None and policy is not None else wanted,
    )


def _ttl(headers: Mapping[str, str]) -> int | None:
    given = headers.get(_CACHE_TTL)
    if given is None:
        return None
    if not given.isdecimal() or not given.isascii() or not 1 <= int(given[:10]) <= _MOST_TTL_SECONDS:
        raise InvalidCall(f"The header {_CACHE_TTL} takes seconds from 1 to {_MOST_TTL_SECONDS}.", param=_CACHE_TTL)
    return int(given)


def _threshold(headers: Mapping[str, str]) -> float:
    """The least cosine of calls with the same meaning; zero of a caller who takes the policy's."""
    given = headers.get(_CACHE_THRESHOLD)
    if given is None:
        return 0.0
    threshold = float(given) if _COSINE.fullmatch(given) else -1.0
    if not 0 <= threshold <= 1:
        raise InvalidCall(f"The header {_CACHE_THRESHOLD} takes a number from 0 to 1.", param=_CACHE_THRESHOLD)
    return threshold


def _namespace(headers: Mapping[str, str], policy: Policy | None) -> str:
    """What keeps the stored answers of a namespace apart; nothing for calls of none.

    The caller's namespace lies inside the policy's, so that no call can name its way into that of another key.
    """
    outer = policy.cache_namespace if policy is not None else ""
    inner = headers.get(_CACHE_NAMESPACE, "")
    if len(inner) > _MOST_NAMESPACE_LENGTH:
        message = f"The header {_CACHE_NAMESPACE} has at most {_MOST_NAMESPACE_LENGTH} characters."
        raise InvalidCall(message, param=_CACHE_NAMESPACE)
    if outer:
        return _SEPARATOR + outer + _SEPARATOR + inner
    return _SEPARATOR + inner if inner else ""


def read_tags(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The tags of a call: `team=search,env=prod`."""
    given = headers.get(_TAGS)
    if not given:
        return {}
    pairs = [_TAG.fullmatch(pair.strip()) for pair in given.split(",")]
    tags = {pair[1]: pair[2] for pair in pairs if pair}
    if len(tags) != len(pairs) or len(tags) > _MOST_TAGS:
        message = (
            f"The header {_TAGS} takes up to {_MOST_TAGS} different key=value pairs with commas between them; keys and "
            "values have 1 to 64 letters, digits or any of _.:/@-"
        )
        raise InvalidCall(message, param=_TAGS)
    return tags


def read_region(headers: Mapping[str, str]) -> str | None:
    """Where the caller wants the call answered; None for anywhere."""
    region = headers.get(_REGION, "")
    if len(region) > _MOST_REGION_LENGTH:
        raise InvalidCall(f"The header {_REGION} is too long.", param=_REGION)
    return region or None


def read_explain(headers: Mapping[str, str]) -> bool:
    """Whether the caller wants to be told what was done, and why."""
    given = headers.get(_EXPLAIN, "false")
    if given not in {"true", "false"}:
        raise InvalidCall(f"The header {_EXPLAIN} takes true or false.", param=_EXPLAIN)
    return given == "true"
