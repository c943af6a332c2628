"""The Stripe stand-in keeps what it knows, and reads parameters as the SDK writes them."""

from pathlib import Path

import pytest

from local.vendors.stripe_api import nested
from local.vendors.stripe_cards import create_customer
from local.vendors.stripe_store import Refused, Store, page


def test_what_it_knows_outlives_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "stripe.json")
    made = create_customer(store, {"metadata": {"org_id": "1"}})
    store.save()
    assert Store(tmp_path / "stripe.json").find("customer", made["id"]) == made
    with pytest.raises(Refused):
        Store().find("customer", made["id"])


def test_parameters_are_objects_and_lists() -> None:
    flat = {"a": "1", "b[c]": "2", "b[d][e]": "3", "f[0]": "x", "f[1]": "y"}
    assert nested(flat) == {"a": "1", "b": {"c": "2", "d": {"e": "3"}}, "f": ["x", "y"]}


def test_lists_go_page_by_page_from_the_newest_on() -> None:
    store = Store()
    made = [create_customer(store, {})["id"] for _ in range(5)]
    first = page(store.every("customer"), {"limit": "2"}, "/v1/customers")
    rest = page(store.every("customer"), {"limit": "9", "starting_after": first["data"][-1]["id"]}, "/v1/customers")
    assert [each["id"] for each in first["data"] + rest["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert page(store.every("customer"), {"created": {"gte": "99999999999"}}, "")["data"] == []
