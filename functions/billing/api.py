"""The billing HTTP API."""

from billing import settlements
from billing.accounts import routes as account_routes
from billing.alerts import routes as alert_routes
from billing.catalogue import meter_routes, plan_routes, preview_routes
from billing.credit_notes import routes as credit_note_routes
from billing.current_usage import routes as current_usage_routes
from billing.dunning import routes as dunning_routes
from billing.entitlements import routes as entitlement_routes
from billing.invoices import routes as invoice_routes
from billing.ledger import routes as ledger_routes
from billing.paid_changes import routes as change_routes
from billing.payments import method_routes, payment_routes
from billing.prepaid import routes as prepaid_routes
from billing.revenue import routes as revenue_routes
from billing.spend_caps import routes as spend_cap_routes
from billing.subscriptions import routes as subscription_routes
from billing.usage import routes as usage_routes
from billing.wallets import routes as wallet_routes
from llmo_core.http.app import create_app, lambda_handler

settlements.connect()
app = create_app(
    title="LLMOptimizer billing",
    prefix="/api/v1/billing",
    routers=[
        preview_routes.router,
        plan_routes.router,
        meter_routes.router,
        usage_routes.router,
        current_usage_routes.router,
        account_routes.router,
        subscription_routes.router,
        change_routes.router,
        entitlement_routes.router,
        method_routes.router,
        payment_routes.router,
        invoice_routes.router,
        invoice_routes.operator_router,
        credit_note_routes.router,
        wallet_routes.router,
        wallet_routes.operator_router,
        ledger_routes.router,
        revenue_routes.router,
        spend_cap_routes.router,
        dunning_routes.router,
        alert_routes.router,
        prepaid_routes.router,
    ],
    description=(
        "What usage costs: meters, which say what is counted, and plans, which say what that is charged. One "
        "organization operates the deployment and makes both; all others see the plans that are offered, and "
        "subscribe to one of them, which makes invoices. Amounts of those, and of credit, are in minor units. "
        "What was used is counted from LLM calls, and from events that organizations report themselves. "
        "Cards are saved with Stripe, and what is owed is charged to them. "
        'Prices and quantities are decimals, written as text: `"0.0025"`. Whole numbers may be JSON numbers.'
    ),
)
handler = lambda_handler(app)
