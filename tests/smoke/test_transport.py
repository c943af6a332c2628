"""What HTTPS is made of; only where the address says HTTPS."""

import ssl
from urllib.parse import urlsplit

import pytest

from tests.smoke.conftest import Target
from tests.smoke.tls import negotiated, outdated


async def test_tls_is_of_this_decade(target: Target) -> None:
    address = urlsplit(target.base_url)
    assert address.hostname
    port = address.port or 443

    assert await negotiated(address.hostname, port, ssl.create_default_context()) in {"TLSv1.2", "TLSv1.3"}
    with pytest.raises((ConnectionError, ssl.SSLError)):  # an alert, or a hung up connection
        await negotiated(address.hostname, port, outdated(ssl.create_default_context()))
