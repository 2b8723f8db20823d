"""ACC-8. Handing over: the figures of the rules over the API, for each side its own, and what is left behind."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from models.account import Account
from models.activity import ActivityEvent
from models.charge import Charge, ChargeStatus
from models.clock import FrozenClock
from models.column import table
from models.db import Db
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.permission import AccountPermission, OverallPermission, ServerPermission
from models.plan import Plan
from models.price import BillingPeriod
from models.profile import Locale, Profile
from models.server import Server
from models.setting import Figures
from models.subscription import Subscription, SubscriptionStatus
from models.transfer import Transfer, TransferStatus
from resolvers import server_subscription
from resolvers.audit import verify
from resolvers.server_subscription import ServerOrder
from schema.global_id import global_id, key_of
from schema.message import say
from schema.quote import CUT, STAYS_BEHIND
from tests.api import DELEGATE, FREE, OWNER, TECH, Api, profile_id
from tests.cycle import alone, balance, change_quote, documents, move, movements, open_account, pay, periods
from tests.database import START
from tests.granting import a_grant, a_server, an_account
from tests.hosting import FORGE_ID, HOBBY, account
from tests.opening import codes, plan_id
from tests.support import COMPLETE, planned, support
from tests.transferring import (
    ACCEPT,
    LATER,
    NOW,
    OFFER,
    accept,
    address,
    changed,
    offered,
    recipient_quote,
    row,
    sender_quote,
    start,
)

REFUND = "query ($id: ID!) { node(id: $id) { ... on Transfer { status senderRefund { amount } } } }"
HISTORY = "{ viewer { activity(first: 20) { nodes { action } } } }"


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """Before the first day of the examples."""
    clock.move(datetime(2026, 1, 20, 9, tzinfo=UTC) - START)


async def a_large_year(api: Api) -> str:
    """Large for a year from 1 Feb 2026 on, paid; the clock stands on 22 Nov."""
    await alone(api)
    await address(api)
    await move(api, "2026-02-01T09:00:00Z")
    key = await open_account(api, "shop", "large", "YEARLY")
    await move(api, "2026-02-02T09:00:00Z")
    await pay(api, 72_000)
    await move(api, "2026-11-22T09:00:00Z")
    return key


async def a_small_month(api: Api, day: str = "2026-11-05T09:00:00Z") -> str:
    """Small by the month from 5 Nov on, paid; the clock stands on 22 Nov."""
    await alone(api)
    await address(api)
    await move(api, day)
    key = await open_account(api, "shop", "small")
    await move(api, "2026-11-22T09:00:00Z")
    await pay(api, 720)
    return key


# The worked example


async def test_large_for_a_year_handed_over_on_22_november(api: Api) -> None:
    """600 x 71/365 = 116.71, VAT 23.34: +140.05 to the issuer; the recipient pays list price with their own VAT."""
    key = await a_large_year(api)
    quote = await sender_quote(api, key)
    assert (quote["refund"]["amount"], quote["balanceAfter"]["amount"]) == ("140.05", "140.05")
    assert (quote["charge"]["gross"]["amount"], quote["lines"], quote["blockers"]) == ("0.00", [], [])
    transfer = await offered(api, key)
    shown = await recipient_quote(api, transfer)
    assert shown["charge"]["net"]["amount"] == "600.00"
    assert shown["charge"]["taxRate"] == "19.00"
    assert (shown["refund"]["amount"], shown["balanceAfter"]["amount"]) == ("0.00", "-714.00")
    assert (shown["invoicedOn"], shown["dueOn"]) == ("2026-11-22", "2026-12-22")
    payload = await accept(api, transfer, quoteToken=shown["token"])
    assert payload["userErrors"] == []
    assert (payload["transfer"]["status"], payload["transfer"]["viewerActions"]) == ("ACCEPTED", [])
    assert payload["transfer"]["item"] == {"name": "shop", "owner": {"id": profile_id(FREE)}}
    assert await balance(api) == "140.05"
    assert (await documents(api))[-1] == ("CREDIT_NOTE", "2026-11-22", 11_671, 2_334)
    assert (await movements(api))[-1] == ("PRORATA_REFUND", 14_005)
    await move(api, "2026-11-24T00:00:00Z", FREE)
    assert await documents(api, FREE) == [("INVOICE", "2026-11-22", 60_000, 11_400)]
    assert await balance(api, FREE) == shown["balanceAfter"]["amount"] == "-714.00"
    assert await periods(api, "shop") == [
        ("2026-02-01", "2027-02-01", 60_000),
        ("2026-11-22", "2027-11-22", 60_000),
    ]
    await verify(api.database)


async def test_the_sender_is_told_what_came_back_and_the_recipient_is_not(api: Api) -> None:
    key = await a_large_year(api)
    transfer = await offered(api, key)
    waiting = await api.ask(REFUND, {"id": transfer}, token=await api.token(OWNER))
    assert waiting.data["node"] == {"status": "PENDING", "senderRefund": {"amount": "140.05"}}
    assert (await accept(api, transfer))["userErrors"] == []
    done = await api.ask(REFUND, {"id": transfer}, token=await api.token(OWNER))
    assert done.data["node"] == {"status": "ACCEPTED", "senderRefund": {"amount": "140.05"}}
    assert (await row(api, transfer)).refund_cents == 14_005
    hidden = await api.ask(REFUND, {"id": transfer}, token=await api.token(FREE))
    assert hidden.codes == ["FORBIDDEN"]
    assert "140.05" not in hidden.text
    shown = await api.ask(OFFER, {"id": transfer}, token=await api.token(OWNER))
    assert shown.codes == ["FORBIDDEN"]


async def test_billing_of_either_side_reads_its_own_figures(api: Api) -> None:
    """PER-1. Of the sender, or of the recipient; never the other's."""
    key = await a_large_year(api)
    transfer = await offered(api, key)
    token = await api.token(DELEGATE)
    of_sender = await api.ask(REFUND, {"id": transfer}, token=token)
    assert of_sender.data["node"]["senderRefund"] == {"amount": "140.05"}
    assert (await api.ask(OFFER, {"id": transfer}, token=token)).codes == ["FORBIDDEN"]
    async with Db(api.database) as db:
        await db.note(table(PermissionGrant).delete().where(table(PermissionGrant).c.grantee_id == DELEGATE.key))
    assert (await api.ask(OFFER, {"id": transfer}, token=token)).data["node"] is None
    await a_grant(api, DELEGATE, OverallPermission.BILLING, owner=FREE)
    shown = await api.ask(OFFER, {"id": transfer}, token=token)
    assert shown.data["node"]["recipientQuote"]["charge"]["net"]["amount"] == "600.00"
    assert (await api.ask(REFUND, {"id": transfer}, token=token)).codes == ["FORBIDDEN"]
    await a_grant(api, DELEGATE, OverallPermission.TECHNICAL_ACCOUNT, owner=FREE)
    assert (await api.ask(OFFER, {"id": transfer}, token=token)).data["node"] is None


# The period that is paid goes with it


async def test_the_paid_period_goes_with_it_and_the_recipient_pays_from_its_end(api: Api) -> None:
    key = await a_large_year(api)
    quote = await sender_quote(api, key, LATER)
    assert (quote["refund"]["amount"], quote["blockers"]) == ("0.00", [])
    transfer = await offered(api, key, LATER)
    shown = await recipient_quote(api, transfer)
    assert (shown["charge"]["gross"]["amount"], shown["lines"], shown["invoicedOn"]) == ("0.00", [], None)
    assert "paid until its end" in shown["warnings"][0]
    assert (await accept(api, transfer, quoteToken=shown["token"]))["userErrors"] == []
    assert (await row(api, transfer)).refund_cents == 0
    assert await balance(api) == "0.00"
    assert await movements(api, FREE) == []
    (running,) = [each for each in await api.rows(Subscription) if each.owner_id == FREE.key]
    assert (running.anchor.isoformat(), running.begun_on.isoformat()) == ("2026-02-01", "2026-11-22")
    await move(api, "2027-02-02T09:00:00Z", FREE)
    assert await documents(api, FREE) == [("INVOICE", "2027-02-01", 60_000, 11_400)]
    assert await periods(api, "shop") == [
        ("2026-02-01", "2027-02-01", 60_000),
        ("2026-11-22", "2027-02-01", 0),
        ("2027-02-01", "2028-02-01", 60_000),
    ]
    await verify(api.database)


async def test_what_somebody_else_paid_is_refunded_to_nobody(api: Api) -> None:
    """A change of plan by the recipient, and another transfer, find nothing to give back."""
    key = await a_large_year(api)
    assert (await accept(api, await offered(api, key, LATER)))["userErrors"] == []
    assert (await change_quote(api, key, "medium", "YEARLY", FREE))["refund"]["amount"] == "0.00"
    again = await sender_quote(api, key, NOW, FREE)
    assert (again["refund"]["amount"], again["blockers"]) == ("0.00", [])


async def test_days_at_the_end_of_months_do_not_drift(api: Api) -> None:
    """BIL-6. From 31 January on: handed over in February, it is renewed on 31 March."""
    await alone(api)
    await address(api)
    await move(api, "2026-01-31T09:00:00Z")
    key = await open_account(api, "shop", "small")
    await move(api, "2026-02-10T09:00:00Z")
    await pay(api, 720)
    assert (await accept(api, await offered(api, key, LATER)))["userErrors"] == []
    await move(api, "2026-05-01T09:00:00Z", FREE)
    assert [period[0] for period in await periods(api, "shop")] == [
        *("2026-01-31", "2026-02-10", "2026-02-28", "2026-03-31", "2026-04-30")
    ]


async def test_an_invoicing_day_of_the_recipient_counts_from_the_end_on(api: Api) -> None:
    """BIL-5. The days up to it are billed at the end of what is paid; an earlier one of the sender is forgotten."""
    key = await a_small_month(api)
    await changed(api, Profile, FREE.key, invoicing_day=10)
    assert (await accept(api, await offered(api, key, LATER)))["userErrors"] == []
    await move(api, "2026-12-11T09:00:00Z", FREE)
    assert (await periods(api, "shop"))[-2:] == [("2026-12-05", "2026-12-10", 97), ("2026-12-10", "2027-01-10", 600)]


async def test_one_that_was_not_to_be_renewed_is_for_who_takes_it_over(api: Api) -> None:
    """Whoever takes it over wants it; they may stop it again."""
    key = await a_small_month(api)
    await changed(api, Subscription, await running_of(api, key), renews=False, notice_at=None)
    assert (await accept(api, await offered(api, key, LATER)))["userErrors"] == []
    (running,) = [each for each in await api.rows(Subscription) if each.owner_id == FREE.key]
    assert running.renews
    await move(api, "2026-12-06T09:00:00Z", FREE)
    assert (await account(api, "shop")).status == "ACTIVE"


async def running_of(api: Api, key: str) -> Any:
    mine = key_of(key, "Account")
    found = [row for row in await api.rows(Subscription) if row.account_id == mine]
    return next(row.id for row in found if row.status is not SubscriptionStatus.ENDED)


# What is not invoiced yet


async def test_what_is_not_invoiced_is_cut_and_a_period_goes_with_it_only_once_it_is_paid(api: Api) -> None:
    """SPEC 17. On the day of the order nothing was used: nothing is charged, and nothing refunded."""
    await alone(api)
    await address(api)
    key = await open_account(api, "shop", "small")
    kept = await sender_quote(api, key, LATER)
    assert [each["code"] for each in kept["blockers"]] == ["UNPAID_INVOICE"]
    assert kept["token"] is None
    assert codes(await start(api, key, LATER)) == ["UNPAID_INVOICE"]
    quote = await sender_quote(api, key)
    assert (quote["refund"]["amount"], quote["blockers"]) == ("0.00", [])
    assert quote["warnings"] == [say(Locale.FR, STAYS_BEHIND), say(Locale.FR, CUT)]
    assert (await accept(api, await offered(api, key)))["userErrors"] == []
    mine = [(row.status, row.net_cents) for row in await api.rows(Charge) if row.owner_id == OWNER.key]
    assert mine == [(ChargeStatus.DROPPED, 600)]
    await move(api, "2026-01-22T09:00:00Z")
    assert (await documents(api), await documents(api, FREE)) == ([], [("INVOICE", "2026-01-20", 600, 114)])


# What stands in the way


async def test_work_on_a_server_is_paid_before_it_goes_to_somebody_else(api: Api) -> None:
    """CAT-2. While it is planned, while it is to be invoiced, and until that is paid."""
    await alone(api)
    key = await planned(api)
    assert "CONFLICT" in [each["code"] for each in (await sender_quote(api, FORGE_ID))["blockers"]]
    assert (await support(api, COMPLETE, interventionId=key, reason="Done."))["userErrors"] == []
    assert "UNPAID_INVOICE" in [each["code"] for each in (await sender_quote(api, FORGE_ID))["blockers"]]
    for charge in [each for each in await api.rows(Charge) if each.kind.value == "INTERVENTION"]:
        await changed(api, Charge, charge.id, status=ChargeStatus.DROPPED)
    assert "UNPAID_INVOICE" not in [each["code"] for each in (await sender_quote(api, FORGE_ID))["blockers"]]


async def test_an_unpaid_invoice_for_it_keeps_it_with_its_owner(api: Api) -> None:
    """Of the recipient is told no more than that something is in the way."""
    key = await a_small_month(api)
    transfer = await offered(api, key)
    await move(api, "2026-12-06T09:00:00Z")
    assert await balance(api) == "-7.20"
    blocked = await sender_quote(api, key)
    assert [each["code"] for each in blocked["blockers"]] == ["TRANSFER_PENDING", "UNPAID_INVOICE"]
    shown = await recipient_quote(api, transfer)
    assert [(each["code"], each["message"]) for each in shown["blockers"]] == [
        ("CONFLICT", "It cannot be handed over at the moment: ask whoever offered it to you.")
    ]
    assert shown["token"] is None
    payload = await accept(api, transfer, quoteToken="none")
    assert codes(payload) == ["CONFLICT"]
    await pay(api, 720)
    assert (await accept(api, transfer))["userErrors"] == []


async def test_an_unpaid_invoice_for_something_else_does_not(api: Api) -> None:
    key = await a_small_month(api)
    await open_account(api, "blog", "small")
    await move(api, "2026-11-23T09:00:00Z")
    assert await balance(api) == "-7.20"
    assert (await sender_quote(api, key))["blockers"] == []


@pytest.mark.parametrize(("person", "code"), [(OWNER, "CONFLICT"), (FREE, "PROFILE_SUSPENDED")])
async def test_nobody_who_is_suspended_gives_or_takes(api: Api, person: Any, code: str) -> None:
    key = await a_small_month(api)
    transfer = await offered(api, key)
    token = (await recipient_quote(api, transfer))["token"]
    now = api.database.clock.now()
    await changed(api, Profile, person.key, suspended_at=now, suspension_reason="TERMS_VIOLATION", deletion_at=now)
    payload = await accept(api, transfer, quoteToken=token)
    assert codes(payload) == [code]
    assert (await account(api, "shop")).owner_id == OWNER.key
    assert (await row(api, transfer)).status is TransferStatus.PENDING


async def test_free_accounts_are_limited(api: Api) -> None:
    """ACC-3. Of one free account, and of two beside a paying one."""
    await address(api)
    await open_account(api, "second", "free", person=OWNER)
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    assert (await accept(api, transfer, OWNER))["userErrors"] == []
    third = await open_account(api, "third", "free", person=FREE)
    transfer = await offered(api, third, person=FREE, to=OWNER)
    shown = await recipient_quote(api, transfer, OWNER)
    assert [each["code"] for each in shown["blockers"]] == ["LIMIT_REACHED"]
    payload = await accept(api, transfer, OWNER)
    assert (codes(payload), payload["userErrors"][0]["limit"]) == (["LIMIT_REACHED"], 2)


async def test_who_cannot_be_invoiced_takes_nothing_that_costs(api: Api) -> None:
    key = await a_small_month(api)
    await address(api, street_lines=[])
    for mode in (NOW, LATER):
        transfer = await offered(api, key, mode)
        shown = await recipient_quote(api, transfer)
        assert [each["code"] for each in shown["blockers"]] == ["IDENTITY_INCOMPLETE"]
        await changed(api, Transfer, key_of(transfer, "Transfer"), status="DECLINED", closed_at=START)
        await changed(api, Account, key_of(key, "Account"), transfer_id=None)


@pytest.mark.parametrize("status", ["RENAMING", "SUSPENDED", "DELETING", "CREATING"])
async def test_only_what_is_in_normal_use_is_handed_over(api: Api, status: str) -> None:
    key = await a_small_month(api)
    transfer = await offered(api, key)
    token = (await recipient_quote(api, transfer))["token"]
    await changed(api, Account, key_of(key, "Account"), status=status)
    assert (await sender_quote(api, key))["blockers"][0]["code"] == "CONFLICT"
    assert codes(await accept(api, transfer, quoteToken=token)) == ["CONFLICT"]


async def test_what_waits_for_its_renewal_waits(api: Api) -> None:
    """BIL-4. At the boundary of two periods neither is handed over."""
    key = await a_small_month(api)
    transfer = await offered(api, key, LATER)
    day = date(2026, 11, 22)
    await changed(api, Subscription, await running_of(api, key), period_end=day)
    assert codes(await accept(api, transfer, quoteToken="none")) == ["CONFLICT"]


async def test_a_quote_is_of_its_day_and_of_its_reader(api: Api) -> None:
    key = await a_small_month(api)
    transfer = await offered(api, key)
    token = (await recipient_quote(api, transfer))["token"]
    foreign = (await sender_quote(api, HOBBY, person=FREE))["token"]
    assert codes(await accept(api, transfer, quoteToken=foreign)) == ["INVALID"]
    await move(api, "2026-11-22T09:20:00Z", FREE)
    expired = await accept(api, transfer, quoteToken=token)
    assert codes(expired) == ["QUOTE_EXPIRED"]
    fresh = expired["userErrors"][0]["current"]["token"]
    await changed(api, Profile, FREE.key, invoicing_day=1)
    stale = await accept(api, transfer, quoteToken=fresh)
    assert codes(stale) == ["QUOTE_CHANGED"]
    current = stale["userErrors"][0]["current"]
    assert current["charge"]["gross"]["amount"] == "2.14"
    assert (await accept(api, transfer, quoteToken=current["token"]))["userErrors"] == []


# Once


async def test_the_same_key_is_answered_again_and_done_once(api: Api) -> None:
    key = await a_large_year(api)
    transfer = await offered(api, key)
    given = {"quoteToken": (await recipient_quote(api, transfer))["token"], "idempotencyKey": str(uuid4())}
    first = await accept(api, transfer, **given)
    assert first["userErrors"] == []
    assert await accept(api, transfer, **given) == first
    assert codes(await accept(api, transfer, **{**given, "quoteToken": "another"})) == ["IDEMPOTENCY_KEY_REUSED"]
    assert codes(await accept(api, transfer, quoteToken=given["quoteToken"])) == ["CONFLICT"]
    assert [kind for kind, _ in await movements(api)].count("PRORATA_REFUND") == 1


async def test_of_many_who_accept_at_once_one_settles(api: Api) -> None:
    key = await a_large_year(api)
    transfer = await offered(api, key)
    token, quote = await api.token(FREE), (await recipient_quote(api, transfer))["token"]
    given = [{"transferId": transfer, "quoteToken": quote, "idempotencyKey": str(uuid4())} for _ in range(8)]
    answers = await asyncio.gather(*(api.ask(ACCEPT, {"input": each}, token=token) for each in given))
    done = [each.body["data"]["transferAccept"] for each in answers if "errors" not in each.body]
    assert [codes(each) for each in done].count([]) == 1
    assert [kind for kind, _ in await movements(api)].count("PRORATA_REFUND") == 1
    assert len([row for row in await api.rows(Subscription) if row.owner_id == FREE.key]) == 1
    await verify(api.database)


async def test_two_who_hand_to_each_other_at_once_both_do(api: Api) -> None:
    """Both profiles are locked in one order, whoever gives and whoever takes."""
    key = await a_large_year(api)
    there = await offered(api, key)
    back = await offered(api, HOBBY, person=FREE, to=OWNER)
    (one, two), quotes = (
        [await api.token(person) for person in (FREE, OWNER)],
        [(await recipient_quote(api, each, who))["token"] for each, who in ((there, FREE), (back, OWNER))],
    )
    inputs = [
        {"transferId": each, "quoteToken": quote, "idempotencyKey": str(uuid4())}
        for each, quote in zip((there, back), quotes, strict=True)
    ]
    answers = await asyncio.gather(
        *(api.ask(ACCEPT, {"input": each}, token=token) for each, token in zip(inputs, (one, two), strict=True))
    )
    assert [codes(each.data["transferAccept"]) for each in answers] == [[], []]
    owners = {row.name: row.owner_id for row in await api.rows(Account)}
    assert (owners["shop"], owners["hobby"]) == (FREE.key, OWNER.key)
    await verify(api.database)


# What is left behind


async def test_grants_on_it_end_and_their_holders_are_told(api: Api) -> None:
    key = await a_large_year(api)
    mine, sites = key_of(key, "Account"), [AccountPermission.SITES]
    await a_grant(api, TECH, accounts={mine: sites})
    await a_grant(api, DELEGATE, OverallPermission.BILLING, accounts={mine: sites})
    assert (await accept(api, await offered(api, key)))["userErrors"] == []
    left = {row.grantee_id for row in await api.rows(PermissionGrant) if row.owner_id == OWNER.key}
    assert left == {DELEGATE.key}
    assert [row for row in await api.rows(AccountGrant) if row.account_id == mine] == []
    told = [row for row in await api.rows(ActivityEvent) if row.kind == "grant.ended"]
    assert {reader for row in told for reader in row.facts["reader_ids"]} == {str(TECH.key), str(DELEGATE.key)}
    assert (await api.ask("query ($id: ID!) { node(id: $id) { id } }", {"id": key}, token=await api.token(TECH))).data[
        "node"
    ] is None


async def test_history_stays_with_the_sender(api: Api) -> None:
    """Invoices, subscriptions and activity of before are the sender's; the recipient has what happened since."""
    key = await a_large_year(api)
    assert (await accept(api, await offered(api, key)))["userErrors"] == []
    nodes = (await api.ask(HISTORY, token=await api.token(FREE))).data["viewer"]["activity"]["nodes"]
    actions = {each["action"] for each in nodes}
    assert "account.taken_over" in actions
    assert actions.isdisjoint({"account.opened", "account.opening_asked", "account.handed_over", "invoice.issued"})
    mine = (await api.ask(HISTORY, token=await api.token(OWNER))).data["viewer"]["activity"]["nodes"]
    assert {"account.handed_over", "transfer.accepted"} <= {each["action"] for each in mine}
    before = [row for row in await api.rows(Subscription) if row.account_id == key_of(key, "Account")]
    assert {row.owner_id: row.status for row in before} == {
        OWNER.key: SubscriptionStatus.ENDED,
        FREE.key: SubscriptionStatus.ACTIVE,
    }
    seen = await api.ask(
        "query ($id: ID!) { node(id: $id) { id } }",
        {"id": global_id("ServiceSubscription", next(row.id for row in before if row.owner_id == OWNER.key))},
        token=await api.token(FREE),
    )
    assert seen.data["node"] is None


async def test_a_token_for_the_account_alone_shows_the_new_owner_nothing_of_before(api: Api) -> None:
    """TOK-3. Nor the old one anything of now."""
    key = await a_large_year(api)
    transfer = await offered(api, key)
    assert (await accept(api, transfer))["userErrors"] == []
    by_owner = {row.owner_id: row.id for row in await api.rows(Subscription) if row.account_id}
    old, new = (global_id("ServiceSubscription", by_owner[who.key]) for who in (OWNER, FREE))
    for person, seen in ((OWNER, []), (FREE, [new])):
        token = (await api.api_token(person, only_account_id=key_of(key, "Account"))).secret
        asked = await api.ask(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [old, new, transfer]}, token=token
        )
        assert [each["id"] for each in asked.data["nodes"] if each] == seen


async def test_a_server_goes_with_its_accounts_and_options(api: Api) -> None:
    """CAT-1. Its commitment goes with it; of the first months 1,227 x 59/90 = 804.37 comes back, VAT 160.87."""
    await alone(api)
    await address(api)
    server = await a_server(api)
    await an_account(api, "there", server_id=server)
    await a_grant(api, TECH, servers={server: [ServerPermission.HTTP]})
    async with Db(api.database) as db:
        (plan,) = await db.rows(select(table(Server).c.plan_id).where(table(Server).c.id == server))
        async with db.write() as write:
            order = ServerOrder(server, plan.plan_id, BillingPeriod.MONTHLY)
            await server_subscription.subscribe_server(Figures(), write, order)
    await move(api, "2026-01-22T09:00:00Z")
    await pay(api, 147_240)
    await move(api, "2026-02-20T09:00:00Z")
    key = global_id("Server", server)
    assert (await sender_quote(api, key))["refund"]["amount"] == "965.24"
    transfer = await offered(api, key)
    shown = await recipient_quote(api, transfer)
    assert shown["charge"]["net"]["amount"] == "409.00"
    assert (await accept(api, transfer))["userErrors"] == []
    owners = {row.name: row.owner_id for row in (*await api.rows(Server), *await api.rows(Account))}
    assert (owners["anvil"], owners["there"]) == (FREE.key, FREE.key)
    running = [row for row in await api.rows(Subscription) if row.owner_id == FREE.key]
    assert [(row.server_id, row.committed_until.isoformat()) for row in running] == [(server, "2026-04-20")]
    assert [row for row in await api.rows(ServerGrant) if row.server_id == server] == []
    assert await balance(api) == "965.24"
    await verify(api.database)


async def test_nothing_of_a_server_goes_while_something_is_done_on_it(api: Api) -> None:
    server = await a_server(api)
    hosted = await an_account(api, "there", server_id=server)
    alone_on_it = await sender_quote(api, global_id("Account", hosted))
    assert [each["code"] for each in alone_on_it["blockers"]] == ["CONFLICT"]
    transfer = await offered(api, global_id("Server", server))
    await changed(api, Account, hosted, status="RENAMING")
    assert codes(await accept(api, transfer, quoteToken="none")) == ["CONFLICT"]
    assert {row.owner_id for row in await api.rows(Server) if row.id == server} == {OWNER.key}


async def test_a_price_that_was_agreed_on_goes_with_the_machine(api: Api) -> None:
    """What is on quotation has no list price."""
    await alone(api)
    await address(api)
    server = await a_server(api)
    async with Db(api.database) as db:
        (plan,) = await db.rows(select(table(Server).c.plan_id).where(table(Server).c.id == server))
        async with db.write() as write:
            order = ServerOrder(server, plan.plan_id, BillingPeriod.YEARLY, agreed_cents=300_000)
            await server_subscription.subscribe_server(Figures(), write, order)
    await move(api, "2026-01-22T09:00:00Z")
    await pay(api, 360_000)
    transfer = await offered(api, global_id("Server", server))
    assert (await recipient_quote(api, transfer))["charge"]["net"]["amount"] == "3000.00"


async def test_who_takes_over_pays_the_list_price_of_the_day_without_the_senders_discounts(api: Api) -> None:
    key = await a_small_month(api)
    discount = [{"kind": "PROGRAM", "percent": "50", "ends_before": None}]
    await changed(api, Subscription, await running_of(api, key), discounts=discount, price_cents=1)
    assert (await recipient_quote(api, await offered(api, key)))["charge"]["net"]["amount"] == "6.00"


async def test_a_plan_that_is_not_sold_any_more_is_handed_over(api: Api) -> None:
    """It goes on for the recipient as it would have for the sender."""
    key = await a_small_month(api)
    await changed(api, Plan, key_of(await plan_id(api, "small"), "Plan"), available=False)
    assert (await recipient_quote(api, await offered(api, key)))["blockers"] == []
