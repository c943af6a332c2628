"""The payload of the bootstrap invocation."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from auth.fields import Budget, Email, Name
from llmo_core.model import Model


class Bootstrap(Model):
    """The first organization of a deployment."""

    model_config = ConfigDict(hide_input_in_errors=True)  # Lambda logs what a refused invocation raised

    organization: Name
    project: Name = "Default"
    email: Email
    password: Annotated[str, StringConstraints(min_length=12, max_length=1024)] = Field(repr=False)
    monthly_budget_usd: Budget | None = None
