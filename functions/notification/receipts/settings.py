"""What the functions that take receipts are told by their environment."""

from llmo_core.settings import DatabaseSettings


class ReceiptSettings(DatabaseSettings):
    """The database as `llmo_notification`, and the pepper of API keys, under which addresses are hashed."""

    api_key_pepper_secret: str


class WebhookSettings(ReceiptSettings):
    """The same, and what providers sign with.

    Attributes:
        public_url: Where this API is.
        sendgrid_webhook_key: The public key of SendGrid's event webhook, as SendGrid shows it; empty without any.
        twilio_credentials_secret: The secret with `{"account_sid", "auth_token"}`, which are `unset` without any.
    """

    public_url: str
    sendgrid_webhook_key: str = ""
    twilio_credentials_secret: str
