"""CAT-1, CAT-3. The support team sets up servers for customers: who is billed what, and what stands in the way."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from models.activity import ActivityEvent
from models.charge import Charge
from models.column import table
from models.db import Db
from models.intervention import Intervention
from models.profile import Profile
from models.server import Server
from models.server_option import ServerOption
from models.service import ServiceScope
from models.subscription import Subscription
from resolvers.audit import verify
from tests.api import FREE, OWNER, Api, profile_id
from tests.cycle import alone, documents, move
from tests.mails import Box, sent
from tests.opening import codes, on_server, opened, wanted
from tests.support import CREATE, created, scheduled
from tests.test_access import credential, staff
from tests.test_contract_acceptance import publish
from tests.test_suspension import suspend

SHOWN = """query ($id: ID!) { node(id: $id) { ... on Server { name plan { code }
  configuration { cpu disks memoryMegabytes trafficGigabytes options }
  subscription { period status committedUntil price { net { amount } } } } } }"""


async def charged(api: Api) -> list[tuple[str, int]]:
    rows = sorted(await api.rows(Charge), key=lambda row: row.id)
    return [(row.label_en, row.net_cents) for row in rows if "anvil" in row.label_en]


@pytest.mark.parametrize(("committed", "net", "tax"), [(True, 122_700, 24_540), (False, 147_240, 29_448)])
async def test_the_first_invoice_is_of_three_months(api: Api, committed: bool, net: int, tax: int) -> None:
    """SPEC 12. 409 x 3 = 1,227.00, and a fifth more without the commitment."""
    await alone(api)
    payload = await created(api, committed=committed)
    assert payload["userErrors"] == []
    token = await api.token(OWNER)
    shown = (await api.ask(SHOWN, {"id": payload["serverId"]}, token=token)).data["node"]
    assert shown == {
        "name": "anvil",
        "plan": {"code": "dedicated"},
        "configuration": {
            "cpu": "8 cores",
            "disks": "1 TB NVMe",
            "memoryMegabytes": 16_384,
            "trafficGigabytes": 3_000,
            "options": [],
        },
        "subscription": {
            "period": "MONTHLY",
            "status": "ACTIVE",
            "committedUntil": "2027-02-21" if committed else None,
            "price": {"net": {"amount": "409.00"}},
        },
    }
    assert await charged(api) == [("Dedicated, first months, anvil", net)]
    await move(api, "2026-11-22T16:00:00Z")
    assert await documents(api) == [("INVOICE", "2026-11-22", net, tax)]
    given = await wanted(api, token, on_server("fresh", payload["serverId"]))
    assert codes(await opened(api, token, given)) == []
    await verify(api.database)


async def test_the_customer_is_told(api: Api) -> None:
    await created(api)
    box = Box()
    await sent(api.database, box)
    (letter,) = [each for each in box.messages if "anvil" in str(each["Subject"])]
    assert str(letter["To"]) == OWNER.email
    assert "As agreed by phone." in str(letter.get_body(("plain",)))
    (event,) = [row for row in await api.rows(ActivityEvent) if row.kind == "server.created"]
    assert (event.owner_id, event.facts["reason"]) == (OWNER.key, "As agreed by phone.")


async def test_what_is_on_quotation_costs_what_was_agreed_on(api: Api) -> None:
    assert codes(await created(api, plan="gold", period="YEARLY")) == ["PLAN_UNAVAILABLE"]
    for amount, code in (("0.00", "INVALID"), ("-1.00", "INVALID"), ("1.001", "INVALID")):
        wrong = await created(api, plan="gold", period="YEARLY", agreedPrice={"amount": amount})
        assert [(each["code"], each["field"]) for each in wrong["userErrors"]] == [(code, ["input", "agreedPrice"])]
    assert [row.name for row in await api.rows(Server)] == ["forge"]
    payload = await created(api, plan="gold", period="YEARLY", agreedPrice={"amount": "9000.00"})
    assert payload["userErrors"] == []
    assert await charged(api) == [("Gold, one year, anvil", 900_000)]


async def test_options_are_charged_with_it_while_they_are_sold(api: Api) -> None:
    """CAT-3. 20.00 a month for one SSD, twice; those of old configurations are sold no more."""
    options = [{"code": "ssd_480", "quantity": 2}]
    assert codes(await created(api, options=options)) == ["PLAN_UNAVAILABLE"]
    async with Db(api.database) as db:
        await db.note(update(table(ServerOption)).values(available=True))
    for wrong, code in (
        ([{"code": "nothing"}], "NOT_FOUND"),
        ([*options, *options], "INVALID"),
        ([{"code": "ssd_480", "quantity": 0}], "INVALID"),
        ([{"code": "ssd_480", "quantity": 101}], "INVALID"),
    ):
        assert codes(await created(api, options=wrong)) == [code]
    payload = await created(api, options=options)
    assert await charged(api) == [
        ("Dedicated, first months, anvil", 122_700),
        ("SSD 480 GB, one month, anvil", 4_000),
    ]
    shown = (await api.ask(SHOWN, {"id": payload["serverId"]}, token=await api.token(OWNER))).data["node"]
    assert shown["configuration"]["options"] == ["2 × SSD 480 GB"]


async def test_a_name_is_well_formed_and_nobody_elses(api: Api) -> None:
    for name, code in (("forge", "CONFLICT"), ("An vil", "INVALID"), ("x", "INVALID"), ("y" * 64, "INVALID")):
        payload = await created(api, name)
        assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [(code, ["input", "name"])]
    assert codes(await created(api)) == []
    assert codes(await created(api)) == ["CONFLICT"]  # What is sent twice is there once.
    assert sorted(row.name for row in await api.rows(Server)) == ["anvil", "forge"]
    assert len([row for row in await api.rows(Subscription) if row.server_id]) == 1


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"plan": "small"}, "PLAN_UNAVAILABLE", "plan"),
        ({"plan": "nothing"}, "NOT_FOUND", "plan"),
        ({"cpu": " "}, "INVALID", "cpu"),
        ({"disks": "x" * 101}, "INVALID", "disks"),
        ({"memoryMegabytes": 0}, "INVALID", "memoryMegabytes"),
        ({"trafficGigabytes": -1}, "INVALID", "trafficGigabytes"),
        ({"reason": ""}, "REQUIRED", "reason"),
        ({"profileId": "none"}, "NOT_FOUND", "profileId"),
    ],
)
async def test_what_is_wrong_is_told_and_sets_up_nothing(api: Api, given: Any, code: str, field: str) -> None:
    payload = await created(api, **given)
    assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [(code, ["input", field])]
    assert [row.name for row in await api.rows(Server)] == ["forge"]


async def test_nothing_is_set_up_for_who_cannot_be_billed(api: Api) -> None:
    """PRO-1, PRO-2, PRO-12, BIL-19."""
    assert codes(await created(api, "second", profileId=profile_id(FREE))) == ["IDENTITY_INCOMPLETE"]
    profiles = table(Profile)

    async def changed(**values: Any) -> None:
        async with Db(api.database) as db:
            await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(**values))

    await changed(city=None)
    assert codes(await created(api, "second")) == ["IDENTITY_INCOMPLETE"]
    await changed(email_verified_at=None)
    assert codes(await created(api, "second")) == ["EMAIL_NOT_VERIFIED"]
    await suspend(api)
    await changed(email_verified_at=api.database.clock.now())
    assert codes(await created(api, "second")) == ["PROFILE_SUSPENDED"]
    assert [row.name for row in await api.rows(Server)] == ["forge"]


async def test_a_contract_that_waits_has_to_be_accepted_first(api: Api) -> None:
    """BIL-19."""
    await publish(api, "2026-11", date(2026, 11, 22))
    assert codes(await created(api)) == ["CONTRACT_PENDING"]
    assert codes(await scheduled(api)) == ["CONTRACT_PENDING"]
    assert ([row.name for row in await api.rows(Server)], await api.rows(Intervention)) == (["forge"], [])


async def test_only_the_support_team_sets_up_servers(api: Api) -> None:
    secret = await credential(api, ServiceScope.ABUSE, name="another")
    given = {
        "profileId": profile_id(OWNER),
        "name": "anvil",
        "plan": "dedicated",
        "period": "MONTHLY",
        "committed": True,
        "cpu": "8",
        "disks": "1",
        "memoryMegabytes": 1,
        "trafficGigabytes": 1,
        "reason": "x",
    }
    assert (await staff(api, secret, CREATE, {"input": given})).codes == ["FORBIDDEN"]
    assert (await staff(api, await api.token(OWNER), CREATE, {"input": given})).status == 403
    assert [row.name for row in await api.rows(Server)] == ["forge"]
