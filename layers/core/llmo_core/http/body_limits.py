"""Routes that read bodies up to a size, and refuse larger ones before they look into them."""

from collections.abc import Callable, Coroutine
from typing import Any, override

from fastapi import Request, Response
from fastapi.routing import APIRoute

from llmo_core.errors import TooLarge


class BodyTooLarge(TooLarge):
    """The body of the request is too large."""


def limited(most_bytes: int, route: type[APIRoute] = APIRoute) -> type[APIRoute]:
    """The class of such routes, which raise BodyTooLarge; `route` is what they are besides."""

    class LimitedRoute(route):  # type: ignore[misc, valid-type]  # a class that is only known here
        @override
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def bounded(request: Request) -> Response:
                if len(await request.body()) > most_bytes:
                    raise BodyTooLarge(f"The body of such a request has {most_bytes} bytes at most.")
                answer: Response = await handle(request)
                return answer

            return bounded

    return LimitedRoute
