"""Payments go forwards only, whatever Stripe says and in whatever order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.payments.models import Payment, PaymentStatus, Purpose, PurposeKind
from billing.payments.provider import Intent, IntentStatus
from llmo_core.currencies import Currency
from llmo_core.ids import new_id

NOW = datetime(2027, 1, 1, tzinfo=UTC)
RANK = {
    PaymentStatus.PENDING: 0,
    PaymentStatus.REQUIRES_ACTION: 1,
    PaymentStatus.SUCCEEDED: 2,
    PaymentStatus.FAILED: 2,
    PaymentStatus.CANCELLED: 2,
}


def payment() -> Payment:
    return Payment(
        id=new_id(),
        org_id=new_id(),
        purpose=Purpose(kind=PurposeKind.INVOICE, id=new_id()),
        amount=4900,
        currency=Currency.USD,
        method_id=new_id(),
        attempt=1,
        next_check_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )


def intent(of: Payment, status: IntentStatus, failure_code: str | None) -> Intent:
    return Intent(
        stripe_id="pi_1",
        customer_id="cus_1",
        org_id=of.org_id,
        payment_id=of.id,
        amount=of.amount,
        currency=of.currency,
        status=status,
        failure_code=failure_code,
    )


@given(st.lists(st.tuples(st.sampled_from(IntentStatus), st.sampled_from([None, "expired_card"])), max_size=8))
def test_a_payment_never_goes_back_and_what_is_final_stays(said: list[tuple[IntentStatus, str | None]]) -> None:
    current = payment()
    for step, (status, failure_code) in enumerate(said, start=1):
        after = current.following(intent(current, status, failure_code), NOW + timedelta(minutes=step))
        assert RANK[after.status] >= RANK[current.status]
        if current.status.final:
            assert after == current
        assert after.status.final == (after.next_check_at is None)
        assert (after.status is PaymentStatus.FAILED) == (after.failure_code is not None)
        current = after


def test_what_was_declined_before_it_was_cancelled_has_failed() -> None:
    cancelled = payment().following(intent(payment(), IntentStatus.CANCELLED, "expired_card"), NOW)
    assert (cancelled.status, cancelled.failure_code) == (PaymentStatus.FAILED, "expired_card")
    assert payment().following(intent(payment(), IntentStatus.CANCELLED, None), NOW).status is PaymentStatus.CANCELLED
