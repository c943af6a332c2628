"""What second factors somebody has, and their recovery codes."""

from collections.abc import Sequence

from auth.second_factors.factors import Factors
from auth.second_factors.models import NoSecondFactor, Overview
from auth.second_factors.ports import Passkeys, RecoveryCodes, Totps
from llmo_auth.principal import Person
from llmo_data.ports import Transaction


class SecondFactorService:
    """Shows people their second factors, and gives them recovery codes."""

    def __init__(
        self,
        *,
        factors: Factors,
        totps: Totps,
        passkeys: Passkeys,
        recovery_codes: RecoveryCodes,
        transaction: Transaction,
    ) -> None:
        self._factors = factors
        self._totps = totps
        self._passkeys = passkeys
        self._recovery_codes = recovery_codes
        self._transaction = transaction

    async def overview(self, person: Person) -> Overview:
        """The caller's second factors; nothing that could be used as one."""
        totp = await self._totps.find(person.user_id)
        return Overview(
            totp_since=totp and totp.confirmed_at,
            passkeys=await self._passkeys.of(person.user_id),
            recovery_codes=await self._recovery_codes.left(person.user_id),
        )

    async def renew_recovery_codes(self, person: Person) -> Sequence[str]:
        """Ten new recovery codes in place of all earlier ones. Raises NoSecondFactor."""
        async with self._transaction(None):
            await self._factors.lock(person.user_id)
            if not await self._factors.methods(person.user_id):
                raise NoSecondFactor
            return await self._factors.new_recovery_codes(person.user_id)
