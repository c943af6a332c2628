"""What dry runs are told by their environment."""

from llmo_core.settings import DatabaseSettings


class DryRunSettings(DatabaseSettings):
    """The database as `llmo_integration`, and where usage is kept.

    Attributes:
        model_prices: Prices for models of the deployment's own provider, as JSON; see gateway.pricing.
    """

    mongodb_uri_secret: str
    mongodb_database: str = "llmo"
    model_prices: str = "{}"
