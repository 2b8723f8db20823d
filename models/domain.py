"""ALE-2. Domains of accounts, as those who run them report: until when they are paid for, and what becomes of them."""

import re
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from models.activity import Record, action
from models.alert import About
from models.alert_course import day_after
from models.clock import later
from models.column import Instant, new_id
from models.refusal import Code, Refusal
from models.setting import Figures

REPORTED = action("domain.reported", "A domain was reported")
RENEWED = action("domain.renewed", "A domain was renewed")
LOST = action("domain.lost", "A domain was lost")
GONE = action("domain.gone", "A domain is not on the account any more")
NAME_LENGTH = 253
"""What the system of domain names allows."""
FORM = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""Labels of letters, digits and hyphens; others are written in those."""
LONGEST = timedelta(days=366 * 11)
"""How long a domain is paid for ahead at most."""
MOST_CENTS = 10_000_000
"""A renewal that is said to cost more is a mistake."""


class DomainState(StrEnum):
    """What becomes of a domain."""

    HELD = "HELD"
    LOST = "LOST"
    GONE = "GONE"


class BadDomainName(Refusal):
    """ALE-2. It is shown, and written into mails."""

    code = Code.INVALID
    message = "This is no name of a domain."


class BadRenewalPrice(Refusal):
    """ALE-2. What a renewal takes from the balance."""

    code = Code.INVALID
    message = "This is no price of a renewal."


class BadExpiry(Refusal):
    """ALE-2. Nobody pays for a domain so far ahead."""

    code = Code.INVALID
    message = "A domain does not end on this day."


class Domain(SQLModel, table=True):
    """ALE-2. A domain of an account, until it is lost or goes elsewhere."""

    __tablename__ = "domain"
    __table_args__ = (
        Index("ix_domain_owner", "owner_id", "expires_on", "id"),
        Index("uq_domain_account_name", "account_id", "name", unique=True),
        Index("ix_domain_look", "look_at", "id"),
    )
    activity_type: ClassVar[str] = "Account"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_id: UUID = Field(foreign_key="profile.id", ondelete="CASCADE")
    account_id: UUID = Field(foreign_key="account.id", ondelete="CASCADE")
    name: str = Field(max_length=NAME_LENGTH)
    expires_on: date
    """The last day that is paid for."""
    renews: bool
    """It is renewed by itself, from the balance."""
    price_cents: int | None = Field(default=None, sa_type=BigInteger)
    """What a renewal takes from the balance, taxes included; None where that is not known."""
    funds_at: datetime | None = Field(default=None, sa_type=Instant)
    """From when on the money for its renewal has to be there; None where it takes none by itself."""
    look_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the clock looks whether there is something to tell of it."""

    def reported(self, record: Record, expires_on: date, renews: bool, price_cents: int | None) -> bool:
        """ALE-2. Take what is reported; False where all of that is known. What ends later than before was renewed."""
        before = self.expires_on, self.renews, self.price_cents
        after = expires_on, renews, price_cents
        if before == after:
            return False
        self.expires_on, self.renews, self.price_cents = after
        names = ("expires_on", "renews", "price_cents")
        pairs = {name: (_plain(old), _plain(new)) for name, old, new in zip(names, before, after, strict=True)}
        told = _Of(self)
        record.happened(
            RENEWED if expires_on > before[0] else REPORTED,
            told,
            name=self.name,
            changes={name: pair for name, pair in pairs.items() if pair[0] != pair[1]},
        )
        return True

    def lost(self, record: Record, readers: list[str]) -> None:
        """ALE-2. It was not kept; told to `readers`, who were not told before where there are any."""
        mailed: dict[str, Any] = {"template": "domain_lost", "reader_ids": readers} if readers else {}
        record.happened(LOST, _Of(self), about=self.name, on=self.expires_on.isoformat(), **mailed)

    def gone(self, record: Record) -> None:
        """ALE-2. It is held elsewhere."""
        record.happened(GONE, _Of(self), name=self.name)

    def is_ending(self, now: datetime, figures: Figures) -> bool:
        """ALE-2. Whether its end is to be told of, and has not come yet."""
        return self._told_at(figures) <= now < day_after(self.expires_on, figures)

    def plan(self, now: datetime, figures: Figures) -> None:
        """ALE-2. From when on its renewal has to be paid for, and when the clock looks again."""
        takes = self.renews and bool(self.price_cents)
        self.funds_at = self._before(figures.domain_renewal_notice, figures) if takes else None
        instants = [self._told_at(figures), self.funds_at]
        self.look_at = min((at for at in instants if at is not None and at > now), default=None)

    @property
    def about(self) -> About:
        """What an alert says that it is about."""
        return About("Account", self.account_id, self.id, self.name, self.account_id, on=self.expires_on)

    def _told_at(self, figures: Figures) -> datetime:
        """From when on its end is told of; of one that renews itself only once that is late."""
        return self._before(figures.domain_late_renewal if self.renews else figures.domain_expiry_notice, figures)

    def _before(self, notice: timedelta, figures: Figures) -> datetime:
        return later(day_after(self.expires_on, figures), -notice, ZoneInfo(figures.billing_zone))


class _Of:
    """A fact about a domain is about its account, in which it is shown."""

    activity_type: ClassVar[str] = "Account"

    def __init__(self, domain: Domain) -> None:
        self.id, self.owner_id = domain.account_id, domain.owner_id


def first_reported(
    record: Record,
    *,
    owner_id: UUID,
    account_id: UUID,
    name: str,
    expires_on: date,
    renews: bool,
    price_cents: int | None,
) -> Domain:
    """ALE-2. A domain that nothing was known of."""
    made = Domain(
        owner_id=owner_id,
        account_id=account_id,
        name=name,
        expires_on=expires_on,
        renews=renews,
        price_cents=price_cents,
    )
    record.happened(REPORTED, _Of(made), name=name)
    return made


def checked_name(name: str) -> str:
    """ALE-2. A domain's name, as it is kept: in lower case, and without the dot of its root."""
    plain = name.strip().removesuffix(".").lower()
    if len(plain) > NAME_LENGTH or not FORM.fullmatch(plain):
        raise BadDomainName().at("name")
    return plain


def checked_expiry(expires_on: date, now: datetime) -> date:
    """ALE-2. The last day that is paid for."""
    if not -LONGEST <= expires_on - now.date() <= LONGEST:
        raise BadExpiry().at("expires_on")
    return expires_on


def checked_price(cents: int | None) -> int | None:
    """ALE-2. What a renewal takes, where that is told."""
    if cents is not None and not 0 <= cents <= MOST_CENTS:
        raise BadRenewalPrice().at("renewal_price")
    return cents


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
