"""BIL-9. Automatic debit: what is issued is charged at once, what fails is mailed and tried again, a few times."""

from typing import Any
from uuid import UUID

from sqlalchemy import update

from models.collection import Collection
from models.column import table
from models.db import Db
from models.delivery import Delivery
from models.invoice import Invoice
from models.payment import Payment
from models.payment_method import PaymentMethod
from models.payment_provider import ProviderState
from resolvers.audit import verify
from schema.global_id import global_id, read_global_id
from tests.api import FREE, Api
from tests.booking import invoiced
from tests.cycle import move, movements
from tests.paying import add_card, pay_invoices, token, top_up
from tests.test_standstill import slow

METHODS = table(PaymentMethod)


async def becomes(api: Api, card: str) -> None:
    """From now on the cards on file do something else."""
    async with Db(api.database) as db:
        await db.note(update(METHODS).values(token=f"sandbox:{card}:2029-12-31"))


async def mails(api: Api, template: str) -> int:
    return sum(row.template == template for row in await api.rows(Delivery))


async def tries(api: Api) -> list[tuple[str, str]]:
    """The days and outcomes of the automatic payments."""
    rows: list[Any] = sorted((row for row in await api.rows(Payment) if row.automatic), key=lambda row: row.created_at)
    return [(row.created_at.date().isoformat(), row.status.value) for row in rows]


async def test_an_invoice_is_debited_when_it_is_issued(api: Api) -> None:
    await add_card(api, "card_ok", FREE, autoDebit=True)
    await invoiced(api.database, FREE.key, 1_000)
    await move(api, "2026-11-22T09:01:00Z", FREE)
    assert await movements(api, FREE) == [("INVOICE", -1_200), ("PAYMENT", 1_200)]
    (invoice,) = await api.rows(Invoice)
    assert invoice.left_cents == 0
    await move(api, "2026-12-31T00:00:00Z", FREE)
    assert await tries(api) == [("2026-11-22", "SUCCEEDED")]
    await verify(api.database)


async def test_nothing_is_debited_without_that_wish(api: Api) -> None:
    await add_card(api, "card_ok", FREE)
    await invoiced(api.database, FREE.key, 1_000)
    assert await api.rows(Collection) == []


async def test_what_fails_is_mailed_and_tried_again(api: Api) -> None:
    await add_card(api, "card_ok", FREE, autoDebit=True)
    await becomes(api, "card_declined")
    await invoiced(api.database, FREE.key, 1_000)
    await move(api, "2027-01-15T00:00:00Z", FREE)
    days = ["2026-11-22", "2026-11-25", "2026-11-29", "2026-12-06"]
    assert await tries(api) == [(day, "FAILED") for day in days]
    assert await mails(api, "collection_failed") == 4
    assert await movements(api, FREE) == [("INVOICE", -1_200)]


async def test_a_later_try_may_succeed(api: Api) -> None:
    await add_card(api, "card_ok", FREE, autoDebit=True)
    await becomes(api, "card_declined")
    await invoiced(api.database, FREE.key, 1_000)
    await move(api, "2026-11-23T00:00:00Z", FREE)
    await becomes(api, "card_ok")
    await move(api, "2027-01-15T00:00:00Z", FREE)
    assert await tries(api) == [("2026-11-22", "FAILED"), ("2026-11-25", "SUCCEEDED")]
    assert await mails(api, "collection_failed") == 1


async def test_nothing_is_debited_that_was_paid_meanwhile(api: Api) -> None:
    await add_card(api, "card_ok", FREE, autoDebit=True)
    await becomes(api, "card_declined")
    await invoiced(api.database, FREE.key, 1_000)
    await move(api, "2026-11-23T00:00:00Z", FREE)
    await top_up(api, "12.00", token("card_ok"), FREE)
    await move(api, "2027-01-15T00:00:00Z", FREE)
    assert await tries(api) == [("2026-11-22", "FAILED")]
    assert [row.due_at for row in await api.rows(Collection)] == [None]


async def test_a_payment_that_goes_back_is_mailed(api: Api) -> None:
    await top_up(api, "30.00", token("card_reversed"), FREE)
    await move(api, "2026-12-03T00:00:00Z", FREE)
    assert await mails(api, "payment_reversed") == 1


async def test_what_another_payment_holds_up_goes_on_once_that_has_failed(api: Api) -> None:
    """Nobody pays twice meanwhile, and nothing is forgotten after that."""
    await add_card(api, "card_ok", FREE, autoDebit=True)
    await becomes(api, "card_declined")
    issued = await invoiced(api.database, FREE.key, 1_000)
    await move(api, "2026-11-24T00:00:00Z", FREE)
    slow(api, 3)
    key = global_id("Invoice", issued.invoice.id)
    payload = await pay_invoices(api, [key], "12.00", token("card"), FREE)
    assert payload["payment"]["status"] == "PROCESSING"
    await move(api, "2026-11-26T00:00:00Z", FREE)
    assert await tries(api) == [("2026-11-22", "FAILED")]
    (waiting,) = await api.rows(Collection)
    assert (waiting.due_at, waiting.waits_for) == (None, _key(payload["payment"]["id"]))
    await move(api, "2026-11-27T02:00:00Z", FREE)
    assert await tries(api) == [("2026-11-22", "FAILED"), ("2026-11-27", "PROCESSING")]


async def test_what_another_payment_pays_is_not_collected(api: Api) -> None:
    await add_card(api, "card_ok", FREE, autoDebit=True)
    await becomes(api, "card_declined")
    issued = await invoiced(api.database, FREE.key, 1_000)
    await move(api, "2026-11-24T00:00:00Z", FREE)
    slow(api, 3, ProviderState.SUCCEEDED)
    key = global_id("Invoice", issued.invoice.id)
    await pay_invoices(api, [key], "12.00", token("card"), FREE)
    await move(api, "2027-01-15T00:00:00Z", FREE)
    assert await tries(api) == [("2026-11-22", "FAILED")]
    (over,) = await api.rows(Collection)
    assert (over.due_at, over.waits_for) == (None, None)
    assert await movements(api, FREE) == [("INVOICE", -1_200), ("PAYMENT", 1_200)]


def _key(text: str) -> UUID:
    found = read_global_id(text)
    assert found is not None
    return found[1]
