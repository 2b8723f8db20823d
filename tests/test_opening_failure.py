"""ACC-1, BIL-2. An account that could not be set up is charged nothing, whatever became of its charge meanwhile."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.charge import Charge, ChargeStatus
from models.clock import FrozenClock
from models.invoice import Invoice
from models.provisioning import Outcome
from models.subscription import Subscription, SubscriptionStatus
from resolvers.audit import verify
from tests.api import OWNER, Api
from tests.cycle import alone, balance, documents, move, movements, open_account, pay
from tests.database import START
from tests.hosting import account, answer
from tests.opening import on_plan, opened, wanted

BILLING = """{ viewer { billing { balance { amount } nonRefundable { amount } amountDue { amount }
  invoices { nodes { kind status total { gross { amount } } creditNotes { number } } } } } }"""


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """Before the first day of the examples."""
    clock.move(datetime(2026, 1, 20, 9, tzinfo=UTC) - START)


async def ordered(api: Api, name: str, code: str) -> None:
    """An account that is being set up."""
    token = await api.token(OWNER)
    assert (await opened(api, token, await wanted(api, token, await on_plan(api, name, code))))["userErrors"] == []


async def billing(api: Api) -> Any:
    return (await api.ask(BILLING, token=await api.token(OWNER))).data["viewer"]["billing"]


async def test_what_was_invoiced_is_credited_when_the_account_could_not_be_set_up(api: Api) -> None:
    await alone(api)
    await ordered(api, "shop", "medium")
    await move(api, "2026-01-21T00:00:00Z")
    assert await balance(api) == "-26.40"
    await answer(api, Outcome.FAILED)
    assert await account(api, "shop") is None
    assert await documents(api) == [("INVOICE", "2026-01-20", 2_200, 440), ("CREDIT_NOTE", "2026-01-21", 2_200, 440)]
    assert await movements(api) == [("INVOICE", -2_640), ("CREDIT_NOTE", 2_640)]
    shown = await billing(api)
    assert (shown["balance"]["amount"], shown["amountDue"]["amount"]) == ("0.00", "0.00")
    invoice = next(each for each in shown["invoices"]["nodes"] if each["kind"] == "INVOICE")
    assert (invoice["status"], len(invoice["creditNotes"])) == ("CANCELLED", 1)
    await move(api, "2026-04-01T00:00:00Z")
    assert len(await documents(api)) == 2
    await verify(api.database)


async def test_what_was_paid_for_it_is_free_again_and_no_more_than_that(api: Api) -> None:
    """A refund of money never paid is a trap; this is money that was, for nothing."""
    await alone(api)
    await ordered(api, "shop", "medium")
    await pay(api, 2_000)
    await move(api, "2026-01-21T00:00:00Z")
    await answer(api, Outcome.FAILED)
    shown = await billing(api)
    assert (shown["balance"]["amount"], shown["nonRefundable"]["amount"]) == ("20.00", "0.00")
    await verify(api.database)


async def test_only_what_failed_is_credited(api: Api) -> None:
    await alone(api)
    await open_account(api, "blog", "small")
    await ordered(api, "shop", "medium")
    await move(api, "2026-01-21T00:00:00Z")
    await answer(api, Outcome.FAILED)
    assert await documents(api) == [("INVOICE", "2026-01-20", 2_800, 560), ("CREDIT_NOTE", "2026-01-21", 2_200, 440)]
    assert await balance(api) == "-7.20"
    statuses = {row.account_id: row.status for row in await api.rows(Subscription) if row.anchor.year == 2026}
    assert statuses[(await account(api, "blog")).id] is SubscriptionStatus.ACTIVE
    (invoice, _) = sorted(await api.rows(Invoice), key=lambda row: row.position)
    assert (invoice.cancelled_at, invoice.left_cents) == (None, 720)
    await verify(api.database)


async def test_what_is_not_invoiced_yet_is_dropped_beside_it(api: Api) -> None:
    """It was renewed while it was being set up, and that is not invoiced yet."""
    await alone(api)
    await ordered(api, "shop", "medium")
    await move(api, "2026-02-20T00:30:00Z")
    await answer(api, Outcome.FAILED)
    assert [row[0] for row in await documents(api)] == ["INVOICE", "CREDIT_NOTE"]
    states = [row.status for row in sorted(await api.rows(Charge), key=lambda row: row.ordered_at)]
    assert states == [ChargeStatus.INVOICED, ChargeStatus.DROPPED]
    await move(api, "2026-04-01T00:00:00Z")
    assert await balance(api) == "0.00"
    await verify(api.database)


async def test_every_invoice_of_it_is_credited_and_once(api: Api) -> None:
    await alone(api)
    await ordered(api, "shop", "medium")
    await move(api, "2026-03-01T00:00:00Z")
    for _ in range(2):
        await answer(api, Outcome.FAILED)
    assert [row[0] for row in await documents(api)] == ["INVOICE", "INVOICE", "CREDIT_NOTE", "CREDIT_NOTE"]
    assert await balance(api) == "0.00"
    await verify(api.database)
