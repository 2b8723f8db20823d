"""BIL-1, BIL-15. Sixteen clients on one profile lose nothing and double nothing, whatever they do at once."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from app import worker
from models.account import Account
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import table
from models.db import Database, Db
from models.idempotency import KeptIntent
from models.journal import EntryKind, JournalEntry, JournalLine, LedgerAccount
from models.profile import Profile
from models.sandbox import ClockOffset
from models.subscription import Subscription, SubscriptionStatus
from resolvers import ledger_seal
from resolvers.audit import verify
from schema.global_id import global_id, read_global_id
from tests.api import OWNER, Api
from tests.contention import FACTS, SETTINGS, WEIGHTS, Crowd, crowd, facts_of
from tests.cycle import balance, choose_day
from tests.test_db import DONE, Thing

MANY, SLICE, SLICES = 400, 1_000, 10
SEEDS = {"sqlite": 0, "postgresql": 1_000_000}
DEADLOCKS = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


async def check_kept(crowd: Crowd) -> None:
    """Each key was kept with what it was answered, and nothing else was."""
    kept = {row.key: row.results for row in await crowd.api.rows(KeptIntent)}
    for key, payload in crowd.kept.items():
        answered = {name: _key(value["id"]) for name, value in payload.items() if isinstance(value, dict)}
        assert set(kept[key].values()) == {value for name, value in answered.items() if name != "billing"} | (
            {str(OWNER.key)} if "billing" in answered else set()
        )
    mine = {key for key, results in kept.items() if key in crowd.kept}
    assert mine == set(crowd.kept)


def _key(text: str) -> str:
    found = read_global_id(text)
    assert found is not None
    return str(found[1])


async def check_replay(crowd: Crowd) -> None:
    """Every balance is what the lines of the journal come to, in their order."""
    lines: Counter[UUID] = Counter()
    for line in await crowd.api.rows(JournalLine):
        if line.account is LedgerAccount.CUSTOMERS:
            lines[line.entry_id] -= line.cents
    rows = sorted(await crowd.api.rows(JournalEntry), key=lambda row: row.position)
    entries = [row for row in rows if row.owner_id == OWNER.key]
    assert [row.position for row in entries] == list(range(1, len(entries) + 1))
    total = 0
    for entry in entries:
        total += lines[entry.id]
        assert (entry.amount_cents, entry.balance_after_cents) == (lines[entry.id], total)
    assert all(before.booked_at <= after.booked_at for before, after in pairwise(entries))
    assert sum(row.amount_cents for row in entries if row.kind is EntryKind.PAYMENT) == crowd.paid_cents
    assert await balance(crowd.api) == f"{total / 100:.2f}"


async def check_last(crowd: Crowd) -> None:
    """No update is lost: each change of a plan and of the day began where another one ended."""
    events = await crowd.api.rows(ActivityEvent)
    (owner,) = [row for row in await crowd.api.rows(Profile) if row.id == OWNER.key]
    days = [row.changes["invoicing_day"] for row in events if row.kind in FACTS["day"]]
    check_path(days, None, owner.invoicing_day)
    running = [row for row in await crowd.api.rows(Subscription) if row.status is not SubscriptionStatus.ENDED]
    for account in await crowd.api.rows(Account):
        if global_id("Account", account.id) in crowd.accounts:
            mine = [row for row in events if row.subject_id == account.id and row.kind in FACTS["change"]]
            small = _key(crowd.plans["small"])
            check_path([row.changes["plan_id"] for row in mine], small, str(account.plan_id))
            assert [row.plan_id for row in running if row.account_id == account.id] == [account.plan_id]


def check_path(steps: Sequence[Sequence[Any]], first: Any, last: Any) -> None:
    """Steps from one value to another can be put in a row from `first` to `last`."""
    balanced: Counter[Any] = Counter([last])
    balanced.subtract([first])
    for before, after in steps:
        balanced[before] += 1
        balanced[after] -= 1
    assert not any(balanced.values()), balanced


async def check(made: Crowd, clock: FrozenClock) -> None:
    """The books are what the clients were told, then and once everything that fell due was done."""
    api = made.api
    assert dict(await facts_of(api) - made.before) == dict(+made.done)
    await check_kept(made)
    await check_last(made)
    await check_replay(made)
    await verify(api.database)
    clock.move(timedelta(days=2))
    async with Db(api.database) as db:
        await worker.fall_due(db, SETTINGS)
        await ledger_seal.seal(db)
    await check_replay(made)
    assert (await verify(api.database)).unsealed == 0


async def check_contended(api: Api, clock: FrozenClock, seed: int, count: int) -> None:
    begun, deadlocks = time.monotonic(), await deadlocked(api)
    made = await crowd(api, seed, count)
    print(
        f"{count} mutations on {api.database.dialect} in {time.monotonic() - begun:.1f} s: done {dict(made.done)}, "
        f"refused {dict(made.refused)}, retried {dict(made.repeated)}, "
        f"deadlocks broken {await deadlocked(api) - deadlocks}"
    )
    assert made.done.total() > count / 4
    assert all(made.done[name] for name in WEIGHTS)
    await check(made, clock)


async def deadlocked(api: Api) -> int:
    """How many deadlocks the server has broken; SQLite has one writer, and none."""
    if api.database.is_sqlite:
        return 0
    async with Db(api.database) as db:
        return int((await db.rows(DEADLOCKS))[0][0])


@pytest.mark.timeout(600)
async def test_sixteen_clients_on_one_profile_lose_nothing_and_double_nothing(
    api: Api, clock: FrozenClock, backend: str
) -> None:
    await check_contended(api, clock, SEEDS[backend], MANY)


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
async def test_so_do_many_more(api: Api, clock: FrozenClock, backend: str, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_07000"`."""
    await check_contended(api, clock, SEEDS[backend] + start, SLICE)


async def test_a_view_ends_with_its_request_however_many_connections_there_are(api: Api, clock: FrozenClock) -> None:
    """What is told of a change is told as of one instant; whoever is given the connection next sees what is there."""
    url, offsets = api.database.url.render_as_string(hide_password=False), table(ClockOffset)
    database = Database(url, clock=clock, sandbox=True, pool_size=1, pool_overflow=5)
    more = update(offsets).values(microseconds=offsets.c.microseconds + 1)

    async def looked(stack: AsyncExitStack, *, after: int) -> int:
        """What a request sees, which has written before; it lasts as long as the others."""
        db = await stack.enter_async_context(Db(database))
        for _ in range(after):
            async with db.write() as write:
                write.record.happened(DONE, Thing())
                await write.run(more)
        return int((await db.rows(select(offsets.c.microseconds)))[0][0])

    async with AsyncExitStack() as stack:
        assert [await looked(stack, after=1) for _ in range(3)] == [1, 2, 3]
    async with Db(database) as db:
        await db.note(more)
    async with AsyncExitStack() as stack:
        assert [await looked(stack, after=0) for _ in range(3)] == [4, 4, 4]
    await database.close()


async def test_verifying_leaves_the_connections_of_requests_as_they_were(api: Api) -> None:
    token = await api.token(OWNER)
    await verify(api.database)
    assert (await choose_day(api, 5))["userErrors"] == []
    assert (await api.ask("{ viewer { id } }", token=token)).errors == []


def test_a_lost_update_is_noticed() -> None:
    check_path([(1, 2), (2, 3), (3, 2)], 1, 2)
    with pytest.raises(AssertionError):
        check_path([(1, 2), (1, 3)], 1, 3)
