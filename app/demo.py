"""The demo: sign-ins to look around with. Only in a sandbox; made once, the same every time."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.passwords import HashingPool
from models.column import table
from models.db import Database, Db
from models.profile import CREATED, Locale, Profile, ProfileKind
from resolvers.sandbox import start_clock

PASSWORD = "espace-demo-2026"  # noqa: S105 - printed at every start
AGE = timedelta(days=400)
"""How long the demo's customers have been there."""


@dataclass(frozen=True, slots=True)
class Person:
    """A profile of the demo."""

    key: UUID
    email: str
    shows: str
    values: dict[str, Any] = field(default_factory=dict)


def _key(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-0000000001{number:02d}")


PEOPLE = (
    Person(
        _key(1),
        "owner@example.org",
        "a French company with a VAT number",
        {
            "kind": ProfileKind.COMPANY,
            "locale": Locale.FR,
            "organization_name": "Atelier Exemple",
            "first_name": "Camille",
            "last_name": "Exemple",
            "street_lines": ["12 rue de l’Exemple"],
            "postal_code": "75011",
            "city": "Paris",
            "country": "FR",
            "registration_number": "73282932000074",
            "vat_number": "FR44732829320",
        },
    ),
    Person(_key(2), "delegate@example.org", "somebody with nothing of their own", {"locale": Locale.FR}),
    Person(_key(3), "tech@example.org", "somebody with nothing of their own", {"locale": Locale.EN}),
    Person(
        _key(4),
        "free@example.org",
        "a private individual in Germany",
        {"first_name": "Kim", "last_name": "Beispiel", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    ),
)


async def seed(database: Database, passwords: HashingPool) -> None:
    """Make what is missing of the demo."""
    async with Db(database) as db:
        await start_clock(db)
        known = {row.id for row in await db.rows(select(table(Profile).c.id))}
        missing = [person for person in PEOPLE if person.key not in known]
        if not missing:
            return
        password_hash = await passwords.hash(PASSWORD)
        async with db.write() as write:
            for person in missing:
                since = write.now - AGE
                profile = Profile(
                    id=person.key,
                    email=person.email,
                    email_verified_at=since,
                    password_hash=password_hash,
                    password_changed_at=since,
                    created_at=since,
                    **person.values,
                )
                write.add(profile)
                write.record.happened(CREATED, profile)
