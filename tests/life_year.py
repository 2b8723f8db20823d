"""Customers whose lives are planned beforehand, played for years: what they do, and what the books say then."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from models.charge import Charge
from models.column import table
from models.credit import Allocation
from models.db import Database, Db
from models.invoice import Invoice
from models.invoice_line import InvoiceLine, InvoiceTax
from models.journal import JournalEntry, JournalLine
from models.profile import Profile
from models.refusal import Refusal
from models.subscription import Subscription
from models.subscription_period import SubscriptionPeriod
from tests.life_ground import Ground
from tests.life_model import LIST
from tests.life_step import PLACES
from tests.life_world import World, settled_in

BEGIN = datetime(2027, 12, 31, 9, tzinfo=UTC)
"""A year with a 29 February follows; anchors are on a 31st."""


@dataclass(frozen=True)
class Deed:
    """Something that a customer does at an instant."""

    at: datetime
    place: int
    """Which customer."""
    do: Callable[[World], Any] = field(compare=False)


def planned(profiles: int, years: int, seed: int) -> list[Deed]:
    """What so many customers do, in order: each is drawn by itself."""
    found = [deed for place in range(profiles) for deed in _planned(place, years, random.Random(f"{seed}/{place}"))]
    return sorted(found, key=lambda deed: (deed.at, deed.place))


def _planned(place: int, years: int, dice: random.Random) -> Sequence[Deed]:
    """Accounts in the first days, now and then another plan or day, and payments."""

    def at(first: int, last: int) -> datetime:
        return BEGIN + timedelta(days=dice.randint(first, last), minutes=dice.randrange(1440))

    deeds = [Deed(at(0, 3), place, _opening(name, dice)) for name in range(dice.choice([1, 1, 2]))]
    for year in range(years):
        first, last = 365 * year + 4, 365 * year + 364
        deeds += [Deed(at(first, last), place, _changing(dice)) for _ in range(dice.choice([0, 1, 2]))]
        deeds += [Deed(at(first, last), place, _paying(dice)) for _ in range(dice.choice([1, 2, 3]))]
        if dice.random() < 0.3:
            deeds.append(Deed(at(first, last), place, _choosing(dice)))
        if dice.random() < 0.2:
            deeds.append(Deed(at(first, last), place, _stopping()))
    return deeds


def _opening(number: int, dice: random.Random) -> Callable[[World], Any]:
    plan, period = dice.choice(list(LIST)), dice.choice(["MONTHLY", "MONTHLY", "YEARLY"])

    async def opened(world: World) -> None:
        name = f"site{number}-{world.owner.hex[-6:]}"
        await world.open(name, plan, period, 0, (await world.quote_opening(name, plan, period)).token)

    return opened


def _changing(dice: random.Random) -> Callable[[World], Any]:
    plan, period, which = dice.choice(list(LIST)), dice.choice(["MONTHLY", "YEARLY"]), dice.randrange(2)

    async def changed(world: World) -> None:
        name = list(world.accounts)[which % len(world.accounts)]
        quote = await world.quote_change(name, plan, period)
        if quote.token is not None:
            await world.change(name, plan, period, quote.token)

    return changed


def _choosing(dice: random.Random) -> Callable[[World], Any]:
    day = dice.choice([None, 1, 15, 28])

    async def chosen(world: World) -> None:
        await world.choose_day(day, (await world.quote_day(day)).token)

    return chosen


def _paying(dice: random.Random) -> Callable[[World], Any]:
    cents = dice.choice([0, 0, 10_000, 123])

    async def paid(world: World) -> None:
        _, balance, _ = await world.balance()
        await world.pay(cents or max(1, -balance))

    return paid


def _stopping() -> Callable[[World], Any]:
    async def stopped(world: World) -> None:
        for row in await world.subscriptions():
            try:
                await world.renews(row.id, False)
            except Refusal:
                continue

    return stopped


# Playing it


async def nothing() -> None:
    """Just passing by."""


async def settled(ground: Ground, profiles: int) -> list[World]:
    """So many customers, the same ones every time."""
    database = await ground.renew(BEGIN)
    keys = [UUID(f"01900000-0000-7000-8000-{place:012x}") for place in range(1, profiles + 1)]
    return [
        await settled_in(database, ground.clock, id=key, email=f"{place}@example.com", **PLACES[place % len(PLACES)][1])
        for place, key in enumerate(keys)
    ]


async def lived(
    worlds: Sequence[World], deeds: Sequence[Deed], stops: Sequence[datetime], look: Callable[[], Any] = nothing
) -> None:
    """Every deed at its instant, and the clock stopping on the way at these, where somebody may `look`."""
    on_the_way = sorted([(deed.at, deed.place, deed) for deed in deeds] + [(stop, -1, None) for stop in stops])
    for at, _, deed in on_the_way:
        await worlds[0].advance(at)
        await (look() if deed is None else deed.do(worlds[deed.place]))


# What the books say


async def exported(database: Database) -> dict[str, list[Any]]:
    """The books without ids, hashes and real time: what two ways to the same day have to agree on."""
    found: dict[str, list[Any]] = {}
    async with Db(database) as db:
        names = {row.id: row.email for row in await db.rows(table(Profile).select())}
        entries = {row.id: row for row in await db.rows(table(JournalEntry).select())}
        names |= {key: f"{names.get(row.owner_id)}/{row.position}" for key, row in entries.items()}
        names |= {row.id: row.number for row in await db.rows(table(Invoice).select())}
        for model in EXPORTED:
            rows = [row._mapping for row in await db.rows(table(model).select())]
            shown = [
                {
                    name: names.get(value) if isinstance(value, UUID) else value
                    for name, value in row.items()
                    if name not in LEFT_OUT
                }
                for row in rows
            ]
            found[model.__name__] = sorted(map(repr, shown))
    return found


LEFT_OUT = frozenset({"id", "hash", "recorded_at", "previous_hash"})
EXPORTED: Sequence[Any] = (
    JournalEntry,
    JournalLine,
    Invoice,
    InvoiceLine,
    InvoiceTax,
    Allocation,
    Charge,
    Subscription,
    SubscriptionPeriod,
)
