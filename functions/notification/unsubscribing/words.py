"""What the pages say, in the languages that mails are written in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from llmo_core.model import Model
from notification.kinds.models import Category


class Words(Model):
    """The texts of one language; `{}` is a category in words."""

    question: str
    button: str
    done: str
    unusable_title: str
    unusable: str
    malformed: str
    categories: Mapping[Category, str]


WORDS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "en": Words(
            question="Do you want no more e-mail about {}?",
            button="Unsubscribe",
            done="You will get no more e-mail about {}.",
            unusable_title="This link does not work",
            unusable="It is too old, or not complete. You can choose what you get when you have signed in.",
            malformed="Please use the button.",
            categories={
                Category.INVOICES: "invoices",
                Category.BUDGETS: "budgets",
                Category.CREDIT: "credit",
                Category.SUBSCRIPTION: "the subscription",
                Category.KEYS: "API keys",
                Category.TEAM: "the team",
                Category.OPERATIONS: "operations",
                Category.REPORTS: "reports",
                Category.UPDATES: "news",
            },
        ),
        "de": Words(
            question="Möchten Sie keine E-Mails mehr zum Thema {}?",
            button="Abbestellen",
            done="Sie bekommen keine E-Mails mehr zum Thema {}.",
            unusable_title="Dieser Link funktioniert nicht",
            unusable="Er ist zu alt oder unvollständig. Was Sie bekommen, können Sie nach der Anmeldung wählen.",
            malformed="Bitte benutzen Sie den Knopf.",
            categories={
                Category.INVOICES: "Rechnungen",
                Category.BUDGETS: "Budgets",
                Category.CREDIT: "Guthaben",
                Category.SUBSCRIPTION: "Abonnement",
                Category.KEYS: "API-Schlüssel",
                Category.TEAM: "Team",
                Category.OPERATIONS: "Betrieb",
                Category.REPORTS: "Berichte",
                Category.UPDATES: "Neuigkeiten",
            },
        ),
        "fr": Words(
            question="Ne plus recevoir d'e-mails à propos de\N{NO-BREAK SPACE}: {}\N{NARROW NO-BREAK SPACE}?",
            button="Se désabonner",
            done="Vous ne recevrez plus d'e-mails à propos de\N{NO-BREAK SPACE}: {}.",
            unusable_title="Ce lien ne fonctionne pas",
            unusable="Il est trop ancien ou incomplet. Une fois connecté, vous pouvez choisir ce que vous recevez.",
            malformed="Veuillez utiliser le bouton.",
            categories={
                Category.INVOICES: "factures",
                Category.BUDGETS: "budgets",
                Category.CREDIT: "crédit",
                Category.SUBSCRIPTION: "abonnement",
                Category.KEYS: "clés d'API",
                Category.TEAM: "équipe",
                Category.OPERATIONS: "exploitation",
                Category.REPORTS: "rapports",
                Category.UPDATES: "nouveautés",
            },
        ),
    }
)
