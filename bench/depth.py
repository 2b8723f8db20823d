"""A page of a profile with 10,000 accounts and 1,000 grants: what it costs however deep it is, and whoever asks."""

import base64
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import orjson
from sqlalchemy import insert

from app.demo import seed
from app.migration import upgrade
from app.passwords import HashingPool
from models.account import Account
from models.clock import RealClock
from models.column import new_id, table
from models.db import Database, Db
from models.grant import AccountGrant, PermissionGrant
from models.password import Argon2
from models.permission import AccountPermission, OverallPermission, mask_of
from models.profile import Profile
from schema.root import build
from tests.api import DELEGATE, OWNER, TECH, Api, profile_id, serving

ACCOUNTS, GRANTS, PAGE = 10_000, 1_000, 50
DEPTHS = (0, 0.25, 0.5, 0.99)
CALLERS = {"the owner": OWNER, "a delegate with a right on all": TECH, "a delegate with a right on 1,000": DELEGATE}
DOCUMENT = """query ($id: ID!, $after: String) { node(id: $id) { ... on Profile {
  accounts(first: 50, after: $after) { nodes { name status viewerPermissions } } } } }"""


async def populated(api: Api) -> None:
    """The accounts of the owner, the delegates' grants, and as many grants to others."""
    now = api.database.clock.now()
    keys = [new_id() for _ in range(ACCOUNTS)]
    accounts = [
        Account(id=key, owner_id=OWNER.key, name=f"bench-{number:05}", created_at=now).model_dump()
        for number, key in enumerate(keys)
    ]
    others = [
        Profile(email=f"bench-{number}@example.org", password_changed_at=now, created_at=now)
        for number in range(GRANTS)
    ]
    given = {"owner_id": OWNER.key, "requires_two_factor": False, "created_at": now, "updated_at": now}
    on_all, on_some = new_id(), new_id()
    grants = [
        {"id": on_all, "grantee_id": TECH.key, "overall": OverallPermission.TECHNICAL_ACCOUNT.bit, **given},
        {"id": on_some, "grantee_id": DELEGATE.key, "overall": 0, **given},
        *(
            {"id": new_id(), "grantee_id": other.id, "overall": OverallPermission.BILLING.bit, **given}
            for other in others
        ),
    ]
    mask = mask_of(AccountPermission.SITES)
    named = [{"grant_id": on_some, "account_id": key, "permissions": mask} for key in keys[:: ACCOUNTS // GRANTS]]
    async with Db(api.database) as db, db.bookkeeping() as connection:
        await connection.execute(table(PermissionGrant).delete())
        for model, rows in ((Account, accounts), (Profile, [other.model_dump() for other in others])):
            await connection.execute(insert(table(model)), rows)
        await connection.execute(insert(table(PermissionGrant)), grants)
        await connection.execute(insert(table(AccountGrant)), named)


def cursor(name: str, key: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([name, str(key)])).decode().rstrip("=")


async def ratios(url: str, rounds: int) -> Mapping[str, Sequence[float]]:
    """CPU time of a page at each depth, to that of the first page, by caller; the median of rounds that take turns."""
    database = Database(url, clock=RealClock(), sandbox=True)
    passwords = HashingPool(Argon2(memory_kib=8, passes=1, lanes=1), queue=50)
    await upgrade(database)
    await seed(database, passwords)
    passwords.close()
    async with serving(database, build(), rate_limits=False) as api:
        await populated(api)
        found: dict[str, Sequence[float]] = {}
        for name, person in CALLERS.items():
            token = await api.token(person)
            spent: list[list[float]] = [[] for _ in DEPTHS]
            for _ in range(rounds):
                for place, depth in enumerate(DEPTHS):
                    spent[place].append(await page(api, token, depth))
            first = median(spent[0])
            found[name] = [median(each) / first for each in spent]
    await database.close()
    return found


async def page(api: Api, token: str, depth: float) -> float:
    """CPU time of one page that begins at a part of the whole list."""
    after = cursor(f"bench-{int(ACCOUNTS * depth):05}", new_id()) if depth else None
    begun = time.process_time()
    answer = await api.ask(DOCUMENT, {"id": profile_id(OWNER), "after": after}, token=token)
    spent = time.process_time() - begun
    assert answer.data["node"]["accounts"]["nodes"]
    return spent
