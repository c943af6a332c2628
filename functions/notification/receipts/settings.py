"""What the function that takes providers' webhooks is told by its environment."""

from llmo_core.settings import DatabaseSettings


class ReceiptSettings(DatabaseSettings):
    """The database as `llmo_notification`, the pepper of API keys, and what providers sign with.

    Attributes:
        public_url: Where this API is.
        sendgrid_webhook_key: The public key of SendGrid's event webhook, as SendGrid shows it; empty without any.
        twilio_credentials_secret: The secret with `{"account_sid", "auth_token"}`, which are `unset` without any.
    """

    api_key_pepper_secret: str
    public_url: str
    sendgrid_webhook_key: str = ""
    twilio_credentials_secret: str
