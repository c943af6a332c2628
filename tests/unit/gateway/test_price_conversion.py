"""From what genai-prices publishes to the tables that the gateway reads."""

import json
from copy import deepcopy
from typing import Any

import pytest
from genai_prices import data_snapshot, types

from integration.price_editions import canonical, packaged_tables
from integration.price_tables.conversion import convert
from integration.price_tables.models import PricesMalformed
from integration.price_tables.published import PROVIDERS, read
from local.generate.prices import document

PUBLISHED = document()


def converted(published: object) -> dict[str, Any]:
    return convert(read(json.dumps(published).encode()))


def with_model(**fields: Any) -> list[dict[str, Any]]:
    """Providers without models, but for one of OpenAI's."""
    model = {"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": 1, "output_mtok": 2}, **fields}
    return [{"id": name, "models": [model] if name == "openai" else []} for name in PROVIDERS]


def the_model(**fields: Any) -> dict[str, Any]:
    (found,) = converted(with_model(**fields))["openai"]["models"]
    model: dict[str, Any] = found
    return model


def test_the_packages_own_data_makes_the_packaged_table_model_by_model() -> None:
    tables, packaged = converted(PUBLISHED), packaged_tables()
    assert packaged.keys() == tables.keys() == set(PROVIDERS)
    for provider, table in tables.items():
        known = json.loads(packaged[provider])
        assert {model["id"]: model for model in table["models"]} == {model["id"]: model for model in known["models"]}
        assert canonical(table) == packaged[provider]


def test_the_package_itself_reads_the_document_that_it_is_written_into_as_its_own_data() -> None:
    given = [{**provider, "name": provider["id"], "api_pattern": "x"} for provider in deepcopy(PUBLISHED)]
    loaded = {provider.id: provider for provider in types._providers_from_raw(given)}
    for provider in data_snapshot.get_snapshot().providers:
        again = {model.id: model for model in loaded[provider.id].models}
        for model in provider.models:
            assert again[model.id].match == model.match
            assert again[model.id].prices == model.prices
            assert again[model.id].price_variants == model.price_variants


def test_a_price_keeps_every_digit_of_its_text() -> None:
    text = json.dumps(with_model()).replace('"input_mtok": 1', '"input_mtok": 0.10000000000000000555')
    (model,) = convert(read(text.encode()))["openai"]["models"]
    assert model["prices"][0]["input"] == [[0, "0.10000000000000000555"]]


@pytest.mark.parametrize("written", ["2", "2.0", "2.00", "0.2e1"])
def test_a_price_has_one_text_however_it_is_written(written: str) -> None:
    text = json.dumps(with_model()).replace('"output_mtok": 2', f'"output_mtok": {written}')
    (model,) = convert(read(text.encode()))["openai"]["models"]
    assert model["prices"][0]["output"] == [[0, "2"]]


def test_names_are_matched_in_lower_case_and_patterns_as_they_are() -> None:
    clause = {"or": [{"equals": "Austism/Chronos"}, {"and": [{"contains": "Qwen"}, {"regex": r"^Q\d$"}]}]}
    assert the_model(match=clause)["match"] == {
        "or": [{"equals": "austism/chronos"}, {"and": [{"contains": "qwen"}, {"regex": r"^Q\d$"}]}]
    }


def test_the_first_price_counts_until_another_one_does() -> None:
    later = {"constraint": {"start_date": "2030-01-01"}, "prices": {"input_mtok": 3, "output_mtok": 9}}
    latest = {"constraint": {"start_date": "2031-01-01"}, "prices": {"input_mtok": 4, "output_mtok": 9}}
    prices = the_model(prices=[later, latest])["prices"]
    assert [(price["from"], price["input"]) for price in prices] == [(None, [[0, "3"]]), ("2031-01-01", [[0, "4"]])]


def test_a_model_with_a_price_that_is_not_metered_has_none() -> None:
    assert the_model(prices={"input_mtok": 1, "output_mtok": 1, "requests_kcount": 5})["prices"] == []


def test_a_model_of_which_some_price_lacks_the_input_has_none() -> None:
    prices = [{"prices": {"input_mtok": 1}}, {"constraint": {"start_date": "2030-01-01"}, "prices": {"output_mtok": 1}}]
    assert the_model(prices=prices)["prices"] == []


@pytest.mark.parametrize(
    "pattern",
    [r"^(?!.*-[tT][tT][sS](?:$|-))", r"^gpt-5\.6-luna-\d{4}-\d{2}-\d{2}$", r"^(typesafe/)?jev-1\.13(-\d{8})?$"],
)
def test_patterns_that_are_published_are_taken(pattern: str) -> None:
    assert the_model(match={"regex": pattern})["match"] == {"regex": pattern}


@pytest.mark.parametrize(
    "pattern", [r"^(a+)+$", r"(a|aa)*b", r"^(a*){9}$", r".*.*x", r"a?a?a?a?a?aaaaa", "(", "", "x" * 201]
)
def test_a_pattern_that_could_take_long_or_is_none_makes_the_document_malformed(pattern: str) -> None:
    with pytest.raises(PricesMalformed):
        converted(with_model(match={"regex": pattern}))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None},
        {"id": ""},
        {"match": None},
        {"match": {}},
        {"match": {"sounds_like": "m"}},
        {"match": {"equals": "m", "contains": "m"}},
        {"match": {"equals": ""}},
        {"match": {"or": []}},
        {"prices": None},
        {"prices": {"input_mtok": "a lot"}},
        {"prices": {"input_mtok": -1}},
        {"prices": {"input_mtok": 1e12}},
        {"prices": {"input_mtok": float("inf")}},
        {"prices": {"input_mtok": float("nan")}},
        {"prices": {"input_mtok": [1]}},
        {"prices": {"input_mtok": {"base": 1}}},
        {"prices": {"input_mtok": {"base": 1, "tiers": [{"start": -1, "price": 1}]}}},
        {"prices": {"input_mchars": {"base": 1, "tiers": []}}},
        {"prices": [{"constraint": {"start_date": "soon"}, "prices": {}}]},
        {"prices": [{"constraint": {"start_time": "00:00:00Z"}, "prices": {}}]},
        {"prices": [{"constraint": {"start_time": "00:00:00", "end_time": "01:00:00Z"}, "prices": {}}]},
        {"prices": [{"constraint": {"weekday": "monday"}, "prices": {}}]},
        {"context_window": 0},
        {"context_window": "large"},
        {"price_variants": [{"when": {}, "prices": {}}]},
    ],
)
def test_a_model_that_looks_otherwise_makes_the_document_malformed(fields: dict[str, Any]) -> None:
    with pytest.raises(PricesMalformed):
        converted(with_model(**fields))


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b"<html>", b"\xff\xfe", b"[" * 100_000, b'[{"id": "openai"}]', b"[]"]
)
def test_a_document_of_another_kind_is_malformed(text: bytes) -> None:
    with pytest.raises(PricesMalformed):
        convert(read(text))


def test_a_provider_that_is_missing_makes_the_document_malformed() -> None:
    with pytest.raises(PricesMalformed, match="x-ai"):
        converted([provider for provider in with_model() if provider["id"] != "x-ai"])


def test_two_models_of_one_id_make_the_document_malformed() -> None:
    doubled = with_model()
    for provider in doubled:
        provider["models"] *= 2
    with pytest.raises(PricesMalformed, match="two models"):
        converted(doubled)


def test_a_provider_that_nothing_is_bought_from_may_look_as_it_likes() -> None:
    assert converted([*with_model(), {"id": "other", "models": "none"}]) == converted(with_model())


@pytest.mark.parametrize(
    ("name", "prices", "priced"),
    [
        ("m", {"input_mtok": 1, "output_mtok": 2}, True),
        ("m", {"input_mtok": 0, "output_mtok": 0}, False),
        ("m", {"input_mtok": 0, "output_mtok": 2}, False),
        ("m", {"input_mtok": 1}, False),
        ("m", {"input_mtok": {"base": 0, "tiers": [{"start": 10, "price": 1}]}, "output_mtok": 2}, False),
        ("text-embed-9", {"input_mtok": 1}, True),
        ("text-embed-9", {"input_mtok": 0}, False),
    ],
)
def test_a_price_of_nothing_is_one_that_is_not_known_yet(name: str, prices: Any, *, priced: bool) -> None:
    assert bool(the_model(id=name, prices=prices)["prices"]) == priced
