"""The base of every entity, value object and message.

An error says what is wrong with a value, and not which it was: it may be somebody's address, or a secret, and errors
are logged. `ValidationError.errors()` has it still, for who asked.
"""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen, strictly shaped value: unknown fields are refused, fields never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OpenModel(BaseModel):
    """A frozen value read from somebody else's message: fields we do not know yet are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
