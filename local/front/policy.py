"""Evaluating the IAM policy that an authorizer returns.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

import re
from functools import lru_cache

INVOKE = "execute-api:Invoke"


class InvalidPolicy(ValueError):
    """The authorizer's policy is not one that can be evaluated."""


def allows(policy: object, resource: str) -> bool:
    """Tell whether the policy lets the caller invoke the method ARN `resource`.

    Any matching Deny wins; without a matching Allow the answer is no. Raises InvalidPolicy.
    """
    if not isinstance(policy, dict):
        raise InvalidPolicy("policyDocument is not an object")
    statements = policy.get("Statement")
    allowed = False
    for statement in _as_list(statements):
        if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
            raise InvalidPolicy(f"not a statement: {statement}")
        if unknown := statement.keys() - {"Sid", "Effect", "Action", "Resource"}:
            raise InvalidPolicy(f"this front door does not evaluate {', '.join(sorted(unknown))}")
        if _matches(statement.get("Action"), INVOKE) and _matches(statement.get("Resource"), resource):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def _as_list(value: object) -> list[object]:
    if value is None:
        raise InvalidPolicy("a policy needs Statement, and a statement Action and Resource")
    return value if isinstance(value, list) else [value]


def _matches(patterns: object, value: str) -> bool:
    return any(_pattern(str(pattern)).fullmatch(value) for pattern in _as_list(patterns))


@lru_cache(maxsize=1024)
def _pattern(wildcards: str) -> re.Pattern[str]:
    """IAM's wildcards: `*` is any text, slashes included, `?` one character."""
    return re.compile(re.escape(wildcards).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
