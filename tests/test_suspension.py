"""PRO-12, PRO-13. Suspensions: what they stop, who lifts them, what is as before afterwards, and what is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from models.account import Account
from models.clock import FrozenClock, later
from models.column import table
from models.db import Db
from models.profile import Profile
from models.provisioning import Operation, Outcome, ProvisioningTask
from models.service import ServiceCredential, ServiceScope
from models.subscription import Subscription
from models.suspension import Suspension
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, STAFF, Api, profile_id
from tests.cycle import alone, balance, change, documents, open_account, pay, periods
from tests.cycle import move as moved
from tests.database import START
from tests.hosting import account, answer, handed_over
from tests.mails import sent
from tests.test_access import credential, staff
from tests.test_clockwork import mails, renews
from tests.test_lapse import facts

SUSPEND = """mutation Suspend($input: ProfileSuspendInput!) { profileSuspend(input: $input) {
  changed userErrors { code field message } } }"""
LIFT = """mutation Lift($input: ProfileSuspensionLiftInput!) { profileSuspensionLift(input: $input) {
  changed userErrors { code field } } }"""
SEEN = """query Seen($id: ID!) { node(id: $id) { ... on Profile { status
  suspension { reason since deletionAt } } } }"""
RENAME = """mutation Rename($id: ID!) { accountRename(input: {accountId: $id, name: "other", confirmation: "shop"}) {
  userErrors { code } } }"""
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """A month to pay for."""
    clock.move(datetime(2026, 1, 31, 9, tzinfo=UTC) - START)


async def move(api: Api, to: str) -> None:
    """Move the clock, by somebody who is still there afterwards."""
    await moved(api, to, STAFF)


async def suspend(api: Api, reason: str = "ILLICIT_CONTENT", text: str = "Look at /shop.", person: Any = OWNER) -> Any:
    given = {"profileId": profile_id(person), "reason": reason, "text": text}
    secret = await abuse(api)
    return (await staff(api, secret, SUSPEND, {"input": given})).data["profileSuspend"]


async def lift(api: Api, reason: str = "ILLICIT_CONTENT", person: Any = OWNER) -> Any:
    given = {"profileId": profile_id(person), "reason": reason}
    return (await staff(api, await abuse(api), LIFT, {"input": given})).data["profileSuspensionLift"]


async def abuse(api: Api) -> str:
    """A credential of the abuse team; another one each time."""
    count = len(await api.rows(ServiceCredential))
    return await credential(api, ServiceScope.ABUSE, name=f"abuse{count}")


async def seen(api: Api, person: Any = OWNER, by: Any = None) -> Any:
    answered = await api.ask(SEEN, {"id": profile_id(person)}, token=await api.token(by or person))
    return answered.data["node"]


async def codes_of(api: Api, document: str, variables: Any) -> list[str]:
    """What a mutation of the owner's answers, wherever it says so."""
    answered = await api.ask(document, variables, token=await api.token(OWNER))
    reasons = [error["extensions"]["reason"] for error in answered.errors]
    found = (answered.body.get("data") or {}).values()
    return reasons + [error["code"] for payload in found if payload for error in payload["userErrors"]]


async def states(api: Api) -> dict[str, str]:
    return {row.name: row.status.value for row in await api.rows(Account) if row.owner_id == OWNER.key}


async def asked(api: Api, name: str) -> list[str]:
    """What was asked of the machines for an account."""
    key = (await account(api, name)).id
    rows = sorted(await api.rows(ProvisioningTask), key=lambda row: row.id)
    return [row.operation.value for row in rows if row.account_id == key and row.operation is not Operation.CREATE]


async def test_what_is_suspended_is_blocked_says_so_and_changes_nothing(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "small")
    assert (await seen(api)) == {"status": "ACTIVE", "suspension": None}
    assert await suspend(api) == {"changed": True, "userErrors": []}
    assert set((await states(api)).values()) == {"SUSPENDED"}
    assert await asked(api, "shop") == ["SUSPEND"]
    assert await seen(api) == {
        "status": "SUSPENDED",
        "suspension": {
            "reason": "ILLICIT_CONTENT",
            "since": "2026-01-31T09:00:00Z",
            "deletionAt": "2026-03-02T09:00:00Z",
        },
    }
    assert await codes_of(api, RENAME, {"id": key}) == ["PROFILE_SUSPENDED"]
    (told,) = await mails(api, "profile_suspended")
    assert (told["reason"], told["text"], told["on"]) == ("ILLICIT_CONTENT", "Look at /shop.", "2026-03-02")


async def test_money_still_comes_in_and_what_was_ordered_is_invoiced(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    await suspend(api)
    await pay(api, 1_000)
    await move(api, "2026-02-01T00:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-01-31", 600, 120)]
    assert await balance(api) == "2.80"


async def test_lifted_within_the_period_nothing_is_lost(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    before = await periods(api, "shop")
    await suspend(api)
    await move(api, "2026-02-10T00:00:00Z")
    assert await lift(api) == {"changed": True, "userErrors": []}
    assert set((await states(api)).values()) == {"ACTIVE"}
    assert await asked(api, "shop") == ["SUSPEND", "RESUME"]
    assert await periods(api, "shop") == before
    assert await seen(api) == {"status": "ACTIVE", "suspension": None}
    assert [each["others"] for each in await mails(api, "suspension_lifted")] == [0]
    await move(api, "2026-03-01T00:00:00Z")
    assert [row[:2] for row in await periods(api, "shop")] == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
    ]


async def test_what_ends_while_suspended_waits_and_the_days_between_cost_nothing(api: Api) -> None:
    """It is renewed from the day on which that is lifted, for the days to where its periods begin."""
    await alone(api)
    await open_account(api, "shop", "small")
    await move(api, "2026-02-20T00:00:00Z")
    await suspend(api)
    await move(api, "2026-03-16T09:00:00Z")
    (row,) = [each for each in await api.rows(Subscription) if each.status.value == "SUSPENDED"]
    assert row.period_end.isoformat() == "2026-02-28"
    assert len(await documents(api)) == 1
    await lift(api)
    await move(api, "2026-03-16T23:00:00Z")
    assert [row[:2] for row in await periods(api, "shop")] == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-16"),
        ("2026-03-16", "2026-03-31"),
    ]
    assert [row[2] for row in await periods(api, "shop")] == [600, 0, 290]
    assert (await documents(api))[1] == ("INVOICE", "2026-03-16", 290, 58)
    await move(api, "2026-04-01T12:00:00Z")
    assert [row[:2] for row in await periods(api, "shop")][3:] == [("2026-03-31", "2026-04-30")]


async def test_what_does_not_renew_ends_all_the_same_and_stays_blocked(api: Api) -> None:
    """Only what the suspension stopped is used again."""
    await alone(api)
    await open_account(api, "shop", "small")
    await open_account(api, "blog", "small")
    await renews(api, "shop", False)
    await suspend(api)
    await move(api, "2026-03-02T00:00:00Z")
    await lift(api)
    found = await states(api)
    assert (found["shop"], found["blog"]) == ("SUSPENDED", "ACTIVE")
    assert (await asked(api, "shop"), await asked(api, "blog")) == (["SUSPEND"], ["SUSPEND", "RESUME"])


async def test_what_had_lapsed_before_is_not_used_again(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "small")
    await renews(api, "shop", False)
    await move(api, "2026-03-02T00:00:00Z")
    await suspend(api)
    await lift(api)
    assert (await states(api))["shop"] == "SUSPENDED"
    assert await asked(api, "shop") == ["SUSPEND"]
    assert (await change(api, key, "small"))["account"]["status"] == "ACTIVE"


async def test_of_several_reasons_the_last_one_lifted_ends_it(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    await suspend(api)
    await move(api, "2026-02-05T09:00:00Z")
    await suspend(api, "TERMS_VIOLATION", "Something else.")
    assert (await seen(api))["suspension"]["reason"] == "ILLICIT_CONTENT"
    assert await asked(api, "shop") == ["SUSPEND"]
    await lift(api)
    found = (await seen(api))["suspension"]
    assert (found["reason"], found["deletionAt"]) == ("TERMS_VIOLATION", "2026-03-07T09:00:00Z")
    assert (await states(api))["shop"] == "SUSPENDED"
    await lift(api, "TERMS_VIOLATION")
    assert (await states(api))["shop"] == "ACTIVE"
    assert [each["others"] for each in await mails(api, "suspension_lifted")] == [1, 0]


async def test_what_was_under_way_is_blocked_when_it_is_answered(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "small")
    assert await codes_of(api, RENAME, {"id": key}) == []
    await suspend(api)
    assert (await states(api))["shop"] == "RENAMING"
    await answer(api)
    assert (await states(api))["other"] == "SUSPENDED"
    assert await asked(api, "other") == ["RENAME", "SUSPEND"]


async def test_the_machines_answer_and_nothing_changes(api: Api) -> None:
    await alone(api)
    await open_account(api, "shop", "small")
    await suspend(api)
    await handed_over(api)
    await answer(api, Outcome.FAILED)
    assert (await states(api))["shop"] == "SUSPENDED"
    assert len(await facts(api, "account.blocking_failed")) == len(await states(api))


async def test_deletion_is_announced_a_week_and_a_day_before_each_once(api: Api) -> None:
    await alone(api)
    await suspend(api)
    await move(api, "2026-02-23T08:59:59Z")
    assert await mails(api, "deletion_warning") == []
    await move(api, "2026-04-01T00:00:00Z")
    told = await mails(api, "deletion_warning")
    assert [(each["warning"], each["on"], each["at"]) for each in told] == [
        ("FIRST", "2026-03-02", datetime(2026, 2, 23, 9, tzinfo=UTC)),
        ("LAST", "2026-03-02", datetime(2026, 3, 1, 9, tzinfo=UTC)),
    ]


async def test_who_is_not_suspended_any_more_is_not_warned(api: Api) -> None:
    await alone(api)
    await suspend(api)
    await lift(api)
    await move(api, "2026-04-01T00:00:00Z")
    assert await mails(api, "deletion_warning") == []


async def test_of_warnings_that_are_late_the_last_one_is_given(api: Api) -> None:
    """A worker that was away for days tells once."""
    await alone(api)
    await suspend(api)
    async with Db(api.database) as db:
        await db.note(update(table(Suspension)).values(next_at=datetime(2026, 3, 1, 10, tzinfo=UTC)))
    await move(api, "2026-04-01T00:00:00Z")
    assert [each["warning"] for each in await mails(api, "deletion_warning")] == ["LAST"]


@pytest.mark.parametrize(("text", "code"), [("  ", "REQUIRED"), ("x" * 2_001, "INVALID")], ids=["nothing", "too much"])
async def test_who_is_suspended_is_told_why(api: Api, text: str, code: str) -> None:
    payload = await suspend(api, text=text)
    assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [(code, ["input", "text"])]
    assert await api.rows(Suspension) == []


async def test_each_reason_once_and_nothing_is_lifted_that_is_not_there(api: Api) -> None:
    assert [each["code"] for each in (await lift(api))["userErrors"]] == ["CONFLICT"]
    await suspend(api)
    assert [each["code"] for each in (await suspend(api))["userErrors"]] == ["CONFLICT"]
    assert [each["code"] for each in (await lift(api, "TERMS_VIOLATION"))["userErrors"]] == ["CONFLICT"]
    assert len(await api.rows(Suspension)) == 1
    given = {"profileId": global_id("Profile", FREE.key)[:-4], "reason": "TERMS_VIOLATION", "text": "x"}
    payload = (await staff(api, await abuse(api), SUSPEND, {"input": given})).data["profileSuspend"]
    assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [("NOT_FOUND", ["input", "profileId"])]


async def test_only_the_abuse_team_suspends(api: Api) -> None:
    given = {"profileId": profile_id(OWNER), "reason": "TERMS_VIOLATION", "text": "x"}
    secret = await credential(api, ServiceScope.PROVISIONING)
    assert (await staff(api, secret, SUSPEND, {"input": given})).codes == ["FORBIDDEN"]
    assert (await staff(api, await api.token(OWNER), SUSPEND, {"input": given})).status == 403
    assert (await api.rows(Profile))[0].suspended_at is None


async def test_a_delegate_is_told_as_far_as_they_may_do_something_about_it(api: Api) -> None:
    await suspend(api)
    assert (await seen(api, by=DELEGATE))["suspension"]["reason"] == "ILLICIT_CONTENT"


async def test_its_mails_are_written_in_the_owners_language(api: Api) -> None:
    await alone(api)
    await suspend(api)
    await lift(api)
    outcomes = await sent(api.database)
    assert {outcome.defect for outcome in outcomes} == {None}


def test_days_are_those_of_the_calendar() -> None:
    """Over the change of clocks the hour stays, and with it the day."""
    begins = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    assert later(begins, timedelta(days=30), PARIS) == datetime(2026, 3, 31, 21, 30, tzinfo=UTC)
