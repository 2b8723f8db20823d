"""BIL-4. Subscriptions: what a profile pays for again and again, at which price, and for which days."""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.column import Instant, new_id, one_of
from models.permission import Subject
from models.price import BillingPeriod
from models.quote import Line

STARTED = action("subscription.started", "A subscription began")
ENDED = action("subscription.ended", "A subscription ended")


class SubscriptionStatus(StrEnum):
    """State of a subscription."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


class Subscription(SQLModel, table=True):
    """BIL-4, CAT-4. What is subscribed to; a running one has the price that was in force when its period began."""

    __tablename__ = "subscription"
    __table_args__ = (
        Index("ix_subscription_owner", "owner_id", "created_at", "id"),
        Index(
            "uq_subscription_running_account",
            "account_id",
            unique=True,
            sqlite_where=text("status <> 'ENDED'"),
            postgresql_where=text("status <> 'ENDED'"),
        ),
        Index("ix_subscription_server", "server_id"),
    )
    activity_type: ClassVar[str] = "ServiceSubscription"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id")
    account_id: UUID | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    """What it is for: this, or the server. None once that is gone."""
    server_id: UUID | None = Field(default=None, foreign_key="server.id", ondelete="SET NULL")
    plan_id: UUID = Field(foreign_key="plan.id")
    period: BillingPeriod = Field(sa_type=one_of(BillingPeriod, "subscription_period"))
    price_id: UUID = Field(foreign_key="plan_price.id")
    """The version of the price that is in force for the current period."""
    price_cents: int = Field(sa_type=BigInteger)
    anchor: date
    """BIL-6. The first day of the first period: every later one begins so many months after it."""
    period_start: date
    period_end: date
    """The first day after the period, on which it is renewed."""
    status: SubscriptionStatus = Field(
        default=SubscriptionStatus.ACTIVE, sa_type=one_of(SubscriptionStatus, "subscription_status")
    )
    renews: bool = True
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def subject(self) -> Subject[UUID]:
        return Subject(self.owner_id, account_id=self.account_id, server_id=self.server_id)

    def end(self, record: Record) -> None:
        """BIL-4, BIL-18. It is over, without refund: what it was for is gone."""
        self.status, self.renews, self.ended_at = SubscriptionStatus.ENDED, False, record.now
        record.happened(ENDED, self)


def subscribe(record: Record, line: Line, *, owner_id: UUID, account_id: UUID) -> Subscription:
    """ACC-1, BIL-4. The subscription that a line of a quote begins, with its figures: none is computed again."""
    begun = Subscription(
        owner_id=owner_id,
        account_id=account_id,
        plan_id=line.plan_id,
        period=line.period,
        price_id=line.price_id,
        price_cents=line.cents,
        anchor=line.starts_on,
        period_start=line.starts_on,
        period_end=line.ends_before,
        created_at=record.now,
    )
    record.happened(STARTED, begun, cents=line.cents, period=line.period)
    return begun
