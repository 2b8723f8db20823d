from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError, StatementError

from models.column import new_id, normalised_email, table
from models.db import Database, Db
from models.profile import Profile
from tests.database import START

PROFILE = table(Profile)
NEEDED = {
    "email": "ada@example.com",
    "password_hash": "-",
    "password_changed_at": START,
    "created_at": START,
    "kind": "INDIVIDUAL",
    "locale": "EN",
    "street_lines": [],
}


async def store(database: Database, **values: object) -> None:
    row = Profile.model_validate({**NEEDED, **values})
    await Db(database).note(insert(PROFILE).values({**row.model_dump(), "id": new_id()}))


async def test_an_instant_comes_back_aware_and_in_utc_to_the_microsecond(database: Database) -> None:
    paris = timezone(timedelta(hours=2))
    at = datetime(2026, 7, 1, 1, 30, 15, 123456, tzinfo=paris)
    await store(database, email_verified_at=at)
    async with Db(database) as db:
        row = await db.first(select(PROFILE.c.email_verified_at))
    assert row is not None
    assert row[0] == at
    assert row[0].tzinfo is UTC or row[0].utcoffset() == timedelta(0)
    assert (row[0].day, row[0].hour) == (30, 23)


async def test_instants_compare_in_the_database(database: Database) -> None:
    at = datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    await store(database, email_verified_at=at)
    async with Db(database) as db:
        for bound, found in ((at, 1), (at + timedelta(microseconds=1), 0), (at - timedelta(microseconds=1), 1)):
            assert len(await db.rows(select(PROFILE.c.id).where(PROFILE.c.email_verified_at >= bound))) == found


async def test_a_naive_datetime_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"):
        await Db(database).note(insert(PROFILE).values({**NEEDED, "id": new_id(), "created_at": datetime(2026, 7, 1)}))  # noqa: DTZ001


def test_ids_sort_by_time_of_creation() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}


@pytest.mark.parametrize("column", ["kind", "locale"])
async def test_the_database_refuses_values_that_an_enum_does_not_have(database: Database, column: str) -> None:
    await store(database)
    with pytest.raises(IntegrityError, match=f"ck_profile_.*{column}"):
        await Db(database).note(update(PROFILE).values({column: literal_column("'KLINGON'")}))


async def test_addresses_are_stored_and_searched_in_one_form(database: Database) -> None:
    await store(database, email="  Ada@Example.COM ")
    async with Db(database) as db:
        found = await db.rows(select(PROFILE.c.email).where(PROFILE.c.email == "ADA@example.com"))
    assert found == [("ada@example.com",)]


def test_addresses_of_two_people_stay_two() -> None:
    assert normalised_email("straße@example.com") != normalised_email("strasse@example.com")
    assert normalised_email("e\u0301@example.com") == normalised_email("\u00e9@example.com")


async def test_json_comes_back_as_it_was(database: Database) -> None:
    lines = ["1 rue de l'Église", "“Bât. 2”"]
    await store(database, street_lines=lines)
    async with Db(database) as db:
        assert await db.rows(select(PROFILE.c.street_lines)) == [(lines,)]
