"""PRO-9, PRO-13. The end of a profile: refused while something is open, of everything at once, and nothing is left."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Text, cast, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from models.account import Account, AccountStatus
from models.activity import ActivityEvent
from models.alert import Alert
from models.clock import FrozenClock
from models.column import new_id, table
from models.contract import Contract
from models.credit import Credit
from models.db import Db
from models.deletion import Erasure, Situation, forfeited_cents, obstacles, without
from models.delivery import Delivery
from models.grant import PermissionGrant
from models.invoice import Invoice
from models.payment import Payment
from models.payment_method import PaymentMethod
from models.profile import CREATED, Profile, SuspensionReason
from models.server import Server
from models.session import Session
from models.subscription import Subscription
from models.suspension import Suspension
from models.tables import metadata
from models.token import ApiToken
from resolvers import erasure
from resolvers.audit import verify
from resolvers.deletion import GONE_WITH
from resolvers.ledger import adjust
from tests.api import DELEGATE, FREE, OWNER, PASSWORD, STAFF, TECH, Api, profile_id
from tests.cycle import alone, balance, documents, move, open_account, pay
from tests.database import START
from tests.hosting import answer, handed_over
from tests.mails import Box, sent, told
from tests.paying import add_card, top_up
from tests.test_clockwork import mails
from tests.test_grant import save
from tests.test_suspension import lift, suspend
from tests.test_two_factor import code_in

DELETE = """mutation Delete($input: ProfileDeleteInput!) { profileDelete(input: $input) {
  deletedId userErrors { code field message } query { viewer { id } } } }"""
PREVIEW = """query Preview($id: ID!) { node(id: $id) { ... on Profile { deletionPreview { confirmation
  accounts { name } servers { name } forfeited { amount } balanceLost { amount } blockers { code message } } } } }"""
KEPT = {
    "account": "goes with the machines' answer",
    "bank_transfer": "the ledger's sources, as the bank told them",
    "receipt": "a document",
    "charge": "what documents are made of",
    "collection": "names an invoice",
    "contract": "which version was put to whom",
    "contract_acceptance": "proves what was agreed, by the pseudonym",
    "credit": "the ledger",
    "erasure": "the deletion itself",
    "intervention": "goes with its server",
    "invoice": "kept for ten years, as it was issued",
    "journal_entry": "the ledger",
    "allocation": "the ledger",
    "payment": "the ledger's sources",
    "payment_method": "payments name it; what it was is erased",
    "transfer": "answered or withdrawn with a fact for the other side, by the pseudonym",
    "permission_grant": "ended with a fact for the other side",
    "server": "goes with its last account",
    "subscription": "what documents are about",
    "vat_consultation": "proves why there is no VAT on an invoice",
    "activity_event": "goes once everything has left",
    "attachment": "goes with its ticket",
    "ticket_message": "goes with its ticket",
    "urgent_fee": "goes with its ticket; what was charged stands on an invoice",
    "clock_offset": "nobody's",
}
"""Tables that speak of profiles and are not emptied at once, and why."""


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """A month to pay for."""
    clock.move(datetime(2026, 1, 31, 9, tzinfo=UTC) - START)


async def remove(api: Api, person: Any = FREE, *, session: str | None = None, **values: Any) -> Any:
    """Delete a profile, as its owner does."""
    given = {"confirmation": person.email, "currentPassword": PASSWORD, **values}
    answered = await api.ask(DELETE, {"input": given}, token=session or await api.token(person))
    return answered.data["profileDelete"]


async def preview(api: Api, person: Any = FREE) -> Any:
    answered = await api.ask(PREVIEW, {"id": profile_id(person)}, token=await api.token(person))
    return answered.data["node"]["deletionPreview"]


async def settled(api: Api, person: Any) -> None:
    """Nothing is open of a person: their balance is zero, nothing waits for an invoice, no machine is at work."""
    await answer(api)
    await move(api, "2026-02-02T09:00:00Z")
    owed = round(float(await balance(api, person)) * 100)
    if owed < 0:
        await pay(api, -owed, person)


async def codes(api: Api, person: Any = FREE, **values: Any) -> list[tuple[str, list[str] | None]]:
    return [(each["code"], each["field"]) for each in (await remove(api, person, **values))["userErrors"]]


async def profile(api: Api, person: Any) -> Any:
    return next(row for row in await api.rows(Profile) if row.id == person.key)


async def found(api: Api, *marks: str) -> dict[str, set[str]]:
    """In which columns of which tables one of these texts stands."""
    places: dict[str, set[str]] = {}
    async with Db(api.database) as db:
        for name, rows in metadata.tables.items():
            for column in rows.columns:
                text = cast(column, Text)
                for mark in {*marks, *(json.dumps(mark)[1:-1] for mark in marks)}:
                    if await db.rows(select(text).where(text.contains(mark, autoescape=True)).limit(1)):
                        places.setdefault(name, set()).add(column.name)
    return places


async def test_everything_goes_at_once_and_the_session_with_it(api: Api) -> None:
    token = await api.token(FREE)
    payload = await remove(api, session=token)
    assert payload == {"deletedId": profile_id(FREE), "userErrors": [], "query": {"viewer": None}}
    assert (await api.ask("{ viewer { id } }", token=token)).codes == ["UNAUTHENTICATED"]
    row = await profile(api, FREE)
    assert (row.password_hash, row.first_name, row.last_name, row.phone, row.city) == (None,) * 5
    assert (row.email, row.deleted_at) == (f"{FREE.key}@deleted.invalid", datetime(2026, 1, 31, 9, tzinfo=UTC))
    assert {each.status for each in await api.rows(Account) if each.owner_id == FREE.key} == {AccountStatus.DELETING}
    machines = await handed_over(api)
    assert [(order.operation.value, order.name) for order in machines.orders] == [("DELETE", "hobby")]


async def test_all_that_is_the_persons_alone_is_gone(api: Api) -> None:
    await api.api_token(OWNER)
    await api.api_token(DELEGATE, only_owner_id=OWNER.key)
    await add_card(api, "card_ok")
    await settled(api, OWNER)
    assert (await remove(api, OWNER))["userErrors"] == []
    for model, column in GONE_WITH:
        assert [row for row in await api.rows(model) if getattr(row, column) == OWNER.key] == [], model.__name__
    assert [row.owner_id for row in await api.rows(PermissionGrant)] == []
    assert {row.state.value for row in await api.rows(PaymentMethod) if row.owner_id == OWNER.key} == {"REMOVED"}
    running = [row for row in await api.rows(Subscription) if row.owner_id == OWNER.key and row.ended_on is None]
    assert running == []
    assert await api.rows(ApiToken) == []


def test_every_table_that_speaks_of_profiles_is_emptied_or_says_why_not() -> None:
    emptied = {model.__tablename__ for model, _ in GONE_WITH}
    naming = {
        name
        for name, rows in metadata.tables.items()
        if {"owner_id", "profile_id", "grantee_id", "sender_id"} & {column.name for column in rows.columns}
    }
    assert naming <= emptied | KEPT.keys()
    assert not emptied & KEPT.keys()


async def test_the_others_are_told_that_grants_ended(api: Api) -> None:
    await settled(api, OWNER)
    await remove(api, OWNER)
    box = Box()
    await sent(api.database, box)
    told = [(str(message["To"]), str(message["Subject"])) for message in box.messages]
    assert {to for to, _ in told} >= {DELEGATE.email, TECH.email, OWNER.email}
    assert any(to == OWNER.email and "profil a été supprimé" in subject for to, subject in told)
    async with Db(api.database) as db:
        granted = await db.rows(select(table(PermissionGrant).c.id))
    assert granted == []


UPDATE = """mutation Update($input: ProfileUpdateInput!) { profileUpdate(input: $input) { userErrors { code } } }"""


async def lived(api: Api) -> list[str]:
    """A company that has done what companies do; what tells who it is."""
    await alone(api)
    await api.api_token(OWNER)
    given = {"identity": {"organizationName": "Zanzibar Forge", "city": "Ouagadougou", "phone": "+33612345678"}}
    assert (await api.ask(UPDATE, {"input": given}, token=await api.token())).data["profileUpdate"]["userErrors"] == []
    await add_card(api, "card_ok")
    await top_up(api, "200.00", {"oneTimeToken": "card_ok"})
    await open_account(api, "shop", "small")
    await save(api, FREE.email, overall=["BILLING"])
    await save(api, OWNER.email, by=FREE, overall=["BILLING"])
    await suspend(api, "TERMS_VIOLATION", "Zanzibar Forge sells what it should not.")
    await lift(api, "TERMS_VIOLATION")
    await settled(api, OWNER)
    await sent(api.database)
    return [OWNER.email, "Zanzibar", "Ouagadougou", "+33612345678"]


async def test_in_the_whole_database_only_documents_tell_who_it_was(api: Api) -> None:
    """PRO-9, BIL-2. Names and addresses stand on invoices, which are kept; nothing else knows them."""
    marks = await lived(api)
    assert {"profile", "invoice", "activity_event", "sandbox_mail"} <= (await found(api, *marks)).keys()
    assert (await remove(api, OWNER))["userErrors"] == []
    await handed_over(api)
    await erased(api)
    (left,) = await api.rows(Erasure)
    assert left.erased_at is None, "the machines have not answered"
    await answer(api)
    await handed_over(api)
    await erased(api)
    (left,) = await api.rows(Erasure)
    assert (left.owner_id, left.address, left.erased_at is not None) == (OWNER.key, None, True)
    for model in (Account, Server, ActivityEvent):
        assert [row for row in await api.rows(model) if row.owner_id == OWNER.key] == []
    assert await found(api, *marks) == {"invoice": {"buyer"}}
    assert {row.last4 for row in await api.rows(PaymentMethod)} == {None}
    await verify(api.database)
    await erased(api)


async def test_others_histories_forget_who_it_was_and_keep_what_happened(api: Api) -> None:
    """Whom somebody granted something, and who did something there, is somebody who is gone."""
    await save(api, FREE.email, overall=["BILLING"])
    await top_up(api, "20.00", {"oneTimeToken": "card_ok"}, FREE, profileId=profile_id(OWNER))
    before = [row for row in await api.rows(ActivityEvent) if row.owner_id == OWNER.key]
    assert any(FREE.email in json.dumps(row.facts) for row in before)
    assert any(row.actor_id == FREE.key and row.ip_address for row in before)
    await settled(api, FREE)
    assert (await remove(api, FREE))["userErrors"] == []
    await handed_over(api)
    await answer(api)
    await handed_over(api)
    await erased(api)
    after = {row.id: row for row in await api.rows(ActivityEvent) if row.owner_id == OWNER.key}
    assert {row.id for row in before} <= after.keys()
    assert not any(FREE.email in json.dumps([row.facts, row.changes]) for row in after.values())
    assert {row.ip_address for row in after.values() if row.actor_id == FREE.key} == {None}
    kept = [(row.id, row.kind, row.occurred_at, row.subject_id, row.actor_id) for row in before]
    assert kept == [(key, *_told(after[key])) for key, *_ in kept]


def _told(row: Any) -> tuple[Any, ...]:
    return row.kind, row.occurred_at, row.subject_id, row.actor_id


async def test_a_worker_that_comes_second_erases_nothing_of_anybody_else(api: Api) -> None:
    """What another worker has erased by then has no address any more, and neither have the mails of most."""
    await api.api_token(OWNER)
    await remove(api, FREE)
    await handed_over(api)
    await answer(api)
    await handed_over(api)
    await erased(api)
    await told(api.database, CREATED, OWNER, times=3, task_id=str(new_id()))
    before = {row.id for row in await api.rows(Delivery)}
    assert before
    async with Db(api.database) as db:
        await erasure._erase(db, FREE.key)
    assert {row.id for row in await api.rows(Delivery)} == before


async def erased(api: Api) -> None:
    """A look of the worker."""
    async with Db(api.database) as db:
        await erasure.erase(db)


async def test_a_history_is_not_touched_but_by_an_erasure(api: Api) -> None:
    """PRO-15. While somebody is erased their rows go; of nobody else, and nothing that says what happened changes."""
    events = table(ActivityEvent)
    for statement in (
        delete(events).where(events.c.owner_id == OWNER.key),
        update(events).where(events.c.owner_id == OWNER.key).values(facts={}),
    ):
        with pytest.raises(DBAPIError):
            await noted(api, statement)
    await noted(api, insert(table(Erasure)).values(owner_id=FREE.key, deleted_at=START))
    with pytest.raises(DBAPIError):
        await noted(api, delete(events).where(events.c.owner_id == OWNER.key))
    for values in ({"kind": "x"}, {"owner_id": FREE.key}, {"occurred_at": START}, {"actor_id": FREE.key}):
        with pytest.raises(DBAPIError):
            await noted(api, update(events).where(events.c.owner_id == OWNER.key).values(**values))
    await noted(api, update(events).where(events.c.owner_id == OWNER.key).values(ip_address=None))


async def noted(api: Api, statement: Any) -> None:
    async with Db(api.database) as db:
        await db.note(statement)


async def test_the_password_a_code_and_the_address_are_asked(api: Api, clock: FrozenClock) -> None:
    assert await codes(api, confirmation="hobby") == [("CONFIRMATION_MISMATCH", ["input", "confirmation"])]
    assert await codes(api, currentPassword="wrong") == [("INVALID_CREDENTIALS", ["input", "currentPassword"])]
    session = await api.two_factor(STAFF)
    assert await codes(api, STAFF, session=session) == [("INVALID_CODE", ["input", "code"])]
    assert await codes(api, STAFF, session=session, code="000000") == [("INVALID_CODE", ["input", "code"])]
    assert (await profile(api, STAFF)).deleted_at is None
    assert await codes(api, STAFF, session=session, code=code_in(clock)) == []
    assert (await profile(api, STAFF)).deleted_at is not None


async def test_case_and_space_of_the_address_do_not_matter(api: Api) -> None:
    assert await codes(api, confirmation=f" {FREE.email.upper()} ") == []


async def test_nobody_leaves_with_debts_or_what_is_not_invoiced_yet(api: Api) -> None:
    await alone(api)
    await pay(api, 100_000)
    await open_account(api, "shop", "small")
    shown = await preview(api, OWNER)
    assert [each["code"] for each in shown["blockers"]] == ["CONFLICT"]
    assert shown["blockers"][0]["message"] == "Une commande reste à facturer, le 31 janvier 2026."
    assert await codes(api, OWNER) == [("CONFLICT", None)]
    await settled(api, OWNER)
    had = round(float(await balance(api)) * 100)
    async with Db(api.database) as db, db.write() as write:
        await adjust(write, OWNER.key, -had, reason="spent")
    await open_account(api, "blog", "small")
    await move(api, "2026-02-03T09:00:00Z")
    assert await balance(api) == "-7.20"
    assert await codes(api, OWNER) == [("CONFLICT", None)]
    await pay(api, 720)
    assert await codes(api, OWNER) == []


async def test_a_payment_under_way_is_waited_for(api: Api) -> None:
    await top_up(api, "20.00", {"oneTimeToken": "card_silent"}, FREE)
    assert await codes(api) == [("CONFLICT", None)]
    await move(api, "2026-02-01T09:00:00Z")
    assert await codes(api) == []


async def test_a_transfer_that_was_announced_is_not_waited_for(api: Api) -> None:
    await top_up(api, "20.00", {"bankTransfer": True}, FREE)
    assert await codes(api) == []
    assert [row.status.value for row in await api.rows(Payment) if row.owner_id == FREE.key] == ["CANCELLED"]


async def test_the_preview_says_what_is_lost(api: Api) -> None:
    """BIL-18. The days that are paid and not over, and the balance."""
    await alone(api)
    await open_account(api, "shop", "small")
    await settled(api, OWNER)
    await pay(api, 1_234)
    shown = await preview(api, OWNER)
    assert shown["confirmation"] == OWNER.email
    assert [each["name"] for each in shown["accounts"]] == ["atelier", "boutique", "forge-api", "forge-web", "shop"]
    assert [each["name"] for each in shown["servers"]] == ["forge"]
    assert shown["forfeited"]["amount"] == "5.57", "6.00 from 31 January to 28 February: 26 of 28 days"
    assert (shown["balanceLost"]["amount"], shown["blockers"]) == ("12.34", [])


async def test_only_the_owner_sees_it_and_no_token_does_it(api: Api) -> None:
    answered = await api.ask(PREVIEW, {"id": profile_id(OWNER)}, token=await api.token(DELEGATE))
    assert answered.codes == ["FORBIDDEN"]
    secret = (await api.api_token(FREE)).secret
    given = {"confirmation": FREE.email, "currentPassword": PASSWORD}
    assert (await api.ask(DELETE, {"input": given}, token=secret)).codes == ["FORBIDDEN"]
    assert (await profile(api, FREE)).deleted_at is None


async def test_the_clock_deletes_what_stays_suspended(api: Api) -> None:
    """PRO-13. 30 days after the suspension, debts or not; the debt stays in the books."""
    await alone(api)
    await open_account(api, "shop", "small")
    await settled(api, OWNER)
    await suspend(api)
    await pay(api, 100)
    await move(api, "2026-03-04T08:59:59Z")
    assert (await profile(api, OWNER)).deleted_at is None
    await move(api, "2026-03-05T00:00:00Z", FREE)
    row = await profile(api, OWNER)
    assert row.deleted_at == datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert (row.suspended_at, row.deletion_at, row.suspension_reason) == (None, None, None)
    assert [row for row in await api.rows(Suspension) if row.owner_id == OWNER.key] == []
    (told,) = await mails(api, "profile_deleted")
    assert told["reason"] == "ILLICIT_CONTENT"
    assert sum(row.left_cents for row in await api.rows(Credit) if row.owner_id == OWNER.key) == 100
    assert len(await documents(api)) >= 1


async def test_who_is_lifted_in_time_is_not_deleted(api: Api) -> None:
    await suspend(api, person=FREE)
    await noted(api, update(table(Suspension)).values(lifted_at=START, next_at=None))
    cleared = {"suspended_at": None, "deletion_at": None, "suspension_reason": None}
    await noted(api, update(table(Profile)).values(**cleared))
    await move(api, "2026-04-01T00:00:00Z")
    assert (await profile(api, FREE)).deleted_at is None


async def test_a_suspended_profile_waits_for_money_that_is_under_way(api: Api) -> None:
    await suspend(api, person=FREE)
    await move(api, "2026-03-02T08:50:00Z")
    await top_up(api, "20.00", {"oneTimeToken": "card_3ds"}, FREE)
    await move(api, "2026-03-02T10:00:00Z")
    assert (await profile(api, FREE)).deleted_at is None
    await move(api, "2026-03-04T10:00:00Z")
    assert (await profile(api, FREE)).deleted_at == datetime(2026, 3, 3, 9, tzinfo=UTC)


async def test_what_is_deleted_is_reached_by_nobody(api: Api) -> None:
    """PER-12. Neither by its id, nor by the team, nor by who signs up with the same address."""
    await remove(api, FREE)
    seen = await api.ask("query($id: ID!) { node(id: $id) { id } }", {"id": profile_id(FREE)}, token=await api.token())
    assert seen.data == {"node": None}
    payload = await suspend(api, person=FREE)
    assert [each["code"] for each in payload["userErrors"]] == ["NOT_FOUND"]
    signed = await api.ask(
        """mutation { sessionCreate(input: {email: "free@example.org", password: "espace-demo-2026"}) {
        session { id } userErrors { code } } }"""
    )
    assert [each["code"] for each in signed.data["sessionCreate"]["userErrors"]] == ["INVALID_CREDENTIALS"]
    assert [row for row in await api.rows(Session) if row.profile_id == FREE.key] == []
    assert [row for row in await api.rows(Alert) if row.owner_id == FREE.key] == []
    assert [row for row in await api.rows(Contract) if row.owner_id == FREE.key] != []
    assert [row for row in await api.rows(Invoice) if row.owner_id == FREE.key] == []


def test_what_stands_in_the_way() -> None:
    nothing = Situation(0, None, False, frozenset({AccountStatus.ACTIVE, AccountStatus.SUSPENDED}))
    assert list(obstacles(nothing)) == []
    everything = Situation(-1, START.date(), True, frozenset({AccountStatus.RENAMING}))
    assert [type(each).__name__ for each in obstacles(everything)] == [
        "BalanceOwed",
        "InvoiceToCome",
        "MoneyUnderWay",
        "SomethingUnderWay",
    ]
    assert len(list(obstacles(everything, automatic=True))) == 3
    left = Situation(0, None, False, frozenset(), planned=True, deciding=True)
    assert [type(each).__name__ for each in obstacles(left)] == ["InterventionPlanned", "FeeUndecided"]
    assert list(obstacles(left, automatic=True)) == []
    assert list(obstacles(Situation(-1, None, False, frozenset()), automatic=True)) == []
    assert list(obstacles(Situation(0, None, False, frozenset({AccountStatus.DELETING})))) == []


def test_an_address_is_taken_out_wherever_it_stands() -> None:
    facts = {"a": "x@y.z", "b": ["to x@y.z", 1, None], "c": {"d": "x@y.z"}, "x@y.z": True}
    others = ["jean.x@y.z", "x@y.z.org", "x@y.zz", "x@y.z-a.org", "+x@y.z"]
    assert without(others, "x@y.z", "?") == others
    assert without("From x@y.z, to <x@y.z>.", "x@y.z", "?") == "From ?, to <?>."
    assert without(facts, "x@y.z", "?") == {"a": "?", "b": ["to ?", 1, None], "c": {"d": "?"}, "x@y.z": True}


def test_days_that_have_not_begun_are_lost_whole() -> None:
    class Period:
        def __init__(self, starts: int, ends: int) -> None:
            self.net_cents = 1_000
            self.starts_on, self.ends_before = START.date() + timedelta(starts), START.date() + timedelta(ends)

    assert forfeited_cents([Period(-5, 5), Period(5, 15)], START.date()) == 1_500
    assert SuspensionReason("INACTIVITY").value == "INACTIVITY"
