"""The billing life of a customer for real: the verbs of `resolvers/`, without the way over the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from models.activity import ActivityChannel, Author
from models.clock import FrozenClock
from models.column import new_id, table
from models.context import Context
from models.contract import Contract, ContractAcceptance, ContractVersion
from models.db import Database, Db
from models.infrastructure import NoInfrastructure, Usage
from models.invoice import Invoice
from models.invoicing_day import DayWishes
from models.journal import JournalEntry
from models.opening import Wishes
from models.plan import Plan, PlanPrice
from models.plan_change import PlanWishes
from models.price import BillingPeriod
from models.profile import Profile
from models.provisioning import Operation, Outcome, ProvisioningTask
from models.quote import Quote
from models.setting import Figures
from models.subscription import Subscription
from models.subscription_period import SubscriptionPeriod
from models.viewer import Viewer
from resolvers import invoicing_day, ledger, ledger_seal, opening, plan_change, provisioning, sandbox
from resolvers import subscription as renewals
from resolvers.audit import Findings, verify
from tests.booking import a_customer
from tests.hosting import OFFICE
from tests.patience import PATIENT

FIGURES = Figures(**PATIENT)
ZONE = ZoneInfo(FIGURES.billing_zone)
GIGABYTE = 10**9
ENTRIES, INVOICES, PLANS = table(JournalEntry), table(Invoice), table(Plan)
SUBSCRIPTIONS, PERIODS, PROFILES = table(Subscription), table(SubscriptionPeriod), table(Profile)
TASKS, VERSIONS = table(ProvisioningTask), table(ContractVersion)


class Anything:
    """Passwords that cost nothing."""

    async def hash(self, password: str) -> str:
        return "hashed"

    async def matches(self, password: str, hashed: str | None) -> bool:
        return True

    async def check(self, password: str, about_its_owner: Sequence[str]) -> None:
        return None

    def outdated(self, hashed: str) -> bool:
        return False


@dataclass
class Disks(NoInfrastructure):
    """Machines that know how full accounts are."""

    gigabytes: dict[UUID, int] = field(default_factory=dict)

    async def usage(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Usage]:
        return {key: Usage(Decimal(self.gigabytes[key] * GIGABYTE), Decimal(10**15), now) for key in accounts}


def raising(error: Exception) -> None:
    """Nothing that falls due may fail."""
    raise error


@dataclass
class World:
    """A customer, their accounts by name, and the plans by code."""

    database: Database
    clock: FrozenClock
    owner: UUID
    plans: Mapping[str, UUID]
    disks: Disks = field(default_factory=Disks)
    accounts: dict[str, UUID] = field(default_factory=dict)

    def context(self, db: Db) -> Context:
        """The owner, signed in."""
        viewer = Viewer(profile_id=self.owner, interactive=True, two_factor=True)
        return Context(db, viewer, self.clock, FIGURES, Anything(), sandbox=True, key="key", infrastructure=self.disks)

    def db(self) -> Db:
        return Db(self.database, Author(ActivityChannel.SESSION, self.owner))

    # What is asked, and done

    async def quote_opening(self, name: str, plan: str, period: str) -> Quote:
        wishes = Wishes(name, self.plans[plan], BillingPeriod(period))
        async with self.db() as db:
            (quote,) = await opening.quotes(self.context(db), [self.owner], wishes=wishes)
        return quote

    async def open(self, name: str, plan: str, period: str, used_gigabytes: int, token: str | None) -> None:
        """Open an account, and have it set up."""
        wishes = Wishes(name, self.plans[plan], BillingPeriod(period))
        async with self.db() as db:
            given: dict[str, Any] = {"wishes": wishes, "password": "any", "quote_token": token or "", "key": uuid4()}
            key = await opening.open_account(self.context(db), owner_id=self.owner, **given)
            assert await opening.open_account(self.context(db), owner_id=self.owner, **given) == key
            (task,) = await db.rows(select(TASKS.c.id).where(TASKS.c.account_id == key))
            await provisioning.report(db, OFFICE, task_id=task.id, outcome=Outcome.DONE)
        self.accounts[name], self.disks.gigabytes[key] = key, used_gigabytes

    async def quote_change(self, name: str, plan: str, period: str) -> Quote:
        wishes = PlanWishes(self.accounts[name], self.plans[plan], BillingPeriod(period))
        async with self.db() as db:
            (quote,) = await plan_change.quotes(self.context(db), [self.accounts[name]], wishes=wishes)
        found: Quote = quote
        return found

    async def change(self, name: str, plan: str, period: str, token: str | None) -> None:
        """Change the plan, and ask for the same again: a retry does nothing."""
        wishes = PlanWishes(self.accounts[name], self.plans[plan], BillingPeriod(period))
        given: dict[str, Any] = {"wishes": wishes, "quote_token": token or "", "key": uuid4()}
        async with self.db() as db:
            changed = await plan_change.change_plan(self.context(db), **given)
            assert await plan_change.change_plan(self.context(db), **given) == changed

    async def quote_day(self, day: int | None) -> Quote:
        async with self.db() as db:
            (quote,) = await invoicing_day.quotes(self.context(db), [self.owner], wishes=DayWishes(day))
        return quote

    async def choose_day(self, day: int | None, token: str | None) -> None:
        """Choose an invoicing day, and ask for the same again."""
        given: dict[str, Any] = {"wishes": DayWishes(day), "quote_token": token or "", "key": uuid4()}
        async with self.db() as db:
            updated = await invoicing_day.update(self.context(db), owner_id=self.owner, **given)
            assert await invoicing_day.update(self.context(db), owner_id=self.owner, **given) == updated

    async def renews(self, key: UUID, value: bool) -> None:
        async with self.db() as db:
            await renewals.renewal_update(self.context(db), key=key, renews=value)

    async def pay(self, cents: int) -> None:
        async with Db(self.database) as db, db.write() as write:
            await ledger.book_payment(write, self.owner, cents)

    async def move_house(self, **values: Any) -> None:
        """PRO-3. Later invoices are made out to another address, and taxed there."""
        async with Db(self.database) as db:
            await db.note(update(PROFILES).where(PROFILES.c.id == self.owner).values(**values))

    async def publish(self, plan: str, period: str, cents: int, since: datetime) -> None:
        """CAT-4. Another price from then on."""
        row = {"id": new_id(), "plan_id": self.plans[plan], "period": BillingPeriod(period)}
        async with Db(self.database) as db:
            await db.note(insert(table(PlanPrice)).values(**row, cents=cents, valid_from=since))

    async def advance(self, to: datetime) -> None:
        """EVT-4."""
        async with self.db() as db:
            await sandbox.clock_advance(self.context(db), to=to, told=raising)

    # What is there then

    async def balance(self) -> tuple[int, int, int]:
        """How many entries there are, the balance, and the part of it that can only pay invoices."""
        last = ENTRIES.c.position, ENTRIES.c.balance_after_cents, ENTRIES.c.non_refundable_after_cents
        found = select(*last).where(ENTRIES.c.owner_id == self.owner).order_by(ENTRIES.c.position.desc()).limit(1)
        async with Db(self.database) as db:
            row = await db.first(found)
        return tuple(row) if row else (0, 0, 0)

    async def documents(self) -> list[tuple[str, date, int, int, int, bool]]:
        """Kind, date, net, VAT, what is left to pay, and whether it is cancelled; in the order of their issue."""
        async with Db(self.database) as db:
            rows = await db.rows(
                select(INVOICES).where(INVOICES.c.owner_id == self.owner).order_by(INVOICES.c.position)
            )
        return [
            (row.kind.value, row.issued_on, row.net_cents, row.tax_cents, row.left_cents, row.cancelled_at is not None)
            for row in rows
        ]

    async def subscriptions(self) -> list[Any]:
        """In the order in which they began."""
        mine = SUBSCRIPTIONS.c.owner_id == self.owner
        async with Db(self.database) as db:
            return list(await db.rows(select(SUBSCRIPTIONS).where(mine).order_by(SUBSCRIPTIONS.c.id)))

    async def shown(self) -> list[tuple[object, ...]]:
        """Of each subscription: plan, period, whether it renews, when it ended, and the periods that were charged."""
        codes = {key: code for code, key in self.plans.items()}
        rows = select(PERIODS, SUBSCRIPTIONS.c.id.label("of")).join_from(
            PERIODS, SUBSCRIPTIONS, SUBSCRIPTIONS.c.id == PERIODS.c.subscription_id
        )
        found: dict[UUID, list[tuple[date, date, int]]] = {}
        begun = await self.subscriptions()
        async with Db(self.database) as db:
            mine = rows.where(SUBSCRIPTIONS.c.owner_id == self.owner).order_by(PERIODS.c.starts_on, PERIODS.c.id)
            for row in await db.rows(mine):
                found.setdefault(row.of, []).append((row.starts_on, row.ends_before, row.net_cents))
        return [
            (codes[each.plan_id], each.period.value, each.renews, each.ended_on, tuple(found[each.id]))
            for each in begun
        ]

    async def blocked(self) -> set[str]:
        """The accounts that those who run the machines were asked to block, and not to unblock again."""
        names = {key: name for name, key in self.accounts.items()}
        wanted = TASKS.c.operation.in_((Operation.SUSPEND, Operation.RESUME)), TASKS.c.account_id.in_(names)
        async with Db(self.database) as db:
            rows = await db.rows(select(TASKS).where(*wanted).order_by(TASKS.c.id))
        last = {row.account_id: row.operation for row in rows}
        return {names[key] for key, operation in last.items() if operation is Operation.SUSPEND}

    async def verified(self) -> Findings:
        """BIL-1. The whole of the books, sealed and recomputed."""
        async with Db(self.database) as db:
            await ledger_seal.seal(db)
        return await verify(self.database)


async def settled_in(database: Database, clock: FrozenClock, **values: Any) -> World:
    """A new customer of a database that has the catalogue."""
    made = await a_customer(database, email_verified_at=clock.now(), **values)
    owner = values.get("id", made)
    async with Db(database) as db:
        plans = {row.code: row.id for row in await db.rows(select(PLANS.c.code, PLANS.c.id))}
        signed = [{"owner_id": owner, "version_id": row.id} for row in await db.rows(select(VERSIONS.c.id))]
        async with db.bookkeeping() as connection:
            for each in signed:  # BIL-19. Nothing waits to be accepted.
                await connection.execute(insert(table(Contract)).values(id=new_id(), **each))
                accepted = {"accepted_at": clock.now(), "actor_id": owner, **each}
                await connection.execute(insert(table(ContractAcceptance)).values(id=new_id(), **accepted))
    return World(database, clock, owner, plans)
