"""BIL-8, BIL-10. Whatever a provider does, what is paid is booked once, and nothing else is."""

from collections import Counter
from uuid import UUID

import pytest

from models.clock import FrozenClock
from models.db import Database
from models.journal import JournalEntry, JournalLine, LedgerAccount
from models.payment import Payment, PaymentStatus
from models.quarantine import QuarantinedNotice
from resolvers.audit import verify
from tests.booking import rows
from tests.schedule import HORIZON, KNOWN_BY, MINUTE, Play

MANY, SLICE, SLICES = 150, 500, 20
FIRST = {"sqlite": 0, "postgresql": 1_000_000}
OUTCOMES = {
    "paid": {PaymentStatus.SUCCEEDED, PaymentStatus.REVERSED},
    "declined": {PaymentStatus.FAILED},
    "never": {PaymentStatus.PROCESSING},
}


async def replayed(database: Database) -> Counter[UUID]:
    """What each customer has, from the lines of the journal and nothing else."""
    owners = {row.id: row.owner_id for row in await rows(database, JournalEntry)}
    found: Counter[UUID] = Counter()
    for line in await rows(database, JournalLine):
        if line.account is LedgerAccount.CUSTOMERS:
            found[owners[line.entry_id]] -= line.cents
    return found


async def check_known(made: Play) -> None:
    """After a quarter of an hour nothing is unknown, but of those who never answer."""
    silent = {script.owner_id for script in made.scripts if script.outcome == "never"}
    found = {row.owner_id: row for row in await rows(made.database, Payment)}
    unknown = {key for key, row in found.items() if row.status is PaymentStatus.PROCESSING and row.reference is None}
    assert unknown == silent


async def check_books(made: Play) -> None:
    """One payment and one capture of each; what it is here is what it is there; the balances to the cent."""
    payments = await rows(made.database, Payment)
    assert len(payments) == len(made.scripts)
    found = {row.owner_id: row for row in payments}
    for script in made.scripts:
        assert script.captures <= 1
        assert found[script.owner_id].status in OUTCOMES[script.outcome], script
        assert (script.outcome != "paid") or script.captures == 1, script
    has = await replayed(made.database)
    expected = made.owed_to(made.begun_at + HORIZON * MINUTE)
    assert {key: has[key] for key in expected} == dict(expected)
    findings = await verify(made.database)
    assert findings.receipts == sum(script.outcome == "paid" for script in made.scripts)
    problems = {row.problem for row in await rows(made.database, QuarantinedNotice)}
    assert problems >= {"AMOUNT", "CURRENCY", "UNKNOWN"}


async def check_schedules(database: Database, clock: FrozenClock, first: int, count: int) -> None:
    made = Play(database, clock)
    await made.begin(range(first, first + count))
    await made.go_on(KNOWN_BY)
    await check_known(made)
    await made.go_on(HORIZON)
    await check_books(made)


@pytest.mark.timeout(300)
async def test_what_is_paid_is_booked_once_whatever_the_provider_does(
    database: Database, clock: FrozenClock, backend: str
) -> None:
    await check_schedules(database, clock, FIRST[backend], MANY)


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
async def test_so_it_is_of_many_more(database: Database, clock: FrozenClock, backend: str, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_07000"`."""
    await check_schedules(database, clock, 7_000_000 + FIRST[backend] + start, SLICE)
