from integration.gateway.tokens import BpeTokenCounter


async def test_a_text_of_any_length_is_counted() -> None:
    assert await BpeTokenCounter().count_text("gpt-4o-mini", " word" * 300_000) == 300_000
