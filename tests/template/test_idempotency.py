"""Every POST of a management API takes an `Idempotency-Key`: its OpenAPI document says so."""

import importlib
from typing import Any

from local.stack import StackSpec


def test_no_post_forgets_the_idempotency_key(stack: StackSpec) -> None:
    functions = {route.function for route in stack.routes if route.path.startswith("/api/v1/")}
    posts: dict[str, Any] = {}
    for function in sorted(functions):
        module = stack.functions[function].handler.rpartition(".")[0]
        document = importlib.import_module(module).app.openapi()
        posts |= {path: methods["post"] for path, methods in document["paths"].items() if "post" in methods}

    assert "/api/v1/api-keys" in posts
    for path, post in posts.items():
        assert "Idempotency-Key" in {parameter["name"] for parameter in post.get("parameters", ())}, path
        assert {"400", "409", "422"} <= post["responses"].keys(), path
