"""TOK-5. Service credentials: recognised when they call, and kept by operators."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select, update

from models.column import table
from models.db import Db
from models.network import AddressNotAllowed, allowed
from models.secret import fingerprint
from models.service import ServiceCredential, ServiceScope, new_credential
from models.viewer import Viewer

SERVICES = table(ServiceCredential)
CALLING = select(SERVICES).where(SERVICES.c.secret_hash == bindparam("secret_hash"), SERVICES.c.ended_at.is_(None))


async def resume(db: Db, secret: str, ip_address: str) -> Viewer | None:
    """Whichever service calls with this secret; None when it is unknown or was ended. Raises AddressNotAllowed."""
    found = await db.first(CALLING, {"secret_hash": fingerprint(secret)})
    if found is None:
        return None
    if not allowed(found.networks, ip_address):
        raise AddressNotAllowed
    minute = db.database.clock.now().replace(second=0, microsecond=0)
    if found.last_used_at is None or found.last_used_at < minute:
        unseen = or_(SERVICES.c.last_used_at.is_(None), SERVICES.c.last_used_at < minute)
        await db.note(update(SERVICES).where(SERVICES.c.id == found.id, unseen).values(last_used_at=minute))
    return Viewer(service_id=found.id, scopes=frozenset(found.scopes), ip_address=ip_address)


# For operators


async def add(db: Db, name: str, scopes: list[ServiceScope], networks: list[str]) -> str:
    """A new credential; answers its secret. Raises Conflict where the name is taken."""
    made, secret = new_credential(name, scopes, networks, db.database.clock.now())
    await db.note(insert(SERVICES).values(made.model_dump()))
    return secret


async def listed(db: Db) -> Sequence[Row[Any]]:
    """Every credential, by name."""
    return await db.rows(select(SERVICES).order_by(SERVICES.c.name))


async def end(db: Db, name: str) -> bool:
    """Refuse a credential from now on; False where there is none of this name, or it was ended."""
    now = db.database.clock.now()
    async with db.bookkeeping() as connection:
        ended = await connection.execute(
            update(SERVICES).where(SERVICES.c.name == name, SERVICES.c.ended_at.is_(None)).values(ended_at=now)
        )
    return bool(ended.rowcount)
