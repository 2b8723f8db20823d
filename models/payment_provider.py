"""BIL-10. Who carries money: the one interface of all payment providers, and what they tell. No provider is named here.

Every call but `notice` names what it is about by a key of ours, which is the same at each retry: a provider does once
what it is asked twice, and can be asked what became of it. Whoever hears nothing asks again with that key.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from models.money import Currency


class PaymentMethodKind(StrEnum):
    """Means of payment."""

    CARD = "CARD"
    PAYPAL = "PAYPAL"
    SEPA_DEBIT = "SEPA_DEBIT"
    BANK_TRANSFER = "BANK_TRANSFER"


class DeclineReason(StrEnum):
    """Why a payment failed."""

    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    EXPIRED_CARD = "EXPIRED_CARD"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    MANDATE_INVALID = "MANDATE_INVALID"
    DECLINED = "DECLINED"
    PROVIDER_ERROR = "PROVIDER_ERROR"


class CardBrand(StrEnum):
    """Cards that are taken."""

    VISA = "VISA"
    MASTERCARD = "MASTERCARD"


class ProviderState(StrEnum):
    """How far a provider is with what it was asked."""

    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REVERSED = "REVERSED"


MONEY_MOVED = frozenset({ProviderState.SUCCEEDED, ProviderState.REVERSED})


@dataclass(frozen=True, slots=True)
class Action:
    """BIL-10. What the customer has to do, and until when."""

    expires_at: datetime
    redirect_url: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """BIL-10. Take so much by this means, once for each key."""

    key: UUID
    amount_cents: int
    currency: Currency
    token: str = field(repr=False)
    automatic: bool = False
    """The customer is not there, and can do nothing."""
    kept: bool = False
    """The token is one that the provider made for what it keeps, and not what somebody sent us."""


@dataclass(frozen=True, slots=True)
class Told:
    """BIL-10. What a provider says of a payment, asked or unasked; amounts are what it moved, not what it was asked."""

    key: UUID
    state: ProviderState
    reference: str
    amount_cents: int
    currency: str = Currency.EUR.value
    reversed_cents: int = 0
    """All that went back up to now, so that being told twice says the same."""
    reason: DeclineReason | None = None
    action: Action | None = None
    look_at: datetime | None = None
    """When it is worth asking again about what has succeeded."""


@dataclass(frozen=True, slots=True)
class MethodOrder:
    """BIL-9. Keep this means for later, once for each key."""

    key: UUID
    token: str = field(repr=False)
    """What the customer's side was given by the provider, good for this."""


@dataclass(frozen=True, slots=True)
class Stored:
    """BIL-9. What a provider says of a means that it was to keep."""

    state: ProviderState
    token: str = field(default="", repr=False)
    brand: CardBrand | None = None
    last4: str | None = None
    expires_on: date | None = None
    reason: DeclineReason | None = None
    action: Action | None = None


class ProviderSilent(Exception):
    """BIL-10. No answer came, or none that says anything: whether it was done is not known, and has to be asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """A word for logs; never what somebody wrote."""


class UntrustedNotice(Exception):
    """BIL-10. A notice is not the provider's, or is too old to be taken."""


class PaymentProvider(Protocol):
    """BIL-10. Carries money. `now` is business time; a real provider has its own. All of them may be silent.

    `reference` is what the provider has called a charge, where it has told that; it goes before the key.
    """

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> frozenset[PaymentMethodKind]: ...

    def charge(self, order: ChargeOrder, now: datetime) -> Awaitable[Told]:
        """Authorize and capture."""
        ...

    def status(self, key: UUID, now: datetime, reference: str | None = None) -> Awaitable[Told | None]:
        """What became of a charge; None where it never arrived."""
        ...

    def confirm(self, key: UUID, now: datetime, reference: str | None = None) -> Awaitable[Told]:
        """Go on after the customer's action."""
        ...

    def cancel(self, key: UUID, now: datetime, reference: str | None = None) -> Awaitable[Told | None]:
        """Give up what waits for the customer; where that is too late, what became of it."""
        ...

    def refund(
        self, key: UUID, cents: int, refund_key: UUID, now: datetime, reference: str | None = None
    ) -> Awaitable[Told]:
        """Send money back, once for each key of a refund."""
        ...

    def store(self, order: MethodOrder, now: datetime) -> Awaitable[Stored]: ...

    def confirm_method(self, order: MethodOrder, now: datetime) -> Awaitable[Stored]: ...

    def forget(self, token: str) -> Awaitable[None]: ...

    def notice(self, body: bytes, headers: Mapping[str, str], real_now: datetime) -> Awaitable[Told | None]:
        """What a notice is about, as it is by now; None where that is no payment of ours.

        Raises UntrustedNotice where its signature does not match, or is old.
        """
        ...


@dataclass(frozen=True, slots=True)
class Providers:
    """BIL-10. The providers of this installation."""

    every: tuple[PaymentProvider, ...] = ()

    def taking(self, kind: PaymentMethodKind) -> PaymentProvider | None:
        """Who takes new payments of a kind."""
        return next((each for each in self.every if kind in each.kinds), None)

    def named(self, name: str | None) -> PaymentProvider | None:
        """Who was asked before."""
        return next((each for each in self.every if each.name == name), None)
