"""BIL-2, BIL-6. Documents: their numbers, their sums, what is kept of them, and that nothing can change them."""

import asyncio
import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from models.chain import NO_HASH, link
from models.charge import Charge, ChargeStatus
from models.clock import FrozenClock
from models.column import table
from models.credit import Credit
from models.db import Database, Db
from models.document_series import DocumentKind, DocumentSeries, SeriesKind, printed, series_of
from models.draft import NothingLeft
from models.invoice import MUTABLE, Invoice, InvoiceStatus, sealed_content, status_of
from models.invoice_line import InvoiceLine, InvoiceTax
from models.issuer import Office
from models.journal import EntryKind
from models.profile import Profile
from models.refusal import NotFound
from models.setting import Figures
from models.vat import Treatment, VatTreatment
from resolvers import invoice as invoices
from tests.booking import FRENCH, OFFICE, a_customer, charged, given_back, invoiced, ordered, paid, rows

REVERSE = Treatment(VatTreatment.REVERSE_CHARGE, 0, "DE", "Reverse charge", "Autoliquidation")
NUMBER = re.compile("[A-Za-z0-9+_/-]{1,35}")


async def documents(database: Database) -> list[Any]:
    return sorted(await rows(database, Invoice), key=lambda each: (each.series, each.sequence))


# Sums


async def test_vat_is_rounded_once_on_the_document(database: Database) -> None:
    """SPEC 12: 7 lines of 4.99."""
    issued = await invoiced(database, await a_customer(database), *[499] * 7)
    invoice = issued.invoice
    assert (invoice.net_cents, invoice.tax_cents, invoice.gross_cents) == (3493, 699, 4192)
    assert sorted(line.tax_cents for line in issued.document.lines) == [99] + [100] * 6
    assert issued.entry.balance_after_cents == -4192


async def test_a_refund_has_the_vat_of_its_line(database: Database) -> None:
    """SPEC 12: 60.00 for a year, left with 108 of 365 days."""
    owner = await a_customer(database)
    await paid(database, owner, 7200)
    refund = await given_back(database, await invoiced(database, owner, 6000), 1775)
    assert (refund.invoice.net_cents, refund.invoice.tax_cents, refund.entry.amount_cents) == (1775, 355, 2130)


async def test_refunds_of_a_line_never_exceed_it_and_the_last_takes_the_remainder(database: Database) -> None:
    owner = await a_customer(database)
    issued = await invoiced(database, owner, *[499] * 7)
    line = issued.document.lines[0]
    parts = [await given_back(database, issued, net) for net in (166, 166, 167)]
    assert sum(part.invoice.tax_cents for part in parts) == line.tax_cents
    with pytest.raises(NothingLeft):
        await given_back(database, issued, 1)


async def test_without_vat_the_mention_is_kept(database: Database) -> None:
    await invoiced(database, await a_customer(database), 1000, treatment=REVERSE)
    (tax,) = await rows(database, InvoiceTax)
    assert (tax.rate_bp, tax.tax_cents, tax.base_cents, tax.mention_fr) == (0, 0, 1000, "Autoliquidation")
    (invoice,) = await rows(database, Invoice)
    assert invoice.treatment == "REVERSE_CHARGE"


async def test_a_free_invoice_is_paid_when_it_is_issued(database: Database) -> None:
    issued = await invoiced(database, await a_customer(database), 0)
    assert (issued.invoice.left_cents, issued.invoice.paid_at) == (0, database.clock.now())


# What is invoiced


async def test_charges_are_invoiced_once(database: Database) -> None:
    owner = await a_customer(database)
    await invoiced(database, owner, 1000, 500)
    charges = await rows(database, Charge)
    lines = {line.charge_id: line.id for line in await rows(database, InvoiceLine)}
    assert {charge.id: charge.invoice_line_id for charge in charges} == lines
    assert {charge.status for charge in charges} == {ChargeStatus.INVOICED}
    async with Db(database) as db:
        with pytest.raises(NotFound):
            async with db.write() as write:
                await invoices.issue(OFFICE, write, owner, [charges[0].id], FRENCH)


async def test_charges_of_somebody_else_are_not_invoiced(database: Database) -> None:
    owner, stranger = await a_customer(database), await a_customer(database)
    keys = await ordered(database, stranger, 1000)
    async with Db(database) as db:
        with pytest.raises(NotFound):
            async with db.write() as write:
                await invoices.issue(OFFICE, write, owner, keys, FRENCH)
    assert await rows(database, Invoice) == []


async def test_later_changes_of_the_profile_leave_documents_as_they_were(database: Database) -> None:
    owner = await a_customer(database)
    await invoiced(database, owner, 1000)
    async with Db(database) as db:
        await db.note(update(table(Profile)).values(organization_name="Another", city="Lyon"))
    await invoiced(database, owner, 1000)
    first, second = await documents(database)
    assert (first.buyer["organization_name"], first.buyer["city"]) == ("Atelier Exemple", "Paris")
    assert (second.buyer["organization_name"], second.buyer["city"]) == ("Another", "Lyon")


async def test_an_invoice_is_due_thirty_days_after_its_issue(database: Database) -> None:
    issued = await invoiced(database, await a_customer(database), 1000)
    assert (issued.invoice.issued_on, issued.invoice.due_on) == (date(2026, 11, 22), date(2026, 12, 22))
    assert issued.invoice.overdue_at == datetime(2026, 12, 22, 23, tzinfo=UTC)


def test_a_document_is_late_once_its_day_is_over() -> None:
    end = datetime(2026, 12, 22, 23, tzinfo=UTC)
    a_moment = timedelta(microseconds=1)
    assert status_of(None, 5, end, end - a_moment) is InvoiceStatus.OPEN
    assert status_of(None, 5, end, end) is InvoiceStatus.OVERDUE
    assert status_of(None, 0, end, end) is InvoiceStatus.PAID
    assert status_of(end, 0, end, end) is InvoiceStatus.CANCELLED


# Numbers


def test_a_series_names_its_year_and_whether_it_is_real() -> None:
    figures = Figures()
    real = series_of(SeriesKind.INVOICE, date(2026, 11, 22), figures, sandbox=False)
    assert printed(real, 42) == "F2026-000042"
    assert series_of(SeriesKind.CREDIT_NOTE, date(2027, 1, 1), figures, sandbox=False) == "A2027-"
    assert series_of(SeriesKind.INVOICE, date(2026, 1, 1), figures, sandbox=True) == "TEST-F2026-"
    longest = Figures(invoice_prefix="INVOICES")
    assert NUMBER.fullmatch(printed(series_of(SeriesKind.INVOICE, date(2026, 1, 1), longest, sandbox=True), 10**9))


async def test_forty_documents_at_once_have_forty_numbers_in_a_row(database: Database) -> None:
    owners = [await a_customer(database) for _ in range(8)]
    await asyncio.gather(*(invoiced(database, owner, 1000) for owner in owners * 5))
    found = await documents(database)
    assert [each.number for each in found] == [f"F2026-{number:06}" for number in range(1, 41)]
    hashes = [NO_HASH, *(each.hash for each in found)]
    assert [each.previous_hash for each in found] == hashes[:-1]
    assert len(set(hashes)) == 41


async def test_a_number_is_not_lost_with_what_is_undone(database: Database) -> None:
    owner = await a_customer(database)
    await invoiced(database, owner, 1000)
    async with Db(database) as db:
        with suppress(ZeroDivisionError):
            async with db.write() as write:
                await invoices.issue(OFFICE, write, owner, await charged(write, owner, 1000), FRENCH)
                raise ZeroDivisionError
    assert (await invoiced(database, owner, 1000)).invoice.number == "F2026-000002"


async def test_each_year_begins_again_and_credit_notes_have_their_own_series(
    database: Database, clock: FrozenClock
) -> None:
    owner = await a_customer(database)
    issued = await invoiced(database, owner, 1000)
    clock.move(datetime(2026, 12, 31, 23, 30, tzinfo=UTC) - clock.now())  # In Paris it is the new year.
    await invoiced(database, owner, 1000)
    await given_back(database, issued, 100)
    sandbox = await invoiced(database, owner, 1000, office=Office(Figures(), sandbox=True))
    assert [each.number for each in await documents(database)] == [
        "A2027-000001",
        "F2026-000001",
        "F2027-000001",
        "TEST-F2027-000001",
    ]
    assert sandbox.invoice.previous_hash == NO_HASH


async def test_no_document_is_dated_before_the_number_before_it(database: Database, clock: FrozenClock) -> None:
    owner = await a_customer(database)
    await invoiced(database, owner, 1000)
    clock.move(timedelta(days=-3))
    assert (await invoiced(database, owner, 1000)).invoice.issued_on == date(2026, 11, 22)
    (series,) = await rows(database, DocumentSeries)
    assert (series.last_sequence, series.last_issued_on) == (2, date(2026, 11, 22))


# Credit notes


async def test_a_credit_note_names_what_it_corrects_and_cancels_what_it_gives_back_whole(database: Database) -> None:
    owner = await a_customer(database)
    issued = await invoiced(database, owner, 1000, 500)
    note = await given_back(database, issued, kind=EntryKind.CREDIT_NOTE)
    corrected = next(each for each in await documents(database) if each.kind is DocumentKind.INVOICE)
    assert note.invoice.corrects_id == corrected.id
    assert (corrected.left_cents, corrected.cancelled_at) == (0, database.clock.now())
    assert (note.invoice.left_cents, note.entry.balance_after_cents) == (0, 0)
    assert {line.corrects_line_id for line in note.document.lines} == {line.id for line in issued.document.lines}


async def test_a_part_given_back_cancels_nothing_until_the_last(database: Database) -> None:
    owner = await a_customer(database)
    issued = await invoiced(database, owner, 1000)
    await given_back(database, issued, 400)
    assert all(each.cancelled_at is None for each in await documents(database))
    await given_back(database, issued, kind=EntryKind.CREDIT_NOTE)
    assert [each.cancelled_at is None for each in await documents(database)] == [True, True, False]


@pytest.mark.parametrize(("refunds_first", "bound"), [(True, True), (False, False)])
async def test_what_was_paid_by_a_refund_is_no_money_when_it_comes_back(
    database: Database, refunds_first: bool, bound: bool
) -> None:
    owner = await a_customer(database)
    await paid(database, owner, 1200 if refunds_first else 2400)
    first = await invoiced(database, owner, 1000)
    if refunds_first:
        await given_back(database, first, 1000)
    mended = await invoiced(database, owner, 1000)
    note = await given_back(database, mended, kind=EntryKind.CREDIT_NOTE)
    credit = next(each for each in await rows(database, Credit) if each.entry_id == note.entry.id)
    assert (credit.left_cents, credit.non_refundable) == (1200, bound)


async def test_a_credit_note_is_not_corrected(database: Database) -> None:
    note = await given_back(database, await invoiced(database, await a_customer(database), 1000), 500)
    with pytest.raises(NotFound):
        await given_back(database, note, 100)


# For ever


async def test_no_column_of_a_document_changes_but_what_is_left_of_it(database: Database) -> None:
    issued = await invoiced(database, await a_customer(database), 1000)
    documents = table(Invoice)
    async with Db(database) as db:
        for column in documents.columns:
            other: Any = {"kind": DocumentKind.CREDIT_NOTE, "corrects_id": issued.invoice.id}.get(column.name)
            if column.name not in MUTABLE:
                with pytest.raises(IntegrityError, match="immutable"):
                    await db.note(update(documents).values({column.name: other}))
        with pytest.raises(IntegrityError, match="immutable"):
            await db.note(delete(documents))
        await db.note(update(documents).values(left_cents=5, paid_at=None, cancelled_at=None))
    assert (await rows(database, Invoice))[0].left_cents == 5


@pytest.mark.parametrize("model", [InvoiceLine, InvoiceTax])
async def test_what_stands_on_a_document_never_changes(database: Database, model: Any) -> None:
    await invoiced(database, await a_customer(database), 1000)
    async with Db(database) as db:
        for change in (update(table(model)).values(tax_cents=1), delete(table(model))):
            with pytest.raises(IntegrityError, match="append-only"):
                await db.note(change)


async def test_the_hash_is_of_all_that_a_document_says(database: Database) -> None:
    """The same, whether it is made of objects or read back."""
    issued = await invoiced(database, await a_customer(database), 1000, 499, explanation={"b": 1, "a": ["é"]})
    (row,) = await rows(database, Invoice)
    lines = sorted(await rows(database, InvoiceLine), key=lambda each: each.position)
    content = sealed_content(row, lines, await rows(database, InvoiceTax))
    assert link(NO_HASH, content) == row.hash == issued.invoice.hash
    assert set(content["document"]) == set(table(Invoice).c.keys()) - MUTABLE - {"hash"}
