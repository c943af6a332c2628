"""A stand-in for Stripe: `python -m local.vendors.stripe_api --port 8420`, or `StripeApi()` in tests.

The real SDK speaks to it. It has customers, setup intents and cards, payment intents without the customer and with
authentication, refunds, disputes, checkout in mode `setup`, a portal page, idempotency keys as Stripe has them, and
signed webhooks. Test cards do what Stripe's of the same numbers do (`stripe_cards`).

`POST /_fake/faults` has the next requests fail: `{"method", "path", "times", "status"}` answers so,
`{"lost": true}` does what was asked for and then cuts the connection, `{"decline": "insufficient_funds"}` has the bank
refuse. `GET /_fake/requests` shows the last requests, `GET /_fake/events` all events.

It lacks: subscriptions, invoices, prices and everything else of Stripe's that is not named above; payment methods
other than cards; payments with the customer present, captures; pages of Stripe's looks; retries of webhooks; expiry of
idempotency keys; restricted keys. Any key that begins with `sk_`, `rk_` or `pk_` is good.
"""

import argparse
import asyncio
import re
import signal
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from local.vendors import stripe_cards as cards
from local.vendors import stripe_payments as payments
from local.vendors.stripe_pages import add_pages
from local.vendors.stripe_store import Json, Refused, Store, fingerprint, invalid, page
from local.vendors.stripe_webhooks import WebhookSender

_MOST_REQUESTS = 1000
_KEY = re.compile(r"(?:Bearer (?:sk|rk|pk)_\w{4,})")
_PART = re.compile(r"\[([^\]]*)\]")

type _Do = Callable[[str, Json], Json]


class StripeApi:
    """The stand-in as an aiohttp application.

    Attributes:
        store: What it knows.
        requests: The last requests, the oldest first: method, path, idempotency key, parameters.

    Args:
        file: Where it keeps what it knows; None in memory.
        webhook: Where and under which secret events are told of; None tells nobody.
    """

    def __init__(self, *, file: Path | None = None, webhook: tuple[str, str] | None = None) -> None:
        self._sender = WebhookSender(*webhook) if webhook is not None else None
        self.store = Store(file, self._sender.send if self._sender is not None else lambda _: None)
        self.requests: deque[Json] = deque(maxlen=_MOST_REQUESTS)
        self.faults: list[Json] = []
        self.app = web.Application()
        self.app.router.add_route("*", "/v1/{path:.+}", self._answer)
        self.app.router.add_post("/_fake/faults", self._add_fault)
        self.app.router.add_get("/_fake/requests", self._show_requests)
        self.app.router.add_get("/_fake/events", self._show_events)
        add_pages(self.app, self.store)
        if self._sender is not None:
            self.app.on_cleanup.append(self._sender.close)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path, parameters = request.path, nested(await request.post() if request.method == "POST" else request.query)
        key = request.headers.get("Idempotency-Key")
        noted = {"method": request.method, "path": path, "key": key, "parameters": parameters}
        self.requests.append(noted)
        if _KEY.fullmatch(request.headers.get("Authorization", "")) is None:
            return _error(Refused(401, "invalid_request_error", "Invalid API Key provided."))
        fault = self._fault(request.method, path)
        if "stall" in fault:
            await asyncio.sleep(fault["stall"])
        if "status" in fault:
            return _error(Refused(fault["status"], "api_error", "A fault that was asked for.", code=fault.get("code")))
        try:
            status, body = self._once(request, key, parameters, fault)
        except Refused as refused:
            return _error(refused)
        if fault.get("lost") and request.transport is not None:
            request.transport.close()
        return web.json_response(body, status=status)

    def _once(self, request: web.Request, key: str | None, parameters: Json, fault: Json) -> tuple[int, Json]:
        """Do what is asked for, or answer as before under this key.

        Like Stripe, it keeps what happened from when it began to be done: malformed requests may be mended under the
        same key. https://docs.stripe.com/api/idempotent_requests
        """
        asked = fingerprint(request.method, request.path, parameters)
        if request.method != "POST" or key is None:
            return 200, self._do(request, parameters, fault)
        known = self.store.answers.get(key)
        if known is not None:
            if known["asked"] != asked:
                raise Refused(400, "idempotency_error", "Keys can only be used with the same parameters.")
            return known["status"], known["body"]
        try:
            status, body = 200, self._do(request, parameters, fault)
        except Refused as refused:
            if refused.body["error"]["type"] != "card_error":
                raise
            status, body = refused.status, refused.body
        self.store.answers[key] = {"asked": asked, "status": status, "body": body}
        self.store.save()
        return status, body

    def _do(self, request: web.Request, parameters: Json, fault: Json) -> Json:
        origin = str(request.url.origin())
        for method, pattern, answer in _routes(self.store, origin, fault):
            match = re.fullmatch(pattern, request.path)
            if match is not None and method == request.method:
                try:
                    done = answer(match.group("id") if "id" in match.groupdict() else request.path, parameters)
                except KeyError as missing:
                    raise invalid(f"Missing required param: {missing.args[0]}.", "parameter_missing") from missing
                self.store.save()
                return done
        raise invalid(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _fault(self, method: str, path: str) -> Json:
        for fault in self.faults:
            if fault.get("method", method) == method and re.fullmatch(fault.get("path", ".*"), path):
                fault["times"] = fault.get("times", 1) - 1
                if fault["times"] <= 0:
                    self.faults.remove(fault)
                return fault
        return {}

    async def _add_fault(self, request: web.Request) -> web.Response:
        self.faults.append(await request.json())
        return web.json_response({}, status=201)

    async def _show_requests(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": [*self.requests]})

    async def _show_events(self, request: web.Request) -> web.Response:
        wanted = request.query.get("type")
        found = [each for each in self.store.every("event") if wanted in {None, each["type"]}]
        return web.json_response({"data": found})


def _routes(store: Store, origin: str, fault: Json) -> Sequence[tuple[str, str, _Do]]:
    """Method, path and what it does with an id (a list: with its path) and parameters."""
    kinds = {
        "customers": "customer",
        "setup_intents": "setup_intent",
        "payment_methods": "payment_method",
        "payment_intents": "payment_intent",
        "refunds": "refund",
        "disputes": "dispute",
        "events": "event",
    }

    def shown(kind: str) -> _Do:
        return lambda object_id, _: store.find(kind, object_id)

    def listed(kind: str, *filters: str) -> _Do:
        def some(path: str, given: Json) -> Json:
            equal = {name: given[name] for name in filters if name in given}
            return page(store.every(kind, **equal), given, path)

        return some

    intent = r"/v1/payment_intents/(?P<id>\w+)"
    return [
        ("POST", "/v1/customers", lambda _, given: cards.create_customer(store, given)),
        ("POST", r"/v1/customers/(?P<id>\w+)", lambda cid, given: cards.update_customer(store, cid, given)),
        ("POST", "/v1/setup_intents", lambda _, given: cards.create_setup(store, given)),
        ("POST", r"/v1/setup_intents/(?P<id>\w+)/confirm", lambda sid, given: cards.confirm_setup(store, sid, given)),
        ("POST", r"/v1/payment_methods/(?P<id>\w+)/detach", lambda mid, _: cards.detach(store, mid)),
        ("POST", "/v1/checkout/sessions", lambda _, given: cards.create_checkout(store, given, origin)),
        ("POST", "/v1/billing_portal/sessions", lambda _, given: cards.create_portal(store, given, origin)),
        (
            "POST",
            "/v1/payment_intents",
            lambda _, given: payments.create_intent(store, given, decline=fault.get("decline")),
        ),
        ("POST", f"{intent}/confirm", lambda pid, given: payments.confirm_intent(store, pid, given)),
        ("POST", f"{intent}/cancel", lambda pid, _: payments.cancel_intent(store, pid)),
        (
            "POST",
            "/v1/refunds",
            lambda _, given: payments.create_refund(store, given, pending=bool(fault.get("pending"))),
        ),
        ("GET", "/v1/payment_intents", listed("payment_intent", "customer")),
        ("GET", "/v1/refunds", listed("refund", "payment_intent")),
        ("GET", "/v1/payment_methods", listed("payment_method", "customer")),
        *(("GET", rf"/v1/{plural}/(?P<id>\w+)", shown(kind)) for plural, kind in kinds.items()),
    ]


def nested(flat: Any) -> Json:  # noqa: ANN401 - either of aiohttp's multi-dictionaries
    """Parameters as Stripe's SDK writes them: `a[b]=c` is an object, `a[0]=b` a list."""
    tree: Json = {}
    for name, value in flat.items():
        first, *rest = [name.partition("[")[0], *_PART.findall(name)]
        place = tree
        *above, last = [first, *rest]
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    listed: Json = _lists(tree)
    return listed


def _lists(tree: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(tree, dict):
        return tree
    if tree and all(name.isdigit() for name in tree):
        return [_lists(tree[name]) for name in sorted(tree, key=int)]
    return {name: _lists(value) for name, value in tree.items()}


def _error(refused: Refused) -> web.Response:
    return web.json_response(refused.body, status=refused.status)


async def serve(port: int, api: StripeApi) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM."""
    runner = web.AppRunner(api.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await runner.cleanup()


def main() -> None:
    """Run the stand-in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--webhook-url")
    parser.add_argument("--webhook-secret")
    options = parser.parse_args()
    webhook = (options.webhook_url, options.webhook_secret) if options.webhook_url else None
    asyncio.run(serve(options.port, StripeApi(file=options.file, webhook=webhook)))


if __name__ == "__main__":
    main()
