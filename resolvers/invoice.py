"""BIL-2, BIL-3, BIL-6. Issuing: invoices of what was ordered, and credit notes of what goes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlmodel import select as select_rows

from models.charge import Charge, ChargeStatus
from models.clock import day_start
from models.column import table, total
from models.credit import Allocation, Credit
from models.db import Write
from models.document_series import DocumentKind, SeriesKind
from models.draft import Draft, Returned, correction, draft, remainder
from models.invoice import Dates, Document, Invoice, Parties, due
from models.invoice import issue as issued
from models.invoice_line import InvoiceLine, InvoiceTax
from models.issuer import Issuer, buyer_of, seller_of
from models.journal import EntryKind, JournalEntry
from models.ledger import Purse, Source
from models.profile import Profile
from models.refusal import NotFound
from models.vat import Treatment
from resolvers import collection
from resolvers.document_series import chain, drawn
from resolvers.ledger import add, locked
from resolvers.right import Reader

CHARGES, INVOICES = table(Charge), table(Invoice)
LINES, TAXES = table(InvoiceLine), table(InvoiceTax)
ALLOCATIONS, CREDITS = table(Allocation), table(Credit)
OWNER = select(INVOICES.c.owner_id).where(INVOICES.c.id == bindparam("invoice_id"))
ISSUED_LINES = select(LINES).where(LINES.c.invoice_id == bindparam("invoice_id"))
MENTIONS = select(TAXES.c.rate_bp, TAXES.c.territory, TAXES.c.mention_en, TAXES.c.mention_fr).where(
    TAXES.c.invoice_id == bindparam("invoice_id")
)
GIVEN_BACK = (
    select(
        LINES.c.corrects_line_id,
        total(LINES.c.net_cents).label("net_cents"),
        total(LINES.c.tax_cents).label("tax_cents"),
    )
    .where(LINES.c.corrects_line_id.in_(bindparam("lines", expanding=True)))
    .group_by(LINES.c.corrects_line_id)
)
CREDITED = select(total(INVOICES.c.gross_cents).label("cents")).where(INVOICES.c.corrects_id == bindparam("invoice_id"))
PAID_BY_REFUNDS = (
    select(total(ALLOCATIONS.c.cents).label("cents"))
    .join_from(ALLOCATIONS, CREDITS, CREDITS.c.entry_id == ALLOCATIONS.c.entry_id)
    .where(ALLOCATIONS.c.invoice_id == bindparam("invoice_id"), CREDITS.c.non_refundable)
)
NOTHING = 0, 0


@dataclass(frozen=True, slots=True)
class Return:
    """BIL-6. So much of a line that is to go back, and what the credit note says of it."""

    line_id: UUID
    net_cents: int
    label_en: str | None = None
    label_fr: str | None = None
    period_start: date | None = None
    period_end: date | None = None
    explanation: dict[str, Any] | None = None
    """`days` that go back, of `period_days`."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What issuing left behind: the document, and the entry that booked it."""

    document: Document
    entry: JournalEntry

    @property
    def invoice(self) -> Invoice:
        return self.document.invoice


async def issue(
    office: Issuer, write: Write, owner_id: UUID, charge_ids: Sequence[UUID], treatment: Treatment
) -> Issued:
    """BIL-2, BIL-3. One invoice of these charges, which debits the balance at once and takes what credit there is."""
    purse = await locked(write, owner_id, for_invoice=True)
    wanted = select_rows(Charge).where(
        CHARGES.c.id.in_(list(charge_ids)), CHARGES.c.owner_id == owner_id, CHARGES.c.status == ChargeStatus.PENDING
    )
    charges = await write.lock(wanted)
    if not charges or len(charges) != len(set(charge_ids)):
        raise NotFound
    return await issue_locked(office, write, purse, charges, treatment)


async def issue_locked(
    office: Issuer, write: Write, purse: Purse, pending: Sequence[Charge], treatment: Treatment
) -> Issued:
    """BIL-2, BIL-3. One invoice of charges that are locked, in the order in which they were ordered."""
    charges = sorted(pending, key=lambda each: (each.ordered_at, each.id))
    document = await _numbered(office, write, purse, draft(charges, treatment))
    by_charge = {line.charge_id: line for line in document.lines}
    for charge in charges:
        charge.invoiced(by_charge[charge.id].id)
    return await _booked(write, purse, document, EntryKind.INVOICE)


async def credit_note(
    office: Issuer, write: Write, invoice_id: UUID, returns: Sequence[Return], *, kind: EntryKind
) -> Issued:
    """BIL-2, BIL-6. Give back a part of an invoice, or all: its own debt first, the rest is credited.

    A PRORATA_REFUND can only pay invoices, and so can what was paid with one. Raises NotFound, NothingLeft.
    """
    owners = await write.rows(OWNER, {"invoice_id": invoice_id})
    if not owners or kind not in (EntryKind.CREDIT_NOTE, EntryKind.PRORATA_REFUND):
        raise NotFound
    purse = await locked(write, owners[0].owner_id)
    (corrected,) = await write.lock(select_rows(Invoice).where(INVOICES.c.id == invoice_id))
    if corrected.kind is not DocumentKind.INVOICE:
        raise NotFound
    drafted = await _correction(write, corrected, returns)
    (paid_by_refunds,) = await write.rows(PAID_BY_REFUNDS, {"invoice_id": invoice_id})
    (credited,) = await write.rows(CREDITED, {"invoice_id": invoice_id})
    if credited.cents + drafted.gross_cents == corrected.gross_cents:
        corrected.cancelled_at = write.now
    document = await _numbered(office, write, purse, drafted, corrects=corrected)
    bound = kind is EntryKind.PRORATA_REFUND or paid_by_refunds.cents > 0
    return await _booked(write, purse, document, kind, corrects=corrected, non_refundable=bound)


async def issue_again(office: Issuer, write: Write, invoice_id: UUID, treatment: Treatment) -> Issued | None:
    """BIL-7. Credit what is left of an invoice, and invoice the same once more, taxed otherwise; None of nothing."""
    left = await whole(write, invoice_id)
    if not left:
        return None
    lines = {row.id: row for row in await write.rows(ISSUED_LINES, {"invoice_id": invoice_id})}
    remainders = [remainder(lines[each.line_id], each.net_cents) for each in left]
    of_lines = CHARGES.c.id.in_([each.id for each in remainders if each.id])
    charges = await write.lock(select_rows(Charge).where(of_lines))
    corrected = (await credit_note(office, write, invoice_id, left, kind=EntryKind.CREDIT_NOTE)).invoice
    purse = await locked(write, corrected.owner_id)
    document = await _numbered(office, write, purse, draft(remainders, treatment))
    by_charge = {line.charge_id: line.id for line in document.lines}
    for charge in charges:
        charge.invoiced_again(by_charge[charge.id])
    return await _booked(write, purse, document, EntryKind.INVOICE)


async def whole(write: Write, invoice_id: UUID) -> list[Return]:
    """BIL-2. Everything that is left of an invoice, to cancel it."""
    issued = await write.rows(ISSUED_LINES.order_by(LINES.c.position), {"invoice_id": invoice_id})
    back = await given_back(write, [line.id for line in issued])
    left = [Return(line.id, line.net_cents - back.get(line.id, NOTHING)[0]) for line in issued]
    return [each for each in left if each.net_cents > 0]


async def given_back(reader: Reader, lines: Sequence[UUID]) -> Mapping[UUID, tuple[int, int]]:
    """BIL-6. What credit notes gave back of these lines, net and VAT."""
    found = await reader.rows(GIVEN_BACK, {"lines": lines}) if lines else ()
    return {row.corrects_line_id: (row.net_cents, row.tax_cents) for row in found}


async def _correction(write: Write, corrected: Invoice, returns: Sequence[Return]) -> Draft:
    found = {row.id: row for row in await write.rows(ISSUED_LINES, {"invoice_id": corrected.id})}
    if not returns or len({each.line_id for each in returns}) != len(returns):
        raise NotFound
    if any(each.line_id not in found for each in returns):
        raise NotFound
    back = await given_back(write, [each.line_id for each in returns])
    returned = [
        Returned(
            line=found[each.line_id],
            net_cents=each.net_cents,
            refunded_net=back.get(each.line_id, NOTHING)[0],
            refunded_tax=back.get(each.line_id, NOTHING)[1],
            label_en=each.label_en,
            label_fr=each.label_fr,
            period_start=each.period_start,
            period_end=each.period_end,
            explanation={
                **(each.explanation or {}),
                "refund_of": corrected.number,
                "net_cents": found[each.line_id].net_cents,
            },
        )
        for each in returns
    ]
    rows = await write.rows(MENTIONS, {"invoice_id": corrected.id})
    mentions = {(row.rate_bp, row.territory): (row.mention_en, row.mention_fr) for row in rows}
    return correction(returned, corrected.treatment, mentions)


async def _numbered(
    office: Issuer, write: Write, purse: Purse, drafted: Draft, *, corrects: Invoice | None = None
) -> Document:
    """BIL-2. The document of a draft; from here on the series is locked, and nothing else may be."""
    profile = write.held(Profile, purse.owner_id)
    gone = corrects is not None and profile is not None and profile.deleted_at is not None
    buyer = corrects.buyer if corrects is not None and gone else buyer_of(profile)  # PRO-9. Whoever it was.
    parties = Parties(seller_of(office.figures), dict(buyer))
    number = await drawn(office, write, SeriesKind.CREDIT_NOTE if corrects else SeriesKind.INVOICE)
    due_on = due(number.issued_on, office.figures.payment_terms)
    zone = ZoneInfo(office.figures.billing_zone)
    document = issued(
        write.record,
        drafted,
        number,
        owner_id=purse.owner_id,
        position=purse.position + 1,
        parties=parties,
        dates=Dates(due_on, day_start(due_on + timedelta(days=1), zone)),
        corrects=corrects,
    )
    await chain(write, number, document.invoice.hash)
    return document


async def _booked(
    write: Write,
    purse: Purse,
    document: Document,
    kind: EntryKind,
    *,
    corrects: Invoice | None = None,
    non_refundable: bool = False,
) -> Issued:
    """BIL-1, BIL-3. The entry of a document, once it is there."""
    invoice = document.invoice
    source = Source(Invoice.activity_type, invoice.id)
    drafted = document.draft
    if corrects is None:
        booked = purse.book(
            write.record, kind, drafted.debited(), source=source, invoice=invoice, number=invoice.number
        )
    else:
        booked = purse.book(
            write.record,
            kind,
            drafted.credited(),
            source=source,
            offsets=corrects,
            non_refundable=non_refundable,
            number=invoice.number,
        )
    write.add(invoice)  # With what is settled of it already.
    write.append(*document.lines, *document.taxes)
    await add(write, booked)
    await collection.plan(write, invoice)
    return Issued(document, booked.entry)
