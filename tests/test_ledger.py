"""BIL-1, BIL-3. The ledger: balanced entries, the balance after each, and who settles what."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import func, select

from models.column import new_id, table
from models.credit import Allocation, Credit, Open, matched
from models.db import Database, Db
from models.invoice import Invoice
from models.journal import EntryKind, JournalEntry, JournalLine, LedgerAccount, Posting, Unbalanced, check_balanced
from models.ledger import InsufficientBalance, Source
from models.money import InvalidAmount
from models.refusal import NotFound
from resolvers import ledger
from tests.booking import a_customer, adjusted, given_back, invoiced, paid, rows, spent

ENTRIES, LINES = table(JournalEntry), table(JournalLine)


async def balance(database: Database, owner_id: UUID) -> tuple[int, int]:
    """The balance of a profile after its last entry, and the part that can only pay invoices."""
    async with Db(database) as db:
        last = select(ENTRIES.c.balance_after_cents, ENTRIES.c.non_refundable_after_cents)
        found = await db.first(last.where(ENTRIES.c.owner_id == owner_id).order_by(ENTRIES.c.position.desc()).limit(1))
    assert found is not None
    return found.balance_after_cents, found.non_refundable_after_cents


async def settlements(database: Database) -> dict[tuple[UUID, UUID], int]:
    """How much of each entry went to each debt."""
    sums: dict[tuple[UUID, UUID], int] = {}
    for row in await rows(database, Allocation):
        key = row.entry_id, row.invoice_id or row.debit_id
        sums[key] = sums.get(key, 0) + row.cents
    return sums


async def left(database: Database, invoice_id: UUID) -> int:
    return int(next(row.left_cents for row in await rows(database, Invoice) if row.id == invoice_id))


# Decisions


def keys(*names: str) -> dict[str, UUID]:
    return {name: new_id() for name in names}


def test_an_entry_that_is_out_of_balance_is_a_defect() -> None:
    with pytest.raises(Unbalanced, match="2 cents"):
        check_balanced([Posting(LedgerAccount.BANK, 5), Posting(LedgerAccount.CUSTOMERS, -3)])


def test_what_can_only_pay_invoices_is_spent_first_then_the_oldest() -> None:
    key = keys("old", "new", "refund", "debt")
    credits = [
        Open(key["new"], 10, position=8),
        Open(key["refund"], 10, position=9, invoices_only=True),
        Open(key["old"], 10, position=2),
    ]
    made = matched(credits, [Open(key["debt"], 25, position=10)])
    assert [(each.credit, each.cents) for each in made] == [(key["refund"], 10), (key["old"], 10), (key["new"], 5)]


def test_the_oldest_debt_is_settled_first_unless_a_refund_is_of_another() -> None:
    key = keys("credit", "old", "new")
    debts = [Open(key["new"], 10, position=5), Open(key["old"], 10, position=3)]
    credit = [Open(key["credit"], 12, position=6)]
    assert [(each.debt, each.cents) for each in matched(credit, debts)] == [(key["old"], 10), (key["new"], 2)]
    first = matched(credit, debts, first={key["new"]})
    assert [(each.debt, each.cents) for each in first] == [(key["new"], 10), (key["old"], 2)]


def test_what_can_only_pay_invoices_pays_nothing_else() -> None:
    key = keys("refund", "debit")
    credit = Open(key["refund"], 10, position=1, invoices_only=True)
    assert matched([credit], [Open(key["debit"], 10, position=2, is_invoice=False)]) == []


# Payments and invoices


async def test_a_payment_is_credited_and_an_invoice_takes_it(database: Database) -> None:
    owner = await a_customer(database)
    payment = await paid(database, owner, 5000)
    assert await balance(database, owner) == (5000, 0)
    issued = await invoiced(database, owner, 2200)
    assert await balance(database, owner) == (5000 - 2640, 0)
    assert await settlements(database) == {(payment, issued.invoice.id): 2640}
    (row,) = await rows(database, Invoice)
    assert (row.left_cents, row.paid_at) == (0, database.clock.now())
    (credit,) = await rows(database, Credit)
    assert (credit.entry_id, credit.left_cents) == (payment, 2360)


async def test_every_entry_is_balanced_and_says_where_the_money_went(database: Database) -> None:
    owner = await a_customer(database)
    await paid(database, owner, 5000)
    issued = await invoiced(database, owner, 2200)
    lines = {(row.entry_id, row.account): row for row in await rows(database, JournalLine)}
    assert [
        (lines[issued.entry.id, account].cents, lines[issued.entry.id, account].rate_bp)
        for account in (LedgerAccount.CUSTOMERS, LedgerAccount.REVENUE_HOSTING, LedgerAccount.VAT)
    ] == [(2640, None), (-2200, 2000), (-440, 2000)]
    async with Db(database) as db:
        assert await db.rows(select(func.sum(LINES.c.cents)).group_by(LINES.c.entry_id)) == [(0,), (0,)]
    positions = sorted((row.position, row.kind) for row in await rows(database, JournalEntry))
    assert positions == [(1, EntryKind.PAYMENT), (2, EntryKind.INVOICE)]


async def test_a_later_payment_settles_what_is_open_oldest_first(database: Database) -> None:
    owner = await a_customer(database)
    old, new = (await invoiced(database, owner, 1000)).invoice.id, (await invoiced(database, owner, 1000)).invoice.id
    payment = await paid(database, owner, 1500)
    assert await settlements(database) == {(payment, old): 1200, (payment, new): 300}
    assert (await left(database, old), await left(database, new)) == (0, 900)
    assert await balance(database, owner) == (-900, 0)


async def test_a_refund_can_only_pay_invoices_and_is_spent_first(database: Database) -> None:
    owner = await a_customer(database)
    await paid(database, owner, 10_000)
    first = await invoiced(database, owner, 3000)
    refund = await given_back(database, first, 1000)
    assert await balance(database, owner) == (10_000 - 3600 + 1200, 1200)
    with pytest.raises(InsufficientBalance) as refused:
        await spent(database, owner, 6401)
    assert refused.value.missing.cents == 1
    second = await invoiced(database, owner, 500)
    assert (await settlements(database))[refund.entry.id, second.invoice.id] == 600
    assert await balance(database, owner) == (7000, 600)


async def test_a_refund_offsets_the_unpaid_invoice_of_its_own_line_first(database: Database) -> None:
    owner = await a_customer(database)
    older, own = await invoiced(database, owner, 1000), await invoiced(database, owner, 1000)
    refund = await given_back(database, own, 400)
    assert await settlements(database) == {(refund.entry.id, own.invoice.id): 480}
    assert (await left(database, older.invoice.id), await left(database, own.invoice.id)) == (1200, 720)
    assert await balance(database, owner) == (-1920, 0)


async def test_a_refund_beyond_its_own_invoice_goes_on_to_the_oldest(database: Database) -> None:
    owner = await a_customer(database)
    own, other = await invoiced(database, owner, 1000), await invoiced(database, owner, 1000)
    await paid(database, owner, 700)
    refund = await given_back(database, own, 1000)
    assert (await settlements(database))[refund.entry.id, own.invoice.id] == 500
    assert (await settlements(database))[refund.entry.id, other.invoice.id] == 700


# Corrections


async def test_a_balance_is_corrected_by_another_entry(database: Database) -> None:
    owner = await a_customer(database)
    await adjusted(database, owner, 500)
    await adjusted(database, owner, 300, LedgerAccount.WRITE_OFF, non_refundable=True)
    assert await balance(database, owner) == (800, 300)
    with pytest.raises(InsufficientBalance):
        await spent(database, owner, 501)
    await spent(database, owner, 500)
    assert await balance(database, owner) == (300, 300)


@pytest.mark.parametrize("cents", [0, -5])
async def test_a_payment_is_of_something(database: Database, cents: int) -> None:
    owner = await a_customer(database)
    with pytest.raises(InvalidAmount):
        await paid(database, owner, cents)


async def test_nothing_is_booked_for_nobody(database: Database) -> None:
    with pytest.raises(NotFound):
        await paid(database, new_id(), 5)


async def test_forty_spend_at_once_and_ten_succeed(database: Database) -> None:
    owner = await a_customer(database)
    await paid(database, owner, 10_000)
    answers = await asyncio.gather(*(spent(database, owner, 1000) for _ in range(40)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, InsufficientBalance)]
    assert (len(answers) - len(refused), len(refused)) == (10, 30)
    assert await balance(database, owner) == (0, 0)
    entries = sorted(row.position for row in await rows(database, JournalEntry))
    assert entries == list(range(1, 12))


# Payments that go back


async def reversed_payment(database: Database, entry_id: UUID, cents: int | None = None) -> UUID:
    async with Db(database) as db, db.write() as write:
        return (await ledger.reverse_payment(write, entry_id, cents=cents)).entry.id


async def test_a_payment_that_goes_back_opens_what_it_had_settled_newest_first(database: Database) -> None:
    """BIL-9."""
    owner = await a_customer(database)
    old, new = await invoiced(database, owner, 1000), await invoiced(database, owner, 1000)
    payment = await paid(database, owner, 2400)
    reversal = await reversed_payment(database, payment, 1800)
    assert await settlements(database) == {
        (payment, old.invoice.id): 600,
        (payment, new.invoice.id): 0,
        (payment, reversal): 1800,
    }
    assert (await left(database, old.invoice.id), await left(database, new.invoice.id)) == (600, 1200)
    assert [row.paid_at for row in await rows(database, Invoice)] == [None, None]
    assert await balance(database, owner) == (-1800, 0)
    with pytest.raises(InvalidAmount):
        await reversed_payment(database, payment, 601)
    await reversed_payment(database, payment)
    assert await balance(database, owner) == (-2400, 0)


async def test_a_correction_about_a_payment_is_no_part_of_it_that_went_back(database: Database) -> None:
    owner = await a_customer(database)
    payment = await paid(database, owner, 1000)
    await adjusted(database, owner, -400, source=Source(JournalEntry.activity_type, payment))
    await reversed_payment(database, payment)
    assert await balance(database, owner) == (-400, 0)


async def test_other_credit_settles_what_was_opened_again(database: Database) -> None:
    owner = await a_customer(database)
    bad = await paid(database, owner, 1200)
    issued = await invoiced(database, owner, 1000)
    good = await paid(database, owner, 1000)
    reversal = await reversed_payment(database, bad)
    assert (await settlements(database))[bad, reversal] == 1200
    assert (await settlements(database))[good, issued.invoice.id] == 1000
    assert (await left(database, issued.invoice.id), await balance(database, owner)) == (200, (-200, 0))


async def test_what_of_a_reversed_payment_had_left_is_owed_and_paid_by_the_next(database: Database) -> None:
    owner = await a_customer(database)
    bad = await paid(database, owner, 1000)
    await spent(database, owner, 1000)
    reversal = await reversed_payment(database, bad)
    assert await balance(database, owner) == (-1000, 0)
    good = await paid(database, owner, 1500)
    assert (await settlements(database))[good, reversal] == 1000
    assert await balance(database, owner) == (500, 0)
