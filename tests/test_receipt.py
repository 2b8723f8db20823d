"""BIL-2. Receipts: one for each payment that came in, numbered without gaps, chained, kept, and verified."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from models.audit import Broken
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.document_series import DocumentSeries
from models.journal import JournalEntry
from models.payment import Payment
from models.receipt import Receipt
from resolvers.audit import verify
from tests.api import FREE, OWNER, TECH, Api
from tests.cycle import move
from tests.paying import money, token, top_up
from tests.test_verify import unprotected

RECEIPTS, PAYMENTS, SERIES = table(Receipt), table(Payment), table(DocumentSeries)
NUMBERS = "{ viewer { billing { payments { nodes { status receiptNumber } } } } }"


async def numbers(api: Api, person: Any = OWNER) -> list[tuple[str, str | None]]:
    answer = await api.ask(NUMBERS, token=await api.token(person))
    found = answer.data["viewer"]["billing"]["payments"]["nodes"]
    return [(each["status"], each["receiptNumber"]) for each in reversed(found)]


async def test_each_payment_that_came_in_has_one_and_no_number_is_missing(api: Api, clock: FrozenClock) -> None:
    for card, person in (("card_ok", OWNER), ("card_declined", OWNER), ("card_ok", FREE), ("card_3ds", OWNER)):
        await top_up(api, "10.00", token(card), person)
        clock.move(timedelta(seconds=1))
    await top_up(api, "10.00", token("card_reversed"))
    assert await numbers(api) == [
        ("SUCCEEDED", "TEST-R2026-000001"),
        ("FAILED", None),
        ("REQUIRES_ACTION", None),
        ("SUCCEEDED", "TEST-R2026-000003"),
    ]
    assert await numbers(api, FREE) == [("SUCCEEDED", "TEST-R2026-000002")]
    await move(api, "2027-01-05T00:00:00Z")
    assert (await numbers(api))[-1] == ("REVERSED", "TEST-R2026-000003")
    await top_up(api, "10.00", token("card_ok"))
    assert (await numbers(api))[-1] == ("SUCCEEDED", "TEST-R2027-000001")
    findings = await verify(api.database)
    assert findings.receipts == 4
    assert [each.name for each in findings.series if "R" in each.name] == ["TEST-R2026-", "TEST-R2027-"]


async def test_nobody_sees_those_of_others(api: Api) -> None:
    await top_up(api, "10.00", token("card_ok"))
    (payment,) = (await money(api))["billing"]["payments"]["nodes"]
    document = "query ($id: ID!) { node(id: $id) { ... on Payment { receiptNumber } } }"
    for person in (FREE, TECH):
        answer = await api.ask(document, {"id": payment["id"]}, token=await api.token(person))
        assert answer.data == {"node": None}


async def test_the_database_keeps_them(api: Api) -> None:
    await top_up(api, "10.00", token("card_ok"))
    async with Db(api.database) as db:
        for statement in (update(RECEIPTS).values(amount_cents=1), delete(RECEIPTS)):
            with pytest.raises(DBAPIError, match="append-only"):
                await db.note(statement)


CHANGES: Sequence[tuple[Any, str]] = [
    (lambda one, two: update(RECEIPTS).where(RECEIPTS.c.id == one.id).values(amount_cents=999), "hash"),
    (
        lambda one, two: update(RECEIPTS).where(RECEIPTS.c.id == two.id).values(previous_hash="0" * 64),
        "hash of the one",
    ),
    (lambda one, two: delete(RECEIPTS).where(RECEIPTS.c.id == one.id), "number in its series"),
    (lambda one, two: delete(RECEIPTS).where(RECEIPTS.c.id == two.id), "last number"),
    (lambda one, two: update(PAYMENTS).where(PAYMENTS.c.id == one.payment_id).values(amount_cents=999), "booked"),
    (lambda one, two: update(SERIES).values(last_sequence=3), "last number"),
]


@pytest.mark.parametrize(("change", "found"), CHANGES)
async def test_whatever_is_changed_of_receipts_is_found(api: Api, change: Any, found: str) -> None:
    for _ in range(2):
        await top_up(api, "10.00", token("card_ok"))
    await verify(api.database)
    one, two = sorted(await api.rows(Receipt), key=lambda row: row.sequence)
    await unprotected(api.database)
    async with Db(api.database) as db:
        await db.note(change(one, two))
    with pytest.raises(Broken, match=found):
        await verify(api.database)


async def test_a_payment_without_one_is_found(api: Api) -> None:
    """By whatever defect: here another one that says it was booked."""
    await top_up(api, "10.00", token("card_ok"))
    (payment,) = await api.rows(Payment)
    (entry,) = await api.rows(JournalEntry)
    async with Db(api.database) as db:
        await db.note(insert(PAYMENTS).values({**payment._mapping, "id": new_id(), "entry_id": entry.id}))
    with pytest.raises(Broken, match="no receipt"):
        await verify(api.database)
