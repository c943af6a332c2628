"""Fields that bodies of every service share."""

import pytest
from pydantic import TypeAdapter, ValidationError

from llmo_core.fields import TimeZone, is_time_zone


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_is_named_as_ianas_database_has_it(name: str) -> None:
    assert TypeAdapter(TimeZone).validate_python(name) == name


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "europe/berlin", "../etc/passwd", "UTC\x00", "Europe"])
def test_what_it_does_not_have_is_refused(name: str) -> None:
    assert not is_time_zone(name)
    with pytest.raises(ValidationError, match="no time zone of this name"):
        TypeAdapter(TimeZone).validate_python(name)
