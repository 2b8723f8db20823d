"""ALE-1 to ALE-4, PRO-14, PER-10. Alerts: the days of a dunning, every road back, and each notice once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.demo import seed
from models.account import Account
from models.activity import Author, Record
from models.alert import Alert, AlertKind, AlertStatus, open_alert, reminded
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Database, Db
from models.grant import PermissionGrant
from models.inactivity import inactive_at
from models.issuer import Office
from models.mail import SandboxMail
from models.profile import Locale, Profile
from models.setting import Figures
from models.suspension import Suspension
from resolvers import ledger
from resolvers.clockwork import Works, play, turn
from tests.api import DELEGATE, FREE, OWNER, PASSWORD, TECH, Api, profile_id, serving
from tests.cycle import alone, balance, documents, open_account, pay
from tests.mails import sent
from tests.patience import FIGURES as PATIENCE
from tests.test_access import staff
from tests.test_clockwork import mails
from tests.test_suspension import abuse, lift, move, seen, states, suspend

SHIPPED = {name: getattr(Figures(), name) for name in PATIENCE}
ALERTS = """query Alerts($id: ID!, $filter: AlertFilter) { node(id: $id) { ... on Profile {
  suspension { reason alert { id kind status } }
  alerts(filter: $filter) { totalCount nodes { id kind status title body openedAt remindedAt expiresAt consequence
    closedAt subject { ... on Profile { id } } } } } } }"""
SIGN_IN = """mutation SignIn($email: EmailAddress!, $password: String!) {
  sessionCreate(input: {email: $email, password: $password, transport: BEARER}) {
    session { id } userErrors { code } } }"""
OPEN = """mutation Open($input: TermsAlertOpenInput!) { termsAlertOpen(input: $input) {
  changed userErrors { code } } }"""
RESOLVE = """mutation Resolve($input: TermsAlertResolveInput!) { termsAlertResolve(input: $input) {
  changed userErrors { code } } }"""


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 22, 7, tzinfo=UTC))


@pytest.fixture
async def api(database: Database, bound: Any, hashing: Any) -> AsyncIterator[Api]:
    """The application with the figures that are shipped."""
    await seed(database, hashing)
    async with serving(database, bound, rate_limits=False, **SHIPPED) as served:
        yield served


async def owing(api: Api) -> str:
    """An account whose invoice of 22 November is not paid; nothing else runs."""
    await alone(api)
    owed = await balance(api)
    if owed.startswith("-"):
        await pay(api, round(-100 * float(owed)))
    return await open_account(api, "shop", "small", "YEARLY")


async def shown(api: Api, by: Any = OWNER, of: Any = OWNER, **filter: Any) -> Any:
    variables = {"id": profile_id(of), "filter": filter or None}
    document = ALERTS if by is not TECH else ALERTS.replace("suspension { reason alert { id kind status } }", "")
    return (await api.ask(document, variables, token=await api.token(by))).data["node"]


async def notices(api: Api, kind: str = "alert_negative_balance") -> list[tuple[str, str]]:
    """Which steps were told, and on which day; each as often as a mail about it was queued."""
    return [(each["step"], each["at"].date().isoformat()) for each in await mails(api, kind)]


async def alert(api: Api, kind: AlertKind = AlertKind.NEGATIVE_BALANCE) -> Any:
    (row,) = [row for row in await api.rows(Alert) if row.kind is kind and row.owner_id in (OWNER.key, FREE.key)]
    return row


async def only_owner(api: Api) -> None:
    """Nobody holds anything of the owner's: each notice is one mail."""
    async with Db(api.database) as db:
        grants = table(PermissionGrant)
        await db.note(update(grants).where(grants.c.owner_id == OWNER.key).values(overall=0))


# The days


async def test_the_days_of_an_invoice_that_is_never_paid(api: Api) -> None:
    """Section 12, to the day."""
    await only_owner(api)
    await owing(api)
    await move(api, "2027-01-21T00:00:00Z")
    assert (await documents(api))[-1][:2] == ("INVOICE", "2026-11-22")
    assert await notices(api) == [
        ("OPENING", "2026-11-22"),
        ("FIRST_REMINDER", "2026-12-07"),
        ("SECOND_REMINDER", "2026-12-17"),
        ("FINAL_WARNING", "2026-12-21"),
    ]
    suspended = await mails(api, "profile_suspended")
    assert [(each["reason"], each["at"].date().isoformat(), each["on"]) for each in suspended] == [
        ("UNPAID_BALANCE", "2026-12-22", "2027-01-21")
    ]
    warned = await mails(api, "deletion_warning")
    assert [(each["warning"], each["at"].date().isoformat()) for each in warned] == [
        ("FIRST", "2027-01-14"),
        ("LAST", "2027-01-20"),
    ]
    found = await shown(api)
    assert found["suspension"]["alert"]["id"] == found["alerts"]["nodes"][0]["id"]
    assert [each[:10] for each in found["alerts"]["nodes"][0]["remindedAt"]] == [
        "2026-12-07",
        "2026-12-17",
        "2026-12-21",
    ]
    assert (await states(api))["shop"] == "SUSPENDED"
    await move(api, "2027-03-01T00:00:00Z")
    (gone,) = await mails(api, "profile_deleted")
    assert (gone["reason"], gone["at"].date().isoformat()) == ("UNPAID_BALANCE", "2027-01-21")
    assert (await states(api))["shop"] == "DELETING"
    assert len(await mails(api, "deletion_warning")) == 2


async def test_it_is_shown_with_its_days_in_the_readers_language(api: Api) -> None:
    await owing(api)
    await move(api, "2026-11-23T00:00:00Z")
    (found,) = (await shown(api))["alerts"]["nodes"]
    assert (found["kind"], found["status"], found["consequence"]) == ("NEGATIVE_BALANCE", "OPEN", "SUSPENSION")
    assert (found["openedAt"][:10], found["expiresAt"][:10], found["closedAt"]) == ("2026-11-22", "2026-12-22", None)
    assert found["subject"] == {"id": profile_id(OWNER)}
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(locale=Locale.EN))
    found["title"] = (await shown(api))["alerts"]["nodes"][0]["title"]
    french = await shown(api, by=DELEGATE)
    texts = {found["title"], french["alerts"]["nodes"][0]["title"]}
    assert texts == {"The balance is negative", "Le solde est négatif"}


async def test_mails_go_to_whoever_holds_billing_each_in_their_language(api: Api) -> None:
    """PER-10."""
    await owing(api)
    await move(api, "2026-11-23T00:00:00Z")
    assert {outcome.defect for outcome in await sent(api.database)} == {None}
    found = [row for row in await api.rows(SandboxMail) if row.template == "alert_negative_balance"]
    assert {row.owner_id for row in found} == {OWNER.key, DELEGATE.key}
    locales = {row.id: row.locale for row in await api.rows(Profile)}
    for row in found:
        french = locales[row.owner_id] is Locale.FR
        assert ("Le solde est négatif" in row.subject) is french
        assert ("72.00" in row.text, "22 décembre 2026" in row.text) == (True, french)


@pytest.mark.parametrize("days", [1, 7, 40])
async def test_by_whatever_steps_it_is_the_same(databases: Any, hashing: Any, bound: Any, days: int) -> None:
    """EVT-4. In one step or day by day: the same alerts, suspensions and mails."""
    ways = []
    for each in (days, 100):
        clock = FrozenClock(datetime(2026, 11, 22, 7, tzinfo=UTC))
        async with databases.migrated() as url:
            database = Database(url, clock=clock, sandbox=True)
            await seed(database, hashing)
            async with serving(database, bound, rate_limits=False, **SHIPPED) as api:
                await owing(api)
                at, end = datetime(2026, 11, 22, 7, tzinfo=UTC), datetime(2027, 2, 10, tzinfo=UTC)
                while at < end:
                    at = min(end, at + timedelta(days=each))
                    await move(api, at.isoformat())
                steps = [await mails(api, name) for name in ("alert_negative_balance", "profile_suspended")]
                steps += [await mails(api, name) for name in ("deletion_warning", "profile_deleted")]
                told = [[(row.get("step"), row.get("on"), row["at"]) for row in rows] for rows in steps]
                rows = [(row.opened_at, row.expires_at, row.closed_at, row.told) for row in await api.rows(Alert)]
                ways.append((told, sorted(map(str, rows))))
            await database.close()
    assert ways[0] == ways[1]
    assert [len(rows) for rows in ways[0][0]][1:] == [1, 2, 1]


async def test_a_worker_that_runs_twice_tells_once(api: Api) -> None:
    await only_owner(api)
    await owing(api)
    await move(api, "2026-12-08T00:00:00Z")
    async with Db(api.database) as db:
        await db.note(update(table(Alert)).values(next_at=datetime(2026, 12, 7, 12, tzinfo=UTC)))
    async with Db(api.database) as db, turn(api.database):
        for _ in range(2):
            await play(Works(db, Office(Figures(), sandbox=False), None), await db.now(), lambda error: None)  # type: ignore[arg-type]
    assert [step for step, _ in await notices(api)] == ["OPENING", "FIRST_REMINDER"]


def told(alert: Alert, at: datetime) -> tuple[list[str], bool]:
    """What a clock that comes at this instant tells, and whether it is over."""
    record = Record(Author(), at, at)
    over = alert.advance(record, Figures(), [alert.owner_id])
    return [event.facts["step"].value for event in record.events if "step" in event.facts], over


def test_of_steps_that_are_late_the_last_is_told_and_nobody_is_suspended_without_a_warning() -> None:
    """ALE-4. A worker that was away for weeks."""
    begin = datetime(2026, 11, 22, 12, tzinfo=UTC)
    alert = open_alert(Record(Author(), begin, begin), new_id(), AlertKind.NEGATIVE_BALANCE)
    assert told(alert, begin) == (["OPENING"], False)
    late = begin + timedelta(days=60)
    assert told(alert, late) == (["FINAL_WARNING"], False)
    assert alert.expires_at == late + timedelta(days=1)
    assert told(alert, late) == ([], False)
    assert told(alert, late + timedelta(days=1)) == ([], True)
    assert (alert.status, reminded(alert.told)) == (AlertStatus.EXPIRED, [late])


def test_who_was_told_of_it_late_has_all_the_days() -> None:
    """ALE-1."""
    begin = datetime(2026, 11, 22, 12, tzinfo=UTC)
    alert = open_alert(Record(Author(), begin, begin), new_id(), AlertKind.NEGATIVE_BALANCE)
    assert told(alert, begin + timedelta(days=50)) == (["OPENING"], False)
    assert alert.expires_at == begin + timedelta(days=80)


# The roads back


async def test_paid_before_its_end_it_is_resolved_and_nothing_more_is_told(api: Api) -> None:
    await only_owner(api)
    await owing(api)
    await move(api, "2026-12-10T00:00:00Z")
    await pay(api, 7_199)
    assert (await alert(api)).status is AlertStatus.OPEN
    await pay(api, 1)
    found = await alert(api)
    assert (found.status, found.closed_at) == (AlertStatus.RESOLVED, datetime(2026, 12, 10, tzinfo=UTC))
    await move(api, "2027-02-01T00:00:00Z")
    assert [step for step, _ in await notices(api)] == ["OPENING", "FIRST_REMINDER"]
    assert await api.rows(Suspension) == []


async def test_paid_while_suspended_everything_is_used_again(api: Api) -> None:
    await owing(api)
    await move(api, "2027-01-10T00:00:00Z")
    assert (await shown(api))["suspension"]["reason"] == "UNPAID_BALANCE"
    await pay(api, 7_200)
    assert (await shown(api))["suspension"] is None
    assert (await states(api))["shop"] == "ACTIVE"
    assert (await alert(api)).status is AlertStatus.EXPIRED
    await move(api, "2027-03-01T00:00:00Z")
    assert await mails(api, "deletion_warning") == []


async def test_while_it_is_suspended_for_that_there_is_no_other_alert(api: Api) -> None:
    await owing(api)
    await move(api, "2027-01-10T00:00:00Z")
    await pay(api, 100)
    assert len(await api.rows(Alert)) == 1
    await pay(api, 7_100)
    async with Db(api.database) as db, db.write() as write:
        entry = await ledger.book_payment(write, OWNER.key, 500)
    async with Db(api.database) as db, db.write() as write:
        await ledger.reverse_payment(write, entry.entry.id)
    assert [row.status.value for row in await api.rows(Alert)] == ["EXPIRED"]


async def test_what_staff_suspended_for_stays_when_it_is_paid(api: Api) -> None:
    await owing(api)
    await move(api, "2027-01-10T00:00:00Z")
    await suspend(api)
    await pay(api, 7_200)
    assert (await shown(api))["suspension"] == {"reason": "ILLICIT_CONTENT", "alert": None}
    assert (await states(api))["shop"] == "SUSPENDED"
    await lift(api)
    assert (await states(api))["shop"] == "ACTIVE"


async def test_it_follows_the_oldest_invoice_that_is_not_paid(api: Api) -> None:
    """ALE-4. The first one is paid: the second has thirty days of its own, and its own notices."""
    await only_owner(api)
    await owing(api)
    await move(api, "2026-12-09T09:00:00Z")
    await open_account(api, "blog", "small")
    await move(api, "2026-12-18T00:00:00Z")
    await pay(api, 7_200)
    assert (await alert(api)).status is AlertStatus.OPEN
    await move(api, "2027-01-07T23:00:00Z")
    assert await notices(api) == [
        ("OPENING", "2026-11-22"),
        ("FIRST_REMINDER", "2026-12-07"),
        ("SECOND_REMINDER", "2026-12-17"),
        ("FIRST_REMINDER", "2026-12-24"),
        ("SECOND_REMINDER", "2027-01-03"),
        ("FINAL_WARNING", "2027-01-07"),
    ]
    assert await api.rows(Suspension) == []
    await move(api, "2027-01-08T23:00:00Z")
    assert [row.reason.value for row in await api.rows(Suspension)] == ["UNPAID_BALANCE"]


async def test_a_balance_that_is_negative_again_is_another_alert(api: Api) -> None:
    await owing(api)
    await move(api, "2026-11-25T00:00:00Z")
    await pay(api, 7_200)
    await open_account(api, "blog", "small")
    await move(api, "2026-11-26T00:00:00Z")
    assert [row.status.value for row in await api.rows(Alert)] == ["RESOLVED", "OPEN"]


# Who sees what


async def test_billing_sees_what_is_owed_and_nobody_else_but_the_owner(api: Api) -> None:
    """ALE-3."""
    await owing(api)
    await move(api, "2026-11-23T00:00:00Z")
    await terms(api, OPEN, text="Look at /shop.")
    assert [each["kind"] for each in (await shown(api))["alerts"]["nodes"]] == ["TERMS_VIOLATION", "NEGATIVE_BALANCE"]
    assert [each["kind"] for each in (await shown(api, DELEGATE))["alerts"]["nodes"]] == ["NEGATIVE_BALANCE"]
    assert (await shown(api, TECH))["alerts"]["nodes"] == []
    for status, kinds, count in (
        (["OPEN"], None, 2),
        (["RESOLVED"], None, 0),
        (None, ["TERMS_VIOLATION"], 1),
        ([], None, 0),
    ):
        assert (await shown(api, status=status, kind=kinds))["alerts"]["totalCount"] == count


# Inactivity


async def sign_in(api: Api, person: Any = FREE) -> None:
    given = {"email": person.email, "password": PASSWORD}
    assert (await api.ask(SIGN_IN, given)).data["sessionCreate"]["userErrors"] == []


async def young(api: Api) -> None:
    """A profile of this month, whose owner signs in."""
    async with Db(api.database) as db:
        profiles = table(Profile)
        born = datetime(2026, 11, 1, tzinfo=UTC)
        await db.note(update(profiles).where(profiles.c.id == FREE.key).values(created_at=born))
    await sign_in(api)


async def test_who_does_not_sign_in_is_told_suspended_and_used_again_on_signing_in(api: Api) -> None:
    """PRO-14. 120 days for a profile in its first year, then thirty to sign in; a session that goes on is not one."""
    await young(api)
    await move(api, "2027-03-22T06:00:00Z")
    assert AlertKind.INACTIVITY not in [row.kind for row in await api.rows(Alert)]
    await move(api, "2027-03-23T00:00:00Z")
    found = await alert(api, AlertKind.INACTIVITY)
    assert (found.owner_id, found.opened_at.date().isoformat()) == (FREE.key, "2027-03-22")
    await move(api, "2027-04-21T12:00:00Z")
    assert (await seen(api, FREE))["suspension"]["reason"] == "INACTIVITY"
    hobby = [row.status.value for row in await api.rows(Account) if row.owner_id == FREE.key]
    assert hobby == ["SUSPENDED"]
    assert [step for step, _ in await notices(api, "alert_inactivity")][-1] == "FINAL_WARNING"
    await sign_in(api)
    assert (await seen(api, FREE))["suspension"] is None
    assert [row.status.value for row in await api.rows(Account) if row.owner_id == FREE.key] == ["ACTIVE"]


async def test_signing_in_resolves_it(api: Api) -> None:
    await young(api)
    await move(api, "2027-04-01T00:00:00Z")
    await sign_in(api)
    assert (await alert(api, AlertKind.INACTIVITY)).status is AlertStatus.RESOLVED
    await move(api, "2027-07-29T00:00:00Z")
    assert len([row for row in await api.rows(Alert) if row.kind is AlertKind.INACTIVITY]) == 1


async def test_who_has_something_that_costs_is_not_inactive_until_it_is_gone(api: Api) -> None:
    await sign_in(api, OWNER)
    await only_owner(api)
    await alone(api)
    await pay(api, 10_000_000)
    await move(api, "2027-06-01T00:00:00Z")
    assert [
        row for row in await api.rows(Alert) if row.kind is AlertKind.INACTIVITY and row.owner_id == OWNER.key
    ] == []


@pytest.mark.parametrize(
    ("born", "signed_in", "at"),
    [
        ("2026-01-10", "2027-01-09", "2027-05-09"),
        ("2026-01-10", "2027-01-10", "2027-07-10"),
        ("2026-01-10", "2030-01-09", "2030-07-09"),
        ("2026-01-10", "2030-01-10", "2031-01-10"),
        ("2026-01-10", "2030-08-31", "2031-08-31"),
        ("2026-01-10", "2028-08-31", "2029-02-28"),
    ],
)
def test_how_long_depends_on_the_age_at_the_last_sign_in(born: str, signed_in: str, at: str) -> None:
    """PRO-14. Four years is old."""
    since, last = (datetime.fromisoformat(f"{day}T10:00:00+00:00") for day in (born, signed_in))
    assert inactive_at(since, last, Figures()).date().isoformat() == at


# The terms


async def terms(api: Api, document: str, **values: Any) -> Any:
    given = {"profileId": profile_id(OWNER), **values}
    return next(iter((await staff(api, await abuse(api), document, {"input": given})).data.values()))


async def test_what_does_not_comply_is_told_and_suspends_where_nobody_says_that_it_does(api: Api) -> None:
    """ALE-2."""
    assert (await terms(api, OPEN, text="Look at /shop."))["userErrors"] == []
    assert [each["code"] for each in (await terms(api, OPEN, text="Again."))["userErrors"]] == ["CONFLICT"]
    await move(api, "2026-12-22T12:00:00Z")
    steps = [step for step, _ in await notices(api, "alert_terms_violation")]
    assert steps == ["OPENING", "FIRST_REMINDER", "SECOND_REMINDER", "FINAL_WARNING"]
    reasons = [row.reason.value for row in await api.rows(Suspension) if row.owner_id == OWNER.key]
    assert "TERMS_VIOLATION" in reasons
    assert [each["code"] for each in (await terms(api, RESOLVE))["userErrors"]] == ["CONFLICT"]


async def test_what_complies_again_is_resolved(api: Api) -> None:
    await terms(api, OPEN, text="Look at /shop.")
    assert (await terms(api, RESOLVE))["changed"] is True
    await move(api, "2027-01-22T12:00:00Z")
    assert "TERMS_VIOLATION" not in [row.reason.value for row in await api.rows(Suspension)]
    assert len(await notices(api, "alert_terms_violation")) == 0
