"""The demo: sign-ins to look around with. Only in a sandbox; made once, the same every time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app import demo_hosting, demo_tickets
from app.catalogue_file import shipped
from app.mail import Letters
from app.passwords import HashingPool
from app.setting_check import SANDBOX_SECRET
from app.settings import Settings
from app.vault import KeyVault
from models.column import table
from models.contract import Contract, ContractAcceptance
from models.db import Database, Db
from models.mail import Cause, SandboxMail
from models.profile import CREATED, Locale, Profile, ProfileKind
from models.setting import Figures
from models.staff import StaffRole, give_role
from models.two_factor import TwoFactor
from models.vault import Vault
from resolvers import catalog, contract
from resolvers.delivery import kept
from resolvers.sandbox import start_clock

PASSWORD = "espace-demo-2026"  # noqa: S105 - printed at every start
TWO_FACTOR_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - printed at every start
ZONE = ZoneInfo(Figures().billing_zone)
AGE = timedelta(days=400)
"""How long the demo's customers have been there."""


@dataclass(frozen=True, slots=True)
class Person:
    """A profile of the demo."""

    key: UUID
    email: str
    shows: str
    values: dict[str, Any] = field(default_factory=dict)
    two_factor: bool = False
    """Signs in with codes of TWO_FACTOR_SECRET."""
    roles: tuple[StaffRole, ...] = ()
    """Section 14. What of the staff they are."""


def _key(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-0000000001{number:02d}")


PEOPLE = (
    Person(
        _key(1),
        "owner@example.org",
        "a French company with accounts and a Gold server",
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
    Person(
        _key(2),
        "delegate@example.org",
        "who does the owner's billing, and two things on one account",
        {"locale": Locale.FR},
    ),
    Person(_key(3), "tech@example.org", "who cares for the owner's accounts, with two factors", {"locale": Locale.EN}),
    Person(
        _key(4),
        "free@example.org",
        "a private individual in Germany with one account",
        {"first_name": "Kim", "last_name": "Beispiel", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    ),
    Person(
        _key(5),
        "staff@example.org",
        "somebody of the staff, with every role",
        {"first_name": "Sacha", "locale": Locale.FR},
        two_factor=True,
        roles=tuple(StaffRole),
    ),
    Person(
        _key(6),
        "staff2@example.org",
        "a second one, who approves what the first asks for",
        {"first_name": "Robin", "locale": Locale.EN},
        two_factor=True,
        roles=tuple(StaffRole),
    ),
)


async def seed(
    database: Database,
    passwords: HashingPool,
    vault: Vault | None = None,
    *,
    zone: ZoneInfo = ZONE,
    charged: bool = False,
) -> bool:
    """Make what is missing of the demo; without a vault, for a service whose key is that of the sandbox.

    Answers whether what they host was made now; `charged` says that it is to be invoiced, see `demo_billing`.
    """
    vault = vault or KeyVault(SANDBOX_SECRET)
    async with Db(database) as db:
        await start_clock(db)
        if await catalog.is_empty(db):
            await catalog.load(db, shipped(), zone)
        elif await catalog.is_untaxed(db):
            await catalog.load_rates(db, shipped(), zone)
        known = {row.id for row in await db.rows(select(table(Profile).c.id))}
        missing = [person for person in PEOPLE if person.key not in known]
        if missing:
            await _people(db, missing, await passwords.hash(PASSWORD), vault)
        owner, delegate, tech, free, *_ = (person.key for person in PEOPLE)
        made = await demo_hosting.seed(
            db, owner=owner, delegate=delegate, tech=tech, free=free, zone=zone, charged=charged
        )
        if made:
            await demo_tickets.seed(db, owner=owner, delegate=delegate)
        return made


async def _people(db: Db, missing: list[Person], password_hash: str, vault: Vault) -> None:
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
                two_factor_since=since if person.two_factor else None,
                **person.values,
            )
            write.add(profile)
            if person.two_factor:
                sealed = vault.seal(TWO_FACTOR_SECRET, person.key)
                await write.flush()
                write.add(TwoFactor(profile_id=person.key, sealed_secret=sealed, created_at=since))
            write.record.happened(CREATED, profile)
            if person.roles:
                await write.flush()
            for role in person.roles:
                write.add(give_role(write.record, profile, role))
        await write.flush()
        versions = await contract.current(write)
        for person in missing:
            write.add(_welcome(person, write.now - AGE))
            for version_id in versions:
                write.add(Contract(owner_id=person.key, version_id=version_id))
                write.add(_signature(person, version_id, write.now - AGE))


def _signature(person: Person, version_id: UUID, since: datetime) -> ContractAcceptance:
    """BIL-19. They accepted what is in force when they came."""
    return ContractAcceptance(owner_id=person.key, version_id=version_id, accepted_at=since, actor_id=person.key)


def _welcome(person: Person, since: datetime) -> SandboxMail:
    """The mail that its address was confirmed by, long ago: its link leads nowhere any more."""
    cause = Cause(
        delivery_id=UUID(int=person.key.int + 0x100),
        template="email_verification",
        address=person.email,
        owner_id=person.key,
        name=None,
        locale=person.values.get("locale", Locale.EN),
        occurred_at=since,
        sent_at=since,
        ip_address=None,
        facts={},
        link_id=UUID(int=person.key.int + 0x200),
        link_expires_at=since + Figures().email_link_lifetime,
    )
    return SandboxMail(**kept(cause, Letters(Settings()).write(cause), person.key))
