"""Where genai-prices publishes its prices, over HTTPS."""

import ssl
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from integration.price_tables.models import SourceUnavailable

_MOST_BYTES: Final = 8 * 1024 * 1024
"""Of the document, uncompressed: twenty times what it has in 2026."""
_HTTP_OK: Final = 200
_CHUNK: Final = 65_536


class HttpsSource:
    """One document at one address. A redirect is not followed, whatever its target: an address that moved is looked at.

    Args:
        url: Begins with `https://`.
        seconds: For everything, from the resolution of the name to the last byte.
        tls: Whom to trust; the certificates of the system when left out.
    """

    def __init__(self, url: str, *, seconds: float = 30, tls: ssl.SSLContext | None = None) -> None:
        self.url = url
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._tls = tls or ssl.create_default_context()

    async def document(self) -> bytes:
        """What is there now. Raises SourceUnavailable."""
        if urlsplit(self.url).scheme != "https":
            raise SourceUnavailable("Prices are only fetched over TLS.")
        try:
            async with aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
                return await self._read(session)
        except TimeoutError as error:
            raise SourceUnavailable("The source of prices took too long.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SourceUnavailable(f"The source of prices cannot be read: {error!r}") from error

    async def _read(self, session: aiohttp.ClientSession) -> bytes:
        async with session.get(self.url, allow_redirects=False, ssl=self._tls) as response:
            if response.status != _HTTP_OK:
                raise SourceUnavailable(f"The source of prices answered {response.status}.")
            parts, size = [], 0
            async for part in response.content.iter_chunked(_CHUNK):
                size += len(part)
                if size > _MOST_BYTES:
                    raise SourceUnavailable(f"The source's answer has more than {_MOST_BYTES} bytes.")
                parts.append(part)
            return b"".join(parts)
