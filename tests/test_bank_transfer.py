"""BIL-8. Bank transfers that came in: read, matched, booked once, or kept until somebody knows whose they are."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.activity import Author, Record
from models.bank_details import rf_reference
from models.bank_transfer import (
    BankTransfer,
    NotYet,
    TextNeeded,
    invoice_numbers,
    transfer_came,
)
from models.customer_number import LETTERS, customer_number, customer_numbers
from models.db import Db
from models.journal import EntryKind, JournalEntry, JournalLine, LedgerAccount
from models.money import InvalidAmount
from models.payment import Payment, PaymentStatus
from models.profile import Profile
from models.receipt import Receipt
from models.refusal import Refusal
from models.service import ServiceScope
from models.setting import Figures
from models.staff import OwnProfile, refuse_own
from models.viewer import Viewer
from resolvers import ledger
from resolvers.audit import verify
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, STAFF, TECH, Api, profile_id
from tests.booking import invoiced
from tests.cycle import OFFICE, movements
from tests.database import START
from tests.paying import money, pay_invoices, top_up
from tests.test_access import credential, staff

SHOWN = """transfer { transferId bankReference amount { amount } valueOn text profileId paymentId candidates }
  changed userErrors { code field message }"""
RECORD = f"""mutation Record($input: BankTransferRecordInput!) {{ bankTransferRecord(input: $input) {{ {SHOWN} }} }}"""
ASSIGN = f"""mutation Assign($input: BankTransferAssignInput!) {{ bankTransferAssign(input: $input) {{ {SHOWN} }} }}"""
UNMATCHED = "{ unmatchedTransfers { transferId bankReference candidates profileId } }"
TRANSFER = {"bankTransfer": True}
FIGURES = Figures()


@pytest.fixture
async def secret(api: Api) -> str:
    """A credential of those who keep the books."""
    return await credential(api, ServiceScope.PAYMENTS, name="books")


async def came(api: Api, secret: str, sum: str, quoted: str, reference: str | None = None, **values: Any) -> Any:
    """Record a transfer."""
    given = {
        "bankReference": reference or f"STMT-{uuid4()}",
        "amount": {"amount": sum},
        "valueOn": "2026-11-22",
        "text": quoted,
        "reason": "Statement of 22 November",
        **values,
    }
    return (await staff(api, secret, RECORD, {"input": given})).data["bankTransferRecord"]


async def assign(api: Api, secret: str, key: str, person: Any, **values: Any) -> Any:
    given = {"transferId": key, "profileId": profile_id(person), "reason": "The customer called", **values}
    return (await staff(api, secret, ASSIGN, {"input": given})).data["bankTransferAssign"]


async def unmatched(api: Api, secret: str) -> Any:
    return (await staff(api, secret, UNMATCHED)).data["unmatchedTransfers"]


def number(person: Any) -> str:
    return customer_number(person.key)


def codes(payload: Any) -> list[tuple[str, str]]:
    return [(error["code"], error["field"][-1]) for error in payload["userErrors"]]


# What is quoted


def test_a_number_is_found_however_it_is_written() -> None:
    mine = number(OWNER)
    assert len(mine) == 11
    spaced = " ".join(mine[at : at + 3] for at in range(0, 11, 3))
    for text in (mine, mine.lower(), f"Invoice of {spaced}.", f"ref/{mine}/", rf_reference(mine), f"a {mine}b"):
        assert list(customer_numbers(text)) == [mine], text
    assert list(customer_numbers(f"{mine} {mine}\n{number(FREE)}")) == [mine, number(FREE)]


def test_letters_that_look_like_others_are_what_they_look_like() -> None:
    mine = customer_number(_with("0", "1"))
    assert list(customer_numbers(mine.replace("0", "O").replace("1", "I"))) == [mine]


def _with(*letters: str) -> UUID:
    """A key whose number has these letters."""
    return next(key for key in (UUID(int=each) for each in range(10_000)) if set(letters) <= set(customer_number(key)))


def test_a_number_that_is_mistyped_is_nobodys() -> None:
    """Every other letter at every place, and any two neighbours the other way round."""
    for key in (OWNER.key, FREE.key, UUID(int=7)):
        mine = customer_number(key)
        for place in range(1, len(mine)):
            others = LETTERS if place < 9 else "0123456789"
            wrong = [mine[:place] + letter + mine[place + 1 :] for letter in others if letter != mine[place]]
            swapped = mine[: place - 1] + mine[place] + mine[place - 1] + mine[place + 1 :]
            for text in [*wrong, *([swapped] if place > 1 and swapped != mine else [])]:
                assert list(customer_numbers(text)) == [], (mine, text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("F2026-000042", ["TEST-F2026-000042"]),
        ("facture f 2026 000042, merci", ["TEST-F2026-000042"]),
        ("TEST-F2026-000042 TEST F2026000042", ["TEST-F2026-000042"]),
        ("F2026/000042 F2026/000043", ["TEST-F2026-000042", "TEST-F2026-000043"]),
        ("RF2026-000042 A2026-000042 F2026-42", []),
    ],
)
def test_numbers_of_invoices_are_found(text: str, found: list[str]) -> None:
    assert list(invoice_numbers(text, FIGURES, sandbox=True)) == found


def test_a_number_of_a_sandbox_is_none_of_a_real_invoice() -> None:
    assert list(invoice_numbers("TEST-F2026-000042, F2026-000043", FIGURES, sandbox=False)) == ["F2026-000043"]


# Verbs


def record() -> Record:
    return Record(Author(), START, START)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"cents": 0}, InvalidAmount),
        ({"cents": -1}, InvalidAmount),
        ({"cents": 10**15}, InvalidAmount),
        ({"value_on": date(2026, 11, 23)}, NotYet),
        ({"bank_reference": " "}, TextNeeded),
        ({"bank_reference": "x" * 141}, TextNeeded),
        ({"reason": ""}, TextNeeded),
        ({"quoted": "x" * 1_001}, TextNeeded),
    ],
)
def test_what_no_bank_tells_is_refused(changed: Any, refusal: type[Refusal]) -> None:
    day = date(2026, 11, 22)
    values = {"cents": 1, "value_on": day, "today": day, "quoted": "", "bank_reference": "B", "reason": "R"}
    assert transfer_came(record(), **values).amount_cents == 1  # type: ignore[arg-type]
    with pytest.raises(refusal):
        transfer_came(record(), **{**values, **changed})


def test_nobody_credits_a_profile_of_their_own() -> None:
    refuse_own(Viewer(service_id=OWNER.key), OWNER.key)
    refuse_own(Viewer(profile_id=STAFF.key), OWNER.key)
    with pytest.raises(OwnProfile):
        refuse_own(Viewer(profile_id=OWNER.key), OWNER.key)


# Over the API


async def test_a_transfer_is_credited_to_whom_its_text_names(api: Api, secret: str) -> None:
    payload = await came(api, secret, "50.00", f"Top up {number(FREE)}")
    assert (payload["userErrors"], payload["changed"]) == ([], True)
    assert payload["transfer"]["profileId"] == profile_id(FREE)
    found = (await money(api, FREE))["billing"]
    assert found["balance"] == {"amount": "50.00"}
    (payment,) = found["payments"]["nodes"]
    assert (payment["id"], payment["kind"], payment["status"]) == (
        payload["transfer"]["paymentId"],
        "BANK_TRANSFER",
        "SUCCEEDED",
    )
    assert (await money(api, FREE))["restricted"] is False
    accounts = {row.account for row in await api.rows(JournalLine)}
    assert accounts == {LedgerAccount.BANK, LedgerAccount.CUSTOMERS}
    assert [row.number for row in await api.rows(Receipt)] == ["TEST-R2026-000001"]
    assert await unmatched(api, secret) == []
    await verify(api.database)


async def test_the_number_is_shown_to_who_pays_and_nobody_else(api: Api) -> None:
    document = "query Number($id: ID!) { node(id: $id) { ... on Profile { customerNumber } } }"
    for person in (OWNER, DELEGATE):
        answer = await api.ask(document, {"id": profile_id(OWNER)}, token=await api.token(person))
        assert answer.data["node"]["customerNumber"] == number(OWNER)
    answer = await api.ask(document, {"id": profile_id(OWNER)}, token=await api.token(TECH))
    assert answer.codes == ["FORBIDDEN"]
    details = (await money(api))["billing"]["bankDetails"]
    assert (details["reference"], details["rfReference"][4:]) == (number(OWNER), number(OWNER))
    assert {row.customer_number for row in await api.rows(Profile) if row.id == OWNER.key} == {number(OWNER)}


async def test_the_same_reference_of_the_bank_books_once(api: Api, secret: str) -> None:
    first = await came(api, secret, "50.00", number(FREE), "STMT-7")
    again = await came(api, secret, "50.00", number(FREE), "STMT-7", reason="Once more")
    assert (first["changed"], again["changed"], again["transfer"]) == (True, False, first["transfer"])
    other = await came(api, secret, "51.00", number(FREE), "STMT-7")
    assert codes(other) == [("CONFLICT", "bankReference")]
    assert await movements(api, FREE) == [("PAYMENT", 5_000)]


async def test_many_at_once_with_one_reference_book_once(api: Api, secret: str) -> None:
    found = await asyncio.gather(*(came(api, secret, "50.00", number(FREE), "STMT-7") for _ in range(6)))
    assert sorted(each["changed"] for each in found) == [False] * 5 + [True]
    assert len({each["transfer"]["paymentId"] for each in found}) == 1
    assert await movements(api, FREE) == [("PAYMENT", 5_000)]


async def test_what_was_announced_is_what_came(api: Api, secret: str) -> None:
    """Of several the one of this amount; a wrong amount is booked as what came."""
    announced = [(await top_up(api, amount, TRANSFER, FREE))["payment"]["id"] for amount in ("20.00", "50.00")]
    payload = await came(api, secret, "50.00", number(FREE))
    assert payload["transfer"]["paymentId"] == announced[1]
    payload = await came(api, secret, "19.50", number(FREE))
    assert payload["transfer"]["paymentId"] == announced[0]
    third = await came(api, secret, "1.00", number(FREE))
    assert third["transfer"]["paymentId"] not in announced
    amounts = {row.status: row.amount_cents for row in await api.rows(Payment) if row.amount_cents != 5_000}
    assert set(amounts) == {PaymentStatus.SUCCEEDED}
    assert await movements(api, FREE) == [("PAYMENT", 5_000), ("PAYMENT", 1_950), ("PAYMENT", 100)]
    await verify(api.database)


async def test_of_several_announced_none_is_guessed(api: Api, secret: str) -> None:
    announced = [(await top_up(api, amount, TRANSFER, FREE))["payment"]["id"] for amount in ("20.00", "50.00")]
    payload = await came(api, secret, "30.00", number(FREE))
    assert payload["transfer"]["paymentId"] not in announced
    waiting = [row for row in await api.rows(Payment) if row.status is PaymentStatus.REQUIRES_ACTION]
    assert len(waiting) == 2


async def test_an_invoice_that_is_named_is_paid_first(api: Api, secret: str) -> None:
    older = await invoiced(api.database, FREE.key, 1_000, office=OFFICE)
    named = await invoiced(api.database, FREE.key, 2_000, office=OFFICE)
    payload = await came(api, secret, "30.00", f"pour {named.invoice.number.removeprefix('TEST-')}")
    assert payload["transfer"]["profileId"] == profile_id(FREE)
    left = {each["number"]: each["amountDue"] for each in (await money(api, FREE))["billing"]["invoices"]["nodes"]}
    assert left == {older.invoice.number: {"amount": "6.00"}, named.invoice.number: {"amount": "0.00"}}
    await verify(api.database)


async def test_what_was_announced_for_an_invoice_is_settled_by_its_number(api: Api, secret: str) -> None:
    issued = await invoiced(api.database, FREE.key, 1_000, office=OFFICE)
    await top_up(api, "12.00", TRANSFER, FREE)
    key = global_id("Invoice", issued.invoice.id)
    announced = (await pay_invoices(api, [key], "12.00", TRANSFER, FREE))["payment"]["id"]
    payload = await came(api, secret, "12.00", issued.invoice.number)
    assert payload["transfer"]["paymentId"] == announced


@pytest.mark.parametrize(
    "text", ["", "Thank you", "F2031-999999", "C00000000000", "Überweisung" * 9, "'; DROP TABLE payment"]
)
async def test_what_fits_nobody_is_kept_and_assigned_later(api: Api, secret: str, text: str) -> None:
    payload = await came(api, secret, "12.00", text)
    assert (payload["changed"], payload["transfer"]["profileId"]) == (True, None)
    (waiting,) = await unmatched(api, secret)
    key = waiting["transferId"]
    assert (waiting["candidates"], await api.rows(JournalEntry)) == ([], [])
    assigned = await assign(api, secret, key, FREE)
    assert (assigned["userErrors"], assigned["changed"]) == ([], True)
    assert (await assign(api, secret, key, FREE))["changed"] is False
    assert codes(await assign(api, secret, key, OWNER)) == [("CONFLICT", "transferId")]
    assert (await unmatched(api, secret), await movements(api, FREE)) == ([], [("PAYMENT", 1_200)])
    assert (await came(api, secret, "12.00", text, waiting["bankReference"]))["changed"] is False
    await verify(api.database)


async def test_what_names_two_customers_is_of_neither(api: Api, secret: str) -> None:
    payload = await came(api, secret, "12.00", f"{number(FREE)} {number(OWNER)}")
    assert payload["transfer"]["profileId"] is None
    assert set(payload["transfer"]["candidates"]) == {profile_id(FREE), profile_id(OWNER)}
    assert await api.rows(JournalEntry) == []


async def test_it_is_assigned_to_an_invoice_of_its_payer(api: Api, secret: str) -> None:
    await invoiced(api.database, FREE.key, 1_000, office=OFFICE)
    named = await invoiced(api.database, FREE.key, 2_000, office=OFFICE)
    key = (await came(api, secret, "24.00", "?"))["transfer"]["transferId"]
    other = await assign(api, secret, key, OWNER, invoiceNumber=named.invoice.number)
    assert codes(other) == [("NOT_FOUND", "invoiceNumber")]
    assert (await assign(api, secret, key, FREE, invoiceNumber=named.invoice.number))["userErrors"] == []
    left = {each["number"]: each["amountDue"] for each in (await money(api, FREE))["billing"]["invoices"]["nodes"]}
    assert left[named.invoice.number] == {"amount": "0.00"}


async def test_many_at_once_assign_it_once(api: Api, secret: str) -> None:
    key = (await came(api, secret, "12.00", "?"))["transfer"]["transferId"]
    found = await asyncio.gather(*(assign(api, secret, key, FREE) for _ in range(4)))
    assert sorted(each["changed"] for each in found) == [False] * 3 + [True]
    assert await movements(api, FREE) == [("PAYMENT", 1_200)]


async def test_what_cannot_be_is_refused_and_keeps_nothing(api: Api, secret: str) -> None:
    for values, code in (
        ({"amount": {"amount": "0"}}, ("INVALID", "amount")),
        ({"amount": {"amount": "1.001"}}, ("INVALID", "amount")),
        ({"amount": {"amount": "10000000000000"}}, ("INVALID", "amount")),
        ({"valueOn": "2026-11-24"}, ("INVALID", "valueOn")),
        ({"bankReference": " "}, ("INVALID", "bankReference")),
        ({"reason": "\t"}, ("INVALID", "reason")),
        ({"text": "x" * 1_001}, ("INVALID", "text")),
    ):
        assert codes(await came(api, secret, "1", "?", **values)) == [code], values
    assert await api.rows(BankTransfer) == []
    assert codes(await assign(api, secret, str(uuid4()), FREE)) == [("NOT_FOUND", "transferId")]


async def test_only_those_who_keep_the_books_record_them(api: Api) -> None:
    other = await credential(api, ServiceScope.ABUSE, name="other")
    for document, key in ((UNMATCHED, other), (UNMATCHED, None), (UNMATCHED, await api.token(OWNER))):
        assert (await staff(api, key, document)).codes in (["FORBIDDEN"], ["UNAUTHENTICATED"])
    given = {
        "bankReference": "B",
        "amount": {"amount": "1"},
        "valueOn": "2026-11-22",
        "text": number(FREE),
        "reason": "R",
    }
    for key in (other, await api.token(FREE)):
        assert (await staff(api, key, RECORD, {"input": given})).codes in (["FORBIDDEN"], ["UNAUTHENTICATED"])
    assert (await staff(api, await api.token(STAFF), RECORD, {"input": given})).codes == ["TWO_FACTOR_REQUIRED"]
    assert await api.rows(BankTransfer) == []


async def test_what_goes_back_leaves_the_account_that_it_came_to(api: Api, secret: str) -> None:
    await came(api, secret, "12.00", number(FREE))
    (entry,) = [row for row in await api.rows(JournalEntry) if row.kind is EntryKind.PAYMENT]
    async with Db(api.database) as db, db.write() as write:
        await ledger.reverse_payment(write, entry.id)
    sums: dict[LedgerAccount, int] = {}
    for line in await api.rows(JournalLine):
        sums[line.account] = sums.get(line.account, 0) + line.cents
    assert sums == {LedgerAccount.BANK: 0, LedgerAccount.CUSTOMERS: 0}
