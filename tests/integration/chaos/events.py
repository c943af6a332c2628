"""What the chaos suite meters."""

from llmo_messaging.envelope import Event


class UsageMetered(Event, name="llmo.tests.usage.metered"):
    """One call's usage."""

    number: int
