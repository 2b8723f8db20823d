"""ALE-2. Migrations: told of, applied by the customer or on their day, and tried again where that failed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app.demo import seed
from app.demo_hosting import ACCOUNT_KEYS, FORGE
from models.activity import Author, Record
from models.alert import AlertKind, AlertStatus, open_alert
from models.clock import FrozenClock
from models.column import new_id
from models.db import Database
from models.migration import Migration, MigrationStatus, schedule
from models.permission import AccountPermission, OverallPermission, ServerPermission
from models.provisioning import Outcome, ProvisioningTask, TaskState
from models.service import ServiceScope
from models.setting import Figures
from tests.alerting import kinds, read, service, shown, states, steps
from tests.api import DELEGATE, FREE, OWNER, STAFF, TECH, Api, serving
from tests.cycle import alone, move
from tests.granting import a_grant
from tests.hosting import ATELIER, FORGE_ID, account, answer, handed_over
from tests.paying import asked
from tests.test_account import DELETE

SCHEDULE = """mutation Schedule($input: MigrationScheduleInput!) { migrationSchedule(input: $input) {
  migrationId userErrors { code field } } }"""
CANCEL = """mutation Cancel($input: MigrationCancelInput!) { migrationCancel(input: $input) {
  changed userErrors { code field } } }"""
APPLY = """mutation Apply($id: ID!) { migrationApply(input: {migrationId: $id}) {
  migration { status account { name } server { name } } userErrors { code field } } }"""
PLANNED = """query Planned($id: ID!) { node(id: $id) { ... on Account { scheduledMigration {
  id status scheduledFor summary } } } }"""
KIND = AlertKind.MIGRATION_SCHEDULED
TEXT = "PHP 8.2 becomes 8.4."


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 22, 7, tzinfo=UTC))


@pytest.fixture
async def api(database: Database, bound: Any, hashing: Any) -> AsyncIterator[Api]:
    """The application, and an owner for whom nothing runs."""
    await seed(database, hashing)
    async with serving(database, bound, rate_limits=False) as served:
        await alone(served)
        yield served


async def scheduled(api: Api, on: str = "2026-12-20", what: Any = None, summary: str = TEXT) -> Any:
    given = {"what": what or {"accountId": ATELIER}, "scheduledFor": on, "summary": summary}
    return await service(api, ServiceScope.SUPPORT, SCHEDULE, **given)


async def planned(api: Api, by: Any = OWNER) -> Any:
    found = await api.ask(PLANNED, {"id": ATELIER}, token=await api.token(by))
    return (found.body["data"]["node"] or {}).get("scheduledMigration"), found.codes


async def applied(api: Api, key: str, by: Any = OWNER) -> Any:
    return await asked(api, APPLY, {"id": key}, by)


# Its days


async def test_it_is_told_of_three_times_and_applied_by_itself_after_its_day(api: Api) -> None:
    key = (await scheduled(api))["migrationId"]
    assert await planned(api) == (
        {"id": key, "status": "SCHEDULED", "scheduledFor": "2026-12-20", "summary": TEXT},
        [],
    )
    await move(api, "2026-12-20T22:00:00Z")
    assert await steps(api, KIND) == [
        ("OPENING", "2026-11-22"),
        ("FIRST_REMINDER", "2026-12-13"),
        ("FINAL_WARNING", "2026-12-19"),
    ]
    assert (await states(api, KIND), (await planned(api))[0]["status"]) == (["OPEN"], "SCHEDULED")
    await move(api, "2026-12-20T23:00:00Z")
    assert (await states(api, KIND), (await planned(api))[0]["status"]) == (["EXPIRED"], "RUNNING")
    (found,) = await shown(api)
    assert (found["consequence"], found["subject"]["id"]) == ("MIGRATION_APPLIED", key)
    assert TEXT in found["body"]
    (order,) = (await handed_over(api)).orders
    (row,) = await api.rows(Migration)
    assert (order.operation.value, order.account_id, order.migration_id) == ("MIGRATE", ACCOUNT_KEYS["atelier"], row.id)
    await answer(api)
    assert (await planned(api), [row.status.value for row in await api.rows(Migration)]) == ((None, []), ["APPLIED"])
    assert TEXT in (await read(api, "migration_applied"))[OWNER.key]


async def test_applied_before_by_the_customer_it_is_resolved_when_it_is_done(api: Api) -> None:
    key = (await scheduled(api))["migrationId"]
    payload = await applied(api, key)
    assert payload["migration"] == {"status": "RUNNING", "account": {"name": "atelier"}, "server": None}
    assert await states(api, KIND) == ["OPEN"]
    assert [each["code"] for each in (await applied(api, key))["userErrors"]] == ["CONFLICT"]
    await answer(api)
    assert await states(api, KIND) == ["RESOLVED"]
    assert [each["code"] for each in (await applied(api, key))["userErrors"]] == ["CONFLICT"]
    await move(api, "2027-01-20T00:00:00Z")
    assert len(await api.rows(ProvisioningTask)) == 1
    assert await states(api, KIND) == ["RESOLVED"]


async def test_while_it_is_under_way_nothing_is_told_and_nothing_follows(api: Api) -> None:
    key = (await scheduled(api))["migrationId"]
    await move(api, "2026-11-23T00:00:00Z")
    await applied(api, key)
    await move(api, "2027-01-20T00:00:00Z")
    assert ([step for step, _ in await steps(api, KIND)], await states(api, KIND)) == (["OPENING"], ["OPEN"])
    assert len(await api.rows(ProvisioningTask)) == 1


async def test_what_the_customer_asked_for_and_failed_waits_for_its_day(api: Api) -> None:
    key = (await scheduled(api))["migrationId"]
    await move(api, "2026-11-23T00:00:00Z")
    await applied(api, key)
    await answer(api, Outcome.FAILED, "no disk")
    assert (await planned(api))[0]["status"] == "SCHEDULED"
    told = (await read(api, "migration_failed"))[OWNER.key]
    assert "20 décembre 2026" in told
    assert "no disk" not in told
    await move(api, "2026-12-20T23:00:00Z")
    assert (await states(api, KIND), (await planned(api))[0]["status"]) == (["EXPIRED"], "RUNNING")
    assert [step for step, _ in await steps(api, KIND)] == ["OPENING", "FIRST_REMINDER", "FINAL_WARNING"]


async def test_what_failed_on_its_day_is_tried_again_a_day_later_until_it_is_done(api: Api) -> None:
    await scheduled(api)
    await move(api, "2026-12-21T09:00:00Z")
    for day in (22, 23):
        await answer(api, Outcome.FAILED)
        assert (await planned(api))[0]["status"] == "SCHEDULED"
        await move(api, f"2026-12-{day}T08:59:59Z")
        assert (await planned(api))[0]["status"] == "SCHEDULED"
        await move(api, f"2026-12-{day}T09:00:00Z")
        assert (await planned(api))[0]["status"] == "RUNNING"
    await answer(api)
    await move(api, "2027-03-01T00:00:00Z")
    assert [row.state for row in await api.rows(ProvisioningTask)].count(TaskState.DONE) == 1
    assert len(await api.rows(ProvisioningTask)) == 3


async def test_an_answer_may_come_twice_and_not_otherwise(api: Api) -> None:
    key = (await scheduled(api))["migrationId"]
    await applied(api, key)
    (task,) = await api.rows(ProvisioningTask)
    document = """mutation Report($input: ProvisioningReportInput!) { provisioningReport(input: $input) {
      changed userErrors { code } } }"""
    answers = [
        await service(api, ServiceScope.PROVISIONING, document, taskId=str(task.id), outcome=outcome)
        for outcome in ("DONE", "DONE", "FAILED")
    ]
    assert [each["changed"] for each in answers] == [True, False, None]
    assert [each["code"] for each in answers[2]["userErrors"]] == ["CONFLICT"]


# The roads back


async def test_given_up_by_the_support_team_it_is_resolved_and_never_applied(api: Api) -> None:
    key = (await scheduled(api))["migrationId"]
    assert (await service(api, ServiceScope.SUPPORT, CANCEL, migrationId=key))["changed"] is True
    await move(api, "2027-01-20T00:00:00Z")
    assert (await states(api, KIND), await planned(api)) == (["RESOLVED"], (None, []))
    assert await api.rows(ProvisioningTask) == []
    again = await service(api, ServiceScope.SUPPORT, CANCEL, migrationId=key)
    assert [each["code"] for each in again["userErrors"]] == ["NOT_FOUND"]


async def test_what_is_under_way_is_not_given_up(api: Api) -> None:
    key = (await scheduled(api))["migrationId"]
    await applied(api, key)
    refused = await service(api, ServiceScope.SUPPORT, CANCEL, migrationId=key)
    assert [each["code"] for each in refused["userErrors"]] == ["CONFLICT"]
    assert await states(api, KIND) == ["OPEN"]


async def test_it_goes_with_its_account(api: Api) -> None:
    await scheduled(api)
    await asked(api, DELETE, {"id": ATELIER, "confirmation": "atelier"})
    assert [each["code"] for each in (await scheduled(api))["userErrors"]] == ["CONFLICT"]
    await move(api, "2026-12-21T00:00:00Z")
    assert [row.operation.value for row in await api.rows(ProvisioningTask)] == ["DELETE"]
    await answer(api)
    assert await account(api, "atelier") is None
    assert (await api.rows(Migration), await states(api, KIND)) == ([], ["EXPIRED"])


async def test_one_at_a_time_on_a_day_to_come(api: Api) -> None:
    await scheduled(api)
    refused = [
        await scheduled(api),
        await scheduled(api, "2026-11-22", {"serverId": FORGE_ID}),
        await scheduled(api, "9999-12-31", {"serverId": FORGE_ID}),
        await scheduled(api, what={"serverId": FORGE_ID}, summary=" "),
        await scheduled(api, what={"serverId": ATELIER}),
    ]
    found = [(each["code"], each["field"]) for payload in refused for each in payload["userErrors"]]
    assert found == [
        ("CONFLICT", None),
        ("INVALID", ["input", "scheduledFor"]),
        ("INVALID", ["input", "scheduledFor"]),
        ("REQUIRED", ["input", "summary"]),
        ("NOT_FOUND", ["input", "what", "serverId"]),
    ]
    assert len(await api.rows(Migration)) == 1


# Who sees what


async def test_contacts_are_told_of_it_and_who_holds_migration_applies_it(api: Api) -> None:
    """ALE-3, PER-10: a contact sees the alert, and not the migration; BILLING sees neither."""
    contact, may = AccountPermission.TECHNICAL_CONTACT, AccountPermission.MIGRATION
    await a_grant(api, FREE, accounts={ACCOUNT_KEYS["atelier"]: [contact]})
    await a_grant(api, STAFF, accounts={ACCOUNT_KEYS["atelier"]: [may]})
    await a_grant(api, TECH, OverallPermission.TECHNICAL_ACCOUNT)
    key = (await scheduled(api))["migrationId"]
    await move(api, "2026-11-23T00:00:00Z")
    seen = {person.email: await kinds(api, person) for person in (OWNER, TECH, FREE, STAFF, DELEGATE)}
    told = [KIND.value]
    assert seen == {OWNER.email: told, TECH.email: told, FREE.email: told, STAFF.email: [], DELEGATE.email: []}
    assert set(await read(api, "alert_migration_scheduled")) == {OWNER.key, TECH.key, FREE.key}
    assert (await shown(api, FREE))[0]["subject"] is None
    assert [each["code"] for each in (await applied(api, key, FREE))["userErrors"]] == ["NOT_FOUND"]
    assert (await planned(api, FREE))[1] == ["FORBIDDEN"]
    assert (await applied(api, key, STAFF))["migration"]["status"] == "RUNNING"


async def test_a_server_is_migrated_as_a_whole(api: Api) -> None:
    await a_grant(api, FREE, servers={FORGE: [ServerPermission.TECHNICAL_CONTACT]})
    await a_grant(api, STAFF, servers={FORGE: [ServerPermission.MIGRATION]})
    key = (await scheduled(api, what={"serverId": FORGE_ID}))["migrationId"]
    await move(api, "2026-11-23T00:00:00Z")
    assert (await kinds(api, FREE), await kinds(api, STAFF), await kinds(api, TECH)) == ([KIND.value], [], [])
    payload = await applied(api, key, STAFF)
    assert payload["migration"] == {"status": "RUNNING", "account": None, "server": {"name": "forge"}}
    (order,) = (await handed_over(api)).orders
    assert (order.server_id, order.account_id, order.name) == (FORGE, None, "forge")
    await answer(api)
    assert await states(api, KIND) == ["RESOLVED"]


# The verbs


def test_who_was_told_late_has_a_whole_day_before_it_is_applied() -> None:
    """ALE-4. A worker that was away past the day: the migration waits, unlike the end of a domain."""
    begin, late = datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 12, 24, 12, tzinfo=UTC)
    record, figures = Record(Author(), begin, begin), Figures()
    made = schedule(
        record,
        figures,
        owner_id=OWNER.key,
        account_id=new_id(),
        name="shop",
        summary=TEXT,
        scheduled_for=datetime(2026, 12, 20, tzinfo=UTC).date(),
    )
    alert = open_alert(record, OWNER.key, KIND, text=TEXT, about=made.about)
    for at, over in ((late, False), (late.replace(day=25, hour=11), False), (late.replace(day=25), True)):
        assert alert.advance(Record(Author(), at, at), figures, [OWNER.key]) is over
    assert (alert.status, made.status) == (AlertStatus.EXPIRED, MigrationStatus.SCHEDULED)
