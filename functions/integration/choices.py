"""What an organization chooses among when it sets up its routes and policies.

The management API keeps what was chosen, and the gateway goes by it. The gateway starts with it: no pydantic in here.
"""

from enum import StrEnum


class Strategy(StrEnum):
    """How a route chooses a target among those whose conditions hold."""

    PRIORITY = "priority"
    WEIGHTED = "weighted"
    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    LEAST_BUSY = "least_busy"


class Sticky(StrEnum):
    """For whom a weighted choice is made once: the same one gets the same target as long as the route is the same."""

    NONE = "none"
    KEY = "key"
    END_USER = "end_user"


class Caching(StrEnum):
    """Which calls the cache answers.

    `exact`: those that equal an earlier one. `form`: also chat completions whose last message differs from an earlier
    one's in courtesy, case, punctuation, articles and number words only. `semantic`: also those whose last message
    means the same to a model that embeds both.
    """

    EXACT = "exact"
    FORM = "form"
    SEMANTIC = "semantic"
    OFF = "off"


class SemanticMode(StrEnum):
    """What becomes of a stored answer to a call with the same meaning.

    `shadow`: nothing, it is only told that there is one. `on`: it is given.
    """

    SHADOW = "shadow"
    ON = "on"
