"""What the analytics API takes for a moment."""

import pytest
from pydantic import ValidationError

from analytics.usage.schemas import UsageParameters


@pytest.mark.parametrize("moment", ["0001-01-02T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_our_time_is_refused(moment: str) -> None:
    with pytest.raises(ValidationError, match="year"):
        UsageParameters.model_validate({"to": moment})
