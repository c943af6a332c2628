"""Payment intents, refunds and disputes: the Stripe stand-in's part of moving money."""

from local.vendors.stripe_cards import AUTHENTICATED_EVERY_TIME, DECLINED_WHEN_CHARGED, DISPUTED
from local.vendors.stripe_store import Json, Refused, Store, invalid

_CANCELLABLE = frozenset({"requires_payment_method", "requires_action", "requires_confirmation", "requires_capture"})

_UNDONE = frozenset({"failed", "canceled"})


def create_intent(store: Store, given: Json, *, decline: str | None = None) -> Json:
    """`POST /v1/payment_intents`, confirmed without the customer. `decline` has the bank refuse it so."""
    if "payment_method_types" in given:
        raise invalid("payment_method_types is no longer supported.", "payment_method_types_no_longer_supported")
    method = store.find("payment_method", given["payment_method"])
    if method["customer"] != given["customer"]:
        raise invalid("The payment method does not belong to the customer you supplied.", "resource_missing")
    intent = store.add(
        "payment_intent",
        "pi",
        amount=int(given["amount"]),
        currency=given["currency"],
        customer=given["customer"],
        payment_method=method["id"],
        payment_method_types=given.get("allowed_payment_method_types", ["card"]),
        metadata=given.get("metadata", {}),
        last_payment_error=None,
        latest_charge=None,
        next_action=None,
        status="requires_confirmation",
    )
    intent["client_secret"] = f"{intent['id']}_secret_{intent['id'][-8:]}"
    store.happened("payment_intent.created", intent)
    if given.get("confirm") == "true":
        _confirm(store, intent, authenticated=False, decline=decline)
    return intent


def confirm_intent(store: Store, intent_id: str, given: Json) -> Json:
    """`POST /v1/payment_intents/{id}/confirm`, as a browser does with the secret: the customer authenticates next."""
    intent = store.find("payment_intent", intent_id)
    if given.get("client_secret") not in {None, intent["client_secret"]}:
        raise Refused(401, "invalid_request_error", "The client_secret provided does not match.")
    if intent["status"] not in {"requires_payment_method", "requires_confirmation"}:
        raise _unexpected(intent)
    intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}}}
    store.happened("payment_intent.requires_action", intent)
    return intent


def authenticate(store: Store, intent_id: str, *, success: bool) -> Json:
    """What becomes of an intent when the customer has, or has not, authenticated."""
    intent = store.find("payment_intent", intent_id)
    if intent["status"] != "requires_action":
        raise _unexpected(intent)
    intent["next_action"] = None
    if success:
        _confirm(store, intent, authenticated=True, decline=None)
        return intent
    failed = {
        "type": "card_error",
        "code": "payment_intent_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication.",
    }
    intent |= {"status": "requires_payment_method", "last_payment_error": failed}
    store.happened("payment_intent.payment_failed", intent)
    return intent


def cancel_intent(store: Store, intent_id: str) -> Json:
    """`POST /v1/payment_intents/{id}/cancel`."""
    intent = store.find("payment_intent", intent_id)
    if intent["status"] not in _CANCELLABLE:
        raise _unexpected(intent)
    intent |= {"status": "canceled", "next_action": None}
    store.happened("payment_intent.canceled", intent)
    return intent


def create_refund(store: Store, given: Json, *, pending: bool = False) -> Json:
    """`POST /v1/refunds`."""
    intent = store.find("payment_intent", given["payment_intent"])
    if intent["status"] != "succeeded":
        raise invalid("This PaymentIntent does not have a successful charge to refund.")
    made = [each for each in store.every("refund", payment_intent=intent["id"]) if each["status"] not in _UNDONE]
    given_back = sum(each["amount"] for each in made)
    amount = int(given.get("amount", intent["amount"] - given_back))
    if given_back + amount > intent["amount"]:
        raise invalid("Refund amount is greater than unrefunded amount on charge.", "charge_already_refunded")
    refund = store.add(
        "refund",
        "re",
        amount=amount,
        currency=intent["currency"],
        payment_intent=intent["id"],
        charge=intent["latest_charge"],
        reason=given.get("reason"),
        metadata=given.get("metadata", {}),
        status="pending" if pending else "succeeded",
    )
    store.happened("refund.created", refund)
    return refund


def change_refund(store: Store, refund_id: str, status: str, failure: str | None) -> Json:
    """What a bank does with a refund later."""
    refund = store.find("refund", refund_id)
    refund |= {"status": status, **({"failure_reason": failure} if failure else {})}
    store.happened("refund.failed" if status == "failed" else "refund.updated", refund)
    return refund


def open_dispute(store: Store, intent_id: str, reason: str = "fraudulent") -> Json:
    """A bank takes a payment back."""
    intent = store.find("payment_intent", intent_id)
    dispute = store.add(
        "dispute",
        "du",
        amount=intent["amount"],
        currency=intent["currency"],
        payment_intent=intent_id,
        charge=intent["latest_charge"],
        reason=reason,
        status="needs_response",
        metadata={},
    )
    store.happened("charge.dispute.created", dispute)
    return dispute


def close_dispute(store: Store, dispute_id: str, status: str) -> Json:
    """It is decided whose the money is."""
    dispute = store.find("dispute", dispute_id)
    dispute["status"] = status
    store.happened("charge.dispute.closed", dispute)
    return dispute


def _confirm(store: Store, intent: Json, *, authenticated: bool, decline: str | None) -> None:
    number = store.cards.get(intent["payment_method"], "")
    if number in AUTHENTICATED_EVERY_TIME and not authenticated:
        raise _failed(store, intent, "authentication_required", "authentication_required")
    refused = decline or DECLINED_WHEN_CHARGED.get(number)
    if refused is not None:
        raise _failed(store, intent, "expired_card" if refused == "expired_card" else "card_declined", refused)
    charge = store.add(
        "charge", "ch", amount=intent["amount"], currency=intent["currency"], customer=intent["customer"]
    )
    intent |= {"status": "succeeded", "latest_charge": charge["id"], "last_payment_error": None}
    store.happened("payment_intent.succeeded", intent)
    if number in DISPUTED:
        open_dispute(store, intent["id"])


def _failed(store: Store, intent: Json, code: str, decline_code: str) -> Refused:
    error = {"code": code, "decline_code": decline_code, "message": "Your card was declined."}
    intent |= {"status": "requires_payment_method", "last_payment_error": {"type": "card_error", **error}}
    store.happened("payment_intent.payment_failed", intent)
    members = {"code": code, "decline_code": decline_code, "payment_intent": dict(intent)}
    return Refused(402, "card_error", "Your card was declined.", **members)


def _unexpected(intent: Json) -> Refused:
    message = f"You cannot do this to a PaymentIntent with the status {intent['status']}."
    return Refused(
        400, "invalid_request_error", message, code="payment_intent_unexpected_state", payment_intent=dict(intent)
    )
