"""BIL-9. Automatic debit: what is issued is charged at once, what fails is mailed and tried again, a few times."""

from typing import Any

from sqlalchemy import update

from models.collection import Collection
from models.column import table
from models.db import Db
from models.delivery import Delivery
from models.invoice import Invoice
from models.payment import Payment
from models.payment_method import PaymentMethod
from resolvers.audit import verify
from tests.api import FREE, Api
from tests.booking import invoiced
from tests.cycle import move, movements
from tests.paying import add_card, token, top_up

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
