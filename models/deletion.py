"""PRO-9, PRO-13. The end of a profile: what stands in its way, what is left of it, and what is erased later.

Deleting erases the person from the profile at once. The row stays, with its key as a pseudonym, since the documents and
the ledger are kept for the legal ten years. The history goes once everything that left because of it has arrived.
"""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.account import AccountAction, AccountStatus, obstacle_to
from models.activity import Record, action
from models.column import Email, Instant, table
from models.held_name import WrongConfirmation
from models.money import Money
from models.obstacle import InterventionPlanned, Obstacle, UnderWay
from models.period import cut
from models.profile import Profile, ProfileKind, SuspensionReason

DELETED = action("profile.deleted", "The profile was deleted", mail="profile_deleted")
KEPT = frozenset({"id", "email", "kind", "locale", "created_at", "password_changed_at", "deleted_at"})
"""Columns of a profile that say nothing about the person, or are overwritten."""


ADDRESSED = r"\w.!#$%&'*+/=?^`{|}~-"
"""What may stand before the @ of an address."""


class WrongAddress(WrongConfirmation):
    """PRO-9. What cannot be undone is confirmed by the profile's address, typed again."""

    message = "To confirm, type the e-mail address of the profile."


@dataclass(eq=False)
class BalanceOwed(Obstacle):
    """PRO-9. Nobody leaves with debts."""

    message = "The balance is negative: {owed} is owed."
    remedy = "Pay what is owed first."
    owed: Money


@dataclass(eq=False)
class InvoiceToCome(Obstacle):
    """PRO-9. What was ordered is invoiced to somebody who has a name."""

    message = "Something that was ordered is still to be invoiced, on {on}."
    remedy = "Wait for the invoice, and pay it."
    on: date


class TransferWaiting(Obstacle):
    """PRO-9, ACC-8. What is offered is answered first."""

    message = "A transfer waits for an answer."
    remedy = "Cancel or answer it first."


class FeeUndecided(Obstacle):
    """TIC-4. Leaving does not get around what paging somebody may cost."""

    message = "It is not decided yet whether an urgent ticket is charged."
    remedy = "Ask our support to decide it."


class MoneyUnderWay(Obstacle):
    """PRO-9. A payment is credited to somebody who is there."""

    message = "A payment is under way."
    remedy = "Wait for its outcome."


class SomethingUnderWay(UnderWay):
    """PRO-9. A profile goes once nothing is being done to its accounts."""

    message = "Something is being done at the moment to an account of the profile."


class Erasure(SQLModel, table=True):
    """PRO-9. That a profile was deleted, and when the last of its history was erased.

    While `erased_at` is None the triggers of `activity_event` let its rows go, and take the person out of others'.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        Index(
            "ix_erasure_left",
            "owner_id",
            sqlite_where=text("erased_at IS NULL"),
            postgresql_where=text("erased_at IS NULL"),
        ),
    )

    owner_id: UUID = Field(primary_key=True)
    address: str | None = Field(default=None, sa_type=Email, repr=False)
    """By which the histories of others name the person; None once it is erased there."""
    deleted_at: datetime = Field(sa_type=Instant)
    erased_at: datetime | None = Field(default=None, sa_type=Instant)
    """Real time."""


@dataclass(frozen=True, slots=True)
class Situation:
    """PRO-9. What a deletion depends on, read at one instant."""

    balance_cents: int
    invoiced_on: date | None
    """When the last of what was ordered is invoiced."""
    paying: bool
    """A payment that was sent to a provider has no outcome yet."""
    accounts: Set[AccountStatus]
    transferring: bool = False
    """Something is offered by the profile, or to it."""
    planned: bool = False
    """CAT-2. Technicians are to come to one of its servers."""
    deciding: bool = False
    """TIC-4. Whether an urgent ticket is charged is not decided."""


def obstacles(found: Situation, *, automatic: bool = False) -> Iterator[Obstacle]:
    """PRO-9, PRO-13. What stands in the way; a debt does not keep a suspended profile from being deleted."""
    if found.balance_cents < 0 and not automatic:
        yield BalanceOwed(Money(-found.balance_cents))
    if found.transferring and not automatic:
        yield TransferWaiting()
    if found.planned and not automatic:
        yield InterventionPlanned()
    if found.deciding and not automatic:
        yield FeeUndecided()
    if found.invoiced_on is not None:
        yield InvoiceToCome(found.invoiced_on)
    if found.paying:
        yield MoneyUnderWay()
    going = found.accounts - {AccountStatus.DELETING}
    if any(obstacle_to(AccountAction.DELETE, status) for status in going):
        yield SomethingUnderWay()


def delete(record: Record, profile: Profile, reason: SuspensionReason | None) -> Erasure:
    """PRO-9. Take the person out of a profile; what it owned, and gave others, is ended before. `reason` is why it
    was suspended, where the clock deletes it.
    """
    left = Erasure(owner_id=profile.id, address=profile.email, deleted_at=record.now)
    record.happened(DELETED, profile, address=profile.email, reason=reason)
    for column in table(Profile).columns:
        if column.name not in KEPT:
            setattr(profile, column.name, None if column.nullable else [])
    profile.email, profile.kind = f"{profile.id}@deleted.invalid", ProfileKind.INDIVIDUAL
    profile.deleted_at = record.now
    return left


def without(value: Any, address: str, instead: str) -> Any:
    """PRO-9. Facts without somebody's address, wherever it stands; others that end or begin with it stay."""
    if isinstance(value, str):
        whole = rf"(?<![{ADDRESSED}]){re.escape(address)}(?![\w-]|\.\w)"
        return re.sub(whole, lambda _: instead, value)
    if isinstance(value, list):
        return [without(each, address, instead) for each in value]
    if isinstance(value, dict):
        return {key: without(each, address, instead) for key, each in value.items()}
    return value


def forfeited_cents(periods: Iterable[Any], today: date) -> int:
    """BIL-18. What was paid for the days from today on, VAT excluded: nobody gives it back."""
    return sum(
        cut(each.net_cents, each.starts_on, each.ends_before, max(today, each.starts_on)).refund_cents
        for each in periods
    )
