"""BIL-1. `espace ledger verify` finds whatever was changed behind the ledger's back, and says where."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, text, update

from app.ledger import told
from models.audit import Broken
from models.charge import Charge
from models.column import new_id, table
from models.credit import Allocation, Credit
from models.db import Database, Db
from models.document_series import DocumentSeries
from models.invoice import Invoice
from models.invoice_line import InvoiceLine, InvoiceTax
from models.journal import EntryKind, JournalEntry, JournalLine, LedgerAccount
from models.ledger_seal import LedgerSeal
from resolvers import ledger, ledger_seal
from resolvers.audit import verify
from tests.booking import a_customer, adjusted, given_back, invoiced, ordered, paid, rows, spent
from tests.database import START, ddl

ENTRIES, LINES, SEALS = table(JournalEntry), table(JournalLine), table(LedgerSeal)
INVOICES, INVOICE_LINES, TAXES = table(Invoice), table(InvoiceLine), table(InvoiceTax)
CREDITS, ALLOCATIONS, CHARGES, SERIES = table(Credit), table(Allocation), table(Charge), table(DocumentSeries)
EARLIER = START - timedelta(days=400)
PROTECTED = ("journal_entry", "journal_line", "invoice_line", "invoice_tax", "allocation", "ledger_seal", "receipt")


async def sealed(database: Database) -> int:
    async with Db(database) as db:
        return await ledger_seal.seal(db)


@pytest.fixture
async def books(database: Database) -> UUID:
    """Two customers with every kind of movement, sealed; answers the first."""
    owner, other = await a_customer(database), await a_customer(database)
    bad = await paid(database, owner, 1200)
    first = await invoiced(database, owner, 1000)
    await given_back(database, first, 400)
    async with Db(database) as db, db.write() as write:
        await ledger.reverse_payment(write, bad)
    await paid(database, owner, 9000)
    await invoiced(database, owner, *[499] * 7)
    await adjusted(database, owner, 300, LedgerAccount.WRITE_OFF, non_refundable=True)
    await spent(database, owner, 100)
    await given_back(database, await invoiced(database, other, 2200, 499), kind=EntryKind.CREDIT_NOTE)
    await invoiced(database, other, 700)
    await ordered(database, other, 100)
    await sealed(database)
    return owner


async def unprotected(database: Database) -> None:
    """Whoever owns the database can take the triggers away."""
    async with database.writing() as connection:
        if database.is_sqlite:
            found = await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for (name,) in found.all():
                await connection.execute(ddl(f"DROP TRIGGER {name}"))
        else:
            for name in (*PROTECTED, "invoice"):
                await connection.execute(ddl(f"ALTER TABLE {name} DISABLE TRIGGER ALL"))


# Whole books


async def test_whole_books_are_well(database: Database, books: UUID) -> None:
    findings = await verify(database)
    entries, documents = await rows(database, JournalEntry), await rows(database, Invoice)
    assert (findings.profiles, findings.entries, findings.documents) == (2, len(entries), len(documents))
    assert (findings.seal.position, findings.unsealed) == (len(entries), 0)
    assert findings.accounts["CUSTOMERS"] == -findings.balances_cents
    assert sum(findings.accounts.values()) == 0
    assert [each.name for each in findings.series] == ["A2026-", "F2026-"]
    heads = {each.hash for each in documents}
    assert {each.hash for each in findings.series} <= heads


async def test_books_of_many_parts_are_well(database: Database, monkeypatch: pytest.MonkeyPatch, books: UUID) -> None:
    monkeypatch.setattr("resolvers.audit.PART", 2)
    assert (await verify(database)).documents == 6


async def test_empty_books_are_well(database: Database) -> None:
    assert told(await verify(database))[0] == "0 entries of 0 profiles, 0 documents, 0 receipts: all is well."


async def test_entries_wait_for_their_seal(database: Database, books: UUID) -> None:
    await paid(database, books, 100)
    assert (await verify(database)).unsealed == 1
    assert await sealed(database) == 1
    assert await sealed(database) == 0
    assert (await verify(database)).unsealed == 0


async def test_seals_are_chained_in_parts_as_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, books: UUID
) -> None:
    for _ in range(3):
        await paid(database, books, 100)
    monkeypatch.setattr("resolvers.ledger_seal.UNSEALED", ledger_seal.UNSEALED.limit(2))
    monkeypatch.setattr("resolvers.ledger_seal.RECENTLY", ledger_seal.RECENTLY.limit(2))
    assert await sealed(database) == 3
    assert (await verify(database)).unsealed == 0


# Broken books

Change = Callable[[], Any]
PAYMENT = ENTRIES.c.kind == EntryKind.PAYMENT
BREAKS: dict[str, tuple[Change, str]] = {
    "an amount of a line": (
        lambda: update(LINES).where(LINES.c.account == LedgerAccount.VAT).values(cents=LINES.c.cents - 1),
        "sum of its lines",
    ),
    "an amount": (lambda: update(ENTRIES).where(PAYMENT).values(amount_cents=ENTRIES.c.amount_cents + 1), "amount is"),
    "lines that are gone": (
        lambda: delete(LINES).where(
            LINES.c.entry_id.in_(ENTRIES.select().with_only_columns(ENTRIES.c.id).where(PAYMENT))
        ),
        "no lines",
    ),
    "a balance": (
        lambda: update(ENTRIES).where(ENTRIES.c.position == 3).values(balance_after_cents=7),
        "entry 3: balance after it",
    ),
    "a part that can only pay invoices": (
        lambda: update(ENTRIES).where(ENTRIES.c.position == 2).values(non_refundable_after_cents=7),
        "part that can only pay invoices",
    ),
    "a place": (lambda: update(ENTRIES).where(ENTRIES.c.position == 4).values(position=40), "place is"),
    "a day of an entry": (
        lambda: update(ENTRIES).where(ENTRIES.c.position == 2).values(booked_at=EARLIER),
        "before the one before it",
    ),
    "what is left of a credit": (
        lambda: update(CREDITS).where(CREDITS.c.left_cents > 0).values(left_cents=CREDITS.c.left_cents + 1),
        "what is left of its credits",
    ),
    "what a credit may pay": (
        lambda: update(CREDITS).where(CREDITS.c.non_refundable).values(non_refundable=False),
        "only pay invoices",
    ),
    "a credit that is gone": (
        lambda: delete(CREDITS).where(CREDITS.c.left_cents == 0),
        "what is left of it is missing",
    ),
    "a settlement": (
        lambda: update(ALLOCATIONS).where(ALLOCATIONS.c.invoice_id.is_not(None)).values(cents=ALLOCATIONS.c.cents + 1),
        "entry 2",
    ),
    "a settlement that is gone": (
        lambda: delete(ALLOCATIONS).where(ALLOCATIONS.c.invoice_id.is_not(None)),
        "are owed at once",
    ),
    "what is left of an invoice": (
        lambda: update(INVOICES).where(INVOICES.c.left_cents > 0).values(left_cents=INVOICES.c.left_cents - 1),
        "what is left of its invoices",
    ),
    "an owner of an invoice": (
        lambda: update(INVOICES).where(INVOICES.c.sequence == 1).values(owner_id=new_id()),
        "owner of its document",
    ),
    "a price on a document": (
        lambda: update(INVOICE_LINES).where(INVOICE_LINES.c.position == 2).values(net_cents=1),
        "hash is",
    ),
    "a word on a document": (
        lambda: update(INVOICE_LINES).where(INVOICE_LINES.c.position == 2).values(label_fr="Autre"),
        "hash is",
    ),
    "a buyer": (lambda: update(INVOICES).values(buyer={"city": "Lyon"}), "hash is"),
    "a number": (
        lambda: update(INVOICES).where(INVOICES.c.number == "F2026-000002").values(sequence=20, number="F2026-000020"),
        "number in its series",
    ),
    "a printed number": (
        lambda: update(INVOICES).where(INVOICES.c.number == "F2026-000002").values(number="F2026-2"),
        "printed number",
    ),
    "a date": (
        lambda: update(INVOICES).where(INVOICES.c.sequence == 2).values(issued_on=EARLIER.date()),
        "before the number before it",
    ),
    "a counter": (lambda: update(SERIES).values(last_sequence=SERIES.c.last_sequence + 1), "last number"),
    "a counter that is gone": (lambda: delete(SERIES), "its counter is missing"),
    "a payment that was never made": (
        lambda: update(INVOICES).where(INVOICES.c.left_cents > 0).values(paid_at=EARLIER),
        "whether it is paid",
    ),
    "a cancellation": (
        lambda: update(INVOICES).where(INVOICES.c.cancelled_at.is_not(None)).values(cancelled_at=None),
        "as its credit notes say",
    ),
    "a charge": (lambda: update(CHARGES).values(status="INVOICED"), "the document that it should be on"),
    "a seal": (lambda: update(SEALS).where(SEALS.c.position == 3).values(hash="0" * 64), "seal 3: hash of entry"),
    "a seal that is gone": (lambda: delete(SEALS).where(SEALS.c.position == 3), "place is 4"),
    "a reason": (
        lambda: update(ENTRIES).where(ENTRIES.c.kind == EntryKind.ADJUSTMENT).values(facts={}),
        "hash of entry",
    ),
    "a stray credit": (
        lambda: update(CREDITS).where(CREDITS.c.left_cents == 0).values(owner_id=new_id()),
        "another profile than its entry",
    ),
    "a stray settlement": (
        lambda: insert(ALLOCATIONS).from_select(
            ["id", "owner_id", "position", "entry_id", "debit_id", "cents", "booked_at"],
            ENTRIES.select()
            .with_only_columns(
                ENTRIES.c.id,
                ENTRIES.c.id,
                ENTRIES.c.position,
                ENTRIES.c.id,
                ENTRIES.c.id,
                ENTRIES.c.position,
                ENTRIES.c.booked_at,
            )
            .where(PAYMENT),
        ),
        "caused by no entry",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_whatever_is_changed_is_found(database: Database, books: UUID, name: str) -> None:
    change, said = BREAKS[name]
    await unprotected(database)
    async with Db(database) as db:
        await db.note(change())
    with pytest.raises(Broken, match=said):
        await verify(database)
