"""What the function that takes webhooks is told by its environment."""

from llmo_core.settings import DatabaseSettings


class StripeWebhookSettings(DatabaseSettings):
    """The database as `llmo_billing`, and what comes of Stripe's events.

    Attributes:
        stripe_webhook_secrets_secret: The secret with the signing secrets, a JSON list: two while they are rotated.
        stripe_events_queue_url: Where events go.
    """

    stripe_webhook_secrets_secret: str
    stripe_events_queue_url: str
