"""Stripe, by its own SDK: with `stripe_objects` the only module that knows it.

Importing it takes a quarter of a second: whoever may do without imports it late.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

import aiohttp
import stripe
from stripe.params.billing_portal import SessionCreateParams

from billing.payments.provider import (
    AuthenticationRequired,
    CardDeclined,
    ChargeRequest,
    CustomerState,
    DisputeState,
    Intent,
    IntentStatus,
    MethodState,
    NoSuchObject,
    ProviderRefused,
    ProviderUnavailable,
    RefundRequest,
    RefundState,
    SetupState,
)
from billing.payments.stripe_objects import (
    customer_of,
    dispute_of,
    intent_of,
    method_of,
    refund_of,
    setup_of,
)
from llmo_core.observability import logger

_TIMEOUT_SECONDS: Final = 8.0
_RETRIES: Final = 2  # with the first attempt and the pauses, all end before a function's 29 seconds do
_PAGE: Final = 100
_CONFLICT: Final = 409  # a request under this key is under way
_SERVER_ERROR: Final = 500
_CLOCKS_DIFFER_SECONDS: Final = 300  # Stripe's clock and ours, at most
_GONE: Final = frozenset({"resource_missing"})
_UNATTACHED: Final = "not attached"


class StripeProvider:
    """Moves money by Stripe.

    Args:
        api_key: Secret or restricted.
        base_url: Where Stripe's API is, when it is not Stripe's own: a stand-in.
        timeout_seconds: Of one attempt.
        retries: How often the SDK asks again, with the same key.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        retries: int = _RETRIES,
    ) -> None:
        self._http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=timeout_seconds))
        self._client = stripe.StripeClient(
            api_key,
            http_client=self._http,
            max_network_retries=retries,
            base_addresses={"api": base_url} if base_url is not None else {},
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_customer(self, org_id: UUID) -> str:
        """The organization's id there; the same at every repetition, for a day."""
        async with _translated():
            made = await self._client.v1.customers.create_async(
                {"metadata": {"org_id": str(org_id)}}, {"idempotency_key": f"{org_id}-customer"}
            )
        return made.id

    async def customer(self, stripe_id: str) -> CustomerState:
        """An organization as it is now."""
        async with _translated():
            return customer_of(await self._client.v1.customers.retrieve_async(stripe_id))

    async def create_setup(self, customer_id: str, *, key: str) -> SetupState:
        """A form in which the customer saves a way to pay for later, without paying now."""
        async with _translated():
            made = await self._client.v1.setup_intents.create_async(
                {"customer": customer_id, "usage": "off_session", "allowed_payment_method_types": ["card"]},
                {"idempotency_key": key},
            )
            return setup_of(made)

    async def setup(self, stripe_id: str) -> SetupState:
        """A form as it is now."""
        async with _translated():
            return setup_of(await self._client.v1.setup_intents.retrieve_async(stripe_id))

    async def method(self, stripe_id: str) -> MethodState:
        """A way to pay as it is now."""
        async with _translated():
            return method_of(await self._client.v1.payment_methods.retrieve_async(stripe_id))

    async def set_default(self, customer_id: str, method_id: str, *, key: str) -> None:
        """Have hosted pages show it as the default."""
        async with _translated():
            await self._client.v1.customers.update_async(
                customer_id,
                {"invoice_settings": {"default_payment_method": method_id}},
                {"idempotency_key": key},
            )

    async def detach(self, method_id: str, *, key: str) -> None:
        """Forget a way to pay. Done already, it is fine."""
        try:
            async with _translated():
                await self._client.v1.payment_methods.detach_async(method_id, None, {"idempotency_key": key})
        except ProviderRefused as refused:
            if not isinstance(refused, NoSuchObject) and _UNATTACHED not in refused.detail:
                raise

    async def charge(self, request: ChargeRequest) -> Intent:
        """Collect an amount. Raises CardDeclined, AuthenticationRequired."""
        async with _translated():
            made = await self._client.v1.payment_intents.create_async(
                {
                    "amount": request.amount,
                    "currency": request.currency.lower(),
                    "customer": request.customer_id,
                    "payment_method": request.method_id,
                    "allowed_payment_method_types": [request.method_kind],
                    "confirm": True,
                    "off_session": True,
                    "metadata": {"org_id": str(request.org_id), "payment_id": str(request.payment_id)},
                },
                {"idempotency_key": str(request.payment_id)},
            )
            return intent_of(made)

    async def intent(self, stripe_id: str) -> Intent:
        """A payment as it is now."""
        async with _translated():
            return intent_of(await self._client.v1.payment_intents.retrieve_async(stripe_id))

    async def find_intent(self, customer_id: str, payment_id: UUID, *, since: datetime) -> Intent | None:
        """The payment that was asked for under this id, whose answer got lost; None when it never arrived.

        Lists are up to date, which Stripe's search is not for a minute or more:
        https://docs.stripe.com/search#data-freshness
        """
        after = int(since.timestamp()) - _CLOCKS_DIFFER_SECONDS
        async with _translated():
            found = await self._client.v1.payment_intents.list_async(
                {"customer": customer_id, "created": {"gte": after}, "limit": _PAGE}
            )
            async for intent in found.auto_paging_iter():
                if intent.metadata.to_dict().get("payment_id") == str(payment_id):
                    return intent_of(intent)
        return None

    async def cancel(self, intent_id: str, *, key: str) -> Intent:
        """Let a payment never succeed. Raises ProviderRefused when it has."""
        async with _translated():
            made = await self._client.v1.payment_intents.cancel_async(intent_id, None, {"idempotency_key": key})
            return intent_of(made)

    async def refund(self, request: RefundRequest) -> RefundState:
        """Give something back."""
        async with _translated():
            made = await self._client.v1.refunds.create_async(
                {
                    "payment_intent": request.intent_id,
                    "amount": request.amount,
                    "reason": request.reason,
                    "metadata": {"org_id": str(request.org_id), "refund_id": str(request.refund_id)},
                },
                {"idempotency_key": str(request.refund_id)},
            )
            return refund_of(made)

    async def refund_state(self, stripe_id: str) -> RefundState:
        """A refund as it is now."""
        async with _translated():
            return refund_of(await self._client.v1.refunds.retrieve_async(stripe_id))

    async def refunds_of(self, intent_id: str) -> Sequence[RefundState]:
        """All refunds of a payment, the newest first."""
        async with _translated():
            found = await self._client.v1.refunds.list_async({"payment_intent": intent_id, "limit": _PAGE})
            return [refund_of(each) async for each in found.auto_paging_iter()]

    async def dispute(self, stripe_id: str) -> DisputeState:
        """A dispute as it is now."""
        async with _translated():
            return dispute_of(await self._client.v1.disputes.retrieve_async(stripe_id))

    async def checkout(self, customer_id: str, *, success_url: str, cancel_url: str, key: str) -> str:
        """The URL of a page on which the customer saves a way to pay."""
        async with _translated():
            made = await self._client.v1.checkout.sessions.create_async(
                {
                    "mode": "setup",
                    "customer": customer_id,
                    "allowed_payment_method_types": ["card"],
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                },
                {"idempotency_key": key},
            )
        return made.url or ""

    async def portal(self, customer_id: str, *, configuration: str | None, return_url: str, key: str) -> str:
        """The URL of a page on which the customer looks after what is saved."""
        params: SessionCreateParams = {"customer": customer_id, "return_url": return_url}
        if configuration is not None:
            params["configuration"] = configuration
        async with _translated():
            made = await self._client.v1.billing_portal.sessions.create_async(params, {"idempotency_key": key})
        return made.url


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Stripe's errors as ours: https://docs.stripe.com/error-handling"""  # noqa: D415 - it ends with its source
    try:
        yield
    except stripe.CardError as error:
        raise _card_error(error) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # Nothing was tried: with a better key it is what it would have been, so nobody's payment fails by ours.
        logger().error("Stripe does not take our API key", extra={"reason": error.code, "status": error.http_status})
        raise ProviderUnavailable("Stripe does not take this deployment's key.") from error
    except stripe.InvalidRequestError as error:
        kind = NoSuchObject if error.code in _GONE or error.http_status == 404 else ProviderRefused  # noqa: PLR2004
        raise kind(error.code or "invalid_request", error.user_message) from error
    except stripe.IdempotencyError as error:
        raise ProviderRefused("idempotency_error", error.user_message) from error
    except stripe.APIConnectionError as error:
        raise ProviderUnavailable from error
    except stripe.RateLimitError as error:
        raise ProviderUnavailable("Stripe takes no more requests for a moment.") from error
    except stripe.StripeError as error:
        if error.http_status is None or error.http_status >= _SERVER_ERROR or error.http_status == _CONFLICT:
            raise ProviderUnavailable from error
        raise ProviderRefused(error.code or "unknown", error.user_message) from error
    except (aiohttp.ClientError, TimeoutError) as error:  # the SDK reads bodies where it catches nothing
        raise ProviderUnavailable from error


def _card_error(error: stripe.CardError) -> CardDeclined | AuthenticationRequired:
    told = error.error
    intent = intent_of(told.payment_intent) if told is not None and told.payment_intent is not None else None
    if intent is not None and intent.status is IntentStatus.REQUIRES_ACTION:
        return AuthenticationRequired(intent)
    decline_code = (told.decline_code if told is not None else None) or error.code or "declined"
    return CardDeclined(decline_code, intent)
