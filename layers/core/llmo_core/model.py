"""The base of every entity, value object and message."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen, strictly shaped value: unknown fields are refused, fields never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OpenModel(BaseModel):
    """A frozen value read from somebody else's message: fields we do not know yet are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")
