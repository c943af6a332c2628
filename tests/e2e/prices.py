"""What a call costs, computed from genai-prices and not from the gateway's own table."""

from decimal import Decimal

from genai_prices import Usage, calc_price
from openai.types import CompletionUsage


def cost(model: str, usage: CompletionUsage) -> Decimal:
    """The exact price of a chat completion in US dollars."""
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    tokens = Usage(
        input_tokens=usage.prompt_tokens, cache_read_tokens=cached or 0, output_tokens=usage.completion_tokens
    )
    return calc_price(tokens, model, provider_id="openai").total_price


def embedding_cost(model: str, tokens: int) -> Decimal:
    """The exact price of embedding so many tokens in US dollars."""
    return calc_price(Usage(input_tokens=tokens), model, provider_id="openai").total_price
