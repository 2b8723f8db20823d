"""TIC-4. Urgent tickets: who may open one, what is agreed to, who is called, and who decides whether it is charged."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, update

from app.demo_hosting import FORGE
from models.activity import ActivityEvent
from models.charge import Charge
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.fee import Fee, FeePrice
from models.permission import OverallPermission, ServerPermission
from models.plan import Plan
from models.profile import Profile
from models.server import Server
from models.setting import Figures
from models.ticket import Ticket
from models.urgent_fee import UrgentFee
from tests.api import DELEGATE, FREE, OWNER, STAFF, Api
from tests.cycle import alone, balance, documents, move
from tests.database import START
from tests.granting import a_grant
from tests.hosting import ATELIER, FORGE_ID
from tests.mails import Box, sent
from tests.tickets import DECIDE, DESK, a_ticket, desk, key_of, opened

AMOUNTS = "net { amount } tax { amount } gross { amount } taxRate"
QUOTE = f"""query Quote($id: ID!) {{ node(id: $id) {{ ... on Server {{ urgentTicketQuote {{ token expiresAt
  charge {{ {AMOUNTS} }} refund {{ amount }} invoicedOn dueOn warnings balanceAfter {{ amount }}
  lines {{ label total {{ gross {{ amount }} }} explanation }} blockers {{ code message }} }} }} }} }}"""
FEE = f"""query Fee($id: ID!) {{ node(id: $id) {{ ... on Ticket {{ priority urgentFee {{ status
  amount {{ {AMOUNTS} }} invoice {{ number lines {{ label }} }} }} }} }} }}"""


async def quote(api: Api, person: Any = OWNER) -> Any:
    """What an urgent ticket about the demo's server may cost."""
    answered = await api.ask(QUOTE, {"id": FORGE_ID}, token=await api.token(person))
    node = answered.body["data"]["node"]
    return node and (node["urgentTicketQuote"] or answered.codes)


async def urgent(api: Api, person: Any = OWNER, **values: Any) -> Any:
    """What opening an urgent ticket as it is quoted now answers."""
    token = values.pop("quoteToken", None) or (await quote(api))["token"]
    given = {"category": "TECHNICAL", "priority": "URGENT", "serverId": FORGE_ID, "quoteToken": token, **values}
    return await opened(api, person, subject="The server is down", body="Nothing\nanswers.", **given)


async def an_urgent_ticket(api: Api) -> str:
    answered = await urgent(api)
    assert answered["userErrors"] == []
    return str(answered["ticket"]["id"])


async def fee(api: Api, ticket: str, person: Any = OWNER) -> Any:
    answered = await api.ask(FEE, {"id": ticket}, token=await api.token(person))
    return answered.body["data"]["node"]


async def fees(api: Api) -> list[Any]:
    """The fees that were agreed to in a test: the demo has one of its own."""
    return [row for row in await api.rows(UrgentFee) if row.agreed_at >= START]


async def codes(answered: Any) -> list[str]:
    return [error["code"] for error in answered["userErrors"]]


async def decided(api: Api, ticket: str, charged: bool, **values: Any) -> Any:
    return await desk(api, DECIDE, ticketId=ticket, charged=charged, reason="The disk was full.", **values)


async def test_the_quote_says_what_it_may_cost_and_that_it_is_agreed_to(api: Api) -> None:
    shown = await quote(api)
    assert shown["charge"] == {
        "net": {"amount": "100.00"},
        "tax": {"amount": "20.00"},
        "gross": {"amount": "120.00"},
        "taxRate": "20.00",
    }
    assert (shown["blockers"], shown["refund"]["amount"], shown["invoicedOn"], shown["dueOn"]) == (
        [],
        "0.00",
        None,
        None,
    )
    (line,) = shown["lines"]
    assert line["label"] == "Ticket urgent, serveur forge"
    assert any("garantie de service" in warning for warning in shown["warnings"])
    assert await fees(api) == []


async def test_who_may_ask_for_the_quote(api: Api) -> None:
    assert await quote(api, FREE) is None
    await a_grant(api, DELEGATE, OverallPermission.BILLING)
    assert await quote(api, DELEGATE) == ["FORBIDDEN"]
    await a_grant(api, DELEGATE, servers={FORGE: [ServerPermission.TECHNICAL_CONTACT]})
    answered = await api.ask(QUOTE, {"id": FORGE_ID}, token=await api.token(DELEGATE))
    shown = answered.body["data"]["node"]["urgentTicketQuote"]
    assert (shown["charge"]["net"]["amount"], shown["balanceAfter"]) == ("100.00", None)
    await a_grant(api, DELEGATE, OverallPermission.TECHNICAL_SERVER)
    assert (await urgent(api, DELEGATE))["userErrors"] == []


async def test_an_urgent_ticket_keeps_what_was_agreed_to_and_calls_the_engineer_at_once(api: Api) -> None:
    ticket = await an_urgent_ticket(api)
    (row,) = [row for row in await fees(api) if row.ticket_id == await key_of(api, ticket)]
    assert (row.net_cents, row.tax_cents, row.agreed_by_id, row.agreed_at) == (10_000, 2_000, OWNER.key, START)
    assert row.consent["locale"] == "FR"
    assert "garantie de service" in row.consent["sentence"]
    assert (row.consent["net_cents"], row.consent["gross_cents"]) == (10_000, 12_000)
    box = Box()
    await sent(api.database, box)
    (page,) = [each for each in box.messages if each["To"] == Figures().on_call_address]
    assert "URGENT [#" in page["Subject"]
    assert "forge: The server is down" in page["Subject"] or "forge : The server is down" in page["Subject"]
    text = body(page)
    assert "Nothing" in text
    assert "answers." in text
    assert [row.kind for row in await api.rows(ActivityEvent) if row.kind.startswith("ticket.")] == [
        "ticket.opened",
        "ticket.paged",
    ]


def body(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def test_what_an_urgent_ticket_needs(api: Api) -> None:
    token = (await quote(api))["token"]
    before = len(await api.rows(Ticket))
    for given, expected, field in (
        ({"quoteToken": None}, "CHARGE_NOT_ACCEPTED", "quoteToken"),
        ({"quoteToken": "nonsense"}, "INVALID", "quoteToken"),
        ({"quoteToken": token[:-2] + "AA"}, "INVALID", "quoteToken"),
        ({"serverId": None}, "URGENT_NOT_AVAILABLE", "serverId"),
        ({"serverId": None, "accountId": ATELIER}, "URGENT_NOT_AVAILABLE", "serverId"),
        ({"category": "BILLING"}, "INVALID", "category"),
    ):
        values = {"category": "TECHNICAL", "priority": "URGENT", "serverId": FORGE_ID, "quoteToken": token, **given}
        (error,) = (await opened(api, **values))["userErrors"]
        assert (error["code"], error["field"]) == (expected, ["input", field]), given
    assert (len(await api.rows(Ticket)), await fees(api)) == (before, [])


async def test_a_quote_that_is_old_or_of_another_price_is_refused_with_the_present_one(
    api: Api, clock: FrozenClock
) -> None:
    token = (await quote(api))["token"]
    now = api.database.clock.now()
    async with Db(api.database) as db:
        raised = {"id": new_id(), "fee": Fee.URGENT_TICKET, "cents": 15_000, "valid_from": now}
        await db.note(insert(table(FeePrice)).values(raised))
    changed = await urgent(api, quoteToken=token)
    assert await codes(changed) == ["QUOTE_CHANGED"]
    current = changed["userErrors"][0]["current"]["token"]
    clock.move(timedelta(minutes=15))
    assert await codes(await urgent(api, quoteToken=current)) == ["QUOTE_EXPIRED"]
    assert await fees(api) == []
    assert await codes(await urgent(api)) == []
    assert [row.net_cents for row in await fees(api)] == [15_000]


async def test_only_servers_whose_offer_has_it_and_that_are_in_use(api: Api) -> None:
    token = (await quote(api))["token"]
    plans, servers, profiles = table(Plan), table(Server), table(Profile)
    changes: list[tuple[Any, Any]] = [
        (update(plans).values(urgent_tickets=False), update(plans).values(urgent_tickets=True)),
        (update(servers).values(status="SUSPENDED"), update(servers).values(status="ACTIVE")),
        (
            update(profiles).where(profiles.c.id == OWNER.key).values(suspended_at=START),
            update(profiles).where(profiles.c.id == OWNER.key).values(suspended_at=None),
        ),
    ]
    for change, back in changes:
        async with Db(api.database) as db:
            await db.note(change)
        shown = await quote(api)
        assert ([each["code"] for each in shown["blockers"]], shown["token"]) == (["URGENT_NOT_AVAILABLE"], None)
        assert await codes(await urgent(api, quoteToken=token)) == ["URGENT_NOT_AVAILABLE"]
        assert await codes(await opened(api, category="TECHNICAL", serverId=FORGE_ID)) == []
        async with Db(api.database) as db:
            await db.note(back)
    assert await codes(await urgent(api, quoteToken=token)) == []


async def test_a_retry_calls_nobody_twice(api: Api) -> None:
    key, token = str(uuid4()), (await quote(api))["token"]
    first = await urgent(api, quoteToken=token, idempotencyKey=key)
    assert await urgent(api, quoteToken=token, idempotencyKey=key) == first
    assert len(await fees(api)) == 1
    assert [row.kind for row in await api.rows(ActivityEvent)].count("ticket.paged") == 1


async def test_what_is_not_covered_is_charged_once_and_invoiced(api: Api) -> None:
    await alone(api)
    ticket = await an_urgent_ticket(api)
    assert (await fee(api, ticket))["urgentFee"]["status"] == "PENDING"
    assert await balance(api) == "0.00"
    assert await decided(api, ticket, True) == {"changed": True, "userErrors": []}
    assert await decided(api, ticket, True) == {"changed": False, "userErrors": []}
    assert await codes(await decided(api, ticket, False)) == ["CONFLICT"]
    assert len([row for row in await api.rows(Charge) if row.kind.value == "SUPPORT"]) == 1
    shown = (await fee(api, ticket))["urgentFee"]
    assert (shown["status"], shown["amount"]["gross"]["amount"], shown["invoice"]) == ("CHARGED", "120.00", None)
    box = Box()
    await sent(api.database, box)
    (told,) = [each for each in box.messages if "facturé" in each["Subject"] and each["To"] == OWNER.email]
    assert "The disk was full." in body(told)
    assert "100.00" in body(told)
    await move(api, "2026-11-23T00:00:00Z")
    assert (await documents(api))[-1] == ("INVOICE", "2026-11-22", 10_000, 2_000)
    assert await balance(api) == "-120.00"
    shown = (await fee(api, ticket))["urgentFee"]
    assert shown["invoice"]["lines"] == [{"label": "Ticket urgent, serveur forge"}]


async def test_what_is_covered_costs_nothing(api: Api) -> None:
    await alone(api)
    ticket = await an_urgent_ticket(api)
    assert await decided(api, ticket, False) == {"changed": True, "userErrors": []}
    shown = (await fee(api, ticket))["urgentFee"]
    assert (shown["status"], shown["amount"]["gross"]["amount"]) == ("WAIVED", "0.00")
    assert [row for row in await api.rows(Charge) if row.kind.value == "SUPPORT"] == []
    assert await codes(await decided(api, ticket, True)) == ["CONFLICT"]


async def test_who_reads_the_fee_and_its_invoice(api: Api) -> None:
    ticket = await an_urgent_ticket(api)
    await decided(api, ticket, True)
    await move(api, "2026-11-23T00:00:00Z")
    await a_grant(api, STAFF, servers={FORGE: [ServerPermission.TECHNICAL_CONTACT]})
    answered = await api.ask(FEE, {"id": ticket}, token=await api.token(STAFF))
    shown = answered.body["data"]["node"]["urgentFee"]
    assert (shown["status"], shown["amount"]["net"]["amount"], shown["invoice"]) == ("CHARGED", "100.00", None)
    assert answered.codes == ["FORBIDDEN"]
    await a_grant(api, STAFF, OverallPermission.BILLING)
    assert await fee(api, ticket, STAFF) is None


async def test_a_decision_has_a_reason_and_a_fee(api: Api) -> None:
    ticket, ordinary = await an_urgent_ticket(api), await a_ticket(api)
    assert await codes(await desk(api, DECIDE, ticketId=ticket, charged=True, reason=" ")) == ["REQUIRED"]
    assert await codes(await decided(api, ordinary, True)) == ["CONFLICT"]
    assert await codes(await decided(api, "nothing", True)) == ["NOT_FOUND"]
    assert [row.status.value for row in await fees(api)] == ["PENDING"]


async def test_the_team_sees_what_was_agreed_to(api: Api) -> None:
    answered = await urgent(api)
    shown = (await desk(api, DESK, number=answered["ticket"]["number"]))["ticket"]
    assert (shown["server"], shown["fee"]["net"]["amount"], shown["fee"]["status"]) == ("forge", "100.00", "PENDING")
    assert "garantie" in shown["fee"]["consent"]
