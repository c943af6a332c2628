import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from llmo_messaging.envelope import Envelope, Event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class InvoiceFinalized(Event, name="llmo.billing.invoice.finalized", version=3):
    amount: int


def test_an_envelope_is_a_cloudevent_in_json() -> None:
    envelope = Envelope.of(
        InvoiceFinalized(amount=5),
        event_id=UUID(int=1),
        org_id=UUID(int=2),
        time=datetime(2026, 8, 17, 10, 15, 30, tzinfo=UTC),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )

    assert json.loads(envelope.to_json()) == {
        "specversion": "1.0",
        "id": "00000000-0000-0000-0000-000000000001",
        "source": "llmo.billing",
        "type": "llmo.billing.invoice.finalized",
        "time": "2026-08-17T10:15:30Z",
        "datacontenttype": "application/json",
        "dataversion": 3,
        "orgid": "00000000-0000-0000-0000-000000000002",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {"amount": 5},
    }
    assert Envelope.model_validate_json(envelope.to_json()) == envelope


@given(data=st.dictionaries(st.text(), JSON, max_size=5), time=st.datetimes(timezones=st.just(UTC)))
def test_whatever_an_envelope_holds_comes_back_from_its_json(data: dict[str, object], time: datetime) -> None:
    envelope = Envelope(id=UUID(int=1), source="a", type="a.b", time=time, data=data)

    assert Envelope.model_validate_json(envelope.to_json()) == envelope


def test_an_attribute_without_a_value_is_left_out() -> None:
    envelope = Envelope.of(
        InvoiceFinalized(amount=5), event_id=UUID(int=1), org_id=UUID(int=2), time=datetime(2026, 8, 17, tzinfo=UTC)
    )

    assert json.loads(envelope.to_json()).keys().isdisjoint({"traceparent", "dataref"})


def test_an_envelope_that_says_where_its_data_is_does_not_hold_it() -> None:
    envelope = Envelope.of(
        InvoiceFinalized(amount=5), event_id=UUID(int=1), org_id=UUID(int=2), time=datetime(2026, 8, 17, tzinfo=UTC)
    )
    claimed = envelope.model_copy(update={"data": {}, "dataref": "s3://b/k"})

    attributes = json.loads(claimed.to_json())

    assert (attributes["dataref"], "data" in attributes) == ("s3://b/k", False)
    assert Envelope.model_validate(attributes).dataref == "s3://b/k"


@pytest.mark.parametrize("changed", [{"data": None}, {"data": []}, {"dataref": None}])
def test_an_envelope_without_data_is_none(changed: Mapping[str, object]) -> None:
    envelope = Envelope.of(
        InvoiceFinalized(amount=5), event_id=UUID(int=1), org_id=UUID(int=2), time=datetime(2026, 8, 17, tzinfo=UTC)
    )
    attributes = json.loads(envelope.to_json())
    del attributes["data"]

    with pytest.raises(ValidationError):
        Envelope.model_validate({**attributes, **changed})
