"""BIL-6, BIL-14. Who waits over midnight for somebody else's change acts on the day on which the wait was over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import table
from models.db import Db
from models.profile import Profile
from resolvers import idempotency
from tests.api import OWNER, Api
from tests.cycle import alone, change, change_quote, documents, move, open_account, pay, periods
from tests.database import START
from tests.opening import codes
from tests.test_db import DONE, Thing

LATE = datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC)
"""One second before midnight in the provider's zone."""
WAITING = text(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE '%FOR NO KEY UPDATE%'"
)


@pytest.fixture(autouse=True)
def evening(clock: FrozenClock) -> None:
    """The last second of a day."""
    clock.move(LATE - START)


@asynccontextmanager
async def held(api: Api) -> AsyncIterator[None]:
    """Somebody changes something of the profile; at the end it is committed."""
    async with Db(api.database) as db, db.write() as write:
        await write.lock_one(select(Profile).where(table(Profile).c.id == OWNER.key))
        write.record.happened(DONE, Thing())
        yield


async def waits(api: Api) -> None:
    """Until somebody waits for a row: on SQLite there is one writer, and who waits has not begun."""
    async with asyncio.timeout(10), Db(api.database) as db:
        while not api.database.is_sqlite and not await db.rows(WAITING):  # noqa: ASYNC110 - the database has the row
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


async def test_a_change_that_waited_over_midnight_is_of_the_new_day(api: Api, clock: FrozenClock) -> None:
    """What it was quoted at was of the day before."""
    await alone(api)
    key = await open_account(api, "shop", "medium")
    token = (await change_quote(api, key, "large"))["token"]
    async with held(api):
        waiting = asyncio.create_task(change(api, key, "large", token=token))
        await waits(api)
        clock.move(timedelta(seconds=2))
    assert codes(await waiting) == ["QUOTE_CHANGED"]
    assert (await change(api, key, "large"))["userErrors"] == []
    assert [row[0] for row in await periods(api, "shop")] == ["2026-01-31", "2026-02-01"]


async def test_facts_are_in_the_order_in_which_they_were_committed(api: Api, clock: FrozenClock) -> None:
    await alone(api)
    async with held(api):
        waiting = asyncio.create_task(pay(api, 1_000))
        await waits(api)
        clock.move(timedelta(hours=1))
    await waiting
    (paid,) = [row for row in await api.rows(ActivityEvent) if row.kind == "ledger.payment"]
    assert (paid.occurred_at, paid.recorded_at) == (clock.now(), clock.now())


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_change_that_waits_for_another_one_over_midnight_is_told_so(
    api: Api, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first begins before midnight and has the profile after it, when the second has made another subscription.

    Only where there are several writers: on SQLite the second would wait until the first is done.
    """
    await alone(api)
    key = await open_account(api, "shop", "medium")
    token = (await change_quote(api, key, "large"))["token"]
    begun, going_on = asyncio.Event(), asyncio.Event()
    take = idempotency.take

    async def slowly(*given: Any) -> None:
        await take(*given)
        if not begun.is_set():
            begun.set()
            await going_on.wait()

    monkeypatch.setattr("resolvers.plan_change.take", slowly)
    slow = asyncio.create_task(change(api, key, "large", token=token))
    await begun.wait()
    clock.move(timedelta(seconds=2))
    assert (await change(api, key, "xlarge"))["userErrors"] == []
    going_on.set()
    assert codes(await slow) == ["QUOTE_CHANGED"]
    assert [row[0] for row in await periods(api, "shop")] == ["2026-01-31", "2026-02-01"]
    await move(api, "2026-02-03T00:00:00Z")
    assert (await documents(api))[-1][2] == 16_500
