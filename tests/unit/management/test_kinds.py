"""The table of kinds of providers."""

import pytest
from genai_prices import data_snapshot

from integration.management.providers.base_urls import canonical
from integration.management.providers.models import hint
from integration.provider_addresses import AddressPolicy
from integration.provider_kinds import KINDS, Kind

PRICED = {provider.id for provider in data_snapshot.get_snapshot().providers}
kinds = pytest.mark.parametrize("kind", Kind)


@kinds
def test_every_kind_is_in_the_table_and_its_prices_are_known(kind: Kind) -> None:
    prices = KINDS[kind].prices
    assert prices in PRICED or (kind is Kind.OPENAI_COMPATIBLE and prices is None)


@kinds
def test_a_kinds_own_address_is_one_that_may_be_called(kind: Kind) -> None:
    own = KINDS[kind].default_base_url("eu-west-1")
    if own is None:
        assert kind in {Kind.AZURE_OPENAI, Kind.OPENAI_COMPATIBLE}
    else:
        assert canonical(own, AddressPolicy(private=False)) == own


def test_only_bedrocks_address_is_made_with_a_region() -> None:
    assert [kind for kind in Kind if KINDS[kind].needs_region] == [Kind.BEDROCK]
    assert KINDS[Kind.BEDROCK].default_base_url(None) is None


@kinds
def test_credentials_are_in_one_header_which_no_header_of_ones_own_replaces(kind: Kind) -> None:
    rules = KINDS[kind]
    headers = rules.request_headers("sk-1", {rules.header: "mine", "x-team": "red"})
    assert [name for name, value in headers.items() if "sk-1" in value] == [rules.header]
    assert headers["x-team"] == "red"
    assert "sk-1" not in str(rules.request_headers(None, {}))


def test_anthropic_is_told_its_version_unless_somebody_says_another() -> None:
    rules = KINDS[Kind.ANTHROPIC]
    assert rules.request_headers("k", {}) == {"anthropic-version": "2023-06-01", "x-api-key": "k"}
    assert rules.request_headers("k", {"anthropic-version": "2030-01-01"})["anthropic-version"] == "2030-01-01"


def test_only_azure_takes_a_version_in_the_query() -> None:
    assert [kind for kind in Kind if KINDS[kind].query("2024-10-21")] == [Kind.AZURE_OPENAI]
    assert KINDS[Kind.AZURE_OPENAI].query(None) == ""


@pytest.mark.parametrize(("key", "shown"), [("x" * 11, "****"), ("abcdefghijkl", "ijkl"), ("a", "****")])
def test_a_hint_is_four_characters_and_tells_little(key: str, shown: str) -> None:
    assert hint(key) == shown
