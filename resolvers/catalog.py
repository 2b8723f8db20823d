"""The catalogue, brought to what a file says: prices by adding rows, and nothing that was published is edited."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Table, Update, bindparam, delete, exists, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models.account_name import RESERVED
from models.catalog import Catalog, Prices, instant
from models.clock import civil_day
from models.column import new_id, table
from models.contract import Contract, ContractVersion, concerning
from models.db import Db
from models.fee import Fee, FeePrice
from models.intervention_rate import InterventionPrice, InterventionRate
from models.plan import Plan, PlanKind, PlanPrice
from models.price import BillingPeriod, PriceRefused, begins
from models.profile import Profile
from models.server_option import ServerOption, ServerOptionPrice
from models.service_level import ServiceLevel
from models.subscription import Subscription, SubscriptionStatus
from models.vat_rate import RateRefused, VatRate, added_rates

Values = dict[str, Any]
PLANS, SUBSCRIPTIONS = table(Plan), table(Subscription)
PAID_FOR = {PlanPrice.__tablename__: "plan_id", ServerOptionPrice.__tablename__: "option_id"}
"""The tables of prices of what is subscribed to, and by which column of a subscription."""
PRICED_BY = {"plan_id": "plan_id", "option_id": "server_option_id"}
PROFILES, CONTRACTS, VERSIONS = table(Profile), table(Contract), table(ContractVersion)


class CatalogRefused(Exception):
    """The catalogue cannot become what the file says, and was left as it is; one line for each reason."""


@dataclass
class Loading:
    """One load: its transaction, its instants, and what was wrong or done so far."""

    connection: AsyncConnection
    zone: ZoneInfo
    now: datetime
    valid_from: datetime
    problems: list[str] = field(default_factory=list)
    added: dict[str, int] = field(default_factory=dict)

    async def rows(self, target: Table) -> list[Any]:
        return list(await self.connection.execute(select(target)))

    async def add(self, target: Table, rows: list[Values]) -> None:
        if rows:
            await self.connection.execute(insert(target), rows)
            self.added[target.name] = self.added.get(target.name, 0) + len(rows)


async def is_empty(db: Db) -> bool:
    """Whether nothing was ever sold."""
    return await db.first(select(PLANS.c.id).limit(1)) is None


async def is_untaxed(db: Db) -> bool:
    """BIL-7. Whether there are no VAT rates: of a catalogue from before them."""
    return await db.first(select(table(VatRate).c.id).limit(1)) is None


async def load_rates(db: Db, catalog: Catalog, zone: ZoneInfo) -> None:
    """BIL-7. Add the file's VAT rates where there are none, and nothing else of it."""
    now = await db.now()
    async with db.bookkeeping() as connection:
        await _taxed(Loading(connection, zone, now, now), catalog)


async def load(db: Db, catalog: Catalog, zone: ZoneInfo) -> dict[str, int]:
    """CAT-4, BIL-19. Bring the catalogue to what the file says; answers the rows added, by table. Repeating adds none.

    Raises CatalogRefused, and then nothing is changed.
    """
    now = await db.now()
    async with db.bookkeeping() as connection:
        loading = Loading(connection, zone, now, instant(catalog.prices_from, zone))
        levels = await _described(loading, table(ServiceLevel), [each.model_dump() for each in catalog.service_levels])
        plans = await _described(loading, PLANS, list(_plans(catalog, levels)))
        options = await _described(loading, table(ServerOption), list(_options(catalog)))
        rates = await _described(loading, table(InterventionRate), list(_rates(catalog)))
        await _priced(loading, table(PlanPrice), dict(_periods(plans, catalog.plans)))
        await _priced(loading, table(ServerOptionPrice), dict(_periods(options, catalog.server_options)))
        await _priced(loading, table(InterventionPrice), dict(_families(rates, catalog)))
        await _priced(loading, table(FeePrice), _fees(catalog))
        await _taxed(loading, catalog)
        await _reserved(loading, set(catalog.reserved_account_names))
        if await _published(loading, catalog):
            await _put_to_all(loading)
        if loading.problems:
            raise CatalogRefused("\n".join(loading.problems))
    return loading.added


def _plans(catalog: Catalog, levels: Mapping[str, UUID]) -> Iterator[Values]:
    left_out = {"name", "restrictions", "service_level", "monthly_cents", "yearly_cents"}
    for position, plan in enumerate(catalog.plans):
        yield {
            **plan.model_dump(exclude=left_out),
            "position": position,
            "available": True,
            "service_level_id": levels[plan.service_level],
            "name_en": plan.name.en,
            "name_fr": plan.name.fr,
            "restrictions_en": [each.en for each in plan.restrictions],
            "restrictions_fr": [each.fr for each in plan.restrictions],
        }


def _options(catalog: Catalog) -> Iterator[Values]:
    for position, option in enumerate(catalog.server_options):
        names = {"name_en": option.name.en, "name_fr": option.name.fr}
        yield {"code": option.code, "position": position, "available": option.available, **names}


def _rates(catalog: Catalog) -> Iterator[Values]:
    for position, rate in enumerate(catalog.interventions):
        names = {"name_en": rate.name.en, "name_fr": rate.name.fr}
        yield {"code": rate.code, "position": position, "available": True, **names}


async def _described(loading: Loading, target: Table, wanted: list[Values]) -> dict[str, UUID]:
    """The ids of what is described, by code. What the file leaves out is sold no more, and stays."""
    known = {row.code: row for row in await loading.rows(target)}
    for values in wanted:
        row = known.get(values["code"])
        if row is not None and any(row._mapping[name] != value for name, value in values.items()):
            await loading.connection.execute(update(target).where(target.c.id == row.id).values(values))
    await loading.add(target, [{"id": new_id(), **values} for values in wanted if values["code"] not in known])
    if "available" in target.c:
        codes = [values["code"] for values in wanted]
        gone = update(target).where(target.c.code.not_in(codes), target.c.available)
        await loading.connection.execute(gone.values(available=False))
    return {row.code: row.id for row in await loading.rows(target)}


def _periods(ids: Mapping[str, UUID], sold: list[Any]) -> Iterator[tuple[tuple[Any, ...], tuple[str, int | None]]]:
    """By the keys of a price's row: what it is called in sentences, and its cents."""
    each: Any
    for each in sold:
        prices: Prices = each
        for period, cents in (
            (BillingPeriod.MONTHLY, prices.monthly_cents),
            (BillingPeriod.YEARLY, prices.yearly_cents),
        ):
            yield (ids[each.code], period), (f"{each.code}, {period.lower()}", cents)


def _families(ids: Mapping[str, UUID], catalog: Catalog) -> Iterator[tuple[tuple[Any, ...], tuple[str, int | None]]]:
    for rate in catalog.interventions:
        yield (ids[rate.code], PlanKind.DEDICATED), (f"{rate.code}, dedicated", rate.dedicated_cents)
        yield (ids[rate.code], PlanKind.GOLD), (f"{rate.code}, gold", rate.gold_cents)


def _fees(catalog: Catalog) -> dict[tuple[Any, ...], tuple[str, int | None]]:
    fees = catalog.fees
    return {
        (Fee.URGENT_TICKET,): ("urgent ticket", fees.urgent_ticket_cents),
        (Fee.INTERVENTIONS_DEDICATED,): ("interventions at once, dedicated", fees.interventions_dedicated_cents),
        (Fee.INTERVENTIONS_GOLD,): ("interventions at once, gold", fees.interventions_gold_cents),
    }


async def _priced(loading: Loading, target: Table, wanted: Mapping[tuple[Any, ...], tuple[str, int | None]]) -> None:
    """CAT-4. Add the prices that differ from those in force; the table's other columns are the keys."""
    keys = [column.name for column in target.c if column.name not in ("id", "cents", "valid_from")]
    known: dict[tuple[Any, ...], list[Any]] = {}
    for row in await loading.rows(target):
        known.setdefault(tuple(row._mapping[name] for name in keys), []).append(row)
    new: list[Values] = []
    for key, (name, cents) in wanted.items():
        prices = known.get(key, [])
        if cents is None:
            if prices:
                loading.problems.append(f"{name}: it has a price, which the file leaves out")
            continue
        try:
            since = begins(prices, cents=cents, valid_from=loading.valid_from, now=loading.now)
        except PriceRefused as refusal:
            loading.problems.append(f"{name}: {refusal}")
            continue
        if since is not None:
            new.append({"id": new_id(), "cents": cents, "valid_from": since, **dict(zip(keys, key, strict=True))})
    await loading.add(target, new)
    if (thing := PAID_FOR.get(target.name)) is not None:
        for values in new:
            await loading.connection.execute(_looked_at(thing, values, loading.now))


def _looked_at(thing: str, price: Values, now: datetime) -> Update:
    """CAT-4. That what runs at another price so far is looked at: whether its renewal has to be announced."""
    same = SUBSCRIPTIONS.c[thing] == price[PRICED_BY[thing]], SUBSCRIPTIONS.c.period == price["period"]
    running = SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED, SUBSCRIPTIONS.c.renews
    return update(SUBSCRIPTIONS).where(*same, *running).values(notice_at=now)


async def _taxed(loading: Loading, catalog: Catalog) -> None:
    """BIL-7. Add the rates that are new."""
    rates, wanted = table(VatRate), catalog.vat.rows if catalog.vat else []
    try:
        added = added_rates(await loading.rows(rates), wanted, civil_day(loading.now, loading.zone))
    except RateRefused as refusal:
        loading.problems += str(refusal).splitlines()
    else:
        await loading.add(rates, [each.model_dump() for each in added])


async def _reserved(loading: Loading, names: set[str]) -> None:
    known = {row.name for row in await loading.rows(RESERVED)}
    if gone := known - names:
        await loading.connection.execute(delete(RESERVED).where(RESERVED.c.name.in_(gone)))
    await loading.add(RESERVED, [{"name": name} for name in sorted(names - known)])


async def _published(loading: Loading, catalog: Catalog) -> bool:
    """BIL-19. Add the versions that are new; says whether there were any."""
    known = {(row.document, row.version): row for row in await loading.rows(VERSIONS)}
    new: list[Values] = []
    for each in catalog.contracts:
        values = {
            "document": each.document,
            "version": each.version,
            "in_force_from": instant(each.in_force_from, loading.zone),
            "at_sign_up": each.accepted_at_sign_up,
            "title_en": each.title.en,
            "title_fr": each.title.fr,
            "text_en": each.text.en,
            "text_fr": each.text.fr,
        }
        row = known.get((each.document, each.version))
        if row is None:
            new.append({"id": new_id(), **values})
        elif any(row._mapping[name] != value for name, value in values.items()):
            loading.problems.append(f"{each.document} {each.version}: a version is never edited; publish another")
    await loading.add(VERSIONS, new)
    return bool(new)


async def _put_to_all(loading: Loading) -> None:
    """BIL-19. Put the versions that count to every profile that lacks them."""
    if loading.connection.dialect.name == "postgresql":
        # Who signs up meanwhile is waited for, or reads these versions; on SQLite writers queue in any case.
        await loading.connection.execute(text("LOCK TABLE profile IN SHARE ROW EXCLUSIVE MODE"))
    there = exists().where(CONTRACTS.c.owner_id == PROFILES.c.id, CONTRACTS.c.version_id == bindparam("version_id"))
    lacking = select(PROFILES.c.id).where(~there)
    for version_id in concerning(await loading.rows(VERSIONS), loading.now):
        owners = await loading.connection.execute(lacking, {"version_id": version_id})
        rows = [{"id": new_id(), "owner_id": owner_id, "version_id": version_id} for (owner_id,) in owners]
        await loading.add(CONTRACTS, rows)
