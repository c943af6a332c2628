"""What the auth API takes for a name."""

import pytest
from pydantic import ValidationError

from auth.schemas import CreateApiKey


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "line\nbreak", "x" * 201])
def test_a_name_that_cannot_be_shown_or_stored_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        CreateApiKey.model_validate({"name": name})
