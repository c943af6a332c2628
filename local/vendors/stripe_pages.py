"""The Stripe stand-in's pages: where customers save cards, and what banks and customers do, by hand or by a test."""

from html import escape

from aiohttp import web

from local.vendors import stripe_cards as cards
from local.vendors import stripe_payments as payments
from local.vendors.stripe_store import Refused, Store

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stripe stand-in</title>
<body style="font-family: sans-serif; max-width: 30em; margin: 3em auto">
<h1>Stripe stand-in</h1><p>No money moves here.</p>{}</body></html>"""
_CARD = """<form method="post"><label>Card number
<input name="number" value="4242424242424242" inputmode="numeric" autofocus></label>
<button>Save</button></form><p><a href="{}">Cancel</a></p>"""


def add_pages(app: web.Application, store: Store) -> None:
    """Add the pages, and `POST /_fake/...` for what happens outside of Stripe."""

    async def checkout(request: web.Request) -> web.Response:
        session = store.find("checkout.session", request.match_info["id"])
        return _html(_CARD.format(escape(session["cancel_url"] or "#")))

    async def complete(request: web.Request) -> web.Response:
        form = await request.post()
        try:
            target = cards.complete_checkout(store, request.match_info["id"], str(form["number"]))
        except Refused as refused:
            return _html(f"<p>{escape(str(refused))}</p>")
        store.save()
        raise web.HTTPSeeOther(target)

    async def portal(request: web.Request) -> web.Response:
        session = store.find("billing_portal.session", request.match_info["id"])
        saved = store.every("payment_method", customer=session["customer"])
        items = "".join(f"<li>{escape(each['card']['brand'])} …{escape(each['card']['last4'])}</li>" for each in saved)
        return _html(f'<ul>{items}</ul><p><a href="{escape(session["return_url"] or "#")}">Back</a></p>')

    async def authenticated(request: web.Request) -> web.Response:
        success = (await request.json())["success"]
        return _done(store, payments.authenticate(store, request.match_info["id"], success=success))

    async def refund(request: web.Request) -> web.Response:
        given = await request.json()
        changed = payments.change_refund(store, request.match_info["id"], given["status"], given.get("failure_reason"))
        return _done(store, changed)

    async def disputed(request: web.Request) -> web.Response:
        return _done(store, payments.open_dispute(store, request.match_info["id"]))

    async def decided(request: web.Request) -> web.Response:
        return _done(store, payments.close_dispute(store, request.match_info["id"], (await request.json())["status"]))

    app.router.add_get("/_fake/checkout/{id}", checkout)
    app.router.add_post("/_fake/checkout/{id}", complete)
    app.router.add_get("/_fake/portal/{id}", portal)
    app.router.add_post("/_fake/payment_intents/{id}/authenticate", authenticated)
    app.router.add_post("/_fake/payment_intents/{id}/dispute", disputed)
    app.router.add_post("/_fake/disputes/{id}/close", decided)
    app.router.add_post("/_fake/refunds/{id}", refund)


def _html(content: str) -> web.Response:
    return web.Response(text=_PAGE.format(content), content_type="text/html")


def _done(store: Store, changed: dict[str, object]) -> web.Response:
    store.save()
    return web.json_response(changed)
