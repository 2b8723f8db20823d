"""BIL-15, EVT-4. Whatever is cut short, wherever: nothing is lost, nothing is done twice, and a retry is answered."""

import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from models.customer_number import customer_number
from models.invoice import Invoice
from models.money import Money
from models.provisioning import ProvisioningTask, TaskState
from models.service import ServiceScope
from models.subscription import Subscription
from schema.global_id import global_id
from tests.api import FREE, OWNER, Api, profile_id
from tests.crash import Fault, Gone, Mutation, survived
from tests.cycle import CHANGE, DAY, MOVE, alone, change_quote, day_quote, move, open_account, pay
from tests.hosting import account
from tests.opening import OPEN, on_plan, opened, plan_id, wanted
from tests.paying import PAY, TOP_UP
from tests.test_access import credential
from tests.test_bank_transfer import RECORD
from tests.test_clockwork import RENEW
from tests.test_provisioning import REPORT
from tests.transferring import ACCEPT, LATER, NOW, START, address, offered, recipient_quote, sender_quote

Prepare = Callable[[Api, str], Awaitable[Mutation]]
DELETE = 'mutation ($id: ID!) { accountDelete(input: {accountId: $id, confirmation: "shop"}) { userErrors { code } } }'


async def account_open(api: Api, token: str) -> Mutation:
    given = await wanted(api, token, await on_plan(api, "fresh", "medium"))
    return Mutation(OPEN, {"input": given}, token)


async def account_plan_change(api: Api, token: str) -> Mutation:
    """Of a period that is paid in part: a refund, and a new subscription."""
    key = global_id("Account", (await account(api, "shop")).id)
    given = {
        "accountId": key,
        "planId": await plan_id(api, "medium"),
        "period": "YEARLY",
        "quoteToken": (await change_quote(api, key, "medium", "YEARLY"))["token"],
        "idempotencyKey": str(uuid4()),
    }
    return Mutation(CHANGE, {"input": given}, token)


async def plan_of_what_lapsed(api: Api, token: str) -> Mutation:
    """The account is to be unblocked on its machines."""
    await _ending(api, token)
    await move(api, "2026-12-23T12:00:00Z")
    return await account_plan_change(api, token)


async def clock_over_an_end(api: Api, token: str) -> Mutation:
    """The account is to be blocked on its machines."""
    await _ending(api, token)
    return Mutation(MOVE, {"to": "2026-12-22T12:00:00Z"}, token, again=frozenset({"sandbox.clock_advanced"}))


async def _ending(api: Api, token: str) -> None:
    """The subscription will not renew."""
    await (await subscription_renewal_update(api, token)).send(api)


async def invoicing_day_update(api: Api, token: str) -> Mutation:
    given = {
        "profileId": profile_id(OWNER),
        "day": 5,
        "quoteToken": (await day_quote(api, 5))["token"],
        "idempotencyKey": str(uuid4()),
    }
    return Mutation(DAY, {"input": given}, token)


async def transfer_start(api: Api, token: str) -> Mutation:
    await pay(api, 220)  # What is left of the invoice for it.
    key = global_id("Account", (await account(api, "shop")).id)
    given = {
        "itemId": key,
        "recipientEmail": FREE.email,
        "mode": NOW,
        "quoteToken": (await sender_quote(api, key))["token"],
        "idempotencyKey": str(uuid4()),
    }
    return Mutation(START, {"input": given}, token)


async def transfer_accept(api: Api, token: str, mode: str = NOW) -> Mutation:
    """A refund to one, and a new subscription of the other; or what is paid for goes with it."""
    await pay(api, 220)
    await address(api)
    transfer = await offered(api, global_id("Account", (await account(api, "shop")).id), mode)
    given = {
        "transferId": transfer,
        "quoteToken": (await recipient_quote(api, transfer))["token"],
        "idempotencyKey": str(uuid4()),
    }
    return Mutation(ACCEPT, {"input": given}, await api.token(FREE))


async def transfer_accept_later(api: Api, token: str) -> Mutation:
    return await transfer_accept(api, token, LATER)


async def subscription_renewal_update(api: Api, token: str) -> Mutation:
    key = (await account(api, "shop")).id
    (running,) = [row for row in await api.rows(Subscription) if row.account_id == key]
    variables = {"id": global_id("ServiceSubscription", running.id), "renews": False}
    return Mutation(RENEW, variables, token, again=frozenset({"subscription.renewal_stopped"}))


async def sandbox_clock_advance(api: Api, token: str) -> Mutation:
    """Over a renewal, its invoice, and a notice."""
    return Mutation(MOVE, {"to": "2026-12-23T12:00:00Z"}, token, again=frozenset({"sandbox.clock_advanced"}))


async def provisioning_report(api: Api, outcome: str) -> Mutation:
    (task,) = [row for row in await api.rows(ProvisioningTask) if row.state is TaskState.PENDING]
    secret = await credential(api, ServiceScope.PROVISIONING)
    variables = {"input": {"taskId": str(task.id), "outcome": outcome}}
    return Mutation(REPORT, variables, secret, path="/staff/graphql", unlike=frozenset({"changed"}))


async def opening_failed(api: Api, token: str) -> Mutation:
    """The account goes, and what was ordered for it."""
    await opened(api, token, await wanted(api, token, await on_plan(api, "fresh", "medium")))
    return await provisioning_report(api, "FAILED")


async def deletion_done(api: Api, token: str) -> Mutation:
    """The account goes, and what runs for it ends."""
    await api.ask(DELETE, {"id": global_id("Account", (await account(api, "shop")).id)}, token=token)
    return await provisioning_report(api, "DONE")


async def balance_top_up(api: Api, token: str) -> Mutation:
    """The intent, the provider's own memory, and the settlement with its receipt."""
    given = {"amount": {"amount": "50.00"}, "source": {"oneTimeToken": "card_ok"}, "idempotencyKey": str(uuid4())}
    return Mutation(TOP_UP, {"input": given}, token)


async def invoice_pay(api: Api, token: str) -> Mutation:
    """What is left of an invoice: the alert about it is resolved with that."""
    (invoice,) = [row for row in await api.rows(Invoice) if row.owner_id == OWNER.key and row.left_cents]
    given = {
        "invoiceIds": [global_id("Invoice", invoice.id)],
        "expectedTotal": {"amount": str(Money(invoice.left_cents).amount)},
        "source": {"oneTimeToken": "card_ok"},
        "idempotencyKey": str(uuid4()),
    }
    return Mutation(PAY, {"input": given}, token)


async def bank_transfer_record(api: Api, token: str) -> Mutation:
    """People retry it with the bank's reference."""
    given = {
        "bankReference": "STMT-7",
        "amount": {"amount": "50.00"},
        "valueOn": "2026-11-22",
        "text": customer_number(OWNER.key),
        "reason": "Statement",
    }
    secret = await credential(api, ServiceScope.PAYMENTS)
    document = RECORD.replace("transferId ", "")  # Another one each time.
    return Mutation(document, {"input": given}, secret, path="/staff/graphql", unlike=frozenset({"changed"}))


MUTATIONS: dict[str, Prepare] = {
    "balanceTopUp": balance_top_up,
    "invoicePay": invoice_pay,
    "bankTransferRecord": bank_transfer_record,
    "accountOpen": account_open,
    "accountPlanChange": account_plan_change,
    "accountPlanChange of what lapsed": plan_of_what_lapsed,
    "invoicingDayUpdate": invoicing_day_update,
    "transferStart": transfer_start,
    "transferAccept": transfer_accept,
    "transferAccept of what is paid for": transfer_accept_later,
    "subscriptionRenewalUpdate": subscription_renewal_update,
    "sandboxClockAdvance": sandbox_clock_advance,
    "sandboxClockAdvance over an end": clock_over_an_end,
    "provisioningReport of an opening": opening_failed,
    "provisioningReport of a deletion": deletion_done,
}


async def check_survives(api: Api, name: str, fault: Any) -> None:
    """A mutation of a profile that has paid a part of what it owes, cut short wherever it can be."""
    await alone(api)
    await open_account(api, "shop", "small")
    await move(api, "2026-11-25T09:00:00Z")
    await pay(api, 500)
    mutation = await MUTATIONS[name](api, await api.token(OWNER))
    begun = time.process_time()
    points = await survived(api, mutation, fault)
    assert sum(point == "after COMMIT" for point in points) >= 1
    print(f"{name} on {api.database.dialect}: {len(points)} points in {time.process_time() - begun:.1f} s")


ON_POSTGRESQL = ("accountOpen", "invoicingDayUpdate")
ALWAYS = [*(("sqlite", name) for name in MUTATIONS), *(("postgresql", name) for name in ON_POSTGRESQL)]
CAMPAIGN = [("postgresql", name, Fault) for name in MUTATIONS] + [
    (backend, name, Gone) for backend in ("sqlite", "postgresql") for name in MUTATIONS
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("backend", "name"), ALWAYS)
async def test_a_mutation_that_is_cut_short_is_carried_out_once(api: Api, backend: str, name: str) -> None:
    await check_survives(api, name, Fault)


@pytest.mark.campaign
@pytest.mark.parametrize(("backend", "name", "fault"), CAMPAIGN)
async def test_so_is_each_on_both_databases_however_it_ends(api: Api, backend: str, name: str, fault: Any) -> None:
    """Where the process is gone, nothing of the code comes after it."""
    await check_survives(api, name, fault)
