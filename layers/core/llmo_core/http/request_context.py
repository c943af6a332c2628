"""Who is calling, behind the Lambda Web Adapter.

The adapter hands on API Gateway's request context, and with it what the authorizer said, in a header that it puts in
place of any that the client sent (`insert`): https://github.com/awslabs/aws-lambda-web-adapter/blob/main/src/lib.rs.
Nothing but the adapter reaches the server, which listens on the loopback interface: it must stand behind nothing else.
"""

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-amzn-request-context"


class RequestContext:
    """Puts the request context where Mangum puts it, for the guards of `llmo_auth`; the header goes no further.

    Two such headers are as good as none: one of them would be somebody else's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] == "http":
            given = [value for name, value in scope["headers"] if name == _HEADER]
            headers = [(name, value) for name, value in scope["headers"] if name != _HEADER]
            context = _object(given[0]) if len(given) == 1 else {}
            authorizer = context.get("authorizer")
            known = {"authorizer": authorizer} if isinstance(authorizer, dict) else {}
            scope = {**scope, "headers": headers, "aws.event": {"requestContext": known}}
        await self._app(scope, receive, send)


def _object(text: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
