"""What can go wrong in several parts of the service."""

from llmo_core.errors import NotFound


class UnknownOrganization(NotFound):
    """There is no such organization."""
