"""Which versions of TLS a server takes."""

import asyncio
import ssl
import warnings


async def negotiated(host: str, port: int, context: ssl.SSLContext) -> str:
    """The version that a server agrees to, such as `TLSv1.3`. Raises SSLError or ConnectionError: it agrees to none."""
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    version: str = writer.get_extra_info("ssl_object").version()
    writer.close()
    return version


def outdated(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let a client speak TLS 1.1 at most, and with everything that OpenSSL has for it."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is why it is tried
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
