"""What others have granted a caller: told with who calls, and asked again under the lock of a change."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Uuid, bindparam, case, cast, null, select, union_all

from models.account import Account
from models.column import new_id, rows_as_json, table
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


Received = tuple[UUID, bool, bool, int, UUID | None, UUID | None]
"""An owner, whether two factors are asked, whether the owner is suspended, a mask, and on which account or server."""


class Place(NamedTuple):
    """Where an account is."""

    owner_id: UUID
    server_id: UUID | None


def _kind(grantee_id: Any, mask: Any, account_id: Any, server_id: Any) -> Select[Any]:
    """One kind of what a grantee received."""
    return (
        select(
            GRANTS.c.owner_id,
            GRANTS.c.requires_two_factor,
            PROFILES.c.suspended_at.is_not(None).label("suspended"),
            mask.label("mask"),
            account_id.label("account_id"),
            server_id.label("server_id"),
        )
        .join_from(GRANTS, PROFILES, PROFILES.c.id == GRANTS.c.owner_id)
        .where(GRANTS.c.grantee_id == grantee_id)
    )


def _kinds(grantee_id: Any) -> list[Select[Any]]:
    """PER-6, PER-7. Everything that one profile received, of what its owners still own."""
    owned_account = (ACCOUNTS.c.id == ON_ACCOUNTS.c.account_id) & (ACCOUNTS.c.owner_id == GRANTS.c.owner_id)
    owned_server = (SERVERS.c.id == ON_SERVERS.c.server_id) & (SERVERS.c.owner_id == GRANTS.c.owner_id)
    return [
        _kind(grantee_id, GRANTS.c.overall, NO_ID, NO_ID),
        _kind(grantee_id, ON_ACCOUNTS.c.permissions, ON_ACCOUNTS.c.account_id, NO_ID)
        .join(ON_ACCOUNTS, ON_ACCOUNTS.c.grant_id == GRANTS.c.id)
        .join(ACCOUNTS, owned_account),
        _kind(grantee_id, ON_SERVERS.c.permissions, NO_ID, ON_SERVERS.c.server_id)
        .join(ON_SERVERS, ON_SERVERS.c.grant_id == GRANTS.c.id)
        .join(SERVERS, owned_server),
    ]


RECEIVED = union_all(*_kinds(bindparam("grantee_id")))
PLACED = select(ACCOUNTS.c.owner_id, ACCOUNTS.c.server_id).where(ACCOUNTS.c.id == bindparam("account_id"))


def received(grantee_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same beside a row that names the grantee, as one value; most have received nothing, and cost an index."""
    there = select(GRANTS.c.id).where(GRANTS.c.grantee_id == grantee_id).exists()
    rows = union_all(*(each.correlate(grantee_id.table) for each in _kinds(grantee_id))).subquery()
    return case((there, select(rows_as_json(*rows.c)).select_from(rows).scalar_subquery()))


def told(value: Sequence[Sequence[Any]] | None) -> list[Received]:
    """What `received` answers."""
    return [
        (UUID(owner), bool(two_factor), bool(suspended), mask, account and UUID(account), server and UUID(server))
        for owner, two_factor, suspended, mask, account, server in value or ()
    ]


async def with_rights(reader: Reader, viewer: Viewer) -> Viewer:
    """PER-6, PER-7, TOK-3. The caller with what they hold now."""
    if viewer.profile_id is None:
        return viewer
    rows: Sequence[Any] = ()
    if viewer.email_verified:
        rows = await reader.rows(RECEIVED, {"grantee_id": viewer.profile_id})
    placed: Sequence[Any] = ()
    if viewer.only_account_id is not None:
        placed = await reader.rows(PLACED, {"account_id": viewer.only_account_id})
    return holding(viewer, [tuple(row) for row in rows], Place(*placed[0]) if placed else None)


def holding(viewer: Viewer, rows: Sequence[Received], place: Place | None = None) -> Viewer:
    """PER-6, PER-7, TOK-3. The caller with what they received; what an address that is not verified received, waits.

    `place` is where the account is that a token is narrowed to.
    """
    granted: Mapping[UUID, Granted] = collected(rows) if viewer.email_verified else {}
    if viewer.only_owner_id is not None:
        granted = {owner: each for owner, each in granted.items() if owner == viewer.only_owner_id}
    if viewer.only_account_id is not None:
        granted = on_one_account(viewer, granted, *place) if place else {}
    return replace(viewer, granted=granted)


def collected(rows: Sequence[Received]) -> dict[UUID, Granted]:
    """What was received, by owner."""
    overall: dict[UUID, int] = {}
    accounts: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    servers: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    flags: dict[UUID, tuple[bool, bool]] = {}
    for owner_id, two_factor, suspended, mask, account_id, server_id in rows:
        if account_id is not None:
            accounts[owner_id][account_id] = mask
        elif server_id is not None:
            servers[owner_id][server_id] = mask
        else:
            overall[owner_id] = mask
            flags[owner_id] = two_factor, suspended
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
