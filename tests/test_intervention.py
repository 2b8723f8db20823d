"""CAT-2. Interventions: priced, capped, planned by the support team, and charged once: when done, or cancelled late."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from app.demo_hosting import FORGE
from models.activity import ActivityEvent
from models.charge import Charge
from models.column import new_id, table
from models.db import Db
from models.intervention import (
    CancelSituation,
    Intervention,
    InterventionStatus,
    agreed,
    decide_cancelling,
)
from models.intervention_rate import InterventionPrice, InterventionRate, shares
from models.permission import OverallPermission, ServerPermission
from models.plan import PlanKind
from models.profile import Profile
from models.service import ServiceScope
from resolvers.audit import verify
from tests.api import DELEGATE, FREE, OWNER, STAFF, Api, profile_id
from tests.cycle import alone, documents, move
from tests.granting import a_grant
from tests.hosting import FORGE_ID
from tests.mails import Box, sent
from tests.opening import codes
from tests.support import (
    ALL_THREE,
    CALL_OFF,
    CANCEL,
    CANCEL_QUOTE,
    COMPLETE,
    SCHEDULE,
    SLOT,
    cancel_quote,
    cancelled,
    created,
    planned,
    scheduled,
    support,
    work_quote,
)
from tests.test_access import credential, staff
from tests.test_server import deleted
from tests.test_suspension import suspend

DAY = timedelta(hours=24)
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
SHOWN = """query ($id: ID!) { node(id: $id) { ... on Server { interventions {
  id codes status scheduledFor server { id } price { net { amount } gross { amount } } } } } }"""


async def charged(api: Api) -> list[tuple[str, int]]:
    """What is charged of interventions, in order."""
    rows = [row for row in await api.rows(Charge) if row.kind.value == "INTERVENTION"]
    return [(row.label_en, row.net_cents) for row in sorted(rows, key=lambda row: row.id)]


async def status(api: Api) -> list[str]:
    return [row.status.value for row in await api.rows(Intervention)]


# The rules


@pytest.mark.parametrize(
    ("prices", "most", "shared"),
    [
        ((40_000, 20_000, 20_000), 60_000, [30_000, 15_000, 15_000]),
        ((40_000, 20_000), 60_000, [40_000, 20_000]),
        ((1, 1, 1), 2, [1, 0, 1]),
        ((20_000,), 60_000, [20_000]),
        ((0, 0), 60_000, [0, 0]),
    ],
)
def test_the_cap_is_shared_out_to_the_last_cent(prices: tuple[int, ...], most: int, shared: list[int]) -> None:
    assert shares(prices, most) == shared
    assert sum(shared) == min(sum(prices), most)


@pytest.mark.parametrize(
    ("before", "charged"),
    [
        (DAY + timedelta(microseconds=1), False),
        (DAY, True),
        (timedelta(minutes=1), True),
        (-timedelta(days=3), True),
    ],
)
def test_earlier_than_a_day_before_the_slot_it_is_free(before: timedelta, charged: bool) -> None:
    lines = agreed([{"label_en": "x", "label_fr": "x", "net_cents": 20_000, "explanation": {}}])
    found = CancelSituation(InterventionStatus.SCHEDULED, AT, lines, AT - before)
    decided = decide_cancelling(found, DAY)
    assert [line.net_cents for line in decided.lines] == ([20_000] if charged else [])
    provider = CancelSituation(InterventionStatus.SCHEDULED, AT, lines, AT - before, by_provider=True)
    assert decide_cancelling(provider, DAY).lines == ()


@pytest.mark.parametrize("over", [each for each in InterventionStatus if each is not InterventionStatus.SCHEDULED])
def test_what_is_over_is_neither_charged_again_nor_cancelled(over: InterventionStatus) -> None:
    assert [each.code for each in decide_cancelling(CancelSituation(over, AT, (), AT), DAY).blockers] == ["CONFLICT"]


# The price


async def test_several_at_once_are_capped_on_dedicated_and_on_gold(api: Api) -> None:
    """SPEC 12. min(800, 600) and min(1600, 1200), over the API, with VAT."""
    await alone(api)
    gold = await work_quote(api)
    assert (gold["charge"]["net"]["amount"], gold["charge"]["gross"]["amount"]) == ("1200.00", "1440.00")
    assert (gold["refund"]["amount"], gold["balanceAfter"]["amount"]) == ("0.00", "-1440.00")
    assert (gold["blockers"], gold["invoicedOn"], gold["dueOn"]) == ([], None, None)
    assert len(gold["warnings"]) == 1
    assert gold["token"]
    server = (await created(api))["serverId"]
    dedicated = await work_quote(api, server)
    assert (dedicated["charge"]["net"]["amount"], dedicated["charge"]["gross"]["amount"]) == ("600.00", "720.00")
    assert [line["total"]["net"]["amount"] for line in dedicated["lines"]] == ["300.00", "150.00", "150.00"]
    assert "800" in dedicated["lines"][0]["explanation"]
    assert "600" in dedicated["lines"][0]["explanation"]
    alone_ = await work_quote(api, server, ["ram_change"])
    assert alone_["charge"]["net"]["amount"] == "200.00"
    assert await api.rows(Intervention) == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [([], "REQUIRED"), (["ram_change", "ram_change"], "INVALID"), (["ram_change", "nothing"], "NOT_FOUND")],
)
async def test_what_cannot_be_done_has_no_price(api: Api, wanted: list[str], code: str) -> None:
    quote = await work_quote(api, codes=wanted)
    assert ([each["code"] for each in quote["blockers"]], quote["token"]) == ([code], None)
    assert quote["charge"]["net"]["amount"] == "0.00"


# Planned and done


async def test_what_is_done_is_charged_once_at_the_price_that_was_told(api: Api) -> None:
    await alone(api)
    key = await planned(api)
    box = Box()
    await sent(api.database, box)
    (letter,) = [each for each in box.messages if "intervention" in str(each["Subject"])]
    assert str(letter["To"]) == OWNER.email
    assert "1200.00" in str(letter.get_body(("plain",)))
    shown = (await api.ask(SHOWN, {"id": FORGE_ID}, token=await api.token(OWNER))).data["node"]["interventions"]
    assert shown == [
        {
            "id": key,
            "codes": ALL_THREE,
            "status": "SCHEDULED",
            "scheduledFor": SLOT,
            "server": {"id": FORGE_ID},
            "price": {"net": {"amount": "1200.00"}, "gross": {"amount": "1440.00"}},
        }
    ]
    assert await charged(api) == []
    await move(api, "2026-12-01T09:00:00Z")
    assert (await status(api), await charged(api)) == (["SCHEDULED"], [])
    done = {"interventionId": key, "reason": "Fitted."}
    assert await support(api, COMPLETE, **done) == {"changed": True, "userErrors": []}
    assert codes(await support(api, COMPLETE, **done)) == ["CONFLICT"]
    assert codes(await support(api, CALL_OFF, **done, askedByCustomer=True)) == ["CONFLICT"]
    assert codes(await cancelled(api, key)) == ["CONFLICT"]
    assert [cents for _, cents in await charged(api)] == [60_000, 30_000, 30_000]
    await move(api, "2026-12-02T09:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-12-01", 120_000, 24_000)]
    assert await status(api) == ["DONE"]
    await verify(api.database)


async def test_a_later_price_changes_nothing_of_what_is_planned(api: Api) -> None:
    """CAT-4. What is planned from then on costs that."""
    await alone(api)
    key = await planned(api, codes=["ram_change"])
    rates, prices = table(InterventionRate), table(InterventionPrice)
    async with Db(api.database) as db:
        (rate,) = await db.rows(select(rates.c.id).where(rates.c.code == "ram_change"))
        dearer = {"id": new_id(), "kind": PlanKind.GOLD, "cents": 99_900, "valid_from": await db.now()}
        await db.release()
        await db.note(insert(prices).values(intervention_rate_id=rate.id, **dearer))
    assert (await work_quote(api, codes=["ram_change"]))["charge"]["net"]["amount"] == "999.00"
    await support(api, COMPLETE, interventionId=key, reason="Fitted.")
    assert await charged(api) == [("Change of memory, forge", 40_000)]


async def test_one_thing_at_a_time_and_what_is_sent_twice_is_there_once(api: Api) -> None:
    await planned(api)
    assert codes(await scheduled(api)) == ["CONFLICT"]
    assert codes(await scheduled(api, codes=["disks_upgrade"])) == ["CONFLICT"]
    await planned(api, slot="2026-11-30T10:00:00Z")
    assert len(await api.rows(Intervention)) == 2


@pytest.mark.parametrize("slot", ["2026-11-22T08:00:00Z", "2201-01-01T09:00:00Z", "9999-12-31T23:59:59Z"])
async def test_a_slot_lies_ahead(api: Api, slot: str) -> None:
    payload = await scheduled(api, slot=slot)
    assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [("INVALID", ["input", "scheduledFor"])]


async def test_nothing_is_planned_for_who_is_suspended_or_incomplete_or_without_a_reason(api: Api) -> None:
    assert codes(await scheduled(api, reason="  ")) == ["REQUIRED"]
    assert codes(await scheduled(api, codes=["nothing"])) == ["NOT_FOUND"]
    async with Db(api.database) as db:
        mine = update(table(Profile)).where(table(Profile).c.id == OWNER.key)
        await db.note(mine.values(city=None))
    assert codes(await scheduled(api)) == ["IDENTITY_INCOMPLETE"]
    await suspend(api)
    assert codes(await scheduled(api)) == ["PROFILE_SUSPENDED"]
    assert await api.rows(Intervention) == []


async def test_the_customers_quote_is_kept_to_or_nothing_is_planned(api: Api) -> None:
    token = (await work_quote(api))["token"]
    assert codes(await scheduled(api, codes=["ram_change"], quoteToken=token)) == ["CONFLICT"]
    assert codes(await scheduled(api, quoteToken="forged")) == ["CONFLICT"]
    await planned(api, quoteToken=token)
    await move(api, "2026-11-22T10:00:00Z")
    assert codes(await scheduled(api, slot="2026-12-01T09:00:00Z", quoteToken=token)) == ["CONFLICT"]


# Cancelled


async def test_what_is_cancelled_in_time_is_free(api: Api) -> None:
    await alone(api)
    key = await planned(api)
    quote = await cancel_quote(api, key)
    assert (quote["charge"]["gross"]["amount"], quote["lines"], quote["warnings"]) == ("0.00", [], [])
    given = {"idempotencyKey": str(uuid4()), "quoteToken": quote["token"]}
    first = await cancelled(api, key, **given)
    assert first == {"intervention": {"id": key, "status": "CANCELLED"}, "userErrors": []}
    assert await cancelled(api, key, **given) == first
    assert await charged(api) == []
    assert [row.kind for row in await api.rows(ActivityEvent)].count("intervention.cancelled") == 1
    assert codes(await cancelled(api, key)) == ["CONFLICT"]


async def test_what_is_cancelled_too_late_is_charged_all_the_same(api: Api) -> None:
    """CAT-2. And a quote from before is refused with what it costs now."""
    await alone(api)
    key = await planned(api)
    await move(api, "2026-11-29T08:50:00Z")
    early = (await cancel_quote(api, key))["token"]
    await move(api, "2026-11-29T09:00:00Z")
    refused = await cancelled(api, key, quoteToken=early)
    assert codes(refused) == ["QUOTE_CHANGED"]
    current = refused["userErrors"][0]["current"]
    assert current["charge"]["net"]["amount"] == "1200.00"
    quote = await cancel_quote(api, key)
    assert (quote["charge"]["gross"]["amount"], quote["invoicedOn"]) == ("1440.00", "2026-11-29")
    assert len(quote["warnings"]) == 1
    payload = await cancelled(api, key, quoteToken=current["token"])
    assert payload["intervention"]["status"] == "CANCELLED_CHARGED"
    assert sum(cents for _, cents in await charged(api)) == 120_000
    assert all("cancelled late" in label for label, _ in await charged(api))
    assert codes(await support(api, COMPLETE, interventionId=key, reason="Fitted.")) == ["CONFLICT"]
    await move(api, "2026-11-30T09:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-11-29", 120_000, 24_000)]


async def test_once_the_slot_has_begun_the_support_team_says_what_became_of_it(api: Api) -> None:
    key = await planned(api)
    await move(api, "2026-11-30T09:00:00Z")
    assert codes(await cancelled(api, key)) == ["CONFLICT"]
    assert [each["code"] for each in (await cancel_quote(api, key))["blockers"]] == ["CONFLICT"]
    told = {"interventionId": key, "reason": "Nobody came."}
    assert await support(api, CALL_OFF, **told, askedByCustomer=False) == {"changed": True, "userErrors": []}
    assert (await status(api), await charged(api)) == (["CANCELLED"], [])


async def test_who_asks_the_support_team_too_late_is_charged_too(api: Api) -> None:
    await move(api, "2026-11-29T20:00:00Z")
    key = await planned(api, codes=["ram_change"])
    await support(api, CALL_OFF, interventionId=key, reason="As you asked.", askedByCustomer=True)
    assert await status(api) == ["CANCELLED_CHARGED"]
    assert await charged(api) == [("Change of memory, forge, cancelled late", 40_000)]


# Who


async def test_who_sees_it_and_who_cancels(api: Api) -> None:
    key = await planned(api)
    await a_grant(api, FREE, servers={FORGE: [ServerPermission.TECHNICAL_CONTACT]})
    seen = (await api.ask(SHOWN, {"id": FORGE_ID}, token=await api.token(FREE))).body
    assert seen["data"]["node"]["interventions"][0]["id"] == key
    assert seen["data"]["node"]["interventions"][0]["price"] is None
    for person in (FREE, DELEGATE):  # BILLING reads what it costs, and does not cancel.
        given = {"interventionId": key, "quoteToken": "none", "idempotencyKey": str(uuid4())}
        assert (await api.ask(CANCEL, {"input": given}, token=await api.token(person))).codes == ["FORBIDDEN"]
    given = {"interventionId": key, "quoteToken": "none", "idempotencyKey": str(uuid4())}
    hidden = (await api.ask(CANCEL, {"input": given}, token=await api.token(STAFF))).data["interventionCancel"]
    assert codes(hidden) == ["NOT_FOUND"]
    await a_grant(api, STAFF, OverallPermission.ACCOUNT_MANAGEMENT)
    only_token = "query ($id: ID!) { node(id: $id) { ... on Intervention { cancelQuote { token } } } }"
    answer = await api.ask(only_token, {"id": key}, token=await api.token(STAFF))
    payload = await cancelled(api, key, STAFF, quoteToken=answer.data["node"]["cancelQuote"]["token"])
    assert payload["userErrors"] == []


@pytest.mark.parametrize("document", [SCHEDULE, COMPLETE, CALL_OFF])
async def test_only_the_support_team_plans_and_closes(api: Api, document: str) -> None:
    key = await planned(api)
    given: Any = {"interventionId": key, "reason": "x"}
    if document == SCHEDULE:
        given = {"serverId": FORGE_ID, "codes": ALL_THREE, "scheduledFor": SLOT, "reason": "x"}
    if document == CALL_OFF:
        given["askedByCustomer"] = False
    secret = await credential(api, ServiceScope.ABUSE, name="another")
    assert (await staff(api, secret, document, {"input": given})).codes == ["FORBIDDEN"]
    assert (await staff(api, await api.token(OWNER), document, {"input": given})).status == 403
    assert await status(api) == ["SCHEDULED"]


async def test_ids_of_nothing_and_of_other_things_are_not_found(api: Api) -> None:
    for key in ("none", profile_id(OWNER)):
        assert codes(await scheduled(api, server=key)) == ["NOT_FOUND"]
        assert codes(await support(api, COMPLETE, interventionId=key, reason="x")) == ["NOT_FOUND"]
        assert codes(await support(api, CALL_OFF, interventionId=key, reason="x", askedByCustomer=True)) == [
            "NOT_FOUND"
        ]
        answer = await api.ask(CANCEL_QUOTE, {"id": key}, token=await api.token(OWNER))
        assert answer.data["node"] in (None, {})


# Giving up


async def test_giving_the_server_up_does_not_get_around_the_price(api: Api) -> None:
    token = await api.token(OWNER)
    key = await planned(api)
    assert codes(await deleted(api, token)) == ["CONFLICT"]
    preview = "query ($id: ID!) { node(id: $id) { ... on Server { deletionPreview { blockers { code } } } } }"
    found = (await api.ask(preview, {"id": FORGE_ID}, token=token)).data["node"]["deletionPreview"]
    assert found["blockers"] == [{"code": "CONFLICT"}]
    of_profile = "{ viewer { deletionPreview { blockers { message } } } }"
    blockers = (await api.ask(of_profile, token=token)).data["viewer"]["deletionPreview"]["blockers"]
    assert any("intervention" in each["message"] for each in blockers)
    assert (await cancelled(api, key))["userErrors"] == []
    assert (await deleted(api, token))["userErrors"] == []
    assert codes(await scheduled(api)) == ["CONFLICT"]
