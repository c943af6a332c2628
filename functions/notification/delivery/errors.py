"""What can go wrong with a message for good."""

from llmo_core.errors import Invalid


class Unrenderable(Invalid):
    """The message's template cannot say what it is to say."""
