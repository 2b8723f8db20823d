"""What others have granted a caller: one statement for a request, and again under the lock of a change."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Uuid, bindparam, cast, null, select, union_all

from models.account import Account
from models.column import new_id, table
from models.context import Context
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.permission import EVERYTHING, Subject
from models.profile import Profile
from models.server import Server
from models.viewer import Granted, Viewer

GRANTS, ON_ACCOUNTS, ON_SERVERS = table(PermissionGrant), table(AccountGrant), table(ServerGrant)
ACCOUNTS, SERVERS, PROFILES = table(Account), table(Server), table(Profile)
NO_ID: ColumnElement[Any] = cast(null(), Uuid())


class Reader(Protocol):
    """A request's database, or the transaction of a change."""

    async def rows(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]: ...


def _received(mask: Any, account_id: Any, server_id: Any) -> Select[Any]:
    """One kind of what a grantee received: the owner, whether it counts, and a mask on what."""
    return (
        select(
            GRANTS.c.owner_id,
            GRANTS.c.requires_two_factor,
            PROFILES.c.suspended_at,
            mask.label("mask"),
            account_id.label("account_id"),
            server_id.label("server_id"),
        )
        .join_from(GRANTS, PROFILES, PROFILES.c.id == GRANTS.c.owner_id)
        .where(GRANTS.c.grantee_id == bindparam("grantee_id"))
    )


RECEIVED = union_all(
    _received(GRANTS.c.overall, NO_ID, NO_ID),
    _received(ON_ACCOUNTS.c.permissions, ON_ACCOUNTS.c.account_id, NO_ID)
    .join(ON_ACCOUNTS, ON_ACCOUNTS.c.grant_id == GRANTS.c.id)
    .join(ACCOUNTS, (ACCOUNTS.c.id == ON_ACCOUNTS.c.account_id) & (ACCOUNTS.c.owner_id == GRANTS.c.owner_id)),
    _received(ON_SERVERS.c.permissions, NO_ID, ON_SERVERS.c.server_id)
    .join(ON_SERVERS, ON_SERVERS.c.grant_id == GRANTS.c.id)
    .join(SERVERS, (SERVERS.c.id == ON_SERVERS.c.server_id) & (SERVERS.c.owner_id == GRANTS.c.owner_id)),
)
"""PER-6, PER-7. Everything that one profile received, of what its owners still own."""
PLACED = select(ACCOUNTS.c.owner_id, ACCOUNTS.c.server_id).where(ACCOUNTS.c.id == bindparam("account_id"))


def has_grants(grantee_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether somebody has received anything: most have not, and are spared a statement."""
    return select(GRANTS.c.id).where(GRANTS.c.grantee_id == grantee_id).exists()


async def with_rights(reader: Reader, viewer: Viewer) -> Viewer:
    """PER-6, PER-7, TOK-3. The caller with what they hold now; what an address that is not verified received, waits."""
    if viewer.profile_id is None:
        return viewer
    granted: Mapping[UUID, Granted] = {}
    if viewer.email_verified:
        granted = collected(await reader.rows(RECEIVED, {"grantee_id": viewer.profile_id}))
    if viewer.only_owner_id is not None:
        granted = {owner: each for owner, each in granted.items() if owner == viewer.only_owner_id}
    if viewer.only_account_id is not None:
        placed = await reader.rows(PLACED, {"account_id": viewer.only_account_id})
        granted = on_one_account(viewer, granted, placed[0].owner_id, placed[0].server_id) if placed else {}
    return replace(viewer, granted=granted)


def collected(rows: Sequence[Row[Any]]) -> dict[UUID, Granted]:
    """Rows of `RECEIVED`, by owner."""
    overall: dict[UUID, int] = {}
    accounts: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    servers: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    flags: dict[UUID, tuple[bool, bool]] = {}
    for row in rows:
        if row.account_id is not None:
            accounts[row.owner_id][row.account_id] = row.mask
        elif row.server_id is not None:
            servers[row.owner_id][row.server_id] = row.mask
        else:
            overall[row.owner_id] = row.mask
            flags[row.owner_id] = row.requires_two_factor, row.suspended_at is not None
    return {owner: Granted(mask, accounts[owner], servers[owner], *flags[owner]) for owner, mask in overall.items()}


def on_one_account(
    viewer: Viewer, granted: Mapping[UUID, Granted], owner_id: UUID, server_id: UUID | None
) -> dict[UUID, Granted]:
    """TOK-3. What a token narrowed to one account holds: on it whatever its profile holds, and nothing else."""
    key = viewer.only_account_id
    if key is None or viewer.only_owner_id not in (None, owner_id):
        return {}
    if owner_id == viewer.profile_id:
        return {owner_id: Granted(accounts={key: EVERYTHING})}
    found = granted.get(owner_id)
    mask = found.on(Subject(owner_id, key, server_id)) if found else 0
    if found is None or not mask:
        return {}
    return {owner_id: Granted(0, {key: mask}, {}, found.two_factor, found.suspended)}


async def set_defaults(context: Context, customer: str | None, account: str | None) -> None:
    """TOK-4. What is meant where an input leaves its owner or account out, as its names beside the token tell.

    Whether the caller may know of it, the gate says when it is used; a name that nobody has leads to nothing.
    """
    if customer is not None:
        found = await context.db.first(select(PROFILES.c.id).where(PROFILES.c.email == customer))
        context.default_owner_id = found.id if found else new_id()
    if account is not None:
        found = await context.db.first(select(ACCOUNTS.c.id).where(ACCOUNTS.c.name == account))
        context.default_account_id = found.id if found else new_id()
