"""BIL-4. Subscriptions: what a profile pays for again and again, at which price, and for which days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.activity import Action, Record, action
from models.charge import Charge
from models.column import Instant, json_column, new_id, one_of
from models.discount import Discount, DiscountKind
from models.money import Money
from models.obstacle import Obstacle
from models.permission import Subject
from models.price import BillingPeriod
from models.renewal import Announcement, Renewal
from models.subscription_period import SubscriptionPeriod, covered_period, free_period, period_of
from models.term import Term

STARTED = action("subscription.started", "A subscription began")
RENEWED = action("subscription.renewed", "A subscription was renewed")
ALIGNED = action("subscription.aligned", "A subscription was brought to the invoicing day")
RENEWAL_STOPPED = action("subscription.renewal_stopped", "A subscription does not renew itself any more")
RENEWAL_RESUMED = action("subscription.renewal_resumed", "A subscription renews itself again")
REPLACED = action("subscription.replaced", "A subscription ended with a change of plan")
MOVED = action("subscription.moved", "A subscription ended, since its account was moved to a server")
HANDED_OVER = action("subscription.handed_over", "A subscription ended, since what it is for was handed over")
TAKEN_OVER = action("subscription.taken_over", "A subscription goes on for somebody else")
ANNOUNCED = action("subscription.renewal_announced", "A renewal was announced", mail="renewal_notice")
EXPIRED = action("subscription.expired", "A subscription ended with its period", mail="subscription_ended")
ENDED = action("subscription.ended", "A subscription ended")


class SubscriptionStatus(StrEnum):
    """State of a subscription."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


class SubscriptionEnded(Obstacle):
    """BIL-4. What has ended does not renew."""

    message = "This subscription has ended."


@dataclass(frozen=True, slots=True)
class Charged:
    """What is charged for a period, and the period: added in this order."""

    charge: Charge
    period: SubscriptionPeriod
    free: SubscriptionPeriod | None = None
    """PRO-12. The days before it while its owner was suspended, which cost nothing."""


class Subscription(SQLModel, table=True):
    """BIL-4, CAT-4. What is subscribed to: a plan, or an option of a server, at the price in force when it renews.

    A change of plan ends one and begins another. Triggers keep those of one account apart, day by day.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("(plan_id IS NULL) <> (option_id IS NULL)", name="one_thing"),
        CheckConstraint("(status = 'ENDED') = (ended_on IS NOT NULL)", name="ended"),
        Index("ix_subscription_owner", "owner_id", "created_at", "id"),
        Index("ix_subscription_account", "account_id"),
        Index(
            "uq_subscription_running_account",
            "account_id",
            unique=True,
            sqlite_where=text("status <> 'ENDED'"),
            postgresql_where=text("status <> 'ENDED'"),
        ),
        Index(
            "uq_subscription_running_server",
            "server_id",
            unique=True,
            sqlite_where=text("status <> 'ENDED' AND option_id IS NULL"),
            postgresql_where=text("status <> 'ENDED' AND option_id IS NULL"),
        ),
        Index("ix_subscription_server", "server_id"),
        Index("ix_subscription_renewal", "renews_at", "id"),
        Index("ix_subscription_notice", "notice_at", "id"),
    )
    activity_type: ClassVar[str] = "ServiceSubscription"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id")
    account_id: UUID | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    """What it is for: this, or the server. None once that is gone."""
    server_id: UUID | None = Field(default=None, foreign_key="server.id", ondelete="SET NULL")
    plan_id: UUID | None = Field(default=None, foreign_key="plan.id")
    option_id: UUID | None = Field(default=None, foreign_key="server_option.id")
    """CAT-3. An option of a server, which has no plan."""
    quantity: int = 1
    period: BillingPeriod = Field(sa_type=one_of(BillingPeriod, "subscription_period"))
    price_id: UUID | None = Field(default=None, foreign_key="plan_price.id")
    """The version of the price that is in force for the current period; None for an option, or a price agreed on."""
    option_price_id: UUID | None = Field(default=None, foreign_key="server_option_price.id")
    price_cents: int = Field(sa_type=BigInteger)
    """Of one for a whole period, before discounts."""
    anchor: date
    """BIL-6. Its first day: without an invoicing day every period begins so many months after it."""
    begun_on: date | None = None
    """ACC-8. Its first day where it goes on with the periods of one that was taken over; None is the anchor."""
    period_start: date
    period_end: date
    """The first day that is not paid, on which it is renewed."""
    status: SubscriptionStatus = Field(
        default=SubscriptionStatus.ACTIVE, sa_type=one_of(SubscriptionStatus, "subscription_status")
    )
    renews: bool = True
    renews_at: datetime | None = Field(default=None, sa_type=Instant)
    """When its period ends: it is renewed, or it ends. None once it has ended."""
    notice_at: datetime | None = Field(default=None, sa_type=Instant)
    """BIL-4, CAT-4. When it has to be looked whether a renewal to come is announced."""
    noticed_on: date | None = None
    """The last renewal that was announced, by its day."""
    committed_until: date | None = None
    """CAT-1. The first day after the minimum commitment."""
    discounts: list[dict[str, Any]] = Field(default_factory=list, sa_type=json_column())
    """BIL-16, BIL-17. Past ones too; see `discounts_of`."""
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_on: date | None = None
    """The first day that it does not cover any more."""

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, account_id=self.account_id, server_id=self.server_id)

    def renew(self, record: Record, term: Term, renewal: Renewal, due_at: datetime) -> Charged:
        """BIL-4, CAT-4. Go on for another period, at the price of `term`."""
        self._check_running()
        paid_until = self.period_end
        self.period_start, self.period_end = term.starts_on, term.ends_before
        self._take(term, renewal)
        record.happened(RENEWED, self, cents=term.net_cents, until=term.ends_before)
        return _charged(record, self, term, due_at, paid_until)

    def align(self, record: Record, term: Term, renewal: Renewal, due_at: datetime) -> Charged:
        """BIL-5. Pay the days up to the next invoicing day in advance."""
        self._check_running()
        paid_until, self.period_end = self.period_end, term.ends_before
        self._take(term, renewal)
        record.happened(ALIGNED, self, cents=term.net_cents, until=term.ends_before)
        return _charged(record, self, term, due_at, paid_until)

    def renew_itself(self, record: Record, renews: bool) -> None:
        """BIL-4. Renew at the end of the period, or not; nothing is refunded. What is announced is looked at again."""
        if self.status is SubscriptionStatus.ENDED:
            raise SubscriptionEnded
        before, self.renews = self.renews, renews
        self.notice_at = record.now if renews else None
        fact = RENEWAL_RESUMED if renews else RENEWAL_STOPPED
        record.happened(fact, self, changes={"renews": (before, renews)})

    def suspend(self) -> None:
        """PRO-12. Wait with its owner, who is told: it is not renewed meanwhile, and it may end."""
        self.status = SubscriptionStatus.SUSPENDED

    def release(self, record: Record) -> None:
        """PRO-12, BIL-4. Go on: what came to its end meanwhile is renewed from today on, not for the days between."""
        self.status = SubscriptionStatus.ACTIVE
        self.renews_at = max(self.renews_at, record.now) if self.renews_at else None
        self.notice_at = max(self.notice_at, record.now) if self.notice_at else None

    def end(self, record: Record, *, on: date, action: Action = ENDED, **facts: Any) -> None:
        """BIL-4, BIL-18. It is over from this day on; whether anything is given back, others say."""
        self.status, self.renews = SubscriptionStatus.ENDED, False
        self.ended_at, self.ended_on = record.now, on
        self.renews_at = self.notice_at = None
        record.happened(action, self, on=on.isoformat(), **facts)

    def announce(self, record: Record, told: Announcement, name: str, look_at: datetime | None) -> None:
        """BIL-4, CAT-4. Tell the owner about a renewal to come, once; look again at `look_at`."""
        self.noticed_on, self.notice_at = told.on, look_at
        before = str(Money(told.before_cents).amount) if told.changes else None
        after = str(Money(told.after_cents).amount)
        record.happened(
            ANNOUNCED, self, name=name, on=told.on.isoformat(), before=before, after=after, period=self.period
        )

    def _take(self, term: Term, renewal: Renewal) -> None:
        if self.option_id is None:
            self.price_id = term.price.id
        else:
            self.option_price_id = term.price.id
        self.price_cents = term.price.cents
        self.renews_at, self.notice_at = renewal.at, renewal.look_at

    def _check_running(self) -> None:
        if self.status is SubscriptionStatus.ENDED:
            raise AssertionError("what has ended has no further period")


def subscribe(
    record: Record,
    term: Term,
    renewal: Renewal,
    due_at: datetime,
    *,
    owner_id: UUID,
    account_id: UUID | None = None,
    server_id: UUID | None = None,
    discounts: Sequence[Discount] = (),
    committed_until: date | None = None,
) -> tuple[Subscription, Charged]:
    """ACC-1, BIL-4. The subscription that a term begins, with its figures, and what is charged for its first period."""
    item = term.item
    begun = Subscription(
        owner_id=owner_id,
        account_id=account_id,
        server_id=server_id,
        plan_id=item.plan_id,
        option_id=item.option_id,
        quantity=item.quantity,
        period=item.period,
        price_id=term.price.id if item.option_id is None else None,
        option_price_id=term.price.id if item.option_id is not None else None,
        price_cents=term.price.cents,
        anchor=term.starts_on,
        period_start=term.starts_on,
        period_end=term.ends_before,
        renews_at=renewal.at,
        notice_at=renewal.look_at,
        committed_until=committed_until,
        discounts=[_kept(each) for each in discounts],
        created_at=record.now,
    )
    record.happened(STARTED, begun, cents=term.net_cents, period=item.period)
    return begun, _charged(record, begun, term, due_at)


def take_over(
    record: Record, before: Subscription, owner_id: UUID, anchor: date, on: date, renewal: Renewal
) -> tuple[Subscription, SubscriptionPeriod]:
    """ACC-8. The subscription of whoever takes over what is paid for until its end: nothing is charged before that."""
    begun = Subscription(
        owner_id=owner_id,
        account_id=before.account_id,
        server_id=before.server_id,
        plan_id=before.plan_id,
        option_id=before.option_id,
        quantity=before.quantity,
        period=before.period,
        price_id=before.price_id,
        option_price_id=before.option_price_id,
        price_cents=before.price_cents,
        anchor=anchor,
        begun_on=on,
        period_start=on,
        period_end=before.period_end,
        renews_at=renewal.at,
        notice_at=renewal.look_at,
        committed_until=before.committed_until,
        created_at=record.now,
    )
    record.happened(TAKEN_OVER, begun, until=before.period_end.isoformat())
    return begun, covered_period(begun.id, on, before.period_end, before.price_id or before.option_price_id)


def discounts_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Discount, ...]:
    """BIL-17. Discounts as a subscription keeps them."""
    return tuple(
        Discount(DiscountKind(each["kind"]), Decimal(each["percent"]), _day(each["ends_before"])) for each in stored
    )


def _kept(discount: Discount) -> dict[str, Any]:
    ends = discount.ends_before.isoformat() if discount.ends_before else None
    return {"kind": discount.kind.value, "percent": str(discount.percent), "ends_before": ends}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _charged(
    record: Record, subscription: Subscription, term: Term, due_at: datetime, paid_until: date | None = None
) -> Charged:
    charge = charge_of(subscription, term, record.now, due_at)
    free = None
    if paid_until is not None and paid_until < term.starts_on:
        free = free_period(subscription.id, paid_until, term)
    return Charged(charge, period_of(subscription.id, term, charge.id), free)


def charge_of(subscription: Subscription, term: Term, ordered_at: datetime, due_at: datetime) -> Charge:
    """BIL-2. What is charged for a period of a subscription."""
    return Charge(
        owner_id=subscription.owner_id,
        subscription_id=subscription.id,
        kind=term.kind,
        label_en=term.label_en,
        label_fr=term.label_fr,
        quantity=term.quantity,
        unit_cents=term.unit_cents,
        net_cents=term.net_cents,
        period_start=term.starts_on,
        period_end=term.ends_before,
        explanation=term.explanation,
        ordered_at=ordered_at,
        due_at=due_at,
    )
