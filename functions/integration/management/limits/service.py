"""What one can do with limits."""

from integration.management.configuring import Configuring, Kind
from integration.management.limits.models import Limit, LimitChanged, LimitCreated, LimitRemoved, UnknownLimit

LIMITS = Kind(
    model=Limit,
    unknown=UnknownLimit,
    created=LimitCreated.of,
    changed=LimitChanged.of,
    removed=LimitRemoved.of,
    check=Limit.require_something,
)

type LimitService = Configuring[Limit]
"""Sets up, shows, changes and removes limits; `create` and `change` raise NothingLimited."""
