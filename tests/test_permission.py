"""PER-11, PER-12. One model decides: `decide` case by case, and the rows that SQL lets through the same."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from app.demo_hosting import ACCOUNT_KEYS
from engine.declare import Source
from models.activity import Author, Record
from models.alert import About, Alert, AlertKind, open_alert
from models.column import new_id
from models.context import Context
from models.db import Db
from models.decision import Denial, decide
from models.grant import PermissionGrant
from models.migration import Migration
from models.permission import (
    AccountPermission,
    DenialReason,
    OverallPermission,
    Requirement,
    ServerPermission,
    Subject,
)
from models.ticket_category import TicketCategory
from models.transfer import Transfer, TransferMode, TransferStatus
from models.viewer import ANYBODY, Viewer
from resolvers.right import with_rights
from schema.directive import Authorize
from schema.global_id import global_id
from schema.node import SOURCES
from tests.api import DELEGATE, FREE, OWNER, Api
from tests.booking import invoiced
from tests.granting import a_grant, a_server, an_account, put
from tests.paying import add_card, token, top_up
from tests.support import planned
from tests.test_export import ask
from tests.tickets import a_file, a_ticket

ME, OTHER = new_id(), new_id()
SIGNED_IN = Viewer(profile_id=ME, session_id=new_id(), interactive=True)
BILLING = OverallPermission.BILLING


@pytest.mark.parametrize(
    ("viewer", "requirement", "owner", "reason"),
    [
        (ANYBODY, Requirement(), None, DenialReason.UNAUTHENTICATED),
        (ANYBODY, Requirement(), ME, DenialReason.UNAUTHENTICATED),
        (SIGNED_IN, Requirement(), None, DenialReason.OWNER_ONLY),
        (SIGNED_IN, Requirement(related=True), None, DenialReason.OWNER_ONLY),
        (SIGNED_IN, Requirement(), ME, None),
        (SIGNED_IN, Requirement(), OTHER, DenialReason.OWNER_ONLY),
        (SIGNED_IN, Requirement(related=True), OTHER, DenialReason.OWNER_ONLY),
        (SIGNED_IN, Requirement(overall=(BILLING,)), ME, None),
        (SIGNED_IN, Requirement(overall=(BILLING,)), OTHER, DenialReason.PERMISSION_MISSING),
        (SIGNED_IN, Requirement(two_factor=True), ME, DenialReason.TWO_FACTOR_REQUIRED),
        (Viewer(profile_id=ME, two_factor=True), Requirement(two_factor=True), ME, None),
        (Viewer(profile_id=ME), Requirement(interactive=True), ME, DenialReason.TOKEN_SCOPE),
        (Viewer(profile_id=ME), Requirement(interactive=True), OTHER, DenialReason.TOKEN_SCOPE),
        (Viewer(profile_id=ME, only_owner_id=ME), Requirement(), ME, None),
        (Viewer(profile_id=ME, only_owner_id=ME), Requirement(), OTHER, DenialReason.TOKEN_SCOPE),
        (Viewer(profile_id=ME, only_owner_id=OTHER), Requirement(), ME, DenialReason.TOKEN_SCOPE),
        (Viewer(profile_id=ME, only_owner_id=OTHER), Requirement(), OTHER, DenialReason.OWNER_ONLY),
        (Viewer(profile_id=ME, only_owner_id=OTHER), Requirement(), None, DenialReason.TOKEN_SCOPE),
    ],
)
def test_the_decision(
    viewer: Viewer, requirement: Requirement, owner: UUID | None, reason: DenialReason | None
) -> None:
    denial = decide(viewer, requirement, Subject(owner))
    assert (denial.reason if denial else None) is reason


def test_a_denial_names_the_permission_that_would_help() -> None:
    denial = decide(SIGNED_IN, Requirement(overall=(BILLING, OverallPermission.ACCOUNT_MANAGEMENT)), Subject(OTHER))
    assert denial is not None
    assert denial.missing is BILLING


GUARDED = [kind for kind, source in SOURCES.items() if isinstance(source.gate, Authorize)]
THROUGH_THEIR_GRANT = {"AccountGrant", "ServerGrant"}
"""Rows without an id or a gate, reached by selects of their grant alone: see tests/test_grant.py."""


def test_what_anybody_may_see_belongs_to_nobody() -> None:
    open_ones = {kind: source for kind, source in SOURCES.items() if kind not in GUARDED}
    sold = {"InterventionRate", "Plan", "ServerOption", "ServiceLevel"}
    assert {kind.__name__ for kind in open_ones} == sold | THROUGH_THEIR_GRANT
    assert [kind for kind, source in open_ones.items() if source.subject or "owner_id" in source.table.c] == []


async def test_sql_lets_through_exactly_the_rows_that_are_decided(api: Api) -> None:
    """Every type, for everybody who holds one permission, every permission, or none, in every kind of session."""
    server = await a_server(api)
    keys = await an_account(api), await an_account(api, "there", server_id=server), server
    await an_account(api, "theirs", FREE)
    for person in (OWNER, DELEGATE, OWNER):
        await api.token(person)
        await api.api_token(person)
    for person in (OWNER, FREE):
        await invoiced(api.database, person.key, 600)
        await add_card(api, "card_ok", person)
        await top_up(api, "10", token("card_ok"), person)
    for person in (OWNER, FREE):
        await every_alert(api, person, keys[0] if person is OWNER else None, server if person is OWNER else None)
    await a_file(api, OWNER)
    for category in TicketCategory:  # TIC-2. Of each topic, about nothing, an account, one on a server, and a server.
        for about in ({}, *({"accountId": global_id("Account", key)} for key in keys[:2])):
            await a_ticket(api, category=category, **about)
        await a_ticket(api, category=category, serverId=global_id("Server", server))
        await a_ticket(api, FREE, category=category)
    offers = [await an_offer(api, OWNER, FREE, keys[0]), await an_offer(api, FREE, OWNER, ACCOUNT_KEYS["hobby"])]
    await an_offer(api, FREE, OWNER, None)
    await planned(api)
    await ask(api)
    owner = Viewer(profile_id=OWNER.key, interactive=True)
    for kind in GUARDED:
        found = await shown(api, SOURCES[kind], owner)
        assert found or kind.__name__ == "PermissionGrant", f"the demo has no {kind.__name__} of {OWNER.email}"
    seen = 0
    async for viewer in callers(api, *keys):
        for kind in GUARDED:
            expected = await allowed(api, SOURCES[kind], viewer)
            if kind.__name__ == "Profile":
                expected |= await grantees(api, viewer)
                expected |= {offer.recipient for offer in offers if offer.sender == viewer.own_id}
                expected |= {offer.sender for offer in offers if offer.recipient == viewer.party_id}
            if kind.__name__ == "Account":
                expected |= {offer.account for offer in offers if offer.recipient == viewer.party_id}
            assert await shown(api, SOURCES[kind], viewer) == expected, (kind.__name__, viewer)
            seen += len(expected)
    assert seen > 500


async def every_alert(api: Api, person: Any, account: UUID | None, server: UUID | None) -> None:
    """ALE-3. One of each kind, about an account, a server or neither; and a migration of each."""
    now = api.database.clock.now()
    record = Record(Author(), now, now)
    for kind in AlertKind:
        for of, on in ((None, None), (account, None), (None, server)):
            about = About("Profile", person.key, new_id(), account_id=of, server_id=on)
            await put(api, Alert, **open_alert(record, person.key, kind, about=about).model_dump())
    for of, on in ((account, None), (None, server)):
        row = Migration(
            owner_id=person.key, account_id=of, server_id=on, name="shop", summary="More.", scheduled_for=now.date()
        )
        await put(api, Migration, **row.model_dump())


class Offer(NamedTuple):
    """A transfer that waits; in SQL alone the parties know each other, and the recipient what is offered."""

    sender: UUID
    recipient: UUID
    account: UUID


async def an_offer(api: Api, sender: Any, recipient: Any, account_id: UUID | None) -> Offer:
    """A transfer that waits; without an account one that was declined."""
    now, waits = api.database.clock.now(), account_id is not None
    status, closed_at = (TransferStatus.PENDING, None) if waits else (TransferStatus.DECLINED, now)
    parties: dict[str, Any] = {"sender_id": sender.key, "recipient_id": recipient.key}
    state: dict[str, Any] = {"status": status, "closed_at": closed_at, "created_at": now, "expires_at": now}
    mode = TransferMode.KEEP_END_DATE
    await put(api, Transfer, name="shop", mode=mode, account_id=account_id, **parties, **state)
    return Offer(sender.key, recipient.key, account_id or new_id())


async def callers(api: Api, account: UUID, there: UUID, server: UUID) -> AsyncIterator[Viewer]:
    """The owner, strangers, and a delegate with each permission there is, as tokens and sessions of all kinds."""
    delegate = Viewer(profile_id=DELEGATE.key, interactive=True)
    yield ANYBODY
    for person in (OWNER, DELEGATE, FREE):
        yield Viewer(profile_id=person.key, interactive=True)
    narrowings: list[dict[str, Any]] = [
        {"only_owner_id": DELEGATE.key},
        {"only_account_id": account},
        {"only_account_id": there},
    ]
    for narrowed in narrowings:
        yield await loaded(api, Viewer(profile_id=OWNER.key, **narrowed))
    for permission in (*OverallPermission, *AccountPermission, *ServerPermission):
        overall = [permission] if isinstance(permission, OverallPermission) else []
        on_accounts = {key: [permission] for key in (account, there) if isinstance(permission, AccountPermission)}
        on_servers = {server: [permission]} if isinstance(permission, ServerPermission) else {}
        await a_grant(api, DELEGATE, *overall, accounts=on_accounts, servers=on_servers)
        yield await loaded(api, delegate)
    for flagged in (False, True):
        await a_grant(api, DELEGATE, *OverallPermission, flagged=flagged)
        kinds: list[dict[str, Any]] = [
            {},
            {"two_factor": True},
            {"email_verified": False},
            {"only_owner_id": OWNER.key},
        ]
        for given in kinds:
            yield await loaded(api, replace(delegate, **given))
        for key in (account, there):
            yield await loaded(api, replace(delegate, only_account_id=key, two_factor=True))


async def loaded(api: Api, viewer: Viewer) -> Viewer:
    async with Db(api.database) as db:
        return await with_rights(db, viewer)


async def grantees(api: Api, viewer: Viewer) -> set[UUID]:
    """Whoever grants something sees to whom; in SQL alone, as nothing asks `decide` about it."""
    return {row.grantee_id for row in await api.rows(PermissionGrant) if row.owner_id == viewer.own_id}


async def shown(api: Api, source: Source, viewer: Viewer) -> set[UUID]:
    """The rows that the gate lets this caller reach, in SQL."""
    assert isinstance(source.gate, Authorize)
    async with Db(api.database) as db:
        context = Context(db, viewer, api.database.clock, None, None)  # type: ignore[arg-type]
        if not source.gate.admits(context):
            return set()
        filtered = source.gate.rows(source.subject_of(source.table.c.__getitem__))
        rows = await db.rows(select(source.table.c.id).where(filtered), context.bindings)
    return {row.id for row in rows}


async def allowed(api: Api, source: Source, viewer: Viewer) -> set[UUID]:
    """The rows that the model decides this caller may reach, one by one."""
    assert isinstance(source.gate, Authorize)
    async with Db(api.database) as db:
        rows = await db.rows(select(source.table))
    return {
        row.id
        for row in rows
        if decided(viewer, source.gate.requirement, source.subject_of(row._mapping.__getitem__)) is None
    }


def decided(viewer: Viewer, requirement: Requirement, subject: Subject[UUID] | None) -> Denial | None:
    """What names no owner belongs to whoever looks at it."""
    return decide(viewer, requirement, subject or Subject(viewer.own_id))


def test_rows_name_the_type_that_they_are_in_the_api() -> None:
    models = {mapper.local_table: mapper.class_ for mapper in SQLModel._sa_registry.mappers}
    for kind, source in SOURCES.items():
        named = getattr(models[source.table], "activity_type", kind.__name__)
        assert named in {other.__name__ for other, beside in SOURCES.items() if beside.table is source.table}
