"""BIL-9. Means of payment on file: the provider's token and what tells one card from another; never its number."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.alert import About
from models.alert_course import day_after
from models.clock import day_start, later
from models.column import Instant, new_id, one_of
from models.payment_provider import CardBrand, DeclineReason, PaymentMethodKind, ProviderState, Stored
from models.refusal import Code, LimitReached, Refusal
from models.setting import Figures

ASKED = action("payment_method.asked", "A means of payment was given to be stored")
ADDED = action("payment_method.added", "A means of payment was stored")
WAITS = action("payment_method.waits", "A means of payment waits for its holder")
REFUSED = action("payment_method.refused", "A means of payment was refused")
UPDATED = action("payment_method.updated", "A means of payment was changed")
REMOVED = action("payment_method.removed", "A means of payment was removed")
TOKEN_LENGTH = 200
NAMES: Mapping[CardBrand, str] = {CardBrand.VISA: "Visa", CardBrand.MASTERCARD: "Mastercard"}


class MethodState(StrEnum):
    """BIL-9. Whether it can be used."""

    PENDING = "PENDING"
    STORED = "STORED"
    REFUSED = "REFUSED"
    REMOVED = "REMOVED"


class MethodUnusable(Refusal):
    """BIL-9. It is not stored yet, has expired, or is of a kind that nobody takes here."""

    code = Code.PAYMENT_METHOD_UNUSABLE
    message = "This means of payment cannot be used for this."


class TooManyMethods(LimitReached):
    """BIL-9. So many on file."""

    message = "A profile keeps at most {limit} means of payment."


class AlwaysOneDefault(Refusal):
    """BIL-9. There is one default: it is changed by choosing another."""

    code = Code.INVALID
    message = "Make another means of payment the default one instead."


class ActionExpired(Refusal):
    """BIL-10. The customer's action came too late."""

    code = Code.EXPIRED
    message = "The time to conclude this has passed: begin again."


class MethodNotWaiting(Refusal):
    """BIL-9. Only what waits for its holder is concluded."""

    code = Code.CONFLICT
    message = "This means of payment does not wait for anything."


class PaymentMethod(SQLModel, table=True):
    """BIL-9. A card on file. The row outlives what it stands for, since payments say what they were made with."""

    __tablename__ = "payment_method"
    __table_args__ = (
        Index("ix_payment_method_owner", "owner_id", "created_at", "id"),
        Index("ix_payment_method_look", "look_at", "id"),
        Index(
            "uq_payment_method_default",
            "owner_id",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
        Index(
            "ix_payment_method_ends",
            "ends_at",
            "id",
            sqlite_where=text("ends_at IS NOT NULL"),
            postgresql_where=text("ends_at IS NOT NULL"),
        ),
        Index(
            "ix_payment_method_forgotten",
            "removed_at",
            sqlite_where=text("removed_at IS NOT NULL AND token IS NOT NULL"),
            postgresql_where=text("removed_at IS NOT NULL AND token IS NOT NULL"),
        ),
    )
    activity_type: ClassVar[str] = "CardPaymentMethod"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    """The key by which its provider knows it as well."""
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    kind: PaymentMethodKind = Field(sa_type=one_of(PaymentMethodKind, "payment_method_kind"))
    provider: str = Field(max_length=40)
    token: str | None = Field(default=None, max_length=TOKEN_LENGTH, repr=False)
    """What the provider knows it by. None once it is forgotten."""
    state: MethodState = Field(default=MethodState.PENDING, sa_type=one_of(MethodState, "method_state"))
    brand: CardBrand | None = Field(default=None, sa_type=one_of(CardBrand, "card_brand"))
    last4: str | None = Field(default=None, max_length=4)
    expires_on: date | None = None
    """The last day of its validity."""
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    """PRO-11. When its validity is over, which has to be told; None while it is not stored, and once that was done."""
    is_default: bool = False
    auto_debit: bool = False
    redirect_url: str | None = Field(default=None, max_length=400)
    client_secret: str | None = Field(default=None, max_length=200)
    action_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    reason: DeclineReason | None = Field(default=None, sa_type=one_of(DeclineReason, "method_decline_reason"))
    """Why it was refused."""
    created_at: datetime = Field(sa_type=Instant)
    look_at: datetime | None = Field(default=None, sa_type=Instant)
    """ALE-2. When the clock looks whether its end is to be told of."""
    removed_at: datetime | None = Field(default=None, sa_type=Instant)

    def is_usable(self, today: date) -> bool:
        """BIL-9. Whether it can be charged on a day."""
        return is_usable(self.state, self.expires_on, today)

    def check_usable(self, today: date) -> None:
        """Raises MethodUnusable where it cannot be charged."""
        if not self.is_usable(today):
            raise MethodUnusable

    def told_at(self, figures: Figures) -> datetime | None:
        """ALE-2. From when on its end is told of; None of what has none."""
        if self.expires_on is None:
            return None
        end = day_after(self.expires_on, figures)
        return later(end, -figures.card_expiry_notice, ZoneInfo(figures.billing_zone))

    def is_outlasted(self, others: Sequence["PaymentMethod"]) -> bool:
        """ALE-2. Whether another card has taken its place: the default one, where that ends later."""
        return any(
            other.is_default and self.expires_on and other.expires_on and other.expires_on > self.expires_on
            for other in others
        )

    @property
    def about(self) -> About:
        """What an alert says that it is about."""
        return About("CardPaymentMethod", self.id, self.id, label(self.brand, self.last4), on=self.expires_on)

    def check_waits(self, now: datetime) -> None:
        """Raises MethodNotWaiting where nothing is to be concluded, and ActionExpired where that is too late."""
        if self.state is not MethodState.PENDING or self.action_expires_at is None:
            raise MethodNotWaiting
        if self.action_expires_at <= now:
            raise ActionExpired

    def take(self, record: Record, told: Stored, *, first: bool, zone: ZoneInfo) -> bool:
        """BIL-9. What its provider says of it; False where that is known. The `first` one stored is the default."""
        if self.state is not MethodState.PENDING:
            return False
        if told.state is ProviderState.FAILED:
            self._end(MethodState.REFUSED)
            self.token, self.reason = None, told.reason or DeclineReason.DECLINED
            record.happened(REFUSED, self, reason=self.reason.value)
            return True
        known = self.brand is not None
        self.brand, self.last4, self.expires_on = told.brand, told.last4, told.expires_on
        if told.state is not ProviderState.SUCCEEDED:
            given = told.action
            self.redirect_url = given.redirect_url if given else None
            self.client_secret = given.client_secret if given else None
            self.action_expires_at = given.expires_at if given else None
            if not known:
                record.happened(WAITS, self)
            return not known
        ends_at = day_start(told.expires_on + timedelta(days=1), zone) if told.expires_on else None
        self.state, self.token, self.is_default, self.ends_at = MethodState.STORED, told.token, first, ends_at
        self.look_at = record.now
        self.redirect_url = self.client_secret = self.action_expires_at = None
        record.happened(ADDED, self)
        return True

    def change(self, record: Record, *, default: bool | None, auto_debit: bool | None) -> None:
        """BIL-9. Make it the default one, which another is no more by then; debit every invoice from it, or not."""
        if default is False and self.is_default:
            raise AlwaysOneDefault().at("default")
        before = self.is_default, self.auto_debit
        self.is_default = self.is_default if default is None else default
        self.auto_debit = self.auto_debit if auto_debit is None else auto_debit
        changes = {"default": (before[0], self.is_default), "auto_debit": (before[1], self.auto_debit)}
        record.happened(UPDATED, self, changes={key: pair for key, pair in changes.items() if pair[0] != pair[1]})

    def remove(self, record: Record) -> None:
        """BIL-9. It is charged no more; its provider is told to forget it."""
        self._end(MethodState.REMOVED)
        self.removed_at = record.now
        record.happened(REMOVED, self)

    def _end(self, state: MethodState) -> None:
        self.state, self.is_default, self.auto_debit = state, False, False
        self.look_at = self.ends_at = None
        self.redirect_url = self.client_secret = self.action_expires_at = None


def label(brand: CardBrand | None, last4: str | None) -> str:
    """BIL-9. What a card is called."""
    return f"{NAMES[brand] if brand else ''} {last4 or ''}".strip()


def is_usable(state: MethodState, expires_on: date | None, today: date) -> bool:
    """BIL-9. Whether what is on file can be charged on a day."""
    return state is MethodState.STORED and expires_on is not None and today <= expires_on


def method_asked(
    record: Record, *, owner_id: UUID, provider: str, token: str, auto_debit: bool, used: int, limit: int
) -> PaymentMethod:
    """BIL-9. A card that is to be stored, of which its provider has not been asked yet."""
    if used >= limit:
        raise TooManyMethods(limit, used)
    made = PaymentMethod(
        owner_id=owner_id,
        kind=PaymentMethodKind.CARD,
        provider=provider,
        token=token,
        auto_debit=auto_debit,
        created_at=record.now,
    )
    record.happened(ASKED, made)
    return made
