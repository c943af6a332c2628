"""The most that an organization wants to spend on LLM calls in a month; the gateway holds calls against it."""
