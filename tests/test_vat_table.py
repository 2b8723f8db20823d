"""BIL-7. The VAT table: what is shipped, how a file adds to it, and what customers are read to pay."""

import copy
import tomllib
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from app.catalogue_file import SHIPPED, shipped
from app.cli import app
from models.catalog import Catalog
from models.column import table
from models.db import Database, Db
from models.profile import Profile, ProfileKind
from models.setting import Figures
from models.vat import ELSEWHERE, Audience, Buyer, VatTable, VatTreatment, treatment
from models.vat_rate import RateRefused, VatRate, added_rates
from resolvers import vat
from resolvers.catalog import CatalogRefused, is_untaxed, load, load_rates
from tests.api import FREE, OWNER, Api
from tests.database import START

ZONE = ZoneInfo("Europe/Paris")
DAY = date(2026, 11, 22)
FIGURES = Figures(seller_vat_number="FR40303265045")
UNION = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
BUSINESS, CONSUMER = Audience.BUSINESS, Audience.CONSUMER
RATES = table(VatRate)


@pytest.fixture
def shipped_table() -> VatTable:
    assert shipped().vat is not None
    return VatTable(shipped().vat.rows, seller_vat_number="FR40303265045")  # type: ignore[union-attr]


def rate(where: str, audience: Audience, bp: int, day: date, kind: VatTreatment = VatTreatment.STANDARD) -> VatRate:
    return VatRate(territory=where, audience=audience, treatment=kind, rate_bp=bp, valid_from=day)


# What is shipped


@pytest.mark.parametrize(
    ("country", "postal_code", "business", "kind", "bp", "mentioned"),
    [
        ("FR", "75011", True, "STANDARD", 2_000, False),
        ("FR", "75011", False, "STANDARD", 2_000, False),
        ("FR", "98000", True, "STANDARD", 2_000, False),
        ("MC", "98000", False, "STANDARD", 2_000, False),
        *((country, code, True, "STANDARD", 850, False) for country, code in (("FR", "97110"), ("GP", None))),
        *((country, code, True, "STANDARD", 850, False) for country, code in (("FR", "97200"), ("MQ", "97200"))),
        *((country, code, True, "STANDARD", 850, False) for country, code in (("FR", "97400"), ("RE", None))),
        *((country, code, True, "EXEMPT", 0, True) for country, code in (("FR", "97300"), ("GF", None))),
        *((country, code, True, "EXEMPT", 0, True) for country, code in (("FR", "97600"), ("YT", None))),
        *(("FR", code, False, "STANDARD", 2_000, False) for code in ("97110", "97200", "97300", "97400", "97600")),
        *((code, None, False, "STANDARD", 2_000, False) for code in ("GP", "MQ", "GF", "RE", "YT")),
        *(
            ("FR", code, business, "EXPORT", 0, True)
            for code in ("97500", "97700", "97800", "98600", "98714", "98800")
            for business in (True, False)
        ),
        *((code, None, True, "EXPORT", 0, True) for code in ("PM", "BL", "MF", "WF", "PF", "NC", "TF")),
        *((code, None, business, "EXPORT", 0, True) for code in ("CH", "US", "GB") for business in (True, False)),
        ("ES", "35001", False, "EXPORT", 0, True),
        ("DE", "10115", False, "ONE_STOP_SHOP", 1_900, True),
        ("GR", "10431", False, "ONE_STOP_SHOP", 2_400, True),
        ("FI", "00100", False, "ONE_STOP_SHOP", 2_550, True),
        ("HU", "1051", True, "ONE_STOP_SHOP", 2_700, True),
    ],
)
def test_the_shipped_table_is_that_of_the_rules(
    shipped_table: VatTable, country: str, postal_code: str, business: bool, kind: str, bp: int, mentioned: bool
) -> None:
    found = treatment(Buyer(country, postal_code, is_business=business), DAY, shipped_table)
    assert (found.kind, found.rate_bp) == (kind, bp)
    assert (found.mention_en is not None, found.mention_fr is not None) == (mentioned, mentioned)


@pytest.mark.parametrize("country", UNION)
def test_every_other_member_state_has_its_rate_and_reverses_the_charge(shipped_table: VatTable, country: str) -> None:
    consumer = treatment(Buyer(country), DAY, shipped_table)
    assert consumer.kind is VatTreatment.ONE_STOP_SHOP
    assert 1_700 <= consumer.rate_bp <= 2_700
    valid = Buyer(country, is_business=True, vat_number="the number", vat_valid=True)
    business = treatment(valid, DAY, shipped_table)
    assert (business.kind, business.rate_bp) == (VatTreatment.REVERSE_CHARGE, 0)
    for mention in (business.mention_en or "", business.mention_fr or ""):
        assert "FR40303265045" in mention
        assert "the number" in mention
        assert "2006/112/" in mention
    below = treatment(Buyer(country), DAY, VatTable(shipped_table.rates, one_stop_shop=False))
    assert (below.kind, below.rate_bp, below.territory) == (VatTreatment.STANDARD, 2_000, "FR")


def test_rates_change_on_their_day(shipped_table: VatTable) -> None:
    """BIL-7. Estonia's, which changed twice: dated rows, none edited."""
    days = (date(2021, 7, 1), date(2023, 12, 31), date(2024, 1, 1), date(2025, 6, 30), date(2025, 7, 1))
    assert [treatment(Buyer("EE"), day, shipped_table).rate_bp for day in days] == [2_000, 2_000, 2_200, 2_200, 2_400]


# What a file adds


def test_rates_are_added_and_never_edited() -> None:
    today = date(2026, 11, 22)
    known = [rate("FR", CONSUMER, 2_000, date(2014, 1, 1)), rate(ELSEWHERE, CONSUMER, 0, date(2014, 1, 1))]
    assert added_rates([], known, today) == known, "the first table is taken as it is"
    assert added_rates(known, known, today) == []
    later = rate("FR", CONSUMER, 2_100, date(2026, 11, 23))
    assert added_rates(known, [*known, later], today) == [later]
    same = rate("FR", CONSUMER, 2_000, date(2020, 1, 1))
    assert added_rates(known, [same], today) == []
    for wrong, why in (
        (rate("FR", CONSUMER, 2_100, date(2014, 1, 1)), "never edited"),
        (rate("FR", CONSUMER, 2_000, date(2014, 1, 1), VatTreatment.EXEMPT), "never edited"),
        (rate("FR", CONSUMER, 2_100, today), "has passed"),
        (rate("CH", CONSUMER, 810, date(2020, 1, 1)), "has passed"),
        (rate("FR", BUSINESS, 2_000, date(2020, 1, 1)), "has passed"),
    ):
        with pytest.raises(RateRefused, match=why):
            added_rates(known, [*known, wrong], today)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    known = [rate("FR", CONSUMER, 2_000, date(2014, 1, 1))]
    wrong = [rate("FR", CONSUMER, 1, date(2014, 1, 1)), rate("DE", CONSUMER, 1, date(2014, 1, 1))]
    with pytest.raises(RateRefused) as refusal:
        added_rates(known, wrong, DAY)
    assert str(refusal.value).splitlines() == [
        "vat: FR, consumer, from 2014-01-01: a dated rate is never edited; name a later day",
        "vat: DE, consumer, from 2014-01-01: the day has passed; name a later one",
    ]


def written() -> dict[str, Any]:
    """The shipped file, to be changed."""
    return copy.deepcopy(tomllib.loads(SHIPPED.read_text("utf-8")))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mention": "nothing"}, "the mention nothing is not there"),
        ({"treatment": "EXPORT"}, "EXPORT at a rate is no EXPORT"),
        ({"territories": ["FR", "FR"]}, "is there 2 times"),
        ({"territories": ["MC"]}, "nothing is there for FR"),
        ({"territories": ["fr"]}, "should match pattern"),
        ({"territories": []}, "at least 1 item"),
        ({"percent": "20.001"}, "at most 2 decimals"),
        ({"percent": 20}, "a figure with decimals stands in quotes"),
        ({"percent": "120.00"}, "less than or equal to 10000"),
        ({"from": "2014-01-01"}, "valid date"),
        ({"from": 0}, "valid date"),
        ({"customers": ["COMPANY"]}, "BUSINESS"),
    ],
)
def test_a_file_that_makes_no_table_is_refused(change: dict[str, Any], why: str) -> None:
    file = written()
    file["vat"]["rates"][0] |= change
    with pytest.raises(ValueError, match=why):
        Catalog.model_validate(file)


async def loaded(database: Database, file: dict[str, Any]) -> int:
    async with Db(database) as db:
        return (await load(db, Catalog.model_validate(file), ZONE)).get("vat_rate", 0)


async def test_loading_a_file_adds_the_rates_that_are_new(database: Database) -> None:
    file = written()
    assert await loaded(database, file) == 75
    assert await loaded(database, file) == 0
    file["vat"]["rates"].append({**file["vat"]["rates"][0], "from": date(2027, 1, 1), "percent": "21.00"})
    assert await loaded(database, file) == 4
    file["vat"]["rates"][-1]["percent"] = "22.00"
    with pytest.raises(CatalogRefused, match="vat: FR, business, from 2027-01-01: a dated rate is never edited"):
        await loaded(database, file)
    del file["vat"]
    assert await loaded(database, file) == 0
    async with Db(database) as db:
        assert len(await db.rows(select(RATES))) == 79


def test_an_operator_whose_catalogue_is_from_before_is_told(tmp_path: Path) -> None:
    def espace(*arguments: str) -> str:
        settings = {"ESPACE_DATABASE_URL": f"sqlite:///{tmp_path}/espace.sqlite"}
        return CliRunner().invoke(app, list(arguments), env=settings).stdout

    older = tmp_path / "older.toml"
    text = SHIPPED.read_text("utf-8")
    older.write_text(text[: text.index("[vat.")] + text[text.index("[[contracts]]") :], "utf-8")
    espace("migrate")
    assert "vat_rate" not in espace("catalogue", "load", str(older))
    assert espace("migrate").startswith("There are no VAT rates")
    assert "- There are no VAT rates" in espace("doctor")
    assert "    75  vat_rate\n" in espace("catalogue", "load")
    assert espace("migrate") == ""
    assert "VAT" not in espace("doctor")


async def test_a_demo_from_before_gets_its_rates(database: Database) -> None:
    await loaded(database, {name: part for name, part in written().items() if name != "vat"})
    async with Db(database) as db:
        assert await is_untaxed(db)
        await load_rates(db, shipped(), ZONE)
        assert not await is_untaxed(db)
        assert len(await db.rows(select(RATES))) == 75


async def test_rates_are_never_changed_or_deleted(database: Database) -> None:
    await loaded(database, written())
    async with Db(database) as db:
        before = await db.rows(select(RATES).order_by(RATES.c.id))
        for change in (update(RATES).values(rate_bp=0), delete(RATES)):
            with pytest.raises(IntegrityError, match="append-only"):
                await db.note(change)
        assert await db.rows(select(RATES).order_by(RATES.c.id)) == before


# What customers are read to pay


@pytest.fixture
async def db(api: Api) -> AsyncIterator[Db]:
    async with Db(api.database) as made:
        yield made


async def changed(db: Db, key: UUID, **values: Any) -> None:
    profiles = table(Profile)
    await db.note(update(profiles).where(profiles.c.id == key).values(**values))


async def test_a_customer_s_vat_is_read_in_two_statements(db: Db) -> None:
    """BIL-7. A French company needs no answer of VIES, a private person has no number."""
    found = await vat.of_owner(db, FIGURES, FREE.key, day=DAY, now=START)
    assert found is not None
    assert (found.kind, found.rate_bp, found.territory) == (VatTreatment.ONE_STOP_SHOP, 1_900, "DE")
    assert db.statements == 2
    french = await vat.of_owner(db, FIGURES, OWNER.key, day=DAY, now=START)
    assert french is not None
    assert (french.kind, french.rate_bp, french.needs_check) == (VatTreatment.STANDARD, 2_000, False)
    below = await vat.of_owner(db, Figures(one_stop_shop=False), FREE.key, day=DAY, now=START)
    assert below is not None
    assert below.territory == "FR"


async def test_an_organisation_is_a_business_and_so_is_whoever_has_a_number(db: Db) -> None:
    await changed(db, FREE.key, country="FR", postal_code="97200", kind=ProfileKind.NON_PROFIT)
    organisation = await vat.of_owner(db, FIGURES, FREE.key, day=DAY, now=START)
    await changed(db, FREE.key, kind=ProfileKind.INDIVIDUAL)
    person = await vat.of_owner(db, FIGURES, FREE.key, day=DAY, now=START)
    await changed(db, FREE.key, vat_number="FR44732829320")
    trader = await vat.of_owner(db, FIGURES, FREE.key, day=DAY, now=START)
    assert [each and each.rate_bp for each in (organisation, person, trader)] == [850, 2_000, 850]


async def test_who_has_no_country_yet_has_no_vat(db: Db) -> None:
    await changed(db, FREE.key, country=None)
    assert await vat.of_owner(db, FIGURES, FREE.key, day=DAY, now=START) is None


async def test_a_transaction_reads_what_it_needs_itself(db: Db) -> None:
    async with db.write() as write:
        profile = (await write.lock(select(Profile).where(table(Profile).c.id == FREE.key)))[0]
        profile.update(write.record, {"country": "AT"})
        await write.flush()
        found = await vat.of_owner(write, FIGURES, FREE.key, day=DAY, now=write.now)
    assert found is not None
    assert found.rate_bp == 2_000
    assert found.territory == "AT"
