"""The kinds of providers that connections can be made to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """A kind of provider.

    Attributes:
        prices: Whose prices it has, as genai-prices names it; None when nobody knows them.
        key_header: Where the API key goes; `authorization` takes it as a bearer token.
    """

    prices: str | None
    key_header: str = "authorization"


KINDS: Final[Mapping[str, ProviderKind]] = {
    "openai": ProviderKind("openai"),
    "azure_openai": ProviderKind("azure", key_header="api-key"),
    "openai_compatible": ProviderKind(None),
}
