"""BIL-8, BIL-9, BIL-10. Payments: what was asked of a provider, and what became of it.

The row is there before the provider is called, and its id is the key of every call about it. What a provider tells may
come twice, late or out of order: each verb answers whether anything changed, and what has happened once is not undone
by what was said before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.activity import Action, Record, action
from models.column import Instant, new_id, one_of
from models.money import Currency, Money
from models.payment_method import ActionExpired
from models.payment_provider import (
    MONEY_MOVED,
    DeclineReason,
    PaymentMethodKind,
    Told,
)
from models.refusal import Code, Refusal

BEGAN = action("payment.began", "A payment was asked for")
WAITS = action("payment.waits", "A payment waits for the customer")
PROCESSING = action("payment.processing", "A payment waits for the bank")
CAME = action("payment.came", "A bank transfer came in")
AMOUNT_DIFFERS = action("payment.amount_differs", "Another amount came in than was announced")
SUCCEEDED = action("payment.succeeded", "A payment succeeded")
FAILED = action("payment.failed", "A payment failed")
COLLECTION_FAILED = action("payment.collection_failed", "An automatic debit failed", mail="collection_failed")
CANCELLED = action("payment.cancelled", "A payment was abandoned")
REVERSED = action("payment.reversed", "A payment went back to its payer", mail="payment_reversed")
TEXT_LENGTH = 200
ADDRESS_LENGTH = 400
MOST_DOUBLED = 20


class PaymentStatus(StrEnum):
    """State of a payment. What was asked for and not answered yet is PROCESSING."""

    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REVERSED = "REVERSED"


OPEN = frozenset({PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING})
"""Nothing came in yet, and may."""
PAID = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REVERSED})


@dataclass(eq=False)
class AmountOutOfRange(Refusal):
    """BIL-8. Too little, or too much, at once."""

    code = Code.AMOUNT_OUT_OF_RANGE
    message = "From {least} to {most} can be paid in at once."
    least: Money
    most: Money


class NothingDue(Refusal):
    """BIL-8. All of them are paid."""

    code = Code.NOTHING_DUE
    message = "Nothing is left to pay of these invoices."


@dataclass(eq=False)
class OtherTotal(Refusal):
    """BIL-8. What is due is not what the customer agreed to pay."""

    code = Code.CONFLICT
    message = "What is due is {due} by now."
    due: Money


class PaidAlready(Refusal):
    """BIL-8. Nobody pays twice because the bank is slow."""

    code = Code.CONFLICT
    message = "A payment of these invoices is under way: wait for its outcome."


@dataclass(eq=False)
class PaymentDeclined(Refusal):
    """BIL-10. The bank or the provider said no."""

    code = Code.PAYMENT_DECLINED
    message = "The payment was refused."
    reason: DeclineReason
    payment_id: UUID | None = None


class NotWaiting(Refusal):
    """BIL-10. Only what waits for the customer is concluded or abandoned."""

    code = Code.CONFLICT
    message = "This payment does not wait for anything."


RETRYABLE = frozenset({DeclineReason.INSUFFICIENT_FUNDS, DeclineReason.PROVIDER_ERROR})
REASONS: Mapping[DeclineReason, str] = MappingProxyType(
    {
        DeclineReason.INSUFFICIENT_FUNDS: "There is not enough money on the account of the card.",
        DeclineReason.EXPIRED_CARD: "The card has expired.",
        DeclineReason.AUTHENTICATION_FAILED: "The bank could not make sure that it was you.",
        DeclineReason.MANDATE_INVALID: "The mandate was revoked, or the bank account is closed.",
        DeclineReason.DECLINED: "The bank refused it without saying why.",
        DeclineReason.PROVIDER_ERROR: "The payment provider could not be reached.",
    }
)


class Payment(SQLModel, table=True):
    """BIL-8, BIL-10. Money that is to come in, once."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_cents > 0 AND reversed_cents BETWEEN 0 AND amount_cents", name="amounts"),
        CheckConstraint("(status IN ('SUCCEEDED', 'REVERSED')) = (entry_id IS NOT NULL)", name="booked"),
        Index("ix_payment_owner", "owner_id", "created_at", "id"),
        Index("ix_payment_entry", "entry_id"),
        Index(
            "ix_payment_ask",
            "ask_at",
            "id",
            sqlite_where=text("ask_at IS NOT NULL"),
            postgresql_where=text("ask_at IS NOT NULL"),
        ),
    )
    activity_type: ClassVar[str] = "Payment"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    """The key by which its provider knows it as well."""
    owner_id: UUID
    """No reference: payments are kept longer than profiles."""
    amount_cents: int = Field(sa_type=BigInteger)
    currency: Currency = Field(default=Currency.EUR, sa_type=one_of(Currency, "payment_currency"))
    kind: PaymentMethodKind = Field(sa_type=one_of(PaymentMethodKind, "payment_kind"))
    method_id: UUID | None = Field(default=None, foreign_key="payment_method.id", ondelete="SET NULL")
    provider: str | None = Field(default=None, max_length=40)
    """Who is asked; nobody about a bank transfer."""
    token: str | None = Field(default=None, max_length=TEXT_LENGTH, repr=False)
    """What stands for a card that is not kept; forgotten once the payment is over."""
    reference: str | None = Field(default=None, max_length=TEXT_LENGTH)
    """The provider's; None while it has told nothing."""
    status: PaymentStatus = Field(default=PaymentStatus.PROCESSING, sa_type=one_of(PaymentStatus, "payment_status"))
    reason: DeclineReason | None = Field(default=None, sa_type=one_of(DeclineReason, "decline_reason"))
    redirect_url: str | None = Field(default=None, max_length=ADDRESS_LENGTH)
    client_secret: str | None = Field(default=None, max_length=TEXT_LENGTH)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    """Until when the customer may act."""
    automatic: bool = False
    """BIL-9. Collected, without anybody asking for it."""
    attempt: int = 1
    created_at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    ask_at: datetime | None = Field(default=None, sa_type=Instant)
    """When its provider is asked again; None where there is nothing to ask."""
    asks: int = 0
    """How often it was asked in vain."""
    entry_id: UUID | None = Field(default=None, foreign_key="journal_entry.id")
    """BIL-1. What booked it."""
    reversed_cents: int = Field(default=0, sa_type=BigInteger)

    @property
    def is_over(self) -> bool:
        """Whether no money may come in any more, unless its provider says so."""
        return self.status not in OPEN

    def check_waits(self) -> None:
        """Raises NotWaiting where the customer has nothing to do."""
        if self.status is not PaymentStatus.REQUIRES_ACTION:
            raise NotWaiting

    def check_in_time(self, now: datetime) -> None:
        """Raises ActionExpired where the customer had to act before."""
        if self.expires_at is not None and self.expires_at <= now:
            raise ActionExpired

    def mismatch(self, told: Told) -> str | None:
        """BIL-10. What keeps an answer from being this payment's; such a one is looked at by people."""
        if told.key != self.id:
            return "KEY"
        if told.state not in MONEY_MOVED:
            return None
        if self.reference is not None and told.reference != self.reference:
            return "REFERENCE"
        if told.currency != self.currency.value:
            return "CURRENCY"
        if told.amount_cents != self.amount_cents or not 0 <= told.reversed_cents <= told.amount_cents:
            return "AMOUNT"
        return None

    def require_action(self, record: Record, told: Told, ask_at: datetime) -> bool:
        """BIL-10. The customer has to do something; what comes after they did it is old."""
        given = told.action
        if self.status is not PaymentStatus.PROCESSING or self.expires_at is not None or given is None:
            return False
        self.status, self.expires_at, self.reference = PaymentStatus.REQUIRES_ACTION, given.expires_at, told.reference
        self.redirect_url, self.client_secret = given.redirect_url, given.client_secret
        self.ask_at, self.asks = ask_at, 0
        record.happened(WAITS, self)
        return True

    def processing(self, record: Record, told: Told, ask_at: datetime) -> bool:
        """BIL-10. The bank has it: wait."""
        if self.status not in OPEN or (self.status is PaymentStatus.PROCESSING and self.reference is not None):
            return False
        self.status, self.reference, self.ask_at = PaymentStatus.PROCESSING, told.reference, ask_at
        self._forget_action()
        record.happened(PROCESSING, self)
        return True

    def take_amount(self, record: Record, cents: int) -> None:
        """BIL-8. A transfer was announced, and another amount came: what came is what is booked."""
        if cents != self.amount_cents:
            record.happened(AMOUNT_DIFFERS, self, changes={"amount_cents": (self.amount_cents, cents)})
            self.amount_cents = cents

    def succeed(self, record: Record, told: Told, entry_id: UUID) -> None:
        """BIL-8. The money is secured, and booked: also where it was given up before, since it did come in."""
        if self.status in PAID:
            raise AssertionError("a payment is booked once")
        self.status, self.entry_id, self.settled_at = PaymentStatus.SUCCEEDED, entry_id, record.now
        self.reference, self.reason, self.ask_at = told.reference, None, told.look_at
        self.token, self.asks = None, 0
        self._forget_action()
        record.happened(SUCCEEDED, self, cents=self.amount_cents)

    def fail(self, record: Record, reason: DeclineReason | None, reference: str | None = None, **facts: Any) -> bool:
        """BIL-10. The bank or the provider said no; BIL-9. of an automatic debit its owner is told."""
        fact = COLLECTION_FAILED if self.automatic else FAILED
        return self._end(record, PaymentStatus.FAILED, fact, reason or DeclineReason.DECLINED, reference, **facts)

    def cancel(self, record: Record, reference: str | None = None) -> bool:
        """BIL-10. Nobody waits for it any more."""
        return self._end(record, PaymentStatus.CANCELLED, CANCELLED, None, reference)

    def went_back(self, told: Told) -> int:
        """BIL-9. How much of it went back that is not booked yet."""
        return max(0, told.reversed_cents - self.reversed_cents) if self.status in PAID else 0

    def reverse(self, record: Record, cents: int) -> None:
        """BIL-9. So much of it went back; all of it is the end."""
        if not 0 < cents <= self.amount_cents - self.reversed_cents:
            raise AssertionError("no more goes back than came in")
        self.reversed_cents += cents
        if self.reversed_cents == self.amount_cents:
            self.status = PaymentStatus.REVERSED
        self.ask_at = None
        record.happened(REVERSED, self, cents=cents, amount=str(Money(cents).amount))

    def _end(
        self,
        record: Record,
        status: PaymentStatus,
        fact: Action,
        reason: DeclineReason | None,
        reference: str | None,
        **facts: Any,
    ) -> bool:
        if self.is_over:
            return False
        self.status, self.reason, self.reference = status, reason, reference or self.reference
        self.settled_at = self.ask_at = self.token = None
        self._forget_action()
        record.happened(fact, self, cents=self.amount_cents, reason=reason.value if reason else None, **facts)
        return True

    def _forget_action(self) -> None:
        """An instant stays, which says that the customer was asked."""
        self.redirect_url = self.client_secret = None


class PaymentInvoice(SQLModel, table=True):
    """BIL-8. An invoice that a payment is for."""

    __tablename__ = "payment_invoice"
    __table_args__ = (Index("ix_payment_invoice_invoice", "invoice_id", "payment_id"),)

    payment_id: UUID = Field(foreign_key="payment.id", primary_key=True)
    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)


@dataclass(frozen=True, slots=True)
class Means:
    """BIL-8. What is paid with: by whom, and what stands for it there."""

    kind: PaymentMethodKind
    provider: str | None = None
    method_id: UUID | None = None
    token: str | None = None
    """Of what is not on file."""


def payment_began(
    record: Record,
    means: Means,
    *,
    owner_id: UUID,
    cents: int,
    wait: timedelta,
    automatic: bool = False,
    attempt: int = 1,
) -> Payment:
    """BIL-8, BIL-10. A payment whose provider is about to be asked; `wait` is when to ask what became of it.

    A bank transfer waits for the customer, and is given up after that.
    """
    made = Payment(
        owner_id=owner_id,
        amount_cents=cents,
        kind=means.kind,
        method_id=means.method_id,
        provider=means.provider,
        token=means.token,
        automatic=automatic,
        attempt=attempt,
        created_at=record.now,
        ask_at=record.now + wait,
    )
    if means.provider is None:
        made.status, made.expires_at = PaymentStatus.REQUIRES_ACTION, made.ask_at
    record.happened(BEGAN, made, cents=cents, kind=means.kind.value)
    return made


def transfer_received(record: Record, *, owner_id: UUID, cents: int) -> Payment:
    """BIL-8. A payment by a bank transfer that nobody had announced, about to be booked."""
    made = Payment(owner_id=owner_id, amount_cents=cents, kind=PaymentMethodKind.BANK_TRANSFER, created_at=record.now)
    record.happened(CAME, made, cents=cents)
    return made


def pause(asks: int, first: timedelta, longest: timedelta) -> timedelta:
    """BIL-10. How long to wait before a provider is asked again: twice as long each time, up to a limit."""
    return min(first * (1 << min(asks, MOST_DOUBLED)), longest)
