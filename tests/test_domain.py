"""ALE-2. Domains as they are reported: told of before they end, and when nothing is there to renew them with."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app.demo import seed
from app.demo_hosting import ACCOUNT_KEYS
from models.alert import AlertKind
from models.clock import FrozenClock
from models.db import Database
from models.domain import BadDomainName, Domain, checked_name
from models.permission import AccountPermission
from models.service import ServiceScope
from schema.global_id import global_id
from tests.alerting import kinds, read, service, shown, states, steps
from tests.api import DELEGATE, FREE, OWNER, STAFF, Api, serving
from tests.cycle import alone, move, pay
from tests.granting import a_grant
from tests.hosting import ATELIER, answer
from tests.paying import REMOVE, UPDATE, add_card, asked
from tests.test_account import DELETE
from tests.test_clockwork import mails

REPORT = """mutation Report($input: DomainReportInput!) { domainReport(input: $input) {
  changed userErrors { code field } } }"""
HERE = """query Here($id: ID!) { node(id: $id) { ... on Account { alerts { nodes { kind } } } } }"""
EXPIRY, FUNDS = AlertKind.DOMAIN_EXPIRY, AlertKind.DOMAIN_RENEWAL_FUNDS


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


async def report(api: Api, expires_on: str = "2026-12-31", account: str = ATELIER, **given: Any) -> Any:
    told = {"name": "example.org", "renews": False, "accountId": account, "expiresOn": expires_on, **given}
    return await service(api, ServiceScope.DOMAINS, REPORT, **told)


async def renewing(api: Api, expires_on: str = "2026-12-31", cents: int = 1_500, **given: Any) -> Any:
    price = {"amount": f"{cents / 100:.2f}"}
    return await report(api, expires_on, **{"renews": True, "renewalPrice": price, **given})


# Its end


async def test_a_domain_is_told_of_four_times_and_then_lost(api: Api) -> None:
    assert await report(api) == {"changed": True, "userErrors": []}
    await move(api, "2027-02-01T00:00:00Z")
    assert await steps(api, EXPIRY) == [
        ("OPENING", "2026-12-01"),
        ("FIRST_REMINDER", "2026-12-17"),
        ("SECOND_REMINDER", "2026-12-24"),
        ("FINAL_WARNING", "2026-12-30"),
    ]
    assert await states(api, EXPIRY) == ["EXPIRED"]
    (found,) = [each for each in await shown(api) if each["kind"] == "DOMAIN_EXPIRY"]
    assert (found["consequence"], found["expiresAt"]) == ("DOMAIN_LOSS", "2026-12-31T23:00:00Z")
    assert (found["subject"], found["closedAt"]) == ({"__typename": "Account", "id": ATELIER}, found["expiresAt"])
    told = await read(api, "domain_lost")
    assert "example.org" in told[OWNER.key]
    assert "31 décembre 2026" in told[OWNER.key]


async def test_renewed_it_is_resolved_and_told_of_again_a_year_later(api: Api) -> None:
    await report(api)
    await move(api, "2026-12-10T00:00:00Z")
    assert (await report(api, "2027-12-31"))["changed"] is True
    assert await states(api, EXPIRY) == ["RESOLVED"]
    await move(api, "2027-11-30T00:00:00Z")
    assert await states(api, EXPIRY) == ["RESOLVED"]
    await move(api, "2027-12-02T00:00:00Z")
    assert await states(api, EXPIRY) == ["RESOLVED", "OPEN"]


async def test_the_same_report_changes_nothing(api: Api) -> None:
    await report(api, "2026-12-01")
    assert await report(api, "2026-12-01") == {"changed": False, "userErrors": []}
    assert await states(api, EXPIRY) == ["OPEN"]


async def test_one_that_renews_itself_is_told_of_only_once_that_is_late(api: Api) -> None:
    await renewing(api)
    await pay(api, 10_000)
    await move(api, "2026-12-24T22:00:00Z")
    assert await states(api, EXPIRY) == []
    await move(api, "2026-12-24T23:00:00Z")
    assert await states(api, EXPIRY) == ["OPEN"]


async def test_its_loss_is_told_once_whoever_tells_it_first(api: Api) -> None:
    await report(api)
    await report(api, "2026-12-20", name="other.example")
    await move(api, "2026-12-10T00:00:00Z")
    assert (await report(api, name="example.org", state="LOST"))["changed"] is True
    assert await states(api, EXPIRY) == ["OPEN", "EXPIRED"]
    await move(api, "2026-12-22T00:00:00Z")
    await report(api, "2026-12-20", name="other.example", state="LOST")
    assert [each["about"] for each in await mails(api, "domain_lost")] == ["example.org"] * 2 + ["other.example"] * 2
    assert await api.rows(Domain) == []
    assert (await report(api, state="LOST")) == {"changed": False, "userErrors": []}


async def test_what_is_held_elsewhere_is_told_of_no_more(api: Api) -> None:
    await report(api)
    await move(api, "2026-12-10T00:00:00Z")
    await report(api, state="GONE")
    assert await states(api, EXPIRY) == ["RESOLVED"]
    await move(api, "2027-02-01T00:00:00Z")
    assert await read(api, "domain_lost") == {}


async def test_billing_and_the_contacts_of_the_account_are_concerned_and_nobody_else(api: Api) -> None:
    """ALE-3: both for its end, BILLING alone for its money."""
    contact, sites = AccountPermission.TECHNICAL_CONTACT, AccountPermission.SITES
    here, there = ACCOUNT_KEYS["atelier"], ACCOUNT_KEYS["boutique"]
    await a_grant(api, FREE, accounts={here: [contact]})
    await a_grant(api, STAFF, accounts={here: [sites], there: [contact]})
    await report(api, "2026-12-10")
    await renewing(api, "2026-12-15", name="other.example")
    await move(api, "2026-11-23T00:00:00Z")
    both = ["DOMAIN_EXPIRY", "DOMAIN_RENEWAL_FUNDS"]
    seen = {person.email: await kinds(api, person) for person in (OWNER, DELEGATE, FREE, STAFF)}
    assert seen == {OWNER.email: both, DELEGATE.email: both, FREE.email: ["DOMAIN_EXPIRY"], STAFF.email: []}
    found = await api.ask(HERE, {"id": ATELIER}, token=await api.token(FREE))
    assert found.data["node"]["alerts"]["nodes"] == [{"kind": "DOMAIN_EXPIRY"}]
    assert set(await read(api, "alert_domain_expiry")) == {OWNER.key, DELEGATE.key, FREE.key}
    assert set(await read(api, "alert_domain_renewal_funds")) == {OWNER.key, DELEGATE.key}


# Its money


async def test_without_money_it_is_told_of_and_enough_of_it_resolves_that(api: Api) -> None:
    await renewing(api)
    await move(api, "2026-12-02T00:00:00Z")
    assert await states(api, FUNDS) == ["OPEN"]
    await pay(api, 1_499)
    assert await states(api, FUNDS) == ["OPEN"]
    await pay(api, 1)
    assert await states(api, FUNDS) == ["RESOLVED"]
    (found,) = [each for each in await shown(api) if each["kind"] == "DOMAIN_RENEWAL_FUNDS"]
    assert (found["consequence"], found["expiresAt"]) == ("NONE", None)
    await renewing(api, cents=1_600)
    assert await states(api, FUNDS) == ["RESOLVED", "OPEN"]


async def test_never_paid_for_it_is_told_of_three_times_and_never_expires(api: Api) -> None:
    await renewing(api)
    await move(api, "2027-03-01T00:00:00Z")
    assert await steps(api, FUNDS) == [
        ("OPENING", "2026-12-01"),
        ("FIRST_REMINDER", "2026-12-24"),
        ("SECOND_REMINDER", "2026-12-30"),
    ]
    assert await states(api, FUNDS) == ["OPEN"]


async def test_what_ends_first_is_paid_for_first(api: Api) -> None:
    await renewing(api, "2026-12-12")
    await renewing(api, "2026-12-11", name="first.example")
    await pay(api, 2_000)
    assert sorted(await states(api, FUNDS)) == ["OPEN", "RESOLVED"]
    (left,) = [each for each in await shown(api) if each["status"] == "OPEN" and each["kind"] == "DOMAIN_RENEWAL_FUNDS"]
    assert "example.org" in left["title"]


async def test_a_card_that_is_debited_automatically_resolves_it_as_long_as_it_is(api: Api) -> None:
    await renewing(api, "2026-12-12")
    key = (await add_card(api, "card_ok"))["paymentMethod"]["id"]
    assert await states(api, FUNDS) == ["OPEN"]
    await asked(api, UPDATE, {"input": {"paymentMethodId": key, "autoDebit": True}})
    assert await states(api, FUNDS) == ["RESOLVED"]
    await asked(api, REMOVE, {"id": key})
    assert await states(api, FUNDS) == ["RESOLVED", "OPEN"]


async def test_a_card_that_ends_before_the_renewal_pays_for_nothing(api: Api) -> None:
    """Valid to 31 December."""
    await renewing(api, "2027-01-10")
    await add_card(api, "card_expiring", autoDebit=True)
    await move(api, "2026-12-15T00:00:00Z")
    assert await states(api, FUNDS) == ["OPEN"]


async def test_what_does_not_renew_itself_any_more_needs_no_money(api: Api) -> None:
    await renewing(api, "2026-12-12")
    await report(api, "2026-12-12")
    assert (await states(api, FUNDS), await states(api, EXPIRY)) == (["RESOLVED"], ["OPEN"])


async def test_with_its_account_its_alerts_are_over(api: Api) -> None:
    await renewing(api, "2026-12-12")
    await report(api, "2026-12-12", name="other.example")
    await asked(api, DELETE, {"id": ATELIER, "confirmation": "atelier"})
    await answer(api)
    assert (await states(api, FUNDS), await states(api, EXPIRY)) == (["RESOLVED"], ["RESOLVED"])
    assert await api.rows(Domain) == []
    assert {each["subject"] for each in await shown(api)} == {None}


# What is reported


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "<b>"}, "name"),
        ({"name": "localhost"}, "name"),
        ({"name": f"{'a' * 300}.example"}, "name"),
        ({"expires_on": "9999-12-31"}, "expiresOn"),
        ({"expires_on": "0001-01-01"}, "expiresOn"),
        ({"renewalPrice": {"amount": "-1.00"}}, "renewalPrice"),
        ({"renewalPrice": {"amount": "1.005"}}, "renewalPrice"),
        ({"renewalPrice": {"amount": "1000000000.00"}}, "renewalPrice"),
        ({"account": global_id("Server", OWNER.key)}, "accountId"),
        ({"account": global_id("Account", OWNER.key)}, "accountId"),
    ],
)
async def test_nonsense_is_refused_at_its_field(api: Api, given: Any, field: str) -> None:
    payload = await report(api, **given)
    assert (payload["changed"], [each["field"][-1] for each in payload["userErrors"]]) == (None, [field])
    assert await api.rows(Domain) == []


def test_names_are_kept_in_one_form() -> None:
    assert checked_name(" Example.ORG. ") == "example.org"
    assert checked_name("xn--mnchen-3ya.example") == "xn--mnchen-3ya.example"
    for wrong in ("", ".", "a..b", "-a.example", "a-.example", "exämple.org", f"{'a' * 64}.example", "a b.example"):
        with pytest.raises(BadDomainName):
            checked_name(wrong)


async def test_a_correction_of_its_day_tells_what_is_left_to_tell(api: Api) -> None:
    await report(api)
    await move(api, "2026-12-02T00:00:00Z")
    await report(api, "2026-12-12")
    await move(api, "2026-12-13T00:00:00Z")
    assert await steps(api, EXPIRY) == [
        ("OPENING", "2026-12-01"),
        ("FIRST_REMINDER", "2026-12-02"),
        ("SECOND_REMINDER", "2026-12-05"),
        ("FINAL_WARNING", "2026-12-11"),
    ]
    assert await states(api, EXPIRY) == ["EXPIRED"]
