"""Parameters of a request as OAuth has them: each once at most, and empty ones as good as none.

Source: RFC 6749, sections 3.1 and 3.2.
"""

from collections.abc import Sequence
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import Field

from auth.oauth.models import InvalidRequest
from llmo_core.model import Model

_MOST = 40
_LONGEST = 16_384


class Parameters(Model):
    """The names and values of a query or of a form."""

    pairs: Sequence[tuple[str, str]] = Field(repr=False)

    @classmethod
    def parse(cls, encoded: bytes) -> "Parameters":
        """Read `application/x-www-form-urlencoded`. Raises InvalidRequest when it is too long, or is no text."""
        if len(encoded) > _LONGEST:
            raise InvalidRequest("The parameters are too long.")
        try:
            pairs = parse_qsl(encoded.decode(), keep_blank_values=False, errors="strict", max_num_fields=_MOST)
        except ValueError as error:
            raise InvalidRequest("The parameters are no UTF-8 text, or too many.") from error
        if any("\x00" in name or "\x00" in value for name, value in pairs):
            raise InvalidRequest("No parameter has a NUL in it.")
        return cls(pairs=pairs)

    def every(self, name: str) -> Sequence[str]:
        """All values of a parameter that may be there more than once."""
        return [value for known, value in self.pairs if known == name]

    def get(self, name: str) -> str | None:
        """The value of a parameter. Raises InvalidRequest when it is there twice."""
        values = self.every(name)
        if len(values) > 1:
            raise InvalidRequest(f"{name} is there twice.")
        return values[0] if values else None

    def need(self, name: str) -> str:
        """The same for one that has to be there. Raises InvalidRequest."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"{name} is missing.")
        return value

    def identifier(self, name: str) -> UUID | None:
        """The value of a parameter that is one of our ids, as we write it; None for everything else.

        Raises InvalidRequest when it is there twice.
        """
        value = self.get(name)
        try:
            found = UUID(value)
        except (ValueError, TypeError):
            return None
        return found if str(found) == value else None
