"""BIL-1, BIL-3. What is read of a profile's money: its balance, its entries, its documents, and what settled what."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, bindparam, func, or_, select

from models.charge import Charge, ChargeStatus
from models.clock import civil_day
from models.column import IdArray, among, business_now, table, total
from models.context import Context
from models.credit import Allocation
from models.document_series import DocumentKind
from models.draft import DraftLine, draft
from models.invoice import Invoice, InvoiceStatus, status_of
from models.invoice_line import InvoiceLine, InvoiceTax
from models.journal import EntryKind, JournalEntry
from models.money import Money, TaxedAmount
from models.profile import Profile
from models.vat import SELLER, Buyer, Treatment, treatment
from models.visible import REAL_NOW
from resolvers import vat

ENTRIES, INVOICES, ALLOCATIONS = table(JournalEntry), table(Invoice), table(Allocation)
LINES, TAXES, CHARGES = table(InvoiceLine), table(InvoiceTax), table(Charge)
PROFILES = table(Profile)
WANTED: Any = bindparam("wanted", type_=IdArray())
LATER = ENTRIES.alias()
LAST = select(func.max(LATER.c.position)).where(LATER.c.owner_id == PROFILES.c.id).correlate(PROFILES).scalar_subquery()
BALANCES = (
    select(ENTRIES.c.owner_id, ENTRIES.c.balance_after_cents, ENTRIES.c.non_refundable_after_cents)
    .join_from(PROFILES, ENTRIES, (ENTRIES.c.owner_id == PROFILES.c.id) & (ENTRIES.c.position == LAST))
    .where(among(PROFILES.c.id, WANTED))
)
DUE = (
    select(INVOICES.c.owner_id, total(INVOICES.c.left_cents).label("cents"))
    .where(among(INVOICES.c.owner_id, WANTED), INVOICES.c.left_cents > 0)
    .group_by(INVOICES.c.owner_id)
)
STATES = select(INVOICES.c.id, INVOICES.c.cancelled_at, INVOICES.c.left_cents, INVOICES.c.overdue_at).where(
    among(INVOICES.c.id, WANTED)
)
LINES_OF = select(LINES).where(among(LINES.c.invoice_id, WANTED)).order_by(LINES.c.invoice_id, LINES.c.position)
TAXES_OF = select(TAXES).where(among(TAXES.c.invoice_id, WANTED)).order_by(TAXES.c.invoice_id, TAXES.c.position)
SUMS = (
    select(
        INVOICES.c.id,
        INVOICES.c.net_cents,
        INVOICES.c.tax_cents,
        func.min(TAXES.c.rate_bp).label("lowest"),
        func.max(TAXES.c.rate_bp).label("highest"),
    )
    .join_from(INVOICES, TAXES, TAXES.c.invoice_id == INVOICES.c.id)
    .where(among(INVOICES.c.id, WANTED))
    .group_by(INVOICES.c.id, INVOICES.c.net_cents, INVOICES.c.tax_cents)
)
PENDING = (
    select(CHARGES)
    .where(among(CHARGES.c.owner_id, WANTED), CHARGES.c.status == ChargeStatus.PENDING)
    .order_by(CHARGES.c.owner_id, CHARGES.c.ordered_at, CHARGES.c.id)
)


@dataclass(frozen=True, slots=True)
class Settled:
    """BIL-3. So much of a credit that went to an invoice, all told."""

    entry_id: UUID
    invoice_id: UUID
    amount: Money


# Lists


def entries(
    *, kinds: Sequence[EntryKind] | None = None, since: datetime | None = None, until: datetime | None = None
) -> Select[Any]:
    """BIL-1. The movements of a profile's balance; of some kinds, booked in [since, until)."""
    found = select(ENTRIES.c.owner_id)
    if kinds is not None:
        found = found.where(ENTRIES.c.kind.in_(kinds))
    if since is not None:
        found = found.where(ENTRIES.c.booked_at >= since)
    if until is not None:
        found = found.where(ENTRIES.c.booked_at < until)
    return found


def invoices(
    *,
    states: Sequence[InvoiceStatus] | None = None,
    kind: DocumentKind | None = None,
    since: date | None = None,
    until: date | None = None,
    search: str | None = None,
) -> Select[Any]:
    """BIL-2. The documents of a profile: in some states, of one kind, issued in [since, until], by part of a number."""
    found = select(INVOICES.c.owner_id)
    if states is not None:
        found = found.where(or_(*(_is(state) for state in states))) if states else found.where(INVOICES.c.id.is_(None))
    if kind is not None:
        found = found.where(INVOICES.c.kind == kind)
    if since is not None:
        found = found.where(INVOICES.c.issued_on >= since)
    if until is not None:
        found = found.where(INVOICES.c.issued_on <= until)
    if search is not None:
        found = found.where(INVOICES.c.number.contains(search, autoescape=True))
    return found


def _is(state: InvoiceStatus) -> Any:
    """`status_of`, as a condition."""
    cancelled, late = INVOICES.c.cancelled_at.is_not(None), INVOICES.c.overdue_at <= business_now(REAL_NOW)
    match state:
        case InvoiceStatus.CANCELLED:
            return cancelled
        case InvoiceStatus.PAID:
            return ~cancelled & (INVOICES.c.left_cents == 0)
        case InvoiceStatus.OVERDUE:
            return ~cancelled & (INVOICES.c.left_cents > 0) & late
        case _:
            return ~cancelled & (INVOICES.c.left_cents > 0) & ~late


def numbered() -> Select[Any]:
    """BIL-2. A document by its printed number."""
    return select(INVOICES.c.number)


def credit_notes() -> Select[Any]:
    """BIL-2. The credit notes of an invoice, in the order of their issue."""
    return select(INVOICES.c.corrects_id).order_by(INVOICES.c.position)


# Figures


async def balances(context: Context, keys: Sequence[UUID]) -> list[Money]:
    """BIL-1. The balance of each profile: what its last entry says."""
    found = {row.owner_id: row.balance_after_cents for row in await _of(context, BALANCES, keys)}
    return [Money(found.get(key, 0)) for key in keys]


async def non_refundable(context: Context, keys: Sequence[UUID]) -> list[Money]:
    """BIL-6. The part of each balance that can only pay invoices."""
    found = {row.owner_id: row.non_refundable_after_cents for row in await _of(context, BALANCES, keys)}
    return [Money(found.get(key, 0)) for key in keys]


async def amounts_due(context: Context, keys: Sequence[UUID]) -> list[Money]:
    """BIL-3. What is left to pay of the invoices of each profile."""
    found = {row.owner_id: row.cents for row in await _of(context, DUE, keys)}
    return [Money(found.get(key, 0)) for key in keys]


async def states(context: Context, keys: Sequence[UUID]) -> list[InvoiceStatus]:
    """BIL-3. The state of each document now."""
    found = {row.id: row for row in await _of(context, STATES, keys)}
    now = await context.db.now()
    return [status_of(found[key].cancelled_at, found[key].left_cents, found[key].overdue_at, now) for key in keys]


async def lines(context: Context, keys: Sequence[UUID]) -> list[list[Row[Any]]]:
    """The lines of each document."""
    return _grouped(keys, await _of(context, LINES_OF, keys), "invoice_id")


async def taxes(context: Context, keys: Sequence[UUID]) -> list[list[Row[Any]]]:
    """The VAT of each document, by rate."""
    return _grouped(keys, await _of(context, TAXES_OF, keys), "invoice_id")


async def sums(context: Context, keys: Sequence[UUID]) -> list[TaxedAmount]:
    """The sum of each document, with its rate where it has one."""
    found = {row.id: row for row in await _of(context, SUMS, keys)}
    return [
        TaxedAmount(row.net_cents, row.tax_cents, row.lowest if row.lowest == row.highest else None)
        for row in (found[key] for key in keys)
    ]


async def pending(context: Context, keys: Sequence[UUID]) -> list[Sequence[DraftLine]]:
    """BIL-2. What each profile ordered and was not invoiced yet, as an invoice of today would have it."""
    charges = _grouped(keys, await _of(context, PENDING, keys), "owner_id")
    now = await context.db.now()
    return [
        draft(found, await treatment_of(context, context.db, key, now)).lines if found else ()
        for key, found in zip(keys, charges, strict=True)
    ]


async def treatment_of(context: Context, reader: Any, owner_id: UUID, now: datetime) -> Treatment:
    """BIL-7. How a customer is taxed; as the seller's neighbours, while they have no country."""
    day = civil_day(now, ZoneInfo(context.figures.billing_zone))
    found = await vat.of_owner(reader, context.figures, owner_id, day=day, now=now)
    if found is not None:
        return found
    neighbour = Buyer(SELLER)
    return treatment(neighbour, day, await vat.table_for(reader, context.figures, neighbour))


# What settled what


async def of_invoices(context: Context, keys: Sequence[UUID]) -> list[list[Settled]]:
    """BIL-3. What settled each invoice, oldest first."""
    found = await _settled(context, ALLOCATIONS.c.invoice_id, keys)
    by_invoice: dict[UUID, list[Settled]] = defaultdict(list)
    for each in found:
        by_invoice[each.invoice_id].append(each)
    return [by_invoice[key] for key in keys]


async def of_entries(context: Context, keys: Sequence[UUID]) -> list[list[Settled]]:
    """BIL-3. What each entry settled; of an entry that is an invoice, what settled that."""
    found = await _settled(context, ALLOCATIONS.c.entry_id, keys)
    owed = {row.id: row.source_id for row in await _of(context, INVOICED, keys)}
    by_invoice = await _settled(context, ALLOCATIONS.c.invoice_id, list(owed.values())) if owed else []
    by_key: dict[UUID, list[Settled]] = defaultdict(list)
    for each in found:
        by_key[each.entry_id].append(each)
    for key, invoice_id in owed.items():
        by_key[key] = [each for each in by_invoice if each.invoice_id == invoice_id]
    return [by_key[key] for key in keys]


INVOICED = select(ENTRIES.c.id, ENTRIES.c.source_id).where(
    among(ENTRIES.c.id, WANTED), ENTRIES.c.kind == EntryKind.INVOICE, ENTRIES.c.source_id.is_not(None)
)


async def _settled(context: Context, column: Any, keys: Sequence[UUID]) -> list[Settled]:
    sums = (
        select(ALLOCATIONS.c.entry_id, ALLOCATIONS.c.invoice_id, total(ALLOCATIONS.c.cents).label("cents"))
        .where(among(column, WANTED), ALLOCATIONS.c.invoice_id.is_not(None))
        .group_by(ALLOCATIONS.c.entry_id, ALLOCATIONS.c.invoice_id)
        .having(func.sum(ALLOCATIONS.c.cents) != 0)
        .order_by(func.min(ALLOCATIONS.c.position), ALLOCATIONS.c.entry_id, ALLOCATIONS.c.invoice_id)
    )
    return [Settled(row.entry_id, row.invoice_id, Money(row.cents)) for row in await _of(context, sums, keys)]


async def _of(context: Context, statement: Any, keys: Sequence[UUID]) -> Sequence[Row[Any]]:
    return await context.db.rows(statement, {"wanted": list(keys)})


def _grouped(keys: Sequence[UUID], rows: Sequence[Row[Any]], column: str) -> list[list[Row[Any]]]:
    groups: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, column)].append(row)
    return [groups[key] for key in keys]
