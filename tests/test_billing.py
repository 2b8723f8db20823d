"""BIL-1, BIL-3. What the API shows of money: balance, movements, documents, what settled what, and to whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.clock import FrozenClock
from models.column import table
from models.db import Db
from models.document_series import DocumentKind
from models.journal import EntryKind
from models.permission import OverallPermission
from models.profile import Locale, Profile
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, TECH, Api, profile_id
from tests.asked import statements
from tests.booking import adjusted, given_back, invoiced, ordered, paid
from tests.cycle import alone
from tests.granting import a_grant
from tests.much import DOCUMENTS, ENTRIES, much
from tests.test_db import only_postgresql

MONEY = "{ amount currency }"
TAXED = "{ net { amount } tax { amount } gross { amount } taxRate }"
LINE = f"{{ label quantity unitPrice {{ amount }} total {TAXED} periodStart periodEnd explanation }}"
INVOICE = f"""{{ id number kind status issuedOn dueOn paidAt amountDue {{ amount }} total {TAXED}
  billedTo {{ organizationName city country streetLines }} lines {LINE}
  taxes {{ rate base {{ amount }} tax {{ amount }} mention }} corrects {{ number }} creditNotes {{ number }}
  allocations {{ amount {{ amount }} entry {{ id kind }} invoice {{ number }} }} }}"""
ENTRY = """{ id kind amount { amount } balanceAfter { amount } bookedAt label
  source { ... on Invoice { number } } allocations { amount { amount } invoice { number } entry { id } } }"""
BILLING = f"""query Billing($id: ID!) {{ node(id: $id) {{ ... on Profile {{ billing {{ id profile {{ id }}
  balance {MONEY} nonRefundable {MONEY} amountDue {MONEY} pendingCharges {LINE}
  ledger {{ totalCount nodes {ENTRY} }} invoices {{ totalCount nodes {INVOICE} }} }} }} }} }}"""
LEDGER = """query Ledger($id: ID!, $filter: LedgerFilter, $first: Int, $after: String) { node(id: $id) {
  ... on Profile { billing { ledger(filter: $filter, first: $first, after: $after) { totalCount
    nodes { label amount { amount } } pageInfo { hasNextPage endCursor } } } } } }"""
INVOICES = """query Invoices($id: ID!, $filter: InvoiceFilter, $orderBy: InvoiceOrder, $first: Int, $after: String) {
  node(id: $id) { ... on Profile { billing { invoices(
    filter: $filter, orderBy: $orderBy, first: $first, after: $after) { totalCount
    nodes { number status } pageInfo { hasNextPage endCursor } } } } } }"""


async def billing(api: Api, token: str, person: Any = OWNER) -> Any:
    return (await api.ask(BILLING, {"id": profile_id(person)}, token=token)).data["node"]["billing"]


async def numbers(api: Api, token: str, **variables: Any) -> list[str]:
    found = (await api.ask(INVOICES, {"id": profile_id(OWNER), **variables}, token=token)).data
    return [each["number"] for each in found["node"]["billing"]["invoices"]["nodes"]]


async def speak_english(api: Api) -> None:
    async with Db(api.database) as db:
        await db.note(table(Profile).update().values(locale=Locale.EN))


# What is shown


async def test_a_balance_and_what_it_is_made_of(api: Api) -> None:
    await speak_english(api)
    token = await api.token(OWNER)
    await paid(api.database, OWNER.key, 5000)
    issued = await invoiced(api.database, OWNER.key, 2200, 499)
    refund = await given_back(api.database, issued, 953)
    await ordered(api.database, OWNER.key, 499, 499, 499)
    found = await billing(api, token)
    assert found["id"] == global_id("Billing", OWNER.key)
    assert found["profile"]["id"] == profile_id(OWNER)
    assert found["balance"] == {"amount": "29.05", "currency": "EUR"}
    assert (found["nonRefundable"]["amount"], found["amountDue"]["amount"]) == ("11.44", "0.00")
    assert [line["total"]["tax"]["amount"] for line in found["pendingCharges"]] == ["1.00", "1.00", "0.99"]
    assert found["ledger"]["totalCount"] == found["invoices"]["totalCount"] + 1 == 3
    newest, debited, payment = found["ledger"]["nodes"]
    assert (newest["kind"], newest["amount"]["amount"]) == ("PRORATA_REFUND", "11.44")
    assert newest["label"] == f"Pro-rata refund, credit note {refund.invoice.number}"
    assert newest["source"] == {"number": "A2026-000001"}
    assert (debited["amount"]["amount"], debited["balanceAfter"]["amount"]) == ("-32.39", "17.61")
    settled = {"amount": {"amount": "32.39"}, "invoice": {"number": "F2026-000001"}, "entry": {"id": payment["id"]}}
    assert debited["allocations"] == payment["allocations"] == [settled]
    assert (payment["label"], payment["source"]) == ("Payment received", None)


async def test_a_document_shows_what_was_issued(api: Api) -> None:
    await speak_english(api)
    token = await api.token(OWNER)
    told = {"list_cents": 2200, "since": "2026-01-01", "days": 30, "period_days": 30, "discounts": []}
    issued = await invoiced(api.database, OWNER.key, 2200, explanation=told)
    await paid(api.database, OWNER.key, 1000)
    await given_back(api.database, issued, 953)
    note, invoice = (await billing(api, token))["invoices"]["nodes"]
    assert (invoice["number"], invoice["kind"], invoice["status"]) == ("F2026-000001", "INVOICE", "OPEN")
    assert (invoice["issuedOn"], invoice["dueOn"], invoice["paidAt"]) == ("2026-11-22", "2026-12-22", None)
    assert invoice["amountDue"] == {"amount": "4.96"}
    assert invoice["total"] == {
        "net": {"amount": "22.00"},
        "tax": {"amount": "4.40"},
        "gross": {"amount": "26.40"},
        "taxRate": "20.00",
    }
    assert invoice["billedTo"]["organizationName"] == "Atelier Exemple"
    assert invoice["taxes"] == [
        {"rate": "20.00", "base": {"amount": "22.00"}, "tax": {"amount": "4.40"}, "mention": None}
    ]
    assert [each["amount"]["amount"] for each in invoice["allocations"]] == ["10.00", "11.44"]
    assert (invoice["creditNotes"], note["corrects"]) == ([{"number": note["number"]}], {"number": invoice["number"]})
    assert (note["kind"], note["status"], note["amountDue"]["amount"]) == ("CREDIT_NOTE", "PAID", "0.00")
    (line,) = invoice["lines"]
    assert (line["label"], line["periodStart"], line["periodEnd"]) == ("Medium, one month", "2026-11-05", "2026-12-04")
    assert line["explanation"] == (
        "List price €22.00, in force since January 1, 2026. A whole period of 30 days. No discount. "
        "VAT at 20 %, rounded once on the document. Rounded to the cent, half a cent up."
    )
    assert note["lines"][0]["explanation"].startswith("Given back of F2026-000001.")


async def test_it_is_told_in_the_readers_language(api: Api) -> None:
    await invoiced(api.database, OWNER.key, 2200)
    found = await billing(api, await api.token(OWNER))
    assert found["ledger"]["nodes"][0]["label"] == "Facture F2026-000001"
    (line,) = found["invoices"]["nodes"][0]["lines"]
    assert line["label"] == "Medium, un mois"
    assert line["explanation"].startswith("TVA à 20 %")


async def test_an_invoice_is_found_by_its_number(api: Api) -> None:
    issued = await invoiced(api.database, OWNER.key, 2200)
    ask = "query ($number: String!) { invoice(number: $number) { number } }"
    for person, found in ((OWNER, {"number": issued.invoice.number}), (FREE, None)):
        answer = await api.ask(ask, {"number": issued.invoice.number.lower()}, token=await api.token(person))
        assert answer.data["invoice"] == found


# States


async def test_states_follow_the_business_clock(api: Api, clock: FrozenClock) -> None:
    await alone(api)
    token = await api.token(OWNER)
    first = await invoiced(api.database, OWNER.key, 1000)
    await paid(api.database, OWNER.key, 1200)
    second = await invoiced(api.database, OWNER.key, 1000)
    third = await invoiced(api.database, OWNER.key, 500)
    await given_back(api.database, third, kind=EntryKind.CREDIT_NOTE)
    expected = {"PAID": [first], "OPEN": [second], "OVERDUE": [], "CANCELLED": [third]}
    for late in (False, True):
        for state, documents in expected.items():
            wanted = {"status": [state], "kind": DocumentKind.INVOICE.value}
            assert await numbers(api, token, filter=wanted) == [each.invoice.number for each in documents]
        if not late:
            end = datetime(2026, 12, 22, 23, tzinfo=UTC)
            to = {"to": (end - timedelta(milliseconds=1)).isoformat()}
            advance = "mutation ($to: DateTime!) { sandboxClockAdvance(input: {to: $to}) { userErrors { code } } }"
            assert (await api.ask(advance, to, token=token)).data["sandboxClockAdvance"]["userErrors"] == []
            assert await numbers(api, token, filter={"status": ["OVERDUE"]}) == []
            clock.move(timedelta(milliseconds=1))
            expected |= {"OPEN": [], "OVERDUE": [second]}
    all_states = await numbers(api, token, filter={"status": list(expected), "kind": "INVOICE"})
    assert len(all_states) == 3
    assert await numbers(api, token, filter={"status": []}) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"search": "f2026"}, 2),
        ({"search": "000002"}, 1),
        ({"search": "%"}, 0),
        ({"issued": {"from": "2026-11-23"}}, 1),
        ({"issued": {"to": "2026-11-22"}}, 1),
        ({"kind": "CREDIT_NOTE"}, 0),
    ],
)
async def test_a_filter_keeps_some_documents(api: Api, clock: FrozenClock, wanted: Any, found: int) -> None:
    await invoiced(api.database, OWNER.key, 1000)
    clock.move(timedelta(days=1))
    await invoiced(api.database, OWNER.key, 1000)
    assert len(await numbers(api, await api.token(OWNER), filter=wanted)) == found


async def test_documents_are_ordered_both_ways(api: Api, clock: FrozenClock) -> None:
    for _ in range(3):
        await invoiced(api.database, OWNER.key, 1000)
        clock.move(timedelta(days=1))
    token = await api.token(OWNER)
    rising = ["F2026-000001", "F2026-000002", "F2026-000003"]
    for field in ("ISSUED_ON", "DUE_ON"):
        assert await numbers(api, token, orderBy={"field": field, "direction": "ASC"}) == rising
        assert await numbers(api, token, orderBy={"field": field, "direction": "DESC"}) == rising[::-1]


async def test_a_filter_keeps_some_movements(api: Api, clock: FrozenClock) -> None:
    await paid(api.database, OWNER.key, 1000)
    clock.move(timedelta(days=1))
    await adjusted(api.database, OWNER.key, 500)
    token = await api.token(OWNER)
    for wanted, count in (
        ({"kind": ["PAYMENT"]}, 1),
        ({"kind": ["PAYMENT", "ADJUSTMENT"]}, 2),
        ({"kind": []}, 0),
        ({"booked": {"from": "2026-11-23"}}, 1),
        ({"booked": {"from": "2026-11-22", "to": "2026-11-22"}}, 1),
    ):
        answer = await api.ask(LEDGER, {"id": profile_id(OWNER), "filter": wanted}, token=token)
        assert answer.data["node"]["billing"]["ledger"]["totalCount"] == count


# Who


async def test_whoever_pays_sees_it_and_nobody_else(api: Api) -> None:
    issued = await invoiced(api.database, OWNER.key, 1000)
    await a_grant(api, TECH, OverallPermission.BILLING)
    await a_grant(api, DELEGATE, OverallPermission.ACCOUNT_MANAGEMENT, OverallPermission.TECHNICAL_ACCOUNT)
    assert (await billing(api, await api.token(TECH)))["amountDue"]["amount"] == "12.00"
    refused = await api.ask(BILLING, {"id": profile_id(OWNER)}, token=await api.token(DELEGATE))
    assert refused.codes == ["FORBIDDEN"]
    ids = [
        global_id("Billing", OWNER.key),
        global_id("Invoice", issued.invoice.id),
        global_id("LedgerEntry", issued.entry.id),
    ]
    for person in (DELEGATE, FREE):
        token = await api.token(person)
        found = await api.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids}, token=token)
        assert found.data["nodes"] == [None, None, None]


# Depth


@pytest.mark.parametrize(("document", "name", "size"), [(LEDGER, "ledger", ENTRIES), (INVOICES, "invoices", DOCUMENTS)])
async def test_a_page_costs_the_same_however_far_in_it_is(api: Api, document: str, name: str, size: int) -> None:
    """LIM-3."""
    await much(api)
    token = await api.token(OWNER)
    counts, after, seen = set(), None, 0
    page = document.replace("totalCount", "")
    while True:
        with statements(api) as run:
            answer = await api.ask(page, {"id": profile_id(OWNER), "first": 100, "after": after}, token=token)
        found = answer.data["node"]["billing"][name]
        counts.add(len(run))
        seen += len(found["nodes"])
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
    assert (seen, len(counts)) == (size, 1)


async def test_a_screen_of_documents_asks_the_same_however_many_they_are(api: Api) -> None:
    token = await api.token(OWNER)
    counts = []
    for _ in range(2):
        for _ in range(3):
            await paid(api.database, OWNER.key, 1000)
            await invoiced(api.database, OWNER.key, 1000, 500)
        with statements(api) as run:
            await billing(api, token)
        counts.append(len(run))
    assert counts[0] == counts[1]


@only_postgresql
@pytest.mark.parametrize(("document", "table"), [(LEDGER, "journal_entry"), (INVOICES, "invoice")])
async def test_a_page_is_read_from_its_index(
    api: Api, document: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIM-3. Not by sorting all that there is."""
    await much(api)
    token, asked = await api.token(OWNER), list[tuple[str, Any]]()
    fetch = Db.fetch

    async def noted(self: Db, text: str, values: Any) -> Any:
        asked.append((text, values))
        return await fetch(self, text, values)

    monkeypatch.setattr(Db, "fetch", noted)
    await api.ask(document.replace("totalCount", ""), {"id": profile_id(OWNER), "first": 20}, token=token)
    (page,) = [each for each in asked if f"FROM {table}" in each[0] and "LIMIT" in each[0]]
    async with api.database.writing() as connection:
        await connection.exec_driver_sql("ANALYZE")
    async with Db(api.database) as db:
        plan = "\n".join(row[0] for row in await fetch(db, f"EXPLAIN {page[0]}", page[1]))
    assert "Sort" not in plan
