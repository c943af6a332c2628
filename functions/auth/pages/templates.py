"""Jinja2 with everything escaped, no scripts, and headers that keep others out of a page.

Sources: RFC 9700 section 4.16 (framing), OWASP's cheat sheets on content security policies and clickjacking.
"""

import base64
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_SHARED = Path(__file__).parent


@cache
def environment(pages: Path) -> Environment:
    """The templates of a folder, and the layout that they extend."""
    made = Environment(loader=FileSystemLoader([pages, _SHARED]), autoescape=True, undefined=StrictUndefined)
    made.globals["style"] = Markup(_style())  # noqa: S704 - our own file
    return made


@cache
def _style() -> str:
    return (_SHARED / "style.css").read_text()


def headers(*targets: str) -> dict[str, str]:
    """Headers of a page whose forms lead to us, and from there to these origins. Nobody is told its address."""
    digest = base64.b64encode(sha256(_style().encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        " ".join(("form-action 'self'", *targets)),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return {
        "content-security-policy": "; ".join(policy),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
