"""Accounts, servers and grants of tests, made without the detour over the API."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from models.account import Account
from models.column import new_id, table
from models.db import Db
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.held_name import HeldName
from models.permission import Permission, mask_of
from models.plan import Plan, PlanKind
from models.server import Server
from tests.api import OWNER, Api

Masks = Mapping[UUID, Sequence[Permission]]


async def put(api: Api, model: Any, **values: Any) -> UUID:
    """A row with these values; answers its id."""
    key: UUID = values.pop("id", None) or new_id()
    async with Db(api.database) as db:
        await db.note(insert(table(model)).values(id=key, **values))
    return key


async def a_server(api: Api, name: str = "anvil", owner: Any = OWNER) -> UUID:
    """A server of the owner."""
    dedicated = select(table(Plan).c.id).where(table(Plan).c.kind == PlanKind.DEDICATED)
    async with Db(api.database) as db:
        plan = await db.first(dedicated)
    assert plan is not None
    made = Server(owner_id=owner.key, name=name, plan_id=plan.id, created_at=api.database.clock.now())
    return await put(api, Server, **made.model_dump())


async def an_account(api: Api, name: str = "shop", owner: Any = OWNER, server_id: UUID | None = None) -> UUID:
    """An account of the owner, in the public cloud or on a server."""
    made = Account(owner_id=owner.key, name=name, server_id=server_id, created_at=api.database.clock.now())
    key = await put(api, Account, **made.model_dump())
    async with Db(api.database) as db:
        await db.note(insert(table(HeldName)).values(name=name, account_id=key))
    return key


async def a_grant(
    api: Api,
    grantee: Any,
    *overall: Permission,
    owner: Any = OWNER,
    accounts: Masks | None = None,
    servers: Masks | None = None,
    flagged: bool = False,
) -> UUID:
    """What the owner gives the grantee, instead of whatever was given before."""
    now, grants = api.database.clock.now(), table(PermissionGrant)
    async with Db(api.database) as db:
        await db.note(delete(grants).where(grants.c.owner_id == owner.key, grants.c.grantee_id == grantee.key))
    key = await put(
        api,
        PermissionGrant,
        owner_id=owner.key,
        grantee_id=grantee.key,
        overall=mask_of(*overall),
        requires_two_factor=flagged,
        created_at=now,
        updated_at=now,
    )
    async with Db(api.database) as db:
        for account_id, permissions in (accounts or {}).items():
            given = {"grant_id": key, "account_id": account_id, "permissions": mask_of(*permissions)}
            await db.note(insert(table(AccountGrant)).values(given))
        for server_id, permissions in (servers or {}).items():
            given = {"grant_id": key, "server_id": server_id, "permissions": mask_of(*permissions)}
            await db.note(insert(table(ServerGrant)).values(given))
    return key
