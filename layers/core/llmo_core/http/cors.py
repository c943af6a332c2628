"""Which pages of other origins may read our answers.

API Gateway answers their preflight requests itself; the header on the answer proper has to come from the function.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html
"""

import os


def cors_headers() -> list[tuple[bytes, bytes]]:
    """Headers for every answer: the origin in CORS_ORIGIN may read it, with all of its headers; without one, none."""
    origin = os.environ.get("CORS_ORIGIN")
    if not origin:
        return []
    return [(b"access-control-allow-origin", origin.encode("latin-1")), (b"access-control-expose-headers", b"*")]
