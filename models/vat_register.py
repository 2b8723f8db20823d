"""BIL-7. Who is asked whether a VAT number is registered: the shapes, and nobody."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Registered:
    """What the register says of a number."""

    valid: bool
    consultation_number: str | None = None
    name: str | None = None
    address: str | None = None


class RegisterSilent(Exception):
    """BIL-7. The register does not tell: it cannot be reached, is not answered by a member state, or asks to wait."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """A word for logs; never what somebody wrote."""


class VatRegister(Protocol):
    """BIL-7. Asks whether a number, in its whole form such as `EL094259216`, is registered. Raises RegisterSilent."""

    def ask(self, vat_number: str) -> Awaitable[Registered]: ...


class NoVatRegister:
    """Nobody to ask."""

    def ask(self, vat_number: str) -> Awaitable[Registered]:
        raise RegisterSilent("NOBODY_TO_ASK")
