"""ACC-3, CAT-1 to CAT-4. The catalogue: what is sold, as strangers see it, and how a file changes it."""

import copy
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner, Result

from app.catalogue_file import SHIPPED, read, shipped
from app.cli import app
from models.catalog import Catalog
from models.clock import FrozenClock
from models.column import table
from models.contract import Contract, ContractVersion
from models.db import Db
from models.fee import Fee, FeePrice
from models.plan import Plan, PlanPrice
from resolvers.catalog import CatalogRefused, load
from tests.api import FREE, OWNER, Api

ZONE = ZoneInfo("Europe/Paris")
PLANS = """query Plans($kind: PlanKind) { catalog { plans(kind: $kind) {
  code name kind diskGigabytes memoryMegabytes cpuCores backupDays free available urgentTickets restrictions
  prices { period monthly { amount currency } total { amount } }
  serviceLevel { responseMinutes repairMinutes availability } } } }"""
PRICES = "{ catalog { plans { code prices { period total { amount } } } } }"
Written = dict[str, Any]


def written() -> Written:
    """The shipped file, to be changed."""
    return copy.deepcopy(tomllib.loads(SHIPPED.read_text("utf-8")))


async def loaded(api: Api, file: Written) -> dict[str, int]:
    async with Db(api.database) as db:
        return await load(db, Catalog.model_validate(file), ZONE)


async def refused(api: Api, file: Written) -> list[str]:
    """The lines that say why, where nothing was changed."""
    before = await everything(api)
    with pytest.raises(CatalogRefused) as refusal:
        await loaded(api, file)
    assert await everything(api) == before
    return str(refusal.value).splitlines()


async def everything(api: Api) -> list[list[Any]]:
    return [sorted(map(str, await api.rows(model))) for model in (Plan, PlanPrice, FeePrice, ContractVersion, Contract)]


async def prices(api: Api) -> dict[str, list[str]]:
    """The totals of every plan on sale, the month first."""
    plans = (await api.ask(PRICES)).data["catalog"]["plans"]
    return {plan["code"]: [price["total"]["amount"] for price in plan["prices"]] for plan in plans}


async def move(api: Api, to: str) -> None:
    """Business time, and nothing else."""
    document = f'mutation {{ sandboxClockAdvance(input: {{to: "{to}"}}) {{ userErrors {{ code }} }} }}'
    moved = await api.ask(document, token=await api.token(FREE))
    assert moved.data["sandboxClockAdvance"]["userErrors"] == []


# What is shipped


async def test_a_stranger_reads_what_is_sold(api: Api) -> None:
    plans = (await api.ask(PLANS)).data["catalog"]["plans"]
    assert [plan["code"] for plan in plans] == ["free", "small", "medium", "large", "xlarge", "dedicated", "gold"]
    by_code = {plan["code"]: plan for plan in plans}
    assert by_code["medium"] == {
        "code": "medium",
        "name": "Medium",
        "kind": "PUBLIC_CLOUD",
        "diskGigabytes": 100,
        "memoryMegabytes": 2048,
        "cpuCores": "2",
        "backupDays": 20,
        "free": False,
        "available": True,
        "urgentTickets": False,
        "restrictions": [],
        "prices": [
            {
                "period": "MONTHLY",
                "monthly": {"amount": "22.00", "currency": "EUR"},
                "total": {"amount": "22.00"},
            },
            {"period": "YEARLY", "monthly": {"amount": "20.00", "currency": "EUR"}, "total": {"amount": "240.00"}},
        ],
        "serviceLevel": {"responseMinutes": 60, "repairMinutes": 240, "availability": "99.70"},
    }
    assert by_code["free"]["cpuCores"] == "0.25"
    assert by_code["gold"]["serviceLevel"] == {"responseMinutes": 15, "repairMinutes": 60, "availability": "99.95"}
    assert {plan["code"] for plan in plans if plan["urgentTickets"]} == {"dedicated", "gold"}


async def test_the_shipped_prices_are_those_of_the_rules(api: Api) -> None:
    assert await prices(api) == {
        "free": [],
        "small": ["6.00", "60.00"],
        "medium": ["22.00", "240.00"],
        "large": ["55.00", "600.00"],
        "xlarge": ["165.00", "1800.00"],
        "dedicated": ["409.00", "4428.00"],
        "gold": [],
    }
    offers = {plan.code: plan for plan in shipped().plans}
    assert [(offers[code].committed_months, offers[code].uncommitted_surcharge_percent) for code in offers] == [
        *[(0, 0)] * 5,
        *[(3, 20)] * 2,
    ]


async def test_one_family_is_read_alone(api: Api) -> None:
    for kind, codes in (("GOLD", ["gold"]), ("DEDICATED", ["dedicated"])):
        found = (await api.ask(PLANS, {"kind": kind})).data["catalog"]["plans"]
        assert [plan["code"] for plan in found] == codes
    assert len((await api.ask(PLANS, {"kind": "PUBLIC_CLOUD"})).data["catalog"]["plans"]) == 5


async def test_names_and_restrictions_are_in_the_readers_language(api: Api) -> None:
    french, english = [
        (await api.ask(PLANS, accept_language=language)).data["catalog"]["plans"][0] for language in ("fr", "en")
    ]
    assert (french["name"], english["name"]) == ("Gratuit", "Free")
    assert french["restrictions"][1] == "Pas d’usage commercial."
    assert english["restrictions"] == [
        "Sites are on the provider’s own address only.",
        "No commercial use.",
        "No connections to databases from outside.",
    ]


async def test_interventions_and_urgent_tickets_have_their_price(api: Api) -> None:
    document = """{ catalog { urgentTicketFee { amount currency }
      interventionRates { code name dedicated { amount } gold { amount } } } }"""
    found = (await api.ask(document, accept_language="fr")).data["catalog"]
    assert found["urgentTicketFee"] == {"amount": "100.00", "currency": "EUR"}
    assert [
        (rate["code"], rate["dedicated"]["amount"], rate["gold"]["amount"]) for rate in found["interventionRates"]
    ] == [
        ("cpu_upgrade", "400.00", "800.00"),
        ("disks_upgrade", "400.00", "800.00"),
        ("ram_change", "200.00", "400.00"),
        ("gpu_addition", "200.00", "400.00"),
        ("disks_addition", "200.00", "400.00"),
    ]
    assert found["interventionRates"][2]["name"] == "Changement de mémoire"
    caps = {row.fee: row.cents for row in await api.rows(FeePrice)}
    assert caps == {Fee.URGENT_TICKET: 10_000, Fee.INTERVENTIONS_DEDICATED: 60_000, Fee.INTERVENTIONS_GOLD: 120_000}


async def test_options_of_old_configurations_are_shown_and_not_sold(api: Api) -> None:
    document = "{ catalog { serverOptions { code name available prices { monthly { amount } total { amount } } } } }"
    options = (await api.ask(document)).data["catalog"]["serverOptions"]
    figures = [(each["code"], *(price["total"]["amount"] for price in each["prices"])) for each in options]
    assert figures == [
        ("ssd_480", "20.00", "200.00"),
        ("ssd_960", "40.00", "400.00"),
        ("ssd_1900", "70.00", "700.00"),
        ("hdd_2000", "30.00", "300.00"),
        ("hdd_4000", "60.00", "600.00"),
        ("hdd_6000", "85.00", "850.00"),
        ("hdd_10000", "140.00", "1400.00"),
        ("ram_16", "10.00", "100.00"),
    ]
    assert options[0]["prices"][1]["monthly"]["amount"] == "16.67"
    assert {each["available"] for each in options} == {False}


# A file changes it


async def test_loading_again_adds_nothing(api: Api) -> None:
    before = await everything(api)
    assert await loaded(api, written()) == {}
    assert await everything(api) == before


async def test_a_new_price_is_in_force_from_its_day_on_and_the_old_one_until_then(api: Api) -> None:
    file = tomllib.loads(SHIPPED.read_text("utf-8").replace("= 2020-03-01", "= 2027-03-01", 1))
    file["plans"][1]["eur_per_month"] = "7.50"
    assert await loaded(api, file) == {"plan_price": 1}
    assert await loaded(api, file) == {}
    assert (await prices(api))["small"] == ["6.00", "60.00"]
    await move(api, "2027-02-28T22:59:59.999Z")
    assert (await prices(api))["small"] == ["6.00", "60.00"]
    await move(api, "2027-02-28T23:00:00Z")
    assert (await prices(api))["small"] == ["7.50", "60.00"]
    plan = next(row.id for row in await api.rows(Plan) if row.code == "small")
    kept = sorted(row.cents for row in await api.rows(PlanPrice) if row.plan_id == plan)
    assert kept == [600, 750, 6_000]


async def test_a_dated_price_is_not_edited_and_everything_wrong_is_said_at_once(api: Api) -> None:
    file = written()
    file["plans"][1]["eur_per_month"] = "7.50"
    del file["plans"][2]["eur_per_year"]
    file["fees"]["urgent_ticket_eur"] = "120.00"
    file["contracts"][0]["text"]["en"] = "Another text."
    assert await refused(api, file) == [
        "small, monthly: 7.50 instead of 6.00 from the same instant; a dated price is never edited, "
        "so name a later one",
        "medium, yearly: it has a price, which the file leaves out",
        "urgent ticket: 120.00 instead of 100.00 from the same instant; a dated price is never edited, "
        "so name a later one",
        "contract 2020-03: a version is never edited; publish another",
    ]


async def test_the_past_keeps_its_prices(api: Api, clock: FrozenClock) -> None:
    file = tomllib.loads(SHIPPED.read_text("utf-8").replace("= 2020-03-01", "= 2026-11-22", 1))
    file["plans"][1]["eur_per_month"] = "7.50"
    assert await refused(api, file) == [
        "small, monthly: 7.50 instead of 6.00 from an instant that has passed; name a later one in prices_from"
    ]
    clock.move(-timedelta(hours=12))
    assert await loaded(api, file) == {"plan_price": 1}


async def test_a_plan_that_is_left_out_is_sold_no_more_and_stays(api: Api) -> None:
    small = (await api.ask("{ catalog { plans { id code } } }")).data["catalog"]["plans"][1]
    file = written()
    del file["plans"][1]
    del file["interventions"][0]
    await loaded(api, file)
    assert "small" not in await prices(api)
    node = "query Plan($id: ID!) { node(id: $id) { ... on Plan { code available prices { total { amount } } } } }"
    assert (await api.ask(node, {"id": small["id"]})).data["node"] == {
        "code": "small",
        "available": False,
        "prices": [{"total": {"amount": "6.00"}}, {"total": {"amount": "60.00"}}],
    }
    rates = (await api.ask("{ catalog { interventionRates { code } } }")).data["catalog"]["interventionRates"]
    assert rates[0] == {"code": "disks_upgrade"}
    await loaded(api, written())
    assert (await prices(api))["small"] == ["6.00", "60.00"]


async def test_what_is_not_a_price_is_described_anew(api: Api) -> None:
    file = written()
    file["plans"][1] |= {"name": {"en": "Tiny", "fr": "Mini"}, "disk_gigabytes": 60}
    file["plans"].insert(1, {**file["plans"][2], "code": "between", "eur_per_month": "9.99"})
    file["reserved_account_names"] = ["mine"]
    added = await loaded(api, file)
    assert added == {"plan": 1, "plan_price": 2, "reserved_name": 1}
    plans = (await api.ask(PLANS, accept_language="fr")).data["catalog"]["plans"]
    assert [plan["code"] for plan in plans][:3] == ["free", "between", "small"]
    assert (plans[2]["name"], plans[2]["diskGigabytes"]) == ("Mini", 60)


async def test_prices_are_never_changed_or_deleted(api: Api) -> None:
    for model in (PlanPrice, FeePrice, ContractVersion):
        rows = table(model)
        async with Db(api.database) as db:
            for change in (update(rows).values(id=select(rows.c.id).limit(1).scalar_subquery()), delete(rows)):
                with pytest.raises(IntegrityError, match="append-only"):
                    await db.note(change)


# What a file may hold


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("prices_from = 2020-03-01", "prices_from = 2020-03-01T00:00:00", "prices_from: an instant has an offset"),
        ("prices_from = 2020-03-01", 'prices_from = "soon"', "prices_from: a day such as 2027-01-01"),
        ('eur_per_month = "6.00"', "eur_per_month = 6.0", "plans.1.eur_per_month: a figure with decimals stands in"),
        ('eur_per_month = "6.00"', 'eur_per_month = "6.001"', "plans.1.eur_per_month: An amount has two decimals"),
        ('eur_per_month = "6.00"', 'eur_per_month = "-6"', "plans.1.eur_per_month: a price is not below zero"),
        ('eur_per_month = "6.00"', 'eur_per_months = "6.00"', "plans.1.eur_per_months: Extra inputs"),
        ('cpu_cores = "0.25"', 'cpu_cores = "0.2501"', "plans.0.cpu_cores: at most 3 decimals"),
        ('availability_percent = "99.95"', 'availability_percent = "100.01"', "service_levels.2.availability_percent"),
        ('code = "small"', 'code = "medium"', "plans: medium is there 2 times"),
        ("free = true", 'free = true\neur_per_month = "1"', "plans: free is free and has a price"),
        ('service_level = "gold"', 'service_level = "lead"', "plans: gold has the service level lead, which is not"),
        ('"abuse"', '"Abuse"', "reserved_account_names.0: "),
        ('document = "terms"', 'document = "contract"', "contracts: contract 2020-03 is there 2 times"),
        ("[fees]", "[fee", "catalogue.toml: "),
    ],
)
def test_what_a_file_has_wrong_is_said_with_its_place(tmp_path: Path, old: str, new: str, why: str) -> None:
    text = SHIPPED.read_text("utf-8")
    assert old in text
    file = tmp_path / "catalogue.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(CatalogRefused) as refusal:
        read(file)
    assert why in str(refusal.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogRefused, match=r"none\.toml"):
        read(tmp_path / "none.toml")


def test_an_operator_is_told_of_an_empty_catalogue_and_fills_it(tmp_path: Path) -> None:
    empty = "The catalogue is empty, so that nothing can be sold: run `espace catalogue load`.\n"

    def espace(*arguments: str) -> Result:
        settings = {"ESPACE_DATABASE_URL": f"sqlite:///{tmp_path}/espace.sqlite"}
        return CliRunner().invoke(app, list(arguments), env=settings)

    early = espace("catalogue", "load")
    assert (early.exit_code, early.stderr) == (1, "The database is not migrated: run `espace migrate` first.\n")
    assert espace("migrate").stdout == empty
    assert f"- {empty}" in espace("doctor").stdout
    run = espace("catalogue", "load")
    assert (run.exit_code, run.stderr) == (0, "")
    assert "    10  plan_price\n" in run.stdout
    assert espace("catalogue", "load").stdout == "The catalogue is as the file says.\n"
    assert empty not in espace("migrate").stdout
    assert empty not in espace("doctor").stdout
    own = tmp_path / "own.toml"
    own.write_text(SHIPPED.read_text("utf-8").replace('"6.00"', '"7.00"'), "utf-8")
    refusal = espace("catalogue", "load", str(own))
    assert refusal.exit_code == 1
    assert refusal.stderr.startswith("small, monthly: 7.00 instead of 6.00 from the same instant")


async def test_the_demo_has_the_shipped_catalogue(api: Api) -> None:
    assert {row.code for row in await api.rows(Plan)} == {plan.code for plan in shipped().plans}
    assert (await api.ask("{ catalog { plans { id } } }", token=await api.token(OWNER))).status == 200
