"""ACC-6, BIL-6, BIL-14. Changing plan and period: the figures of the rules over the API, and what stands in the way."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from models.account import Account, AccountStatus
from models.activity import ActivityEvent
from models.charge import Charge
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.infrastructure import InfrastructureSilent, NoInfrastructure, Usage
from models.journal import JournalEntry
from models.opening import Offer, Standing
from models.permission import OverallPermission
from models.plan import PlanKind
from models.plan_change import Line, Paid, PlanSituation, PlanWishes, Running, decide_plan_change
from models.price import BillingPeriod
from models.profile import Profile
from models.refusal import Code
from models.setting import Figures
from models.subscription import Subscription
from models.term import Priced
from resolvers import plan_change as acts
from schema.global_id import key_of
from tests.api import DELEGATE, FREE, OWNER, Api
from tests.cycle import (
    CHANGE,
    CHANGE_QUOTE,
    alone,
    balance,
    change,
    change_quote,
    documents,
    move,
    movements,
    open_account,
    pay,
    periods,
)
from tests.database import START
from tests.granting import a_grant
from tests.hosting import HOBBY, WEB
from tests.opening import codes, plan_id

GIGABYTE = 10**9


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """Before the first day of the examples."""
    clock.move(datetime(2026, 1, 20, 9, tzinfo=UTC) - START)


class Disks(NoInfrastructure):
    """So much is in use on every account; None tells nothing."""

    def __init__(self, used: int | None) -> None:
        self.used = used

    async def usage(self, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Usage]:
        if self.used is None:
            raise InfrastructureSilent
        return {key: Usage(Decimal(self.used), Decimal(50 * GIGABYTE), now) for key in accounts}


def on_disk(monkeypatch: pytest.MonkeyPatch, used: int | None) -> None:
    """Have the machines tell that so much is in use."""

    async def told(_: Any, accounts: Sequence[UUID], now: datetime) -> Mapping[UUID, Usage]:
        return await Disks(used).usage(accounts, now)

    monkeypatch.setattr("app.gateways.simulator.SimulatedInfrastructure.usage", told)


# The worked examples


async def test_small_for_a_year_to_medium_by_the_month(api: Api) -> None:
    """60 x 108/365 = 17.75, VAT 3.55: +21.30, then -26.40."""
    await alone(api)
    await move(api, "2026-03-10T09:00:00Z")
    key = await open_account(api, "shop", "small", "YEARLY")
    await move(api, "2026-11-22T09:00:00Z")
    await pay(api, 7_200)
    quote = await change_quote(api, key, "medium")
    assert (quote["refund"]["amount"], quote["charge"]["gross"]["amount"]) == ("21.30", "26.40")
    assert quote["balanceAfter"]["amount"] == "-5.10"
    payload = await change(api, key, "medium", token=quote["token"])
    assert payload["userErrors"] == []
    assert payload["refund"]["amount"]["amount"] == "21.30"
    assert await balance(api) == "21.30"
    await move(api, "2026-11-24T00:00:00Z")
    assert (await movements(api))[-2:] == [("PRORATA_REFUND", 2_130), ("INVOICE", -2_640)]
    assert (await documents(api))[-2:] == [
        ("CREDIT_NOTE", "2026-11-22", 1_775, 355),
        ("INVOICE", "2026-11-23", 2_200, 440),
    ]
    assert await balance(api) == quote["balanceAfter"]["amount"]


async def test_medium_by_the_month_to_large(api: Api) -> None:
    """22 x 13/30 = 9.53, VAT 1.91: +11.44, then -66.00."""
    await alone(api)
    await move(api, "2026-11-05T09:00:00Z")
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-11-22T09:00:00Z")
    assert await balance(api) == "-26.40"
    quote = await change_quote(api, key, "large")
    assert quote["refund"]["amount"] == "11.44"
    gross = {"net": {"amount": "55.00"}, "tax": {"amount": "11.00"}, "gross": {"amount": "66.00"}, "taxRate": "20.00"}
    assert quote["charge"] == gross
    assert (quote["invoicedOn"], quote["dueOn"]) == ("2026-11-23", "2026-12-23")
    payload = await change(api, key, "large", token=quote["token"])
    assert payload["userErrors"] == []
    refund = {"kind": "PRORATA_REFUND", "amount": {"amount": "11.44"}, "balanceAfter": {"amount": "-14.96"}}
    assert payload["refund"] == refund
    assert payload["account"]["plan"] == {"code": "large"}
    runs = {"period": "MONTHLY", "periodStart": "2026-11-22", "periodEnd": "2026-12-21"}
    assert payload["account"]["subscription"] == runs
    await move(api, "2026-11-24T00:00:00Z")
    assert await balance(api) == quote["balanceAfter"]["amount"] == "-80.96"


async def test_a_leap_period(api: Api) -> None:
    """1 Jun 2027 - 1 Jun 2028, left on 1 Jan 2028: 60 x 152/366 = 24.92, VAT 4.98."""
    await alone(api)
    await move(api, "2027-06-01T09:00:00Z")
    key = await open_account(api, "shop", "small", "YEARLY")
    await move(api, "2028-01-01T09:00:00Z")
    assert (await change(api, key, "medium"))["refund"]["amount"]["amount"] == "29.90"
    assert (await documents(api))[-1] == ("CREDIT_NOTE", "2028-01-01", 2_492, 498)


# Traps


async def test_the_preview_is_what_is_billed(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium", "YEARLY")
    await move(api, "2026-07-07T21:59:00Z")
    quote = await change_quote(api, key, "xlarge")
    await change(api, key, "xlarge", token=quote["token"])
    await move(api, "2026-07-09T00:00:00Z")
    assert await balance(api) == quote["balanceAfter"]["amount"]
    *_, note, invoice = await documents(api)
    assert f"{(note[2] + note[3]) / 100:.2f}" == quote["refund"]["amount"]
    assert invoice[1] == quote["invoicedOn"]
    assert f"{(invoice[2] + invoice[3]) / 100:.2f}" == quote["charge"]["gross"]["amount"]


async def test_what_is_not_invoiced_is_cut_instead_of_refunded_and_the_balance_ends_the_same(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    payload = await change(api, key, "large")
    assert payload["refund"] is None
    assert sorted((row.net_cents, row.status.value) for row in await api.rows(Charge)) == [
        (2_200, "DROPPED"),
        (5_500, "PENDING"),
    ]
    await move(api, "2026-01-22T00:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-01-21", 5_500, 1_100)]


async def test_a_second_change_on_the_same_day_is_charged_once(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-01-21T09:00:00Z")
    for code in ("large", "xlarge", "small"):
        assert (await change(api, key, code))["userErrors"] == []
    await move(api, "2026-01-23T00:00:00Z")
    assert await documents(api) == [
        ("INVOICE", "2026-01-20", 2_200, 440),
        ("CREDIT_NOTE", "2026-01-21", 2_129, 426),
        ("INVOICE", "2026-01-22", 600, 120),
    ]


async def test_changes_on_two_days_in_a_row_cut_what_waits_to_the_days_used(api: Api) -> None:
    """What was ordered yesterday and is not invoiced yet, early in the morning, is charged for a day."""
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-01-21T09:00:00Z")
    await change(api, key, "large")
    await move(api, "2026-01-22T01:00:00Z")
    quote = await change_quote(api, key, "xlarge")
    assert quote["refund"]["amount"] == "0.00"
    assert len(quote["warnings"]) == 2
    await change(api, key, "xlarge", token=quote["token"])
    await move(api, "2026-01-24T00:00:00Z")
    # One of the 31 days of Large: 55 - 53.23.
    assert (await documents(api))[2:] == [
        ("INVOICE", "2026-01-22", 177, 35),
        ("INVOICE", "2026-01-23", 16_500, 3_300),
    ]


async def test_a_refund_offsets_the_debt_of_its_own_line_first(api: Api) -> None:
    """Nobody is given back what was never paid: what is owed gets smaller."""
    await alone(api)
    key = await open_account(api, "shop", "small", "YEARLY")
    await move(api, "2026-01-21T09:00:00Z")
    assert await balance(api) == "-72.00"
    await change(api, key, "medium")
    text = """query Owed($id: ID!) { node(id: $id) { ... on Account { owner { billing {
      balance { amount } nonRefundable { amount } amountDue { amount } } } } } }"""
    shown = (await api.ask(text, {"id": key}, token=await api.token(OWNER))).data["node"]["owner"]["billing"]
    assert shown == {
        "balance": {"amount": "-0.19"},
        "nonRefundable": {"amount": "0.00"},
        "amountDue": {"amount": "0.19"},
    }


async def test_refunds_of_a_line_never_exceed_it(api: Api) -> None:
    """The same line is refunded once: what followed it is another."""
    await alone(api)
    key = await open_account(api, "shop", "large", "YEARLY")
    for day in range(21, 26):
        await move(api, f"2026-01-{day}T09:00:00Z")
        await change(api, key, "large" if day % 2 == 0 else "xlarge", "YEARLY")
    await move(api, "2026-01-27T00:00:00Z")
    found = await documents(api)
    charged = sum(net for kind, _, net, _ in found if kind == "INVOICE")
    given = sum(net for kind, _, net, _ in found if kind == "CREDIT_NOTE")
    assert charged - given > 0
    assert [row for row in await periods(api, "shop") if row[0] == "2026-01-20"] == [
        ("2026-01-20", "2027-01-20", 60_000)
    ]


async def test_a_period_changes_as_a_plan_does(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-01-21T09:00:00Z")
    payload = await change(api, key, "medium", "YEARLY")
    assert payload["account"]["subscription"]["period"] == "YEARLY"
    assert payload["refund"]["amount"]["amount"] == "25.55"


async def test_two_changes_at_once_are_one(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-01-21T09:00:00Z")
    token = (await change_quote(api, key, "large"))["token"]
    answers = await asyncio.gather(*(change(api, key, "large", token=token) for _ in range(3)))
    assert sorted(len(each["userErrors"]) for each in answers) == [0, 1, 1]
    assert len([row for row in await api.rows(Subscription) if row.status.value == "ACTIVE"]) == 1


async def test_a_retry_is_answered_the_same_and_does_nothing(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-01-21T09:00:00Z")
    quote, intent = await change_quote(api, key, "large"), str(uuid4())
    first = await change(api, key, "large", token=quote["token"], idempotencyKey=intent)
    facts = len(await api.rows(ActivityEvent))
    again = await change(api, key, "large", token=quote["token"], idempotencyKey=intent)
    assert again["refund"] == first["refund"]
    assert len(await api.rows(JournalEntry)) == 2
    sessions = [row for row in await api.rows(ActivityEvent) if row.kind.startswith("session.")]
    assert len(await api.rows(ActivityEvent)) == facts + 1
    assert sessions
    other = await change(api, key, "xlarge", token=quote["token"], idempotencyKey=intent)
    assert codes(other) == ["IDEMPOTENCY_KEY_REUSED"]


async def test_a_stale_quote_is_answered_with_the_one_that_counts_now(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await move(api, "2026-01-21T22:50:00Z")
    quote = await change_quote(api, key, "large")
    assert quote["refund"]["amount"] == "25.55"
    await move(api, "2026-01-21T23:01:00Z")  # Another day, in Paris.
    payload = await change(api, key, "large", token=quote["token"])
    assert codes(payload) == ["QUOTE_CHANGED"]
    current = payload["userErrors"][0]["current"]
    assert current["refund"]["amount"] == "24.70"
    assert (await change(api, key, "large", token=current["token"]))["userErrors"] == []
    late = await change_quote(api, key, "small")
    await move(api, "2026-01-21T23:16:00Z")
    assert codes(await change(api, key, "small", token=late["token"])) == ["QUOTE_EXPIRED"]


# To and from the free plan


async def test_nothing_is_refunded_towards_the_free_plan(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk(monkeypatch, 10**8)
    await alone(api)
    key = await open_account(api, "shop", "small", "YEARLY")
    await move(api, "2026-01-21T09:00:00Z")
    quote = await change_quote(api, key, "free")
    assert (quote["refund"]["amount"], quote["charge"]["gross"]["amount"], quote["lines"]) == ("0.00", "0.00", [])
    assert (quote["invoicedOn"], quote["dueOn"], len(quote["warnings"])) == (None, None, 2)
    payload = await change(api, key, "free", token=quote["token"])
    assert payload["userErrors"] == []
    assert (payload["refund"], payload["account"]["subscription"]) == (None, None)
    assert payload["account"]["plan"] == {"code": "free"}
    assert await balance(api) == "-72.00"


async def test_what_was_ordered_is_charged_although_the_account_goes_to_the_free_plan(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk(monkeypatch, 10**8)
    await alone(api)
    key = await open_account(api, "shop", "small", "YEARLY")
    await change(api, key, "free")
    await move(api, "2026-01-21T09:00:00Z")
    assert await balance(api) == "-72.00"


async def test_a_free_account_takes_a_plan(api: Api) -> None:
    async with Db(api.database) as db:
        identity = {"street_lines": ["1 Weg"]}
        await db.note(update(table(Profile)).where(table(Profile).c.id == FREE.key).values(**identity))
    quote = await change_quote(api, HOBBY, "small", person=FREE)
    assert (quote["refund"]["amount"], quote["charge"]["net"]["amount"]) == ("0.00", "6.00")
    payload = await change(api, HOBBY, "small", person=FREE)
    assert payload["userErrors"] == []
    assert payload["account"]["subscription"]["periodEnd"] == "2026-02-19"


async def test_free_accounts_are_limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """ACC-3. The account that changes is no paying one any more."""
    on_disk(monkeypatch, 0)
    await alone(api)
    await open_account(api, "gratis", "free")
    async with Db(api.database) as db:
        await db.note(
            update(table(Account))
            .where(table(Account).c.owner_id == OWNER.key, table(Account).c.name != "gratis")
            .values(plan_id=None)
        )
    key = await open_account(api, "shop", "small")
    assert codes(await change(api, key, "free", token="-")) == ["LIMIT_REACHED"]
    await open_account(api, "other", "small")
    assert (await change(api, key, "free"))["userErrors"] == []


# What stands in the way


async def test_what_does_not_fit_is_refused_with_the_figures(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await alone(api)
    key = await open_account(api, "shop", "large")
    on_disk(monkeypatch, 60 * GIGABYTE)
    quote = await change_quote(api, key, "small")
    (blocker,) = quote["blockers"]
    assert (quote["token"], blocker["code"], blocker["field"]) == (None, "PLAN_TOO_SMALL", ["input", "planId"])
    assert (blocker["diskUsedBytes"], blocker["diskQuotaBytes"]) == (str(60 * GIGABYTE), str(50 * GIGABYTE))
    payload = await change(api, key, "small", token="-")
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["diskUsedBytes"]) == ("PlanTooSmallError", str(60 * GIGABYTE))
    assert (await change(api, key, "medium"))["userErrors"] == []


async def test_a_plan_that_changed_since_the_disk_was_looked_at_is_looked_at_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the small plan nothing had to be asked; what somebody put on the large one meanwhile has to fit."""
    await alone(api)
    key = await open_account(api, "shop", "small")
    on_disk(monkeypatch, 150 * GIGABYTE)
    token, large, used = (await change_quote(api, key, "medium"))["token"], await plan_id(api, "large"), acts._used
    accounts = table(Account)

    async def used_before(context: Any, wishes: PlanWishes) -> Any:
        found = await used(context, wishes)
        grown = update(accounts).where(accounts.c.name == "shop").values(plan_id=key_of(large, "Plan"))
        async with Db(api.database) as db:
            await db.note(grown)
        return found

    monkeypatch.setattr(acts, "_used", used_before)
    given = {
        "accountId": key,
        "planId": await plan_id(api, "medium"),
        "period": "MONTHLY",
        "quoteToken": token,
        "idempotencyKey": str(uuid4()),
    }
    answer = await api.ask(CHANGE, {"input": given}, token=await api.token(OWNER))
    assert answer.codes == ["UNAVAILABLE"]
    assert [row.plan_id for row in await api.rows(Account) if row.name == "shop"] == [key_of(large, "Plan")]


async def test_where_the_machines_do_not_tell_a_smaller_plan_waits_and_a_larger_one_does_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await alone(api)
    key = await open_account(api, "shop", "large")
    on_disk(monkeypatch, None)
    given = {"id": key, "plan": await plan_id(api, "small"), "period": "MONTHLY"}
    answer = await api.ask(CHANGE_QUOTE, given, token=await api.token(OWNER))
    assert answer.codes == ["UNAVAILABLE"]
    assert (await change_quote(api, key, "xlarge"))["token"]


@pytest.mark.parametrize(("code", "period"), [("medium", "MONTHLY"), ("dedicated", "MONTHLY")])
async def test_what_is_the_same_or_not_sold_here_is_refused(api: Api, code: str, period: str) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    assert codes(await change(api, key, code, period, token="-")) == ["PLAN_UNAVAILABLE"]
    assert codes({"userErrors": (await change_quote(api, key, code, period))["blockers"]}) == ["PLAN_UNAVAILABLE"]


async def test_an_account_on_a_server_has_no_plan_to_change(api: Api) -> None:
    assert "PLAN_UNAVAILABLE" in codes({"userErrors": (await change_quote(api, WEB, "small"))["blockers"]})


async def test_a_plan_that_is_not_there_is_not_found(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "medium")
    answer = await change(api, key, "large", token="-", planId=key)
    assert codes(answer) == ["NOT_FOUND"]


async def test_the_balance_is_for_whoever_sees_the_billing(api: Api) -> None:
    """PER-1. Whoever manages accounts changes plans, and is told no balance."""
    await alone(api)
    key = await open_account(api, "shop", "medium")
    await a_grant(api, FREE, OverallPermission.ACCOUNT_MANAGEMENT)
    given = {"id": key, "plan": await plan_id(api, "large"), "period": "MONTHLY"}
    answer = await api.ask(CHANGE_QUOTE, given, token=await api.token(FREE))
    quote = answer.body["data"]["node"]["planChangeQuote"]
    assert (quote["balanceAfter"], answer.codes) == (None, ["FORBIDDEN"])
    assert answer.errors[0]["extensions"]["coordinate"] == "PlanChangeQuote.balanceAfter"
    assert quote["charge"]["gross"]["amount"] == "66.00"
    denied = await api.ask(CHANGE_QUOTE, given, token=await api.token(DELEGATE))
    assert denied.body["data"]["node"]["planChangeQuote"] is None


# Rules


GOOD = Standing(email_verified=True, suspended=False, identified=True)
LARGE = Offer(
    new_id(), PlanKind.PUBLIC_CLOUD, "Large", "Large", False, True, Priced(new_id(), 5_500, date(2020, 3, 1)), 200
)
SHOP = PlanSituation(
    today=date(2026, 11, 22),
    standing=GOOD,
    contract=None,
    status=AccountStatus.ACTIVE,
    holder="shop",
    on_server=False,
    free=False,
    lapsed=False,
    plan_id=new_id(),
    offer=LARGE,
)
WISH = PlanWishes(new_id(), LARGE.id, BillingPeriod.MONTHLY)


def paid(starts_on: date, ends_before: date, cents: int, **values: Any) -> Paid:
    """A period on an invoice."""
    line = Line(new_id(), new_id(), "F-1", cents, cents // 5, 2_000, **values)
    return Paid(starts_on, ends_before, new_id(), cents, "Medium", "Medium", {}, line)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"standing": replace(GOOD, suspended=True)}, Code.PROFILE_SUSPENDED),
        ({"standing": replace(GOOD, identified=False)}, Code.IDENTITY_INCOMPLETE),
        ({"status": AccountStatus.RENAMING}, Code.CONFLICT),
        ({"status": AccountStatus.SUSPENDED}, None),
        ({"on_server": True}, Code.PLAN_UNAVAILABLE),
        ({"offer": None}, Code.NOT_FOUND),
        ({"offer": replace(LARGE, available=False)}, Code.PLAN_UNAVAILABLE),
        ({"running": Running(new_id(), LARGE.id, BillingPeriod.MONTHLY)}, Code.PLAN_UNAVAILABLE),
        ({"running": Running(new_id(), LARGE.id, BillingPeriod.YEARLY)}, None),
        ({"disk_used_bytes": Decimal(200 * GIGABYTE)}, None),
        ({"disk_used_bytes": Decimal(200 * GIGABYTE + 1)}, Code.PLAN_TOO_SMALL),
    ],
)
def test_what_stands_in_the_way(changes: dict[str, Any], code: Code | None) -> None:
    decided = decide_plan_change(WISH, replace(SHOP, **changes), Figures())
    assert [blocker.code for blocker in decided.blockers] == ([code] if code else [])


def test_what_earlier_credit_notes_gave_back_is_not_given_back_again() -> None:
    half_back = paid(date(2026, 11, 5), date(2026, 12, 5), 2_200, refunded_net=2_000, refunded_tax=400)
    running = Running(new_id(), new_id(), BillingPeriod.MONTHLY, (), (half_back,))
    (given,) = decide_plan_change(WISH, replace(SHOP, running=running), Figures()).given_back
    assert (given.net_cents, given.tax_cents) == (200, 40)


def test_a_period_that_was_paid_in_advance_goes_back_whole() -> None:
    ahead = paid(date(2026, 12, 5), date(2027, 1, 1), 1_916)
    running = Running(
        new_id(), new_id(), BillingPeriod.MONTHLY, (), (paid(date(2026, 11, 5), date(2026, 12, 5), 2_200), ahead)
    )
    given = decide_plan_change(WISH, replace(SHOP, running=running), Figures()).given_back
    assert [each.net_cents for each in given] == [953, 1_916]


def test_what_was_never_charged_is_not_refunded() -> None:
    free_of_charge = paid(date(2026, 11, 5), date(2026, 12, 5), 0)
    running = Running(new_id(), new_id(), BillingPeriod.MONTHLY, (), (free_of_charge,))
    assert decide_plan_change(WISH, replace(SHOP, running=running), Figures()).given_back == ()
