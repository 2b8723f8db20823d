"""Section 14. People of the staff: who gets in, what their roles let them do, and what customers see of it."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from graphql import GraphQLInputObjectType, get_named_type
from sqlalchemy import delete, update
from typer.testing import CliRunner

from app.credential import CSRF, CSRF_HEADER, SESSION
from app.doctor import complaints
from app.main import open_database
from app.migration import upgrade
from app.mode import Mode
from app.settings import Settings
from app.staff import staff as commands
from engine.bind import Bound
from models.activity import ActivityEvent
from models.clock import RealClock
from models.column import new_id, table
from models.db import Database, Db
from models.profile import CREATED, Profile
from models.refusal import NotFound
from models.secret import csrf_token
from models.session import Session, SessionTransport
from models.staff import NoRole, OwnProfile, RoleThere, StaffMember, StaffRole, decide_desk, refuse_own
from models.suspension import Suspension
from models.viewer import Granted, Viewer
from resolvers import staff as acts
from schema.global_id import global_id
from schema.staff import build
from tests.api import DELEGATE, FREE, OWNER, STAFF, Api, profile_id, serving
from tests.granting import a_grant
from tests.test_access import staff

SUSPEND = (
    "mutation($input: ProfileSuspendInput!) { profileSuspend(input: $input) { changed userErrors { code field } } }"
)
HISTORY = """{ viewer { activity(filter: {action: "profile.suspended"}) { nodes {
  channel reason ipAddress actor { __typename displayName } } } } }"""
ANYTHING = "{ quarantinedNotices { problem } }"
WHY = "They host what nobody may host"


def suspension(person: Any = FREE, **more: Any) -> dict[str, Any]:
    said = {"profileId": profile_id(person), "reason": "ILLICIT_CONTENT", "text": "Your site", "why": WHY}
    return {"input": {**said, **more}}


async def only(api: Api, person: Any, *roles: StaffRole) -> None:
    """This person has these roles and no other."""
    members = table(StaffMember)
    async with Db(api.database) as db:
        await db.note(delete(members).where(members.c.profile_id == person.key, members.c.role.not_in(roles)))


# The rule


def person(*roles: StaffRole, **values: Any) -> Viewer:
    said = {"profile_id": STAFF.key, "interactive": True, "two_factor": True, "roles": frozenset(roles)}
    return Viewer(**{**said, **values})


def test_a_role_does_as_well_as_the_scope_that_goes_with_it() -> None:
    for scope, role in (
        ("ABUSE", StaffRole.ABUSE),
        ("PAYMENTS", StaffRole.BILLING),
        ("PROVISIONING", StaffRole.SUPPORT),
    ):
        assert decide_desk(person(role), scope=scope) is None
        for other in set(StaffRole) - {role}:
            denial = decide_desk(person(other), scope=scope)
            assert denial is not None
            assert denial.missing == role
    assert all(decide_desk(person(role), scope="ACCESS_CHECK") is not None for role in StaffRole)


def test_without_two_factors_or_a_session_a_role_is_nothing() -> None:
    without: list[dict[str, Any]] = [{"two_factor": False}, {"interactive": False}, {"roles": frozenset()}]
    for lacking in without:
        assert decide_desk(person(StaffRole.ABUSE, **lacking), scope="ABUSE") is not None
        assert decide_desk(person(StaffRole.ABUSE, **lacking)) is not None


def test_a_service_has_no_role() -> None:
    service = Viewer(service_id=STAFF.key, scopes=frozenset({"ABUSE"}))
    assert decide_desk(service, scope="ABUSE") is None
    assert decide_desk(service, role=StaffRole.ABUSE) is not None
    assert decide_desk(service) is not None


def test_nobody_acts_on_a_profile_of_their_own() -> None:
    with pytest.raises(OwnProfile):
        refuse_own(person(StaffRole.ABUSE), STAFF.key, gives=False)
    refuse_own(person(StaffRole.ABUSE), FREE.key)
    billing = person(StaffRole.ABUSE, granted={FREE.key: Granted(overall=2)})
    with pytest.raises(OwnProfile):
        refuse_own(billing, FREE.key)
    # A customer who grants the staff something is suspended all the same.
    refuse_own(billing, FREE.key, gives=False)


# Who gets in


async def test_somebody_of_the_staff_signs_in_with_two_factors(api: Api) -> None:
    answer = await staff(api, await api.two_factor(STAFF), ANYTHING)
    assert answer.data == {"quarantinedNotices": []}


@pytest.mark.parametrize("who", ["customer", "one factor", "api token", "suspended", "unverified", "gone"])
async def test_nobody_else_gets_in(api: Api, who: str) -> None:
    person = OWNER if who == "customer" else STAFF
    secret = await (api.token(person) if who == "one factor" else api.two_factor(person))
    profiles, code = table(Profile), "TWO_FACTOR_REQUIRED" if who == "one factor" else "FORBIDDEN"
    if who == "api token":
        secret = (await api.api_token(STAFF)).secret
    lacking: dict[str, dict[str, Any]] = {
        "suspended": {"suspended_at": api.database.clock.now()},
        "unverified": {"email_verified_at": None},
    }
    async with Db(api.database) as db:
        if who in lacking:
            await db.note(update(profiles).where(profiles.c.id == STAFF.key).values(**lacking[who]))
        if who == "gone":
            await acts.remove(db, STAFF.email, [])
    for document in (ANYTHING, "{ __schema { types { name } } }"):
        answer = await staff(api, secret, document)
        assert (answer.status, answer.codes) == (403, [code])
        assert "data" not in answer.body


async def test_a_session_that_ended_is_nobody_s(api: Api) -> None:
    secret = await api.two_factor(STAFF)
    async with Db(api.database) as db:
        await db.note(update(table(Session)).values(ended_at=api.database.clock.now()))
    assert (await staff(api, secret, ANYTHING)).status == 401


async def test_a_cookie_counts_as_at_the_customers_endpoint(api: Api) -> None:
    await api.two_factor(STAFF)
    opened = await api.opened(STAFF, SessionTransport.COOKIE)
    async with Db(api.database) as db:
        await db.note(update(table(Session)).values(two_factor_at=api.database.clock.now()))
    token = csrf_token(Settings().secret_key, opened.secret)
    cookies = {"cookie": f"{SESSION}={opened.secret}; {CSRF}={token}"}
    assert (await staff(api, None, ANYTHING, **cookies)).status == 403
    answer = await staff(api, None, ANYTHING, **cookies, **{CSRF_HEADER: token})
    assert answer.data == {"quarantinedNotices": []}


async def test_people_call_from_the_list_of_addresses_only(api: Api, database: Database, bound: Bound) -> None:
    """Whoever calls from elsewhere is told the same, staff or not; services have lists of their own."""
    secret, customer = await api.two_factor(STAFF), await api.two_factor(OWNER)
    async with serving(database, bound, rate_limits=False, staff_networks=["198.51.100.0/24"]) as served:
        for each in (secret, customer):
            answer = await staff(served, each, ANYTHING)
            assert (answer.status, answer.codes) == (403, ["IP_NOT_ALLOWED"])
    async with serving(database, bound, rate_limits=False, staff_networks=["127.0.0.0/8"]) as served:
        assert (await staff(served, secret, ANYTHING)).status == 200


def test_without_a_list_production_lets_nobody_in() -> None:
    assert Settings().is_of_staff("192.0.2.1")
    real: dict[str, Any] = {"mode": Mode.PRODUCTION, "secret_key": "x" * 32, "tls_only_cookies": True}
    real["bank_iban"] = "DE89370400440532013000"
    there = Settings(**real, public_url="https://espace.example")
    assert not there.is_of_staff("192.0.2.1")
    listed = Settings(
        **{**real, "public_url": "https://espace.example", "staff_networks": "192.0.2.0/24, 2001:db8::/32"}
    )
    addresses = "192.0.2.1", "2001:db8::1", "198.51.100.1", "x"
    assert [listed.is_of_staff(each) for each in addresses] == [True, True, False, False]


# What they do


async def test_a_role_is_needed(api: Api) -> None:
    await only(api, STAFF, StaffRole.SUPPORT)
    answer = await staff(api, await api.two_factor(STAFF), SUSPEND, suspension())
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["missing"] == "ABUSE"
    assert await api.rows(Suspension) == []


async def test_a_person_says_why(api: Api) -> None:
    secret = await api.two_factor(STAFF)
    for why in (None, " ", "x" * 501):
        answer = await staff(api, secret, SUSPEND, suspension(why=why))
        (error,) = answer.data["profileSuspend"]["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID" if why and why.strip() else "REQUIRED", ["input", "why"])
    assert await api.rows(Suspension) == []


async def test_the_customer_reads_why_and_not_who_or_from_where(api: Api) -> None:
    """PRO-15. Not even where they granted that person something, and so see the profile otherwise."""
    await a_grant(api, STAFF, owner=FREE)
    answer = await staff(api, await api.two_factor(STAFF), SUSPEND, suspension())
    assert answer.data["profileSuspend"] == {"changed": True, "userErrors": []}
    nodes = (await api.ask(HISTORY, token=await api.token(FREE))).data["viewer"]["activity"]["nodes"]
    assert nodes == [
        {
            "channel": "SUPPORT",
            "reason": WHY,
            "ipAddress": None,
            "actor": {"__typename": "SupportAgent", "displayName": "Sacha"},
        }
    ]
    (event,) = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.suspended"]
    assert (event.actor_id, event.session_id is not None) == (STAFF.key, True)


async def test_a_role_that_was_taken_back_meanwhile_counts_no_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, real = await api.two_factor(STAFF), acts.at_desk

    async def then_gone(db: Db, viewer: Viewer) -> Viewer:
        found = await real(db, viewer)
        async with Db(api.database) as other:
            await acts.remove(other, STAFF.email, [StaffRole.ABUSE])
        return found

    monkeypatch.setattr(acts, "at_desk", then_gone)
    answer = await staff(api, secret, SUSPEND, suspension())
    assert answer.codes == ["UNAUTHENTICATED"]
    assert await api.rows(Suspension) == []


async def test_nobody_suspends_or_lifts_for_themselves(api: Api) -> None:
    answer = await staff(api, await api.two_factor(STAFF), SUSPEND, suspension(STAFF))
    assert [error["code"] for error in answer.data["profileSuspend"]["userErrors"]] == ["INVALID"]
    assert await api.rows(Suspension) == []


def test_every_mutation_that_people_may_call_has_a_place_for_their_reason() -> None:
    """Whatever a noun adds: without one, nobody of the staff could call it."""
    mutations = build().graphql.mutation_type
    assert mutations is not None
    for name, field in mutations.fields.items():
        there = cast(GraphQLInputObjectType, get_named_type(field.args["input"].type))
        if name != "domainReport":  # No role goes with its scope: only services tell of domains.
            assert {"why", "reason"} & set(there.fields), name


OTHERWISE = {
    "transferId": str(new_id()),
    "plan": "gold",
    "committed": False,
    "cpu": "8 cores",
    "disks": "1 TB",
    "memoryMegabytes": 1024,
    "trafficGigabytes": 1,
    "name": "anvil",
    "period": "YEARLY",
    "subject": "x",
    "body": "x",
    "category": "BILLING",
    "agent": "Ada",
}
"""What some of them ask for besides."""


async def test_nothing_is_done_to_a_profile_of_their_own(api: Api) -> None:
    """Every mutation that names a profile, whatever a noun adds."""
    secret, mutations = await api.two_factor(STAFF), build().graphql.mutation_type
    assert mutations is not None
    case, asked = global_id("AccessRecovery", STAFF.key), set()
    for name, field in mutations.fields.items():
        there = cast(GraphQLInputObjectType, get_named_type(field.args["input"].type))
        if "profileId" not in there.fields:
            continue
        said = {
            "profileId": profile_id(STAFF),
            "recoveryId": case,
            "reason": "ILLICIT_CONTENT",
            "text": "x",
            "why": WHY,
            **OTHERWISE,
        }
        given = {key: value for key, value in said.items() if key in there.fields}
        document = f"mutation($input: {there.name}!) {{ {name}(input: $input) {{ userErrors {{ code field }} }} }}"
        payload = (await staff(api, secret, document, {"input": given})).data[name]
        asked.add(name)
        assert [error["code"] for error in payload["userErrors"]] == ["INVALID"], name
    assert {"profileSuspend", "profileSuspensionLift", "termsAlertOpen", "termsAlertResolve", "customerOpen"} <= asked


# Operators


async def test_roles_are_given_and_taken_by_operators(api: Api) -> None:
    async with Db(api.database) as db:
        await acts.add(db, DELEGATE.email.upper(), [StaffRole.ABUSE])
        with pytest.raises(RoleThere):
            await acts.add(db, DELEGATE.email, [StaffRole.ABUSE])
        with pytest.raises(NotFound):
            await acts.add(db, "nobody@example.org", [StaffRole.ABUSE])
        with pytest.raises(NoRole):
            await acts.remove(db, DELEGATE.email, [StaffRole.ADMIN])
    secret = await api.two_factor(DELEGATE)
    assert (await staff(api, secret, SUSPEND, suspension())).data["profileSuspend"]["changed"]
    async with Db(api.database) as db:
        await acts.remove(db, DELEGATE.email, [])
    assert (await staff(api, secret, SUSPEND, suspension())).status == 403


async def test_the_doctor_says_that_nobody_gets_in(tmp_path: Path) -> None:
    real: dict[str, Any] = {"mode": "production", "secret_key": "x" * 32, "tls_only_cookies": True}
    real["bank_iban"] = "DE89370400440532013000"
    real |= {"public_url": "https://espace.example", "database_url": f"sqlite:///{tmp_path}/none.sqlite"}
    said = "ESPACE_STAFF_NETWORKS is not set: nobody of the staff reaches /staff/graphql."
    for networks, told in (("", True), ("192.0.2.0/24", False)):
        found = await complaints(Settings.model_validate({**real, "staff_networks": networks}))
        assert (said in found) is told


def test_operators_give_roles_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/espace.sqlite")
    monkeypatch.setenv("ESPACE_DATABASE_URL", settings.database_url)

    async def a_profile() -> None:
        database = open_database(settings, RealClock())
        await upgrade(database)
        now = database.clock.now()
        async with Db(database) as db, db.write() as write:
            kim = Profile(email="kim@example.org", email_verified_at=now, password_changed_at=now, created_at=now)
            write.add(kim)
            write.record.happened(CREATED, kim)
        await database.close()

    asyncio.run(a_profile())
    run = CliRunner().invoke
    assert run(commands, ["add", "KIM@example.org", "--role", "support", "--role", "ABUSE"]).exit_code == 0
    shown = run(commands, ["list"]).output
    roles = [line.split()[:2] for line in shown.splitlines()]
    assert roles == [["kim@example.org", role] for role in ("ABUSE", "SUPPORT")]
    assert "two-factor authentication is off" in shown
    again = run(commands, ["add", "kim@example.org", "--role", "ABUSE"])
    nobody = run(commands, ["remove", "x@y.example"])
    assert [(each.exit_code, each.stderr.strip()) for each in (again, nobody)] == [
        (1, "The profile has this role already."),
        (1, "Nobody signs in with x@y.example, confirmed."),
    ]
    assert run(commands, ["remove", "kim@example.org"]).exit_code == 0
    assert run(commands, ["list"]).output == ""
