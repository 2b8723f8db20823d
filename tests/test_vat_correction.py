"""BIL-7. What was invoiced with VAT because VIES did not tell, once it tells."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from models.charge import Charge
from models.clock import FrozenClock
from models.column import table
from models.db import Db
from models.invoice import Invoice
from models.invoice_line import InvoiceLine, InvoiceTax
from models.profile import Profile
from resolvers.audit import verify
from tests.api import OWNER, Api
from tests.cycle import alone, balance, change, documents, open_account, pay
from tests.database import START
from tests.opening import codes
from tests.test_clockwork import Asked, german, played

SILENT = datetime(2026, 2, 4, tzinfo=UTC)
"""Three days after the order the invoice is issued with VAT."""
WITH_VAT = ("INVOICE", "2026-02-03", 600, 114)
BILLING = "{ viewer { billing { balance { amount } nonRefundable { amount } } } }"


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    clock.move(datetime(2026, 1, 31, 9, tzinfo=UTC) - START)


async def invoiced_with_vat(api: Api, name: str = "shop") -> str:
    """An account of a German company, invoiced while nobody told of its number; answers its id."""
    await alone(api)
    key = await open_account(api, name, "small")
    await german(api)
    assert await played(api, SILENT, Asked()) == []
    assert await documents(api) == [WITH_VAT]
    return key


async def last(api: Api) -> Any:
    return max((row for row in await api.rows(Invoice)), key=lambda row: row.position)


async def test_what_was_invoiced_with_vat_is_credited_and_invoiced_without_once_the_register_answers(api: Api) -> None:
    await invoiced_with_vat(api)
    assert await played(api, datetime(2026, 2, 6, tzinfo=UTC), Asked(None, True)) == []
    without = [("CREDIT_NOTE", "2026-02-05", 600, 114), ("INVOICE", "2026-02-05", 600, 0)]
    assert await documents(api) == [WITH_VAT, *without]
    assert await balance(api) == "-6.00"
    invoice = await last(api)
    (tax,) = [row for row in await api.rows(InvoiceTax) if row.invoice_id == invoice.id]
    assert (invoice.treatment, invoice.due_on.isoformat()) == ("REVERSE_CHARGE", "2026-03-07")
    assert "DE136695976" in tax.mention_en
    (line,) = [row for row in await api.rows(InvoiceLine) if row.invoice_id == invoice.id]
    (charge,) = await api.rows(Charge)
    assert (charge.invoice_line_id, line.charge_id, line.label_en) == (line.id, charge.id, charge.label_en)
    first = min(await api.rows(Invoice), key=lambda row: row.position)
    assert (first.cancelled_at, first.left_cents) == (invoice.issued_at, 0)
    await verify(api.database)


async def test_vat_that_was_paid_is_there_to_be_paid_back(api: Api) -> None:
    await invoiced_with_vat(api)
    await pay(api, 714)
    assert await played(api, datetime(2026, 2, 5, tzinfo=UTC), Asked(True)) == []
    billing = (await api.ask(BILLING, token=await api.token(OWNER))).data["viewer"]["billing"]
    assert (billing["balance"]["amount"], billing["nonRefundable"]["amount"]) == ("1.14", "0.00")
    assert (await last(api)).left_cents == 0
    await verify(api.database)


async def test_a_number_that_is_not_valid_keeps_its_vat_and_is_not_asked_about_again(api: Api) -> None:
    await invoiced_with_vat(api)
    register = Asked(False)
    assert await played(api, datetime(2026, 2, 20, tzinfo=UTC), register) == []
    assert (await documents(api), register.calls) == ([WITH_VAT], 1)
    assert (await last(api)).vat_check_at is None


async def test_a_register_that_stays_silent_is_not_asked_for_ever(api: Api) -> None:
    """Once a day for each customer, whatever number of invoices waits; for 90 days of each."""
    await invoiced_with_vat(api)
    async with Db(api.database) as db:
        await db.note(update(table(Charge)).values(status="DROPPED", invoice_line_id=None))
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(invoicing_day=None))
    await alone(api)
    register = Asked()
    assert await played(api, datetime(2026, 8, 1, tzinfo=UTC), register) == []
    assert (await documents(api), register.calls) == ([WITH_VAT], 90)
    assert (await last(api)).vat_check_at is None


async def test_an_invoice_to_another_number_is_left_to_people(api: Api) -> None:
    await invoiced_with_vat(api)
    async with Db(api.database) as db:
        mine = update(table(Profile)).where(table(Profile).c.id == OWNER.key)
        await db.note(mine.values(country="BE", postal_code="1000", vat_number="BE0403019261"))
    assert await played(api, datetime(2026, 2, 6, tzinfo=UTC), Asked(True)) == []
    assert (await documents(api), (await last(api)).vat_check_at) == ([WITH_VAT], None)


async def test_what_was_refunded_before_is_not_invoiced_again(api: Api) -> None:
    """A plan changed while VIES did not tell: the rest of the old period, and a later change refunds from it."""
    key = await invoiced_with_vat(api)
    assert codes(await change(api, key, "medium")) == ["QUOTE_CHANGED"]  # The register was asked.
    assert (await change(api, key, "medium"))["userErrors"] == []
    assert (await documents(api))[1:] == [("CREDIT_NOTE", "2026-02-03", 536, 102)]
    assert await played(api, datetime(2026, 2, 6, tzinfo=UTC), Asked(True)) == []
    assert (await documents(api))[2:] == [
        ("INVOICE", "2026-02-04", 2_200, 0),
        ("CREDIT_NOTE", "2026-02-04", 64, 12),
        ("INVOICE", "2026-02-04", 64, 0),
    ]
    assert await balance(api) == "-22.64"
    assert (await change(api, key, "large"))["userErrors"] == []
    assert (await documents(api))[-1] == ("CREDIT_NOTE", "2026-02-04", 2_121, 0)
    await verify(api.database)


async def test_after_the_correction_a_change_refunds_what_is_invoiced_now(api: Api) -> None:
    key = await invoiced_with_vat(api)
    assert await played(api, datetime(2026, 2, 5, tzinfo=UTC), Asked(True)) == []
    assert (await change(api, key, "medium"))["refund"]["amount"]["amount"] == "5.14"
    assert (await documents(api))[-1] == ("CREDIT_NOTE", "2026-02-04", 514, 0)
    await verify(api.database)
