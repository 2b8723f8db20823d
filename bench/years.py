"""How many years of customers play in a second: renewals, invoices and notices, as the clock is moved."""

import statistics
from datetime import datetime, timedelta

from models.clock import stopwatch
from models.price import BillingPeriod
from tests.database import Databases
from tests.life_ground import Ground
from tests.life_world import World
from tests.life_year import BEGIN, settled

CUSTOMERS, ROUNDS = 50, 3
QUICK = 5
A_YEAR = timedelta(days=365)
NANOSECONDS = 10**9


async def lines(databases: Databases, customers: int, rounds: int) -> list[str]:
    """Each customer has an account that is paid by the month; the median of some rounds."""
    async with databases.migrated() as url:
        ground = Ground(databases, url)
        found = [await played(ground, customers) for _ in range(rounds)]
        await ground.database.close()
    return [
        f"  a year of {customers} customers, each paying for an account by the month",
        f"    {'customer-years per second':40}{statistics.median(found):7.2f}",
    ]


async def played(ground: Ground, customers: int) -> float:
    """Customer-years per second of one round."""
    worlds = await settled(ground, customers)
    for place, world in enumerate(worlds):
        await opened(world, f"site{place}")
    began = stopwatch()
    await worlds[0].advance(end())
    return customers * NANOSECONDS / (stopwatch() - began)


async def opened(world: World, name: str) -> None:
    """An account."""
    wanted = name, "medium", BillingPeriod.MONTHLY.value
    await world.open(*wanted, 0, (await world.quote_opening(*wanted)).token)


def end() -> datetime:
    """A year after everything began, with what is due on that day."""
    return BEGIN + A_YEAR
