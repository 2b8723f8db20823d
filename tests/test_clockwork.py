"""EVT-4, BIL-4, CAT-4. What falls due: renewals, notices and invoices, each once, in order, by whatever way."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert, select, update
from sqlalchemy.exc import IntegrityError

from app import worker
from app.catalogue_file import shipped
from app.demo import seed
from app.settings import Settings
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Database, Db
from models.delivery import Delivery
from models.money import cents_of
from models.plan import Plan, PlanPrice
from models.price import BillingPeriod
from models.profile import Profile
from models.renewal import Course, announcement
from models.server_option import ServerOption
from models.subscription import Subscription, SubscriptionStatus
from models.subscription_period import SubscriptionPeriod
from models.vat_register import Registered, RegisterSilent
from resolvers import invoice as invoices
from resolvers.catalog import load
from resolvers.clockwork import play, turn
from resolvers.server_subscription import ServerOrder, subscribe_server
from resolvers.works import Works
from schema.global_id import global_id, read_global_id
from tests.api import OWNER, Api, serving
from tests.cycle import (
    OFFICE,
    alone,
    balance,
    canonical,
    change,
    documents,
    move,
    movements,
    open_account,
    pay,
    periods,
)
from tests.database import START
from tests.hosting import FORGE_ID, account, answer
from tests.opening import codes
from tests.patience import PATIENT
from tests.test_account import DELETE

RENEW = """mutation Renew($id: ID!, $renews: Boolean!) {
  subscriptionRenewalUpdate(input: {subscriptionId: $id, renews: $renews}) {
    subscription { renews status } userErrors { code } } }"""
SETTINGS = Settings(**PATIENT)
SETTINGS_ZONE = ZoneInfo(SETTINGS.billing_zone)


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """A year to play."""
    clock.move(datetime(2026, 1, 31, 9, tzinfo=UTC) - START)


async def mails(api: Api, template: str) -> list[dict[str, Any]]:
    """The facts that sent such mails, in order."""
    facts = {row.id: row for row in await api.rows(ActivityEvent)}
    found = [facts[row.event_id] for row in await api.rows(Delivery) if row.template == template]
    return [{**row.facts, "at": row.occurred_at} for row in sorted(found, key=lambda row: row.occurred_at)]


async def running(api: Api, name: str) -> Any:
    """What runs for an account."""
    key = (await account(api, name)).id
    return next(row for row in await api.rows(Subscription) if row.account_id == key)


async def renews(api: Api, name: str, value: bool) -> Any:
    variables = {"id": global_id("ServiceSubscription", (await running(api, name)).id), "renews": value}
    return (await api.ask(RENEW, variables, token=await api.token(OWNER))).data["subscriptionRenewalUpdate"]


async def new_price(api: Api, code: str, monthly: str, since: datetime) -> None:
    """Load a catalogue that says that a plan costs so much a month from then on."""
    plans = [
        each.model_copy(update={"monthly_cents": cents_of(Decimal(monthly))}) if each.code == code else each
        for each in shipped().plans
    ]
    async with Db(api.database) as db:
        await load(db, shipped().model_copy(update={"plans": plans, "prices_from": since}), SETTINGS_ZONE)


# Renewals


async def test_periods_follow_each_other_without_drifting(api: Api) -> None:
    """BIL-6. From the 31st: the end of each month, and the 31st again."""
    await alone(api)
    await open_account(api, "shop", "small")
    await move(api, "2026-06-02T00:00:00Z")
    assert [row[:2] for row in await periods(api, "shop")] == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
        ("2026-03-31", "2026-04-30"),
        ("2026-04-30", "2026-05-31"),
        ("2026-05-31", "2026-06-30"),
    ]
    assert [row[1] for row in await documents(api)] == [
        *("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"),
    ]


async def test_what_is_ordered_and_renewed_on_one_day_is_on_one_invoice(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    await open_account(api, "blog", "medium")
    await move(api, "2026-02-28T00:30:00Z")
    await open_account(api, "more", "small")
    await move(api, "2026-03-01T00:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-01-31", 2_800, 560), ("INVOICE", "2026-02-28", 3_400, 680)]


@pytest.mark.parametrize(("count", "net", "tax"), [(7, 3_493, 699)])
async def test_vat_is_rounded_once_for_all_lines_of_a_rate(api: Api, count: int, net: int, tax: int) -> None:
    """7 lines of 4.99: 34.93, VAT 6.99, on the balance -41.92."""
    await alone(api)
    await new_price(api, "small", "4.99", api.database.clock.now() + timedelta(seconds=1))
    await move(api, "2026-01-31T09:00:02Z")
    for number in range(count):
        await open_account(api, f"shop{number}", "small")
    await move(api, "2026-02-01T00:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-01-31", net, tax)]
    assert await balance(api) == "-41.92"


@pytest.mark.parametrize("steps", [365])
async def test_a_year_at_once_is_the_year_day_by_day(databases: Any, hashing: Any, bound: Any, steps: int) -> None:
    """EVT-4. The same ledger, whatever the steps."""
    ways = []
    for count in (1, steps):
        clock = FrozenClock(datetime(2026, 1, 31, 9, tzinfo=UTC))
        async with databases.migrated() as url:
            database = Database(url, clock=clock, sandbox=True)
            await seed(database, hashing)
            async with serving(database, bound, rate_limits=False) as api:
                await alone(api)
                await open_account(api, "shop", "medium")
                await open_account(api, "blog", "small", "YEARLY")
                await pay(api, 20_000)
                for day in range(1, count + 1):
                    to = datetime(2026, 1, 31, 12, tzinfo=UTC) + timedelta(days=365 * day // count)
                    async with Db(database) as db, turn(database):
                        await play(Works(db, OFFICE, Asked()), to, raising)
                ways.append(await canonical(api))
            await database.close()
    assert ways[0] == ways[1]
    assert len(ways[0][0]) == 14


def raising(error: Exception) -> None:
    raise error


async def test_a_renewal_is_at_the_price_in_force_then_and_announced_before(api: Api) -> None:
    """CAT-4. Thirty days before, once, however short the month; the renewal after that costs the same."""
    await alone(api)
    await open_account(api, "shop", "small")
    await new_price(api, "small", "7.00", datetime(2026, 3, 1, tzinfo=UTC))
    await move(api, "2026-02-20T00:00:00Z")
    assert await mails(api, "renewal_notice") == []
    await move(api, "2026-06-01T00:00:00Z")
    (told,) = await mails(api, "renewal_notice")
    assert (told["before"], told["after"], told["on"]) == ("6.00", "7.00", "2026-03-31")
    assert told["at"] == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert [row[2] for row in await periods(api, "shop")] == [600, 600, 700, 700, 700]


async def test_a_yearly_renewal_is_announced_once_each_year(api: Api) -> None:
    """BIL-4."""
    await alone(api)
    await open_account(api, "shop", "small", "YEARLY")
    await move(api, "2027-01-01T12:00:00Z")
    (told,) = await mails(api, "renewal_notice")
    assert (told["on"], told["before"], told["at"]) == ("2027-01-31", None, datetime(2026, 12, 31, 23, tzinfo=UTC))
    await move(api, "2027-12-01T00:00:00Z")
    assert len(await mails(api, "renewal_notice")) == 1
    await move(api, "2028-01-02T00:00:00Z")
    assert [each["on"] for each in await mails(api, "renewal_notice")] == ["2027-01-31", "2028-01-31"]


async def test_what_does_not_renew_ends_and_the_account_is_kept_until_it_has_a_plan_again(api: Api) -> None:
    """BIL-4."""
    await alone(api)
    key = await open_account(api, "shop", "small")
    assert (await renews(api, "shop", False))["subscription"] == {"renews": False, "status": "ACTIVE"}
    await move(api, "2026-02-27T00:00:00Z")
    assert (await account(api, "shop")).status.value == "ACTIVE"
    await move(api, "2026-04-01T00:00:00Z")
    assert (await running(api, "shop")).status is SubscriptionStatus.ENDED
    assert (await account(api, "shop")).status.value == "SUSPENDED"
    assert [each["on"] for each in await mails(api, "subscription_ended")] == ["2026-02-28"]
    assert len(await documents(api)) == 1
    assert codes(await renews(api, "shop", True)) == ["CONFLICT"]
    payload = await change(api, key, "small")
    assert payload["userErrors"] == []
    assert payload["account"]["status"] == "ACTIVE"
    await move(api, "2026-04-03T00:00:00Z")
    assert [row[:2] for row in await periods(api, "shop")] == [
        ("2026-01-31", "2026-02-28"),
        ("2026-04-01", "2026-05-01"),
    ]


@pytest.mark.parametrize("day", ["2026-01-31T12:00:00Z", "2026-02-10T00:00:00Z"])
async def test_what_is_deleted_before_its_end_is_charged_and_not_refunded(api: Api, day: str) -> None:
    """BIL-18. Whether it was invoiced already or not."""
    await alone(api)
    key = await open_account(api, "shop", "small")
    await move(api, day)
    given = {"id": key, "confirmation": "shop"}
    assert (await api.ask(DELETE, given, token=await api.token(OWNER))).data["accountDelete"]["userErrors"] == []
    await answer(api)
    await move(api, "2026-06-01T00:00:00Z")
    assert await movements(api) == [("INVOICE", -720)]
    assert await documents(api) == [("INVOICE", "2026-01-31", 600, 120)]


async def test_a_renewal_that_is_resumed_in_time_goes_on(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    await renews(api, "shop", False)
    await renews(api, "shop", True)
    await move(api, "2026-03-01T00:00:00Z")
    assert len(await periods(api, "shop")) == 2


# Servers


async def order(api: Api, code: str, **values: Any) -> Any:
    """Order what a server costs."""
    found = read_global_id(FORGE_ID)
    assert found is not None
    async with Db(api.database) as db:
        (plan,) = await db.rows(select(table(Plan).c.id).where(table(Plan).c.code == code))
        async with db.write() as write:
            wanted = ServerOrder(found[1], plan.id, **{"period": BillingPeriod.MONTHLY, **values})
            return await subscribe_server(OFFICE.figures, write, wanted)


@pytest.mark.parametrize(("committed", "net"), [(True, 122_700), (False, 147_240)])
async def test_the_first_invoice_of_a_server_covers_three_months(api: Api, committed: bool, net: int) -> None:
    """CAT-1. 409 x 3 = 1,227.00; without commitment 409 x 1.2 x 3 = 1,472.40; then month by month."""
    await alone(api)
    begun = await order(api, "dedicated", committed=committed)
    text = "query Running($id: ID!) { node(id: $id) { ... on Server { subscription { label committedUntil } } } }"
    shown = (await api.ask(text, {"id": FORGE_ID}, token=await api.token(OWNER))).data["node"]["subscription"]
    assert shown == {"label": "Dedicated", "committedUntil": "2026-04-29" if committed else None}
    assert begun.committed_until == (date(2026, 4, 30) if committed else None)
    await move(api, "2026-06-01T00:00:00Z")
    assert [(row[1], row[2]) for row in await documents(api)] == [
        ("2026-01-31", net),
        ("2026-04-30", 40_900),
        ("2026-05-31", 40_900),
    ]


async def test_an_agreed_price_stays_and_options_are_charged_beside(api: Api) -> None:
    """CAT-3. A Gold server is on quotation; 16 GB of memory are 10 a month each."""
    await alone(api)
    async with Db(api.database) as db:
        (ram,) = await db.rows(select(table(ServerOption).c.id).where(table(ServerOption).c.code == "ram_16"))
    await order(api, "gold", period=BillingPeriod.YEARLY, agreed_cents=900_000, options={ram.id: 2})
    await move(api, "2027-02-01T00:00:00Z")
    # A year of the machine and two options at 100 a year each, twice.
    assert [(row[1], row[2]) for row in await documents(api)] == [("2026-01-31", 920_000), ("2027-01-31", 920_000)]
    given = await api.ask(
        "{ viewer { subscriptions { nodes { label plan { code } price { net { amount } } } } } }",
        token=await api.token(OWNER),
    )
    shown = [
        each for each in given.data["viewer"]["subscriptions"]["nodes"] if each["price"]["net"]["amount"] != "0.00"
    ]
    options = [each for each in shown if each["plan"] is None]
    assert [each["price"]["net"]["amount"] for each in options] == ["200.00"]


# Order, and who does it


async def test_several_workers_double_nothing(api: Api, clock: FrozenClock) -> None:
    await alone(api)
    for name in ("shop", "blog"):
        await open_account(api, name, "small")
    clock.move(timedelta(days=90))
    await asyncio.gather(*(worker.work_once(api.database, SETTINGS) for _ in range(3)))
    assert len(await documents(api)) == 4
    assert len(await api.rows(SubscriptionPeriod)) >= 8


async def test_in_production_workers_share_what_is_due(api: Api, clock: FrozenClock) -> None:
    """Nobody waits for anybody, and what is late happens now."""
    await alone(api)
    for name in ("shop", "blog"):
        await open_account(api, name, "small")
    clock.move(timedelta(days=3))
    told: list[Exception] = []

    async def work() -> None:
        database = api.database
        async with Db(database) as db:
            await play(Works(db, type(OFFICE)(OFFICE.figures, sandbox=False), Asked()), clock.now(), told.append)

    await asyncio.gather(*(work() for _ in range(3)))
    await work()
    assert told == []
    assert [row[1:3] for row in await documents(api)] == [("2026-02-03", 1_200)]


async def test_what_cannot_be_done_holds_up_nobody_else(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    await open_account(api, "late", "small")
    failing = [True]

    async def issue(*given: Any) -> Any:
        if failing.pop():
            raise LookupError("a defect")
        return await invoices.issue_locked(*given)

    monkeypatch.setattr("resolvers.issuing.issue_locked", issue)
    await move(api, "2026-02-01T00:00:00Z")
    assert await documents(api) == []
    failing[:] = [False, False]
    await move(api, "2026-02-02T00:00:00Z")
    assert len(await documents(api)) == 1


async def test_the_clock_stands_where_what_was_done_last_fell_due(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the middle of a year leaves no fact of the future."""
    await alone(api)
    await open_account(api, "shop", "small")

    class Crash(BaseException):
        """The process is gone."""

    async def crash(*_: Any) -> None:
        raise Crash

    monkeypatch.setattr("resolvers.renewal.renew", crash)
    async with Db(api.database) as db:
        with pytest.raises(Crash):
            await play(Works(db, OFFICE, Asked()), datetime(2027, 1, 1, tzinfo=UTC), raising)
        assert await db.now() == datetime(2026, 1, 31, 15, tzinfo=UTC)
    assert len(await documents(api)) == 1


# VAT numbers


class Asked:
    """A register that answers, or does not."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def ask(self, vat_number: str) -> Registered:
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            raise RegisterSilent("NOBODY")
        return Registered(answer, "W1")


async def german(api: Api) -> None:
    """The owner is a company in Germany, with a VAT number."""
    async with Db(api.database) as db:
        mine = update(table(Profile)).where(table(Profile).c.id == OWNER.key)
        await db.note(mine.values(country="DE", postal_code="10115", vat_number="DE136695976"))


async def played(api: Api, until: datetime, register: Asked) -> list[Exception]:
    """Play up to an instant with this register."""
    told: list[Exception] = []
    async with Db(api.database) as db, turn(api.database):
        await play(Works(db, OFFICE, register), until, told.append)
    return told


async def test_an_invoice_waits_for_the_register_and_is_issued_without_vat(api: Api) -> None:
    """BIL-7."""
    await alone(api)
    await open_account(api, "shop", "small")
    await german(api)
    register = Asked(None, None, True)
    assert await played(api, datetime(2026, 2, 2, tzinfo=UTC), register) == []
    assert await documents(api) == [("INVOICE", "2026-01-31", 600, 0)]
    assert register.calls == 3


async def test_a_register_that_never_answers_is_waited_for_for_days(api: Api) -> None:
    """BIL-7. Then the invoice is issued with VAT."""
    await alone(api)
    await open_account(api, "shop", "small")
    await german(api)
    assert await played(api, datetime(2026, 2, 3, 8, tzinfo=UTC), Asked()) == []
    assert await documents(api) == []
    await played(api, datetime(2026, 2, 4, tzinfo=UTC), Asked())
    assert await documents(api) == [("INVOICE", "2026-02-03", 600, 114)]


async def test_without_a_country_an_invoice_waits(api: Api) -> None:
    """PRO-2. It is issued once there is somebody to make it out to."""
    await alone(api)
    await open_account(api, "shop", "small")
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(country=None))
    await move(api, "2026-02-05T00:00:00Z")
    assert await documents(api) == []
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(country="FR"))
    await move(api, "2026-02-06T00:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-02-05", 600, 120)]


# The database refuses


async def test_periods_leave_no_gap_and_do_not_overlap(api: Api) -> None:
    await open_account(api, "shop", "small")
    row = await running(api, "shop")
    rows = table(SubscriptionPeriod)
    for starts_on in (date(2026, 2, 27), date(2026, 3, 1)):
        values = {
            "id": new_id(),
            "subscription_id": row.id,
            "starts_on": starts_on,
            "ends_before": date(2026, 4, 1),
            "list_cents": 1,
            "net_cents": 1,
        }
        async with Db(api.database) as db:
            with pytest.raises(IntegrityError, match="where the one before ended"):
                await db.note(insert(rows).values(values))


async def test_subscriptions_of_one_account_do_not_overlap(api: Api) -> None:
    await open_account(api, "shop", "small")
    row = await running(api, "shop")
    ended = {"id": new_id(), "status": SubscriptionStatus.ENDED, "ended_on": date(2026, 2, 1)}
    async with Db(api.database) as db:
        with pytest.raises(IntegrityError, match="do not overlap"):
            await db.note(insert(table(Subscription)).values({**row._mapping, **ended}))


# What it costs


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_the_statements_of_an_invoice_are_few(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    await move(api, "2026-02-20T00:00:00Z")
    statements: list[str] = []

    def seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(api.database.writers.sync_engine, "before_cursor_execute", seen)
    await played(api, datetime(2026, 3, 1, tzinfo=UTC), Asked())
    assert len(await documents(api)) == 2
    assert len(statements) < 33, len(statements)


# Rules


@pytest.mark.parametrize(
    ("ends_before", "noticed_on", "expected"),
    [
        (date(2026, 2, 28), None, (date(2026, 3, 31), 600, 700)),
        (date(2026, 3, 31), None, (date(2026, 3, 31), 600, 700)),
        (date(2026, 3, 31), date(2026, 3, 31), None),
    ],
)
def test_which_renewal_is_announced(ends_before: date, noticed_on: date | None, expected: Any) -> None:
    prices = [
        PlanPrice(plan_id=new_id(), period=BillingPeriod.MONTHLY, cents=cents, valid_from=since)
        for cents, since in ((600, datetime(2020, 1, 1, tzinfo=UTC)), (700, datetime(2026, 3, 1, tzinfo=UTC)))
    ]
    course = Course(date(2026, 1, 31), BillingPeriod.MONTHLY, ends_before, 600, None, noticed_on)
    found = announcement(course, prices, SETTINGS_ZONE, timedelta(days=30))
    assert (found and (found.on, found.before_cents, found.after_cents)) == expected
