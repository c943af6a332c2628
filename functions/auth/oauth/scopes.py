"""What a token can be asked for: permissions, and who somebody is (OpenID Connect Core, section 5.4)."""

import re
from collections.abc import Mapping

from auth.oauth.models import InvalidScope
from llmo_auth.principal import Permission

OPENID, PROFILE, EMAIL = "openid", "profile", "email"
_SYNTAX = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749, section 3.3

_IN_WORDS: Mapping[str, str] = {
    OPENID: "Know that it is you",
    PROFILE: "See your name",
    EMAIL: "See your e-mail address",
    Permission.LLM_CALL: "Call models, at the organization's expense",
    Permission.USAGE_READ: "See usage and costs",
    Permission.KEYS_READ: "See API keys, without their text",
    Permission.KEYS_WRITE: "Create and revoke API keys",
    Permission.MEMBERS_READ: "See the members",
    Permission.MEMBERS_WRITE: "Invite, change and remove members",
    Permission.PROJECTS_READ: "See the projects",
    Permission.PROJECTS_WRITE: "Create projects",
    Permission.ROLES_WRITE: "Make, change and remove roles",
    Permission.AUDIT_READ: "Read the audit log",
    Permission.ORG_WRITE: "Change the organization itself",
    Permission.SERVICE_ACCOUNTS_READ: "See service accounts",
    Permission.SERVICE_ACCOUNTS_WRITE: "Disable service accounts and revoke their secrets",
    Permission.OAUTH_CLIENTS_READ: "See applications of the organization",
    Permission.OAUTH_CLIENTS_WRITE: "Register and remove applications of the organization",
    Permission.MODELS_READ: "See providers, models, routes, policies and guardrails, without credentials",
    Permission.MODELS_WRITE: "Set up providers, models, routes, policies and guardrails",
    Permission.BUDGETS_READ: "See budgets and limits, and what is spent of them",
    Permission.BUDGETS_WRITE: "Set budgets and limits",
    Permission.LOGS_READ: "Read what was said in calls, where it is kept",
    Permission.LOGS_WRITE: "Decide whether it is kept what is said in calls, and erase it",
    Permission.WEBHOOKS_READ: "See webhooks, and what was delivered to them",
    Permission.WEBHOOKS_WRITE: "Set up webhooks, and rotate their secrets",
    Permission.BILLING_READ: "See plans, and what the organization is billed",
    Permission.BILLING_WRITE: "Change what the organization is billed for",
    Permission.BILLING_REPORT: "Report what was used, which is billed",
    Permission.NOTIFICATIONS_READ: "See notifications of the organization, to whom they went, and templates",
    Permission.NOTIFICATIONS_WRITE: "Send notifications to the members, and word them",
    Permission.EVENTS_WRITE: "Track events, and see none",
    Permission.ANALYTICS_WRITE: "Decide what is checked of tracked events and how long they are kept, and erase them",
    Permission.REPORTS_WRITE: "Write reports about usage, and send them to anybody",
}


def asked_for(text: str | None) -> frozenset[str] | None:
    """The scope that a client asks for; None when it leaves that to us. Raises InvalidScope for what is no scope."""
    if text is None:
        return None
    if _SYNTAX.fullmatch(text) is None:
        raise InvalidScope("A scope is a list of words with one space in between.")
    return frozenset(text.split(" "))


def in_words(scope: str) -> str:
    """What somebody allows with a scope."""
    return _IN_WORDS.get(scope, scope)
