"""BIL-4, BIL-6. The periods of subscriptions, as they were charged: each begins where the one before ended."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import new_id
from models.term import Term


class SubscriptionPeriod(SQLModel, table=True):
    """BIL-6. Days that were charged, at which price. Triggers keep it as it is, and without a gap to the one before.

    What ends early ends by `ended_on` of its subscription.
    """

    __tablename__ = "subscription_period"
    __table_args__ = (
        UniqueConstraint("subscription_id", "starts_on"),
        CheckConstraint("starts_on < ends_before", name="days"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subscription_id: UUID = Field(foreign_key="subscription.id")
    starts_on: date
    ends_before: date
    price_id: UUID | None = None
    """The version of the price; None where it was agreed on."""
    list_cents: int = Field(sa_type=BigInteger)
    net_cents: int = Field(sa_type=BigInteger)
    charge_id: UUID | None = Field(default=None, foreign_key="charge.id")


def period_of(subscription_id: UUID, term: Term, charge_id: UUID | None = None) -> SubscriptionPeriod:
    """The row of a term that is charged."""
    return SubscriptionPeriod(
        subscription_id=subscription_id,
        starts_on=term.starts_on,
        ends_before=term.ends_before,
        price_id=term.price.id,
        list_cents=term.list_cents,
        net_cents=term.net_cents,
        charge_id=charge_id,
    )


def free_period(subscription_id: UUID, starts_on: date, term: Term) -> SubscriptionPeriod:
    """PRO-12. The days before a term that nobody could use what is subscribed to: nothing is charged for them."""
    return covered_period(subscription_id, starts_on, term.starts_on, term.price.id)


def covered_period(
    subscription_id: UUID, starts_on: date, ends_before: date, price_id: UUID | None
) -> SubscriptionPeriod:
    """ACC-8. Days that cost nothing here: nobody could use them, or somebody else has paid for them."""
    return SubscriptionPeriod(
        subscription_id=subscription_id,
        starts_on=starts_on,
        ends_before=ends_before,
        price_id=price_id,
        list_cents=0,
        net_cents=0,
    )
