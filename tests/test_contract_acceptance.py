"""BIL-19. Contracts: put to whom they concern, accepted once, kept for good."""

import asyncio
import copy
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from app.catalogue_file import SHIPPED
from app.demo import PEOPLE
from app.setting_check import SANDBOX_SECRET
from models.activity import ActivityEvent, Author, Record
from models.catalog import Catalog
from models.column import new_id, table
from models.contract import (
    AlreadyAccepted,
    Contract,
    ContractAcceptance,
    ContractPending,
    ContractVersion,
    Superseded,
    check_accepted,
    concerning,
    in_force,
)
from models.db import Db
from models.link import Link, link_token
from models.profile import REGISTERED, Profile
from resolvers.catalog import load
from resolvers.contract import check_none_pending
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, Api, unsaved
from tests.database import START

CONTRACTS = "{ viewer { contracts { id title version acceptedAt } } }"
ACCEPT = """mutation Accept($id: ID!) { contractAccept(input: {contractId: $id}) {
  contract { version acceptedAt } userErrors { code field message } } }"""
VERIFY = "mutation ($token: String!) { emailVerify(input: { token: $token }) { userErrors { code } } }"
REGISTER = """mutation { profileRegister(input: {email: "new@example.org", password: "correct horse battery staple",
  kind: INDIVIDUAL, locale: EN, acceptTerms: true}) { userErrors { code message } } }"""


@dataclass(frozen=True)
class Version:
    id: UUID
    document: str
    in_force_from: datetime


def version(document: str, year: int) -> Version:
    return Version(new_id(), document, datetime(year, 1, 1, tzinfo=UTC))


FIRST, SECOND, NEXT = version("contract", 2020), version("contract", 2024), version("contract", 2030)
TERMS = version("terms", 2021)
ALL = [NEXT, SECOND, TERMS, FIRST]


def edition(number: str, day: date) -> Catalog:
    """The shipped catalogue with one more version of the contract."""
    file = copy.deepcopy(tomllib.loads(SHIPPED.read_text("utf-8")))
    more = copy.deepcopy(file["contracts"][0])
    file["contracts"].append({**more, "version": number, "in_force_from": day})
    return Catalog.model_validate(file)


async def publish(api: Api, number: str, day: date) -> dict[str, int]:
    async with Db(api.database) as db:
        return await load(db, edition(number, day), ZoneInfo("Europe/Paris"))


async def shown(api: Api, token: str) -> list[tuple[str, str, bool]]:
    """Title, version and whether it was accepted, as they are shown."""
    found = (await api.ask(CONTRACTS, token=token)).data["viewer"]["contracts"]
    return [(each["title"], each["version"], each["acceptedAt"] is not None) for each in found]


async def waiting(api: Api, token: str) -> str:
    """The id of the first contract that waits."""
    found = (await api.ask(CONTRACTS, token=token)).data["viewer"]["contracts"]
    return str(next(each["id"] for each in found if each["acceptedAt"] is None))


async def accepted(api: Api, id: str, token: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.ask(ACCEPT, {"id": id}, token=token)).data["contractAccept"]
    return payload


async def pending(api: Api, owner_id: UUID) -> bool:
    """What opening an account will ask."""
    async with Db(api.database) as db, db.write() as write:
        write.record.happened(REGISTERED, unsaved())
        try:
            await check_none_pending(write, owner_id)
        except ContractPending:
            return True
    return False


# The rules


@pytest.mark.parametrize(
    ("year", "expected"),
    [(2019, set()), (2020, {FIRST.id}), (2023, {FIRST.id, TERMS.id}), (2024, {SECOND.id, TERMS.id})],
)
def test_of_each_document_the_newest_that_has_begun_is_in_force(year: int, expected: set[UUID]) -> None:
    assert in_force(ALL, datetime(year, 1, 1, tzinfo=UTC)) == expected


def test_who_comes_is_asked_for_what_is_in_force_and_what_is_to_come() -> None:
    assert concerning(ALL, START) == {SECOND.id, TERMS.id, NEXT.id}


def test_what_is_in_force_has_to_be_accepted_and_nothing_else() -> None:
    check_accepted(ALL, {SECOND.id, TERMS.id}, START)
    check_accepted([], set(), START)
    for lacking in ({SECOND.id}, {TERMS.id, FIRST.id, NEXT.id}, set()):
        with pytest.raises(ContractPending):
            check_accepted(ALL, lacking, START)


def test_accepting_binds_the_owner_and_names_who_did_it() -> None:
    record = Record(Author(actor_id=DELEGATE.key), START, START)
    contract = Contract(owner_id=OWNER.key, version_id=new_id())
    acceptance = contract.accept(record, accepted=False, latest=True)
    assert (acceptance.owner_id, acceptance.version_id) == (OWNER.key, contract.version_id)
    assert (acceptance.accepted_at, acceptance.actor_id) == (START, DELEGATE.key)
    assert [(event.kind, event.owner_id) for event in record] == [("contract.accepted", OWNER.key)]


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ({"accepted": True, "latest": True}, AlreadyAccepted),
        ({"accepted": True, "latest": False}, AlreadyAccepted),
        ({"accepted": False, "latest": False}, Superseded),
    ],
)
def test_a_refused_acceptance_states_nothing(state: dict[str, bool], refusal: type[Exception]) -> None:
    record = Record(Author(), START, START)
    with pytest.raises(refusal):
        Contract(owner_id=OWNER.key, version_id=new_id()).accept(record, **state)
    assert record.events == []


# Over the API


async def test_the_demo_has_accepted_what_is_in_force(api: Api) -> None:
    assert await shown(api, await api.token(OWNER)) == [
        ("Contrat d’hébergement", "2020-03", True),
        ("Conditions d’utilisation", "2020-03", True),
    ]
    assert await shown(api, await api.token(FREE)) == [
        ("Hosting contract", "2020-03", True),
        ("Terms of use", "2020-03", True),
    ]
    assert not await pending(api, OWNER.key)


async def test_a_new_version_is_put_to_everybody_and_waits_until_it_is_accepted(api: Api) -> None:
    owner, free = await api.token(OWNER), await api.token(FREE)
    assert await publish(api, "2026-11", date(2026, 11, 1)) == {"contract_version": 1, "contract": 6}
    assert await publish(api, "2026-11", date(2026, 11, 1)) == {}
    assert [each[1:] for each in await shown(api, owner)] == [("2026-11", False), ("2020-03", True), ("2020-03", True)]
    assert await pending(api, OWNER.key)
    payload = await accepted(api, await waiting(api, owner), owner)
    assert payload == {"contract": {"version": "2026-11", "acceptedAt": "2026-11-22T09:00:00Z"}, "userErrors": []}
    assert not await pending(api, OWNER.key)
    assert await pending(api, FREE.key)
    assert [each[2] for each in await shown(api, free)] == [False, True, True]
    (row,) = [each for each in await api.rows(ContractAcceptance) if each.accepted_at == START]
    assert (row.owner_id, row.actor_id) == (OWNER.key, OWNER.key)
    (fact,) = [each for each in await api.rows(ActivityEvent) if each.kind == "contract.accepted"]
    assert (fact.owner_id, fact.subject_type) == (OWNER.key, "Contract")


async def test_a_version_to_come_can_be_accepted_early_and_does_not_count_before(api: Api) -> None:
    await publish(api, "2027-01", date(2027, 1, 1))
    token = await api.token(OWNER)
    assert not await pending(api, OWNER.key)
    payload = await accepted(api, await waiting(api, token), token)
    assert payload["userErrors"] == []


async def test_what_was_accepted_or_replaced_is_not_accepted_again(api: Api) -> None:
    await publish(api, "2026-10", date(2026, 10, 1))
    token = await api.token(OWNER)
    old = await waiting(api, token)
    await publish(api, "2026-11", date(2026, 11, 1))
    new = await waiting(api, token)
    assert new != old
    assert (await accepted(api, old, token))["userErrors"] == [
        {
            "code": "CONFLICT",
            "field": None,
            "message": "Une version plus récente de ce contrat est en vigueur : c’est elle qu’il faut accepter.",
        }
    ]
    assert (await accepted(api, new, token))["userErrors"] == []
    before = await api.rows(ContractAcceptance)
    assert [error["code"] for error in (await accepted(api, new, token))["userErrors"]] == ["CONFLICT"]
    assert await api.rows(ContractAcceptance) == before


async def test_anothers_contract_is_as_unknown_as_none(api: Api) -> None:
    await publish(api, "2026-11", date(2026, 11, 1))
    theirs = await waiting(api, await api.token(FREE))
    token = await api.token(OWNER)
    answers = [await accepted(api, id, token) for id in (theirs, global_id("Contract", new_id()), "nonsense")]
    assert answers[0] == answers[1] == answers[2]
    assert [error["code"] for error in answers[0]["userErrors"]] == ["NOT_FOUND"]


async def confirmed(api: Api) -> None:
    """Everybody who signed up follows the link of the mail."""
    for link in await api.rows(Link):
        answer = await api.ask(VERIFY, {"token": link_token(SANDBOX_SECRET, link.id)})
        assert answer.data["emailVerify"]["userErrors"] == []


async def test_who_signs_up_accepts_the_terms_and_the_contract_waits(api: Api) -> None:
    """Once the address is confirmed."""
    assert (await api.ask(REGISTER)).data["profileRegister"]["userErrors"] == []
    assert {row.owner_id for row in await api.rows(Contract)} <= {person.key for person in PEOPLE}
    await confirmed(api)
    profile = next(row for row in await api.rows(Profile) if row.email == "new@example.org")
    versions = {row.id: row.document for row in await api.rows(ContractVersion)}
    put = {versions[row.version_id] for row in await api.rows(Contract) if row.owner_id == profile.id}
    signed = [row for row in await api.rows(ContractAcceptance) if row.owner_id == profile.id]
    assert put == {"contract", "terms"}
    assert [(versions[row.version_id], row.accepted_at, row.actor_id) for row in signed] == [
        ("terms", START, profile.id)
    ]
    assert await pending(api, profile.id)


async def test_who_signs_up_while_a_version_is_published_is_asked_for_it(api: Api) -> None:
    registrations = [
        api.ask(REGISTER.replace("new@", f"new{number}@"), x_forwarded_for=f"192.0.2.{number}") for number in range(4)
    ]
    answers = await asyncio.gather(*registrations)
    assert [answer.data["profileRegister"]["userErrors"] for answer in answers] == [[]] * 4
    await asyncio.gather(confirmed(api), publish(api, "2026-11", date(2026, 11, 1)))
    newest = next(row.id for row in await api.rows(ContractVersion) if row.version == "2026-11")
    put = {row.owner_id for row in await api.rows(Contract) if row.version_id == newest}
    assert put == {row.id for row in await api.rows(Profile)}


async def test_an_acceptance_is_kept_for_good(api: Api) -> None:
    rows = table(ContractAcceptance)
    before = await api.rows(ContractAcceptance)
    async with Db(api.database) as db:
        for change in (update(rows).values(actor_id=None), delete(rows)):
            with pytest.raises(IntegrityError, match="append-only"):
                await db.note(change)
        await db.note(delete(table(Profile)).where(table(Profile).c.id == DELEGATE.key))
    assert await api.rows(ContractAcceptance) == before
    assert {row.owner_id for row in await api.rows(Contract)} == {row.owner_id for row in before} - {DELEGATE.key}
