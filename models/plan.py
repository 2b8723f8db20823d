"""ACC-3, CAT-1. Plans: what can be subscribed to, and the dated prices of their periods."""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.column import json_column, new_id, one_of
from models.price import BillingPeriod, DatedPrice

NAME_LENGTH = 80
CODE_LENGTH = 40


class PlanKind(StrEnum):
    """Families of plans."""

    PUBLIC_CLOUD = "PUBLIC_CLOUD"
    DEDICATED = "DEDICATED"
    GOLD = "GOLD"


class Plan(SQLModel, table=True):
    """ACC-3. Something one can subscribe to, with what may not be done on it; one that is sold no more stays."""

    __tablename__ = "plan"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(max_length=CODE_LENGTH, unique=True)
    position: int
    """Its place in the list."""
    kind: PlanKind = Field(sa_type=one_of(PlanKind, "plan_kind"))
    service_level_id: UUID = Field(foreign_key="service_level.id")
    name_en: str = Field(max_length=NAME_LENGTH)
    name_fr: str = Field(max_length=NAME_LENGTH)
    disk_gigabytes: int
    memory_megabytes: int
    cpu_thousandths: int
    backup_days: int
    free: bool = False
    available: bool = True
    urgent_tickets: bool = False
    committed_months: int = 0
    """CAT-1. Months that the first invoice of a monthly subscription covers; 0 where it covers one period."""
    uncommitted_surcharge_percent: int = 0
    """CAT-1. What these months cost more for a customer who does not commit to them."""
    restrictions_en: list[str] = Field(default_factory=list, sa_type=json_column())
    restrictions_fr: list[str] = Field(default_factory=list, sa_type=json_column())


class PlanPrice(DatedPrice, table=True):
    """CAT-4. What a period of a plan costs from an instant on. A plan without one is free or on quotation."""

    __tablename__ = "plan_price"
    __table_args__ = (UniqueConstraint("plan_id", "period", "valid_from"),)

    plan_id: UUID = Field(foreign_key="plan.id")
    period: BillingPeriod = Field(sa_type=one_of(BillingPeriod, "plan_price_period"))


def cores(thousandths: int) -> Decimal:
    """A share of processors, without needless zeros."""
    return Decimal(thousandths).scaleb(-3).normalize()


def first_months_cents(monthly_cents: int, *, months: int, surcharge_percent: int, committed: bool) -> int:
    """CAT-1. What the first `months` of a monthly subscription cost; more, without a commitment to them."""
    percent = 100 if committed else 100 + surcharge_percent
    return (2 * monthly_cents * months * percent + 100) // 200
