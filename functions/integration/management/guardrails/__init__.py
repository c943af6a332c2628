"""Guardrails: what is looked for in the texts of calls and answers, and what is done about it."""
