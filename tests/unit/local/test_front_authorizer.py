from typing import Any

import orjson
import pytest

from local.front.authorizer import Authorizer, Refused
from local.front.events import Incoming
from local.front.responses import Refusal
from local.front.routes import Match, Resource
from local.runtime.models import Invocation
from local.stack import AuthorizerSpec, StackSpec

STACK = StackSpec(
    stage="dev",
    region="eu-west-1",
    account_id="123456789012",
    aws_endpoint_url="http://127.0.0.1:1",
    functions={},
    routes=(),
)
ALLOW_ALL = {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}


class AuthorizerFunction:
    """Answers what it is told to, and keeps the events it got."""

    def __init__(self, answer: Any = None, *, error: str | None = None) -> None:
        self.answer = answer or {"principalId": "key-1", "policyDocument": ALLOW_ALL}
        self.error = error
        self.events: list[dict[str, Any]] = []

    async def __call__(self, function: str, payload: bytes) -> Invocation:
        assert function == "AuthorizerFunction"
        self.events.append(orjson.loads(payload))
        if self.error:
            return Invocation("r", orjson.dumps({"errorMessage": self.error, "errorType": "Exception"}), "Unhandled")
        return Invocation("r", orjson.dumps(self.answer))


class Watch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def asked(
    authorization: str | None = "Bearer one", path: str = "/api/v1/me", method: str = "GET", ip: str = "127.0.0.1"
) -> tuple[Any, Any]:
    headers = (("authorization", authorization),) if authorization is not None else ()
    return Incoming(method, path, "", headers, ip), Match(Resource(path, {}), {})


def authorizer(function: AuthorizerFunction, *, cache_seconds: int = 60, watch: Watch | None = None) -> Authorizer:
    return Authorizer(AuthorizerSpec("AuthorizerFunction", cache_seconds), STACK, function, watch or Watch())


async def refusal(function: AuthorizerFunction, request: tuple[Any, Any]) -> Refusal:
    with pytest.raises(Refused) as refused:
        await authorizer(function).authorize(*request)
    return refused.value.refusal


async def test_an_allowed_caller_passes_with_its_context_as_text() -> None:
    context = {"org_id": "o", "admin": True, "limit": 5, "nothing": None}
    function = AuthorizerFunction({"principalId": "key-1", "policyDocument": ALLOW_ALL, "context": context})

    passed = await authorizer(function).authorize(*asked())

    assert passed == {"principalId": "key-1", "org_id": "o", "admin": "true", "limit": "5", "nothing": "null"}
    assert function.events[0]["type"] == "REQUEST"
    assert function.events[0]["methodArn"].endswith(":local/dev/GET/api/v1/me")


@pytest.mark.parametrize("authorization", [None, ""])
async def test_without_identity_the_answer_is_401_and_the_function_is_not_asked(authorization: str | None) -> None:
    function = AuthorizerFunction()

    assert await refusal(function, asked(authorization)) is Refusal.UNAUTHORIZED
    assert function.events == []


async def test_raising_unauthorized_is_a_401() -> None:
    assert await refusal(AuthorizerFunction(error="Unauthorized"), asked()) is Refusal.UNAUTHORIZED


async def test_any_other_failure_of_the_function_is_a_500() -> None:
    assert await refusal(AuthorizerFunction(error="database gone"), asked()) is Refusal.AUTHORIZER_FAILURE


async def test_a_policy_that_denies_is_a_403() -> None:
    deny = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}
    function = AuthorizerFunction({"principalId": "x", "policyDocument": deny})

    assert await refusal(function, asked()) is Refusal.ACCESS_DENIED


@pytest.mark.parametrize(
    "answer",
    [
        ["no object"],
        {"policyDocument": ALLOW_ALL},
        {"principalId": "x"},
        {"principalId": "x", "policyDocument": {"Statement": {"Effect": "?"}}},
        {"principalId": "x", "policyDocument": ALLOW_ALL, "context": {"list": []}},
    ],
)
async def test_an_answer_of_another_shape_is_a_configuration_error(answer: Any) -> None:
    assert await refusal(AuthorizerFunction(answer), asked()) is Refusal.AUTHORIZER_CONFIGURATION_ERROR


async def test_a_verdict_is_reused_for_the_same_identity_until_its_time_is_over() -> None:
    function, watch = AuthorizerFunction(), Watch()
    tested = authorizer(function, cache_seconds=60, watch=watch)

    await tested.authorize(*asked("Bearer one"))
    watch.seconds = 59.9
    await tested.authorize(*asked("Bearer one", path="/api/v1/api-keys"))
    assert len(function.events) == 1
    await tested.authorize(*asked("Bearer two"))
    assert len(function.events) == 2
    watch.seconds = 60
    await tested.authorize(*asked("Bearer one"))
    assert len(function.events) == 3


async def test_a_remembered_policy_is_evaluated_for_each_method() -> None:
    only_get = {"Statement": {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*/GET/*"}}
    function = AuthorizerFunction({"principalId": "x", "policyDocument": only_get})
    tested = authorizer(function)

    await tested.authorize(*asked(method="GET"))
    with pytest.raises(Refused) as refused:
        await tested.authorize(*asked(method="DELETE"))

    assert refused.value.refusal is Refusal.ACCESS_DENIED
    assert len(function.events) == 1


async def test_a_ttl_of_zero_asks_every_time() -> None:
    function = AuthorizerFunction()
    tested = authorizer(function, cache_seconds=0)

    await tested.authorize(*asked())
    await tested.authorize(*asked())

    assert len(function.events) == 2


async def test_an_error_is_not_remembered() -> None:
    function = AuthorizerFunction(error="Unauthorized")
    tested = authorizer(function)

    with pytest.raises(Refused):
        await tested.authorize(*asked())
    function.error = None

    assert (await tested.authorize(*asked()))["principalId"] == "key-1"


@pytest.mark.parametrize(
    ("spec", "times"),
    [(AuthorizerSpec("AuthorizerFunction", 60), 1), (AuthorizerSpec("AuthorizerFunction", 60, by_source_ip=True), 2)],
    ids=["by credentials", "by credentials and address"],
)
async def test_an_answer_is_about_one_address_where_the_template_says_so(spec: AuthorizerSpec, times: int) -> None:
    function = AuthorizerFunction({"principalId": "key-1", "policyDocument": ALLOW_ALL})
    asking = Authorizer(spec, STACK, function, Watch())

    for ip in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
        await asking.authorize(*asked(ip=ip))

    assert len(function.events) == times
