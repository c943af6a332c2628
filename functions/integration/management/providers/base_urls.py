"""What a provider's base URL may be."""

from integration.management.called_urls import UnusableUrl, canonical_url
from integration.management.providers.models import UnusableBaseUrl
from integration.provider_addresses import AddressPolicy


def canonical(text: str, policy: AddressPolicy) -> str:
    """A base URL as it is kept: scheme and host in lower case, no trailing slash. Raises UnusableBaseUrl.

    A name's addresses are looked at when it is called.
    """
    try:
        return canonical_url(text, policy)
    except UnusableUrl as error:
        raise UnusableBaseUrl(f"A base URL is not called like this. {error}") from error
