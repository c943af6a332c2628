"""Customers, their cards, and the forms and pages that save them: the Stripe stand-in's part of saving cards.

Numbers do what Stripe's test cards of the same numbers do: https://docs.stripe.com/testing
"""

from typing import Final

from local.vendors.stripe_store import Json, Refused, Store, invalid

DECLINED_WHEN_SAVED: Final = {
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
}
DECLINED_WHEN_CHARGED: Final = {"4000000000000341": "generic_decline"}
AUTHENTICATED_EVERY_TIME: Final = frozenset({"4000002760003184"})
DISPUTED: Final = frozenset({"4000000000000259"})


def create_customer(store: Store, given: Json) -> Json:
    """`POST /v1/customers`."""
    settings = {"default_payment_method": given.get("invoice_settings", {}).get("default_payment_method")}
    made = store.add("customer", "cus", metadata=given.get("metadata", {}), invoice_settings=settings)
    store.happened("customer.created", made)
    return made


def update_customer(store: Store, customer_id: str, given: Json) -> Json:
    """`POST /v1/customers/{id}`."""
    customer = store.find("customer", customer_id)
    chosen = given.get("invoice_settings", {}).get("default_payment_method")
    if chosen is not None:
        if store.find("payment_method", chosen)["customer"] != customer_id:
            raise invalid("The customer does not have a payment method with this ID.", "resource_missing")
        customer["invoice_settings"]["default_payment_method"] = chosen
    customer["metadata"] |= given.get("metadata", {})
    store.happened("customer.updated", customer)
    return customer


def create_setup(store: Store, given: Json) -> Json:
    """`POST /v1/setup_intents`."""
    customer_id = store.find("customer", given["customer"])["id"]
    made = store.add(
        "setup_intent",
        "seti",
        customer=customer_id,
        usage=given.get("usage", "off_session"),
        payment_method=None,
        payment_method_types=given.get("allowed_payment_method_types", ["card"]),
        status="requires_payment_method",
        metadata=given.get("metadata", {}),
    )
    made["client_secret"] = f"{made['id']}_secret_{made['id'][-8:]}"
    store.happened("setup_intent.created", made)
    return made


def confirm_setup(store: Store, setup_id: str, given: Json) -> Json:
    """`POST /v1/setup_intents/{id}/confirm`, as a browser does with the secret and a card's number."""
    setup = store.find("setup_intent", setup_id)
    if given.get("client_secret") not in {None, setup["client_secret"]}:
        raise Refused(401, "invalid_request_error", "The client_secret provided does not match.")
    card = given.get("payment_method_data", {}).get("card", {})
    number = str(card.get("number", "")).replace(" ", "")
    if not number.isdigit():
        raise invalid("Your card number is incorrect.", "incorrect_number", status=402)
    declined = DECLINED_WHEN_SAVED.get(number)
    if declined is not None:
        store.happened("setup_intent.setup_failed", setup)
        members = {"code": "card_declined", "decline_code": declined, "setup_intent": setup}
        raise Refused(402, "card_error", "Your card was declined.", **members)
    method = save_card(store, setup["customer"], number, card)
    setup |= {"payment_method": method["id"], "status": "succeeded"}
    store.happened("setup_intent.succeeded", setup)
    return setup


def save_card(store: Store, customer_id: str, number: str, card: Json) -> Json:
    """A card of a customer's."""
    particulars = {
        "brand": "visa" if number.startswith("4") else "mastercard",
        "last4": number[-4:],
        "exp_month": int(card.get("exp_month", 12)),
        "exp_year": int(card.get("exp_year", 2040)),
    }
    method = store.add(
        "payment_method", "pm", type="card", card=particulars, customer=customer_id, billing_details={}, metadata={}
    )
    store.cards[method["id"]] = number
    store.happened("payment_method.attached", method)
    return method


def detach(store: Store, method_id: str) -> Json:
    """`POST /v1/payment_methods/{id}/detach`."""
    method = store.find("payment_method", method_id)
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    for customer in store.every("customer"):
        if customer["invoice_settings"]["default_payment_method"] == method_id:
            customer["invoice_settings"]["default_payment_method"] = None
    method["customer"] = None
    store.happened("payment_method.detached", method)
    return method


def create_checkout(store: Store, given: Json, origin: str) -> Json:
    """`POST /v1/checkout/sessions` in mode `setup`."""
    if given.get("mode") != "setup":
        raise invalid("This stand-in knows the mode setup only.")
    setup = create_setup(store, {"customer": given["customer"]})
    made = store.add(
        "checkout.session",
        "cs",
        mode="setup",
        customer=given["customer"],
        setup_intent=setup["id"],
        status="open",
        success_url=given["success_url"],
        cancel_url=given.get("cancel_url"),
    )
    made["url"] = f"{origin}/_fake/checkout/{made['id']}"
    return made


def complete_checkout(store: Store, session_id: str, number: str) -> str:
    """What the page of a session does with a card's number; where it goes then."""
    session = store.find("checkout.session", session_id)
    confirm_setup(store, session["setup_intent"], {"payment_method_data": {"card": {"number": number}}})
    session["status"] = "complete"
    store.happened("checkout.session.completed", session)
    success_url: str = session["success_url"]
    return success_url


def create_portal(store: Store, given: Json, origin: str) -> Json:
    """`POST /v1/billing_portal/sessions`."""
    customer_id = store.find("customer", given["customer"])["id"]
    made = store.add("billing_portal.session", "bps", customer=customer_id, return_url=given.get("return_url"))
    made["configuration"] = given.get("configuration", "bpc_default")
    made["url"] = f"{origin}/_fake/portal/{made['id']}"
    return made
