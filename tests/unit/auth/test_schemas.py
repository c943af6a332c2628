"""What the auth API takes for a name."""

import pytest
from pydantic import ValidationError

from auth.accounts.schemas import Bootstrap
from auth.api_keys.schemas import CreateApiKey


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "line\nbreak", "x" * 201])
def test_a_name_that_cannot_be_shown_or_stored_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        CreateApiKey.model_validate({"name": name})


@pytest.mark.parametrize(
    "mistaken",
    [
        {"organization": "Acme", "password": "hunter2 hunter2"},
        {"organization": "Acme", "email": "ada@example.com", "password": "hunter2"},
    ],
)
def test_a_refused_bootstrap_says_nothing_of_the_password(mistaken: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Bootstrap.model_validate(mistaken)
    assert "hunter2" not in str(refused.value)
