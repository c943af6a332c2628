"""What the pages need of the settings."""

from auth import wiring as shared


async def api_url() -> str:
    """Where clients reach the API."""
    return shared.settings().public_url
