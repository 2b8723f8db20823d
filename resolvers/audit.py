"""BIL-1. Verifying the books: all of them read once, in order and in parts, in one view of the database."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, and_, bindparam, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from models.audit import Broken, OwnerAudit, SealAudit, SeriesAudit, check_entry, expect
from models.charge import Charge, ChargeStatus
from models.column import IdArray, among, table, total
from models.credit import Allocation, Credit
from models.db import Database
from models.document_series import DocumentKind, DocumentSeries
from models.invoice import Invoice
from models.invoice_line import InvoiceLine, InvoiceTax
from models.journal import EntryKind, JournalEntry, JournalLine, LedgerAccount
from models.ledger_seal import LedgerSeal
from models.payment import Payment
from models.receipt import Receipt
from resolvers.ledger_seal import lines_of

PART = 500
"""Rows that are read at once."""
ENTRIES, POSTINGS, SEALS = table(JournalEntry), table(JournalLine), table(LedgerSeal)
INVOICES, LINES, TAXES = table(Invoice), table(InvoiceLine), table(InvoiceTax)
CREDITS, ALLOCATIONS, CHARGES, SERIES = table(Credit), table(Allocation), table(Charge), table(DocumentSeries)
RECEIPTS, PAYMENTS = table(Receipt), table(Payment)
WANTED: Any = bindparam("wanted", type_=IdArray())
CREDITS_OF = select(CREDITS).where(among(CREDITS.c.entry_id, WANTED))
DOCUMENTS_OF = (
    select(INVOICES)
    .join(ENTRIES, and_(ENTRIES.c.source_id == INVOICES.c.id, ENTRIES.c.source_type == Invoice.activity_type))
    .where(among(ENTRIES.c.id, WANTED))
)
OWNER: Any = bindparam("owner", type_=ENTRIES.c.owner_id.type)
SETTLED_WITH = (
    select(ALLOCATIONS)
    .where(ALLOCATIONS.c.owner_id == OWNER, ALLOCATIONS.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(ALLOCATIONS.c.position, ALLOCATIONS.c.id)
)
OPEN_CREDITS = select(CREDITS).where(CREDITS.c.owner_id == OWNER, CREDITS.c.left_cents != 0)
OPEN_INVOICES = select(INVOICES).where(INVOICES.c.owner_id == OWNER, INVOICES.c.left_cents != 0)
LINES_OF = select(LINES).where(among(LINES.c.invoice_id, WANTED)).order_by(LINES.c.invoice_id, LINES.c.position)
TAXES_OF = select(TAXES).where(among(TAXES.c.invoice_id, WANTED)).order_by(TAXES.c.invoice_id, TAXES.c.position)
POSTINGS_OF = (
    select(ENTRIES.c.source_id, POSTINGS)
    .join_from(ENTRIES, POSTINGS, POSTINGS.c.entry_id == ENTRIES.c.id)
    .where(ENTRIES.c.source_type == Invoice.activity_type, among(ENTRIES.c.source_id, WANTED))
)
ENTRIES_OF = select(ENTRIES).where(among(ENTRIES.c.id, WANTED))
CORRECTED = LINES.alias("corrected")
OVER_REFUNDED = (
    select(CORRECTED.c.id)
    .join_from(LINES, CORRECTED, CORRECTED.c.id == LINES.c.corrects_line_id)
    .group_by(CORRECTED.c.id, CORRECTED.c.net_cents, CORRECTED.c.tax_cents)
    .having(
        or_(func.sum(LINES.c.net_cents) > CORRECTED.c.net_cents, func.sum(LINES.c.tax_cents) > CORRECTED.c.tax_cents)
    )
    .limit(1)
)
NOTES = INVOICES.alias("notes")
GIVEN_BACK = select(total(NOTES.c.gross_cents)).where(NOTES.c.corrects_id == INVOICES.c.id).scalar_subquery()
HAS_NOTES = exists().where(NOTES.c.corrects_id == INVOICES.c.id)
WRONGLY_CANCELLED = (
    select(INVOICES.c.number)
    .where(
        INVOICES.c.kind == DocumentKind.INVOICE,
        INVOICES.c.cancelled_at.is_not(None) != and_(HAS_NOTES, INVOICES.c.gross_cents == GIVEN_BACK),
    )
    .limit(1)
)
CORRECTS_NOTHING = (
    select(NOTES.c.number)
    .join_from(NOTES, INVOICES, INVOICES.c.id == NOTES.c.corrects_id, isouter=True)
    .where(
        NOTES.c.kind == DocumentKind.CREDIT_NOTE,
        or_(INVOICES.c.id.is_(None), INVOICES.c.kind != DocumentKind.INVOICE, INVOICES.c.owner_id != NOTES.c.owner_id),
    )
    .limit(1)
)
BACKS, OTHERS = LINES.alias("backs"), LINES.alias("others")
BACK_OF_LINE = select(total(BACKS.c.net_cents)).where(BACKS.c.corrects_line_id == LINES.c.id).scalar_subquery()
EARLIER = exists().where(
    OTHERS.c.charge_id == LINES.c.charge_id, OTHERS.c.id != LINES.c.id, OTHERS.c.net_cents == CHARGES.c.net_cents
)
WRONGLY_INVOICED = (
    select(CHARGES.c.id)
    .join_from(CHARGES, LINES, LINES.c.charge_id == CHARGES.c.id, isouter=True)
    .where(
        or_(
            and_(CHARGES.c.status == ChargeStatus.INVOICED, LINES.c.id.is_(None)),
            and_(CHARGES.c.status != ChargeStatus.INVOICED, LINES.c.id.is_not(None)),
            # What was invoiced again was credited before, all that was left of it.
            and_(CHARGES.c.invoice_line_id != LINES.c.id, LINES.c.net_cents != BACK_OF_LINE),
            and_(CHARGES.c.net_cents != LINES.c.net_cents, ~EARLIER),
        )
    )
    .limit(1)
)
UNBOOKED = (
    select(INVOICES.c.number)
    .where(
        ~exists().where(
            ENTRIES.c.source_type == Invoice.activity_type,
            ENTRIES.c.source_id == INVOICES.c.id,
            ENTRIES.c.owner_id == INVOICES.c.owner_id,
            ENTRIES.c.position == INVOICES.c.position,
        )
    )
    .limit(1)
)
STRAY_CREDIT = (
    select(CREDITS.c.entry_id)
    .join_from(CREDITS, ENTRIES, ENTRIES.c.id == CREDITS.c.entry_id, isouter=True)
    .where(or_(ENTRIES.c.owner_id.is_(None), ENTRIES.c.owner_id != CREDITS.c.owner_id))
    .limit(1)
)
STRAY_ALLOCATION = (
    select(ALLOCATIONS.c.id)
    .join_from(
        ALLOCATIONS,
        ENTRIES,
        and_(ENTRIES.c.owner_id == ALLOCATIONS.c.owner_id, ENTRIES.c.position == ALLOCATIONS.c.position),
        isouter=True,
    )
    .where(ENTRIES.c.id.is_(None))
    .limit(1)
)
WITHOUT_RECEIPT = (
    select(PAYMENTS.c.id)
    .where(
        PAYMENTS.c.entry_id.is_not(None),
        PAYMENTS.c.settled_at >= select(func.min(RECEIPTS.c.issued_at)).scalar_subquery(),
        ~exists().where(RECEIPTS.c.payment_id == PAYMENTS.c.id),
    )
    .limit(1)
)
"""Since there are receipts: those that are missing at the end of a series its counter tells."""
WRONGLY_RECEIPTED = (
    select(RECEIPTS.c.number)
    .join_from(RECEIPTS, PAYMENTS, PAYMENTS.c.id == RECEIPTS.c.payment_id, isouter=True)
    .join(ENTRIES, ENTRIES.c.id == RECEIPTS.c.entry_id, isouter=True)
    .where(
        or_(
            PAYMENTS.c.entry_id.is_distinct_from(RECEIPTS.c.entry_id),
            PAYMENTS.c.amount_cents != RECEIPTS.c.amount_cents,
            PAYMENTS.c.owner_id != RECEIPTS.c.owner_id,
            ENTRIES.c.source_id.is_distinct_from(RECEIPTS.c.payment_id),
            ENTRIES.c.kind != EntryKind.PAYMENT,
            ENTRIES.c.amount_cents != RECEIPTS.c.amount_cents,
            ENTRIES.c.owner_id != RECEIPTS.c.owner_id,
        )
    )
    .limit(1)
)
RULES = (
    (STRAY_CREDIT, "credit", "it is of another profile than its entry"),
    (STRAY_ALLOCATION, "allocation", "it was caused by no entry of its profile"),
    (OVER_REFUNDED, "line", "more was given back of it than it is"),
    (WRONGLY_CANCELLED, "document", "it is not cancelled as its credit notes say"),
    (CORRECTS_NOTHING, "document", "it corrects no invoice of its customer"),
    (WRONGLY_INVOICED, "charge", "it is not on the document that it should be on"),
    (UNBOOKED, "document", "it was not booked"),
    (WITHOUT_RECEIPT, "payment", "it came in, and there is no receipt for it"),
    (WRONGLY_RECEIPTED, "receipt", "it is not of the payment that was booked"),
)


@dataclass
class Findings:
    """What a verification that found nothing wrong has seen."""

    profiles: int = 0
    entries: int = 0
    documents: int = 0
    receipts: int = 0
    unsealed: int = 0
    balances_cents: int = 0
    accounts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seal: SealAudit = field(default_factory=SealAudit)
    series: list[SeriesAudit] = field(default_factory=list)


async def verify(database: Database) -> Findings:
    """BIL-1. Everything computed again. Raises Broken at the first difference."""
    findings = Findings()
    # One view of all of it, however long it takes; on SQLite a read transaction is one.
    isolation = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    # A connection of its own: one that is kept for requests would keep its isolation.
    async with database.readers.connect() as connection:
        await connection.execution_options(**isolation)
        async with connection.begin():
            await _entries(connection, findings)
            await _owners(connection, findings)
            await _documents(connection, findings)
            await _seals(connection, findings)
            for statement, what, said in RULES:
                if (found := (await connection.execute(statement)).first()) is not None:
                    raise Broken(f"{what} {found[0]}", said)
    customers = findings.accounts[LedgerAccount.CUSTOMERS.value]
    expect("the books", "account of the customers", customers, -findings.balances_cents)
    expect("the books", "sum of all accounts", sum(findings.accounts.values()), 0)
    return findings


async def _entries(connection: AsyncConnection, findings: Findings) -> None:
    """Every entry by itself, those of nobody included."""
    async for entries in _parts(connection, ENTRIES, "id"):
        lines = await lines_of(connection, [entry.id for entry in entries])
        for entry in entries:
            check_entry(entry, lines[entry.id])
            for line in lines[entry.id]:
                findings.accounts[line.account.value] += line.cents
        findings.entries += len(entries)


async def _owners(connection: AsyncConnection, findings: Findings) -> None:
    """Every profile's entries, in order; the index skips from one profile to the next."""
    following = select(ENTRIES.c.owner_id).order_by(ENTRIES.c.owner_id).limit(1)
    owner_id = (await connection.execute(following.where(ENTRIES.c.owner_id.is_not(None)))).scalar()
    while owner_id is not None:
        audit = await _owner(connection, owner_id)
        findings.profiles += 1
        findings.balances_cents += audit.balance
        owner_id = (await connection.execute(following.where(ENTRIES.c.owner_id > owner_id))).scalar()


async def _owner(connection: AsyncConnection, owner_id: UUID) -> OwnerAudit:
    audit = OwnerAudit(owner_id)
    async for entries in _parts(connection, ENTRIES, "position", ENTRIES.c.owner_id == owner_id):
        wanted = {"wanted": [entry.id for entry in entries]}
        credits = {row.entry_id: row for row in (await connection.execute(CREDITS_OF, wanted)).all()}
        documents = {row.id: row for row in (await connection.execute(DOCUMENTS_OF, wanted)).all()}
        places = {"owner": owner_id, "first": entries[0].position, "last": entries[-1].position}
        settled = _by(await connection.execute(SETTLED_WITH, places), "position")
        for entry in entries:
            audit.entry(entry, documents.get(entry.source_id), credits.get(entry.id), settled[entry.position])
    of_owner = {"owner": owner_id}
    audit.close(
        (await connection.execute(OPEN_CREDITS, of_owner)).all(),
        (await connection.execute(OPEN_INVOICES, of_owner)).all(),
    )
    return audit


async def _documents(connection: AsyncConnection, findings: Findings) -> None:
    """Every series, in order of its numbers; and every counter."""
    counters = {row.name: row for row in (await connection.execute(select(SERIES).order_by(SERIES.c.name))).all()}
    names = {name for rows in (INVOICES, RECEIPTS) for name in await _series_in(connection, rows)}
    for name in sorted({*names, *counters}):
        audit = SeriesAudit(name)
        async for invoices in _parts(connection, INVOICES, "sequence", INVOICES.c.series == name):
            wanted = {"wanted": [invoice.id for invoice in invoices]}
            lines = _by(await connection.execute(LINES_OF, wanted), "invoice_id")
            taxes = _by(await connection.execute(TAXES_OF, wanted), "invoice_id")
            postings = _by(await connection.execute(POSTINGS_OF, wanted), "source_id")
            for invoice in invoices:
                audit.document(invoice, lines[invoice.id], taxes[invoice.id], postings[invoice.id])
            findings.documents += len(invoices)
        async for receipts in _parts(connection, RECEIPTS, "sequence", RECEIPTS.c.series == name):
            for receipt in receipts:
                audit.receipt(receipt)
            findings.receipts += len(receipts)
        audit.close(counters.get(name))
        findings.series.append(audit)


async def _series_in(connection: AsyncConnection, rows: Table) -> Sequence[str]:
    return (await connection.execute(select(rows.c.series).distinct())).scalars().all()


async def _seals(connection: AsyncConnection, findings: Findings) -> None:
    """Every seal, in order, with the entry that it is of."""
    async for seals in _parts(connection, SEALS, "position"):
        keys = [seal.entry_id for seal in seals]
        entries = {row.id: row for row in (await connection.execute(ENTRIES_OF, {"wanted": keys})).all()}
        lines = await lines_of(connection, keys)
        for seal in seals:
            findings.seal.seal(seal, entries.get(seal.entry_id), lines[seal.entry_id])
    findings.unsealed = findings.entries - findings.seal.position


async def _parts(
    connection: AsyncConnection, rows: Table, place: str, *conditions: Any
) -> AsyncIterator[Sequence[Row[Any]]]:
    """The rows of a table in the order of one of its columns, a number of them at once."""
    column = rows.c[place]
    statement = select(rows).where(*conditions).order_by(column).limit(PART)
    found = (await connection.execute(statement)).all()
    while found:
        yield found
        found = (await connection.execute(statement.where(column > getattr(found[-1], place)))).all()


def _by(rows: Any, column: str) -> dict[Any, list[Row[Any]]]:
    groups: dict[Any, list[Row[Any]]] = defaultdict(list)
    for row in rows.all():
        groups[getattr(row, column)].append(row)
    return groups
