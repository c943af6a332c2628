"""Which addresses are called for a provider that an organization set up: the internet's, over TLS.

The gateway imports it too: nothing of pydantic in here.
"""

from dataclasses import dataclass

from llmo_core.addresses import Address, is_private, is_public


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What a stage allows.

    Attributes:
        private: Whether providers may be on this machine and in private networks too, where they need no TLS: servers
            of one's own, such as vLLM's or Ollama's.
    """

    private: bool

    def allows(self, address: Address, *, tls: bool) -> bool:
        """Whether a provider's address may be called."""
        if is_public(address):
            return tls
        return self.private and is_private(address)
