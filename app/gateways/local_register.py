"""BIL-7. A register of VAT numbers that is not one: the embedded default, which looks at the number itself."""

from hashlib import sha256

from stdnum.eu import vat

from models.vat_register import Registered, RegisterSilent

NOT_REGISTERED = frozenset({"DE999999995"})
"""Well formed, and nobody's: to see what becomes of a number that is not valid."""
NEVER_TOLD = frozenset({"DE888888885"})
"""Well formed, and never answered: to see an invoice wait."""


class LocalRegister:
    """Knows every number that is well formed, besides a few that are there to be tried."""

    async def ask(self, vat_number: str) -> Registered:
        if vat_number in NEVER_TOLD:
            raise RegisterSilent("MS_UNAVAILABLE")
        valid = vat_number not in NOT_REGISTERED and vat.is_valid(vat_number)
        return Registered(valid, f"TEST-{sha256(vat_number.encode()).hexdigest()[:15].upper()}" if valid else None)
