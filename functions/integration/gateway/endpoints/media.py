"""How much images and files in a call weigh."""

from typing import Any, Final

# The most that one image costs on any OpenAI model with documented image pricing: 2,833 + 8 tiles of 5,667 tokens.
IMAGE_TOKENS_BOUND: Final = 48_169


def data_url_bytes(part: Any) -> int:  # noqa: ANN401 - a part is whatever the client sent
    """The bytes of a part's image, if it is in the call itself: as image they weigh something else than as text."""
    image = part.get("image_url") if isinstance(part, dict) else None
    url = image.get("url") if isinstance(image, dict) else image
    return len(url) if isinstance(url, str) and url.startswith("data:") else 0
