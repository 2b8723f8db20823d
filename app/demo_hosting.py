"""What the demo's customers host, and what they have granted each other. Made once, the same every time."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlmodel import SQLModel

from models.account import Account
from models.column import table
from models.db import Db
from models.grant import AccountGrant, PermissionGrant
from models.held_name import HeldName
from models.permission import AccountPermission, OverallPermission, mask_of
from models.server import Server

ACCOUNTS = ("atelier", "boutique", "forge-web", "forge-api", "hobby")
AGE = timedelta(days=365)


def _key(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-0000000003{number:02d}")


ACCOUNT_KEYS = {name: _key(number) for number, name in enumerate(ACCOUNTS, 1)}
FORGE = _key(20)


async def seed(db: Db, *, owner: UUID, delegate: UUID, tech: UUID, free: UUID) -> None:
    """Make all of it where none of it is there."""
    if await db.rows(select(table(Account).c.id).where(table(Account).c.id.in_(ACCOUNT_KEYS.values()))):
        return
    since = await db.now() - AGE
    async with db.bookkeeping() as connection:
        for model, values in (*_hosted(owner, free, since), *_granted(owner, delegate, tech, since)):
            await connection.execute(insert(table(model)).values(values))


def _hosted(owner: UUID, free: UUID, since: datetime) -> Iterator[tuple[type[SQLModel], Mapping[str, Any]]]:
    forge = Server(
        id=FORGE,
        owner_id=owner,
        name="forge",
        created_at=since,
        cpu="2 × 8 cores",
        disks="2 × 1 TB NVMe, RAID 1, mirrored",
        memory_megabytes=16_384,
        traffic_gigabytes=3_000,
        options=["Gold: a redundant pair"],
    )
    yield Server, forge.model_dump()
    for name, key in ACCOUNT_KEYS.items():
        on_server = FORGE if name.startswith("forge-") else None
        whose = free if name == "hobby" else owner
        yield Account, Account(id=key, owner_id=whose, name=name, server_id=on_server, created_at=since).model_dump()
        yield HeldName, {"name": name, "account_id": key}


def _granted(
    owner: UUID, delegate: UUID, tech: UUID, since: datetime
) -> Iterator[tuple[type[SQLModel], Mapping[str, Any]]]:
    for number, grantee, overall, flagged in (
        (30, delegate, OverallPermission.BILLING, False),
        (31, tech, OverallPermission.TECHNICAL_ACCOUNT, True),
    ):
        grant = PermissionGrant(
            id=_key(number),
            owner_id=owner,
            grantee_id=grantee,
            overall=mask_of(overall),
            requires_two_factor=flagged,
            created_at=since,
            updated_at=since,
        )
        yield PermissionGrant, grant.model_dump()
    held = mask_of(AccountPermission.SITES, AccountPermission.USAGE)
    yield AccountGrant, {"grant_id": _key(30), "account_id": ACCOUNT_KEYS["atelier"], "permissions": held}
