"""BIL-2, BIL-3. The demo's money: a year of invoices and payments, made by the clockwork, in books that are well."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app import demo_billing, demo_transfer
from app.demo import seed
from app.passwords import HashingPool
from app.settings import Settings
from engine.bind import Bound
from models.charge import Charge, ChargeStatus
from models.clock import FrozenClock
from models.db import Database
from resolvers.audit import verify
from tests.api import OWNER, Api, serving
from tests.cycle import change_quote, documents, movements
from tests.hosting import ATELIER

SETTINGS = Settings()
BILLING = """{ viewer { billing { balance { amount } amountDue { amount } pendingCharges { label }
  ledger(first: 5) { totalCount nodes { kind amount { amount } balanceAfter { amount } } }
  invoices(first: 5) { totalCount nodes { number status total { gross { amount } } } } } } }"""


async def made(database: Database, hashing: HashingPool) -> bool:
    """What `espace demo` does before it serves; whether it played."""
    if not await seed(database, hashing, charged=True):
        return False
    await demo_billing.play_back(database, SETTINGS)
    await demo_transfer.offer(database, SETTINGS)
    return True


@pytest.fixture
async def demo(database: Database, bound: Bound, hashing: HashingPool) -> AsyncIterator[Api]:
    """The application over what `espace demo` makes."""
    assert await made(database, hashing)
    async with serving(database, bound, rate_limits=False) as served:
        yield served


async def billing(api: Api) -> Any:
    return (await api.ask(BILLING, token=await api.token(OWNER))).data["viewer"]["billing"]


async def test_the_owner_has_a_year_of_invoices_and_payments(demo: Api) -> None:
    found = await billing(demo)
    assert (found["balance"], found["amountDue"]) == ({"amount": "-295.20"}, {"amount": "295.20"})
    assert found["pendingCharges"] == []
    invoiced, paid, *_ = found["ledger"]["nodes"]
    assert (invoiced["kind"], invoiced["amount"]["amount"]) == ("INVOICE", "-295.20")
    assert (paid["kind"], paid["amount"], paid["balanceAfter"]) == ("PAYMENT", {"amount": "7.20"}, {"amount": "0.00"})
    newest, *older = found["invoices"]["nodes"]
    assert (newest["number"], newest["status"]) == ("TEST-F2026-000011", "OPEN")
    assert [each["status"] for each in older] == ["PAID"] * 4
    assert (found["ledger"]["totalCount"], found["invoices"]["totalCount"]) == (25, 13)


async def test_nobody_was_suspended_meanwhile(demo: Api) -> None:
    answer = await demo.ask(
        "{ viewer { status suspension { reason } alerts { nodes { kind status } } } }", token=await demo.token(OWNER)
    )
    alerts = answer.data["viewer"]["alerts"]["nodes"]
    assert (answer.data["viewer"]["status"], answer.data["viewer"]["suspension"]) == ("ACTIVE", None)
    assert {each["status"] for each in alerts} == {"OPEN", "RESOLVED"}
    assert sorted(each["kind"] for each in alerts if each["status"] == "OPEN") == [
        "DOMAIN_EXPIRY",
        "DOMAIN_RENEWAL_FUNDS",
        "MIGRATION_SCHEDULED",
        "NEGATIVE_BALANCE",
    ]


async def test_the_owner_has_a_valid_card_on_file(demo: Api) -> None:
    answer = await demo.ask(
        "{ viewer { restricted billing { paymentMethods { label usable default autoDebit } } } }",
        token=await demo.token(OWNER),
    )
    card = {"label": "Visa 4242", "usable": True, "default": True, "autoDebit": False}
    assert answer.data["viewer"] == {"restricted": False, "billing": {"paymentMethods": [card]}}


async def test_its_payments_are_as_those_of_any_customer(demo: Api) -> None:
    """With the card on file, the invoices that each is for, and a receipt."""
    answer = await demo.ask(
        """{ viewer { billing { payments(first: 3) { totalCount nodes {
          status receiptNumber method { label } invoices { number } } } } } }""",
        token=await demo.token(OWNER),
    )
    found = answer.data["viewer"]["billing"]["payments"]
    assert found["totalCount"] == 12
    newest = found["nodes"][0]
    assert (newest["status"], newest["method"]) == ("SUCCEEDED", {"label": "Visa 4242"})
    assert (newest["receiptNumber"], newest["invoices"]) == ("TEST-R2026-000010", [{"number": "TEST-F2026-000010"}])


async def test_an_account_is_offered_to_the_owner(demo: Api) -> None:
    """ACC-8. The owner may accept: it has a paying account, and no free one."""
    answer = await demo.ask(
        "{ viewer { transfers(first: 5) { nodes { status viewerActions item { ... on Account { name } }"
        " sender { displayName } recipientQuote { token blockers { code } } } } } }",
        token=await demo.token(OWNER),
    )
    (found,) = answer.data["viewer"]["transfers"]["nodes"]
    assert found["recipientQuote"].pop("token")
    assert found == {
        "status": "PENDING",
        "viewerActions": ["ACCEPT", "DECLINE"],
        "item": {"name": "hobby"},
        "sender": {"displayName": "free@example.org"},
        "recipientQuote": {"blockers": []},
    }


async def test_its_books_are_well(demo: Api) -> None:
    findings = await verify(demo.database)
    assert (findings.profiles, findings.entries, findings.documents, findings.receipts) == (1, 25, 13, 12)
    assert {each.status for each in await demo.rows(Charge)} == {ChargeStatus.INVOICED}


async def test_what_it_paid_for_is_given_back_as_of_any_customer(demo: Api) -> None:
    """Its periods were charged: without that a change of plan would find nothing to refund."""
    quote = await change_quote(demo, ATELIER, "large", "YEARLY")
    assert quote["refund"]["amount"] == "288.00"


async def test_it_is_made_once(demo: Api, hashing: HashingPool, clock: FrozenClock) -> None:
    before = await documents(demo), await movements(demo)
    clock.move(timedelta(days=90))
    assert not await made(demo.database, hashing)
    assert (await documents(demo), await movements(demo)) == before
