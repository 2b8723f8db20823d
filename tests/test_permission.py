"""PER-11, PER-12. One model decides: `decide` case by case, and the rows that SQL lets through the same."""

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from engine.declare import Source
from models.column import new_id
from models.context import Context
from models.db import Db
from models.decision import Denial, decide
from models.permission import DenialReason, OverallPermission, Requirement, Subject
from models.viewer import ANYBODY, Viewer
from schema.directive import Authorize, Public
from schema.node import SOURCES
from tests.api import DELEGATE, OWNER, Api

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


GUARDED = [kind for kind, source in SOURCES.items() if not isinstance(source.gate, Public)]


def test_what_anybody_may_see_belongs_to_nobody() -> None:
    open_ones = {kind: source for kind, source in SOURCES.items() if kind not in GUARDED}
    assert {kind.__name__ for kind in open_ones} == {"InterventionRate", "Plan", "ServerOption", "ServiceLevel"}
    assert [kind for kind, source in open_ones.items() if source.subject or "owner_id" in source.table.c] == []


@pytest.mark.parametrize("kind", GUARDED, ids=lambda kind: kind.__name__)
async def test_sql_lets_through_exactly_the_rows_that_are_decided(api: Api, kind: type) -> None:
    for person in (OWNER, DELEGATE, OWNER):
        await api.token(person)
        await api.api_token(person)
    source = SOURCES[kind]
    owner = Viewer(profile_id=OWNER.key, interactive=True)
    assert await shown(api, source, owner), f"the demo has no {kind.__name__} of {OWNER.email}: nothing is compared"
    narrowed = [Viewer(profile_id=OWNER.key, only_owner_id=person.key) for person in (OWNER, DELEGATE)]
    signed_in = [Viewer(profile_id=person.key, interactive=True) for person in (OWNER, DELEGATE)]
    for viewer in (ANYBODY, *signed_in, *narrowed):
        assert await shown(api, source, viewer) == await allowed(api, source, viewer)


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
