"""Grants: what an owner gives to others, and what somebody received."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, func, insert, or_, select, union_all
from sqlalchemy import delete as delete_rows
from sqlmodel import SQLModel
from sqlmodel import select as select_rows

from models.account import Account
from models.attempt import of_grants, of_grants_to
from models.column import table
from models.conflict import Conflict
from models.context import Context
from models.db import Write
from models.grant import (
    GRANTED,
    AccountGrant,
    Given,
    NamedTwice,
    OnlyOnServers,
    PermissionGrant,
    ServerGrant,
    TooManyEntries,
    TooManyGrants,
    new_grant,
)
from models.link import LinkKind
from models.permission import (
    AccountPermission,
    OverallPermission,
    Permission,
    Requirement,
    ServerPermission,
    Subject,
    mask_of,
    permissions_in,
)
from models.profile import Profile
from models.refusal import NotFound
from models.server import Server
from models.transfer import Transfer
from models.visible import visible
from resolvers import attempt
from resolvers.find import find, writing
from resolvers.link import linked
from resolvers.right import with_rights

GRANTS, ON_ACCOUNTS, ON_SERVERS = table(PermissionGrant), table(AccountGrant), table(ServerGrant)
ACCOUNTS, SERVERS, PROFILES, TRANSFERS = table(Account), table(Server), table(Profile), table(Transfer)
SEEN = Requirement(related=True)
NO_GRANT = Given()
Entries = list[tuple[UUID, list[Any]]]
"""Accounts or servers, and the permissions on each."""


def given() -> Select[Any]:
    """PER-5. What a profile has granted."""
    return select(GRANTS.c.owner_id)


def received() -> Select[Any]:
    """PER-8. What a profile was granted."""
    return select(GRANTS.c.grantee_id)


def naming_account() -> Select[Any]:
    """The grants that name an account."""
    return select(ON_ACCOUNTS.c.account_id).join_from(GRANTS, ON_ACCOUNTS, ON_ACCOUNTS.c.grant_id == GRANTS.c.id)


def naming_server() -> Select[Any]:
    """The grants that name a server."""
    return select(ON_SERVERS.c.server_id).join_from(GRANTS, ON_SERVERS, ON_SERVERS.c.grant_id == GRANTS.c.id)


def on_accounts() -> Select[Any]:
    """What a grant gives on accounts, of those that the caller may see."""
    seen = visible(SEEN, Subject(ACCOUNTS.c.owner_id, ACCOUNTS.c.id, ACCOUNTS.c.server_id))
    joined = select(ON_ACCOUNTS.c.grant_id).join_from(ON_ACCOUNTS, ACCOUNTS, ACCOUNTS.c.id == ON_ACCOUNTS.c.account_id)
    return joined.where(seen).order_by(ACCOUNTS.c.name)


def on_servers() -> Select[Any]:
    """What a grant gives on servers, of those that the caller may see."""
    seen = visible(SEEN, Subject(SERVERS.c.owner_id, server_id=SERVERS.c.id))
    joined = select(ON_SERVERS.c.grant_id).join_from(ON_SERVERS, SERVERS, SERVERS.c.id == ON_SERVERS.c.server_id)
    return joined.where(seen).order_by(SERVERS.c.name)


async def save(
    context: Context,
    *,
    email: str,
    overall: list[OverallPermission],
    accounts: Entries,
    servers: Entries,
    requires_two_factor: bool,
) -> UUID:
    """PER-5 to PER-7. Give these permissions to whoever has the address, instead of those given before.

    The answer is the same whether or not anybody has it.
    """
    wanted = Given(
        mask_of(*overall),
        _masks(accounts, "accounts", "account_id", context.figures.grant_entries),
        _masks(servers, "servers", "server_id", context.figures.grant_entries),
        requires_two_factor,
    )
    wanted.check()
    owner_id, figures = context.viewer.key, context.figures
    await attempt.take(context, of_grants(owner_id, figures), of_grants_to(owner_id, email, figures))
    try:
        return await _saved(context, email, wanted)
    except Conflict:  # Somebody else made the profile, or the grant, meanwhile: now it is there.
        return await _saved(context, email, wanted)


async def take_over(write: Write, profile: Profile, address: str) -> None:
    """PER-7. What was granted to an address before anybody had it is this profile's, which takes the address now."""
    invited = select_rows(Profile).where(PROFILES.c.email == address, PROFILES.c.invited_at.is_not(None))
    before = await write.lock_one(invited)
    if before is None:
        return
    of_before = GRANTS.c.grantee_id == before.id
    known = select(GRANTS.c.owner_id).where(GRANTS.c.grantee_id == profile.id)
    owners = {row.owner_id for row in await write.rows(known)} | {profile.id}
    for grant in await write.lock(select_rows(PermissionGrant).where(of_before)):
        if grant.owner_id not in owners:
            grant.grantee_id = profile.id
    await write.flush()
    await write.run(delete_rows(PROFILES).where(PROFILES.c.id == before.id))


async def revoke(context: Context, *, key: UUID) -> UUID:
    """PER-5, PER-14. Take back everything that was given to somebody; answers the key that the grant had."""
    async with writing(context) as write:
        await find(context, write, Profile, context.viewer.key)  # First, as whoever saves does.
        grant = await find(context, write, PermissionGrant, key, "grant_id")
        owner, grantee = await _emails(write, grant)
        grant.revoke(write.record, owner=owner, address=grantee)
        await write.run(delete_rows(GRANTS).where(GRANTS.c.id == grant.id))
        await forget_invited(write, grant.grantee_id)
    return grant.id


async def drop_empty(write: Write, keys: Sequence[UUID]) -> None:
    """PER-8. A grant gives something; one of these that does not any more goes."""
    gives = or_(
        GRANTS.c.overall != 0,
        select(ON_ACCOUNTS.c.grant_id).where(ON_ACCOUNTS.c.grant_id == GRANTS.c.id).exists(),
        select(ON_SERVERS.c.grant_id).where(ON_SERVERS.c.grant_id == GRANTS.c.id).exists(),
    )
    if keys:
        await write.run(delete_rows(GRANTS).where(GRANTS.c.id.in_(keys), ~gives))


async def end_with(write: Write, accounts: Sequence[UUID], server_id: UUID | None, name: str, owner: str) -> None:
    """ACC-8. What is granted on something ends, as it is another owner's; each holder is told.

    The profile of the old owner is locked.
    """
    naming = union_all(
        select(ON_ACCOUNTS.c.grant_id).where(ON_ACCOUNTS.c.account_id.in_(accounts)),
        select(ON_SERVERS.c.grant_id).where(ON_SERVERS.c.server_id == server_id),
    )
    grants = await write.lock(select_rows(PermissionGrant).where(GRANTS.c.id.in_(naming)))
    for grant in grants:
        grant.end_with(write.record, name=name, owner=owner)
    await write.run(delete_rows(ON_ACCOUNTS).where(ON_ACCOUNTS.c.account_id.in_(accounts)))
    await write.run(delete_rows(ON_SERVERS).where(ON_SERVERS.c.server_id == server_id))
    await drop_empty(write, [grant.id for grant in grants])
    for grant in grants:
        await forget_invited(write, grant.grantee_id)


async def forget_invited(write: Write, grantee_id: UUID) -> None:
    """Whoever was invited, and to whom nothing is granted or offered, has no profile any more."""
    invited = select_rows(Profile).where(PROFILES.c.id == grantee_id, PROFILES.c.invited_at.is_not(None))
    if await write.lock_one(invited) is None:
        return
    # Asked under the lock: another owner may have granted something meanwhile, which would go with the profile.
    waiting = union_all(
        select(GRANTS.c.id).where(GRANTS.c.grantee_id == grantee_id),
        select(TRANSFERS.c.id).where(TRANSFERS.c.recipient_id == grantee_id),
    )
    if not await write.rows(waiting):
        await write.run(delete_rows(PROFILES).where(PROFILES.c.id == grantee_id))


async def renounce(context: Context, *, key: UUID) -> UUID:
    """PER-8. Give up everything received from somebody; answers the key that the grant had."""
    async with writing(context) as write:
        grant = await find(context, write, PermissionGrant, key, "grant_id", whose=_of_grantee)
        _, grantee = await _emails(write, grant)
        grant.renounce(write.record, grantee=grantee)
        await write.run(delete_rows(GRANTS).where(GRANTS.c.id == grant.id))
    context.become(await with_rights(context.db, context.viewer))
    return grant.id


async def _emails(write: Write, grant: PermissionGrant) -> tuple[str, str]:
    parties = select(PROFILES.c.id, PROFILES.c.email).where(PROFILES.c.id.in_([grant.owner_id, grant.grantee_id]))
    found = {row.id: row.email for row in await write.rows(parties)}
    return found[grant.owner_id], found[grant.grantee_id]


def _of_grantee(grant: PermissionGrant) -> Subject[UUID]:
    return Subject(grant.grantee_id)


def _masks(entries: Entries, name: str, id_name: str, most: int) -> dict[UUID, int]:
    if len(entries) > most:
        raise TooManyEntries(most).at(name)
    masks: dict[UUID, int] = {}
    for index, (key, permissions) in enumerate(entries):
        if key in masks:
            raise NamedTwice().at(name, str(index), id_name)
        masks[key] = mask_of(*cast(list[Permission], permissions))
    return masks


async def _saved(context: Context, email: str, wanted: Given) -> UUID:
    async with writing(context) as write:
        owner = await find(context, write, Profile, context.viewer.key)
        names = await _own(write, owner.id, wanted)
        wanted = wanted.of_something()
        grantee = await whoever_has(write, email, owner)
        same_pair = select_rows(PermissionGrant).where(GRANTS.c.owner_id == owner.id, GRANTS.c.grantee_id == grantee.id)
        grant, before = await write.lock_one(same_pair), NO_GRANT
        if grant is None:
            await _check_room(context, write, owner.id)
            grant = new_grant(owner.id, grantee.id, wanted, write.now)
            write.add(grant)
            await write.flush()
        else:
            before = await _given(write, grant)
        words = _changes(_words(before, await _names(write, before)), _words(wanted, names))
        if before is NO_GRANT:
            await _tell(context, write, grant, (owner, grantee), words)
        else:
            grant.change(write.record, wanted, words, owner=owner.email, address=grantee.email)
        await _replace(write, grant.id, wanted)
    return grant.id


async def _tell(
    context: Context,
    write: Write,
    grant: PermissionGrant,
    pair: tuple[Profile, Profile],
    words: Mapping[str, tuple[Any, Any]],
) -> None:
    """PER-7. One fact, whoever the grantee is: whoever has no profile yet gets a link to make one."""
    owner, grantee = pair
    facts: dict[str, Any] = {"address": grantee.email, "owner": owner.email}
    if grantee.email_verified_at is None:
        link_id = await linked(context.figures, write, grantee, LinkKind.INVITATION, grantee.email)
        facts |= {"template": "grant_invitation", "link_id": link_id}
    write.record.happened(GRANTED, grant, changes=words, **facts)


async def whoever_has(write: Write, email: str, owner: Profile) -> Profile:
    """PER-7. Whoever has the address; where nobody has, a profile that waits to be set up."""
    known = await write.lock_one(select_rows(Profile).where(PROFILES.c.email == email))
    if known is not None:
        return known
    invited = Profile(
        email=email,
        invited_at=write.now,
        password_changed_at=write.real_now,
        created_at=write.now,
        locale=owner.locale,
    )
    write.add(invited)
    await write.flush()
    return invited


async def _check_room(context: Context, write: Write, owner_id: UUID) -> None:
    (used,) = await write.rows(select(func.count()).where(GRANTS.c.owner_id == owner_id))
    if used[0] >= context.figures.grants_per_profile:
        raise TooManyGrants(context.figures.grants_per_profile, used[0])


async def _own(write: Write, owner_id: UUID, wanted: Given) -> dict[UUID, str]:
    """PER-12. The names of what is granted; NotFound where something is not the owner's."""
    # Servers first, as whoever settles a deletion does: two who lock both then queue.
    servers = {row.id: row for row in await _locked(write, Server, owner_id, wanted.servers)}
    accounts = {row.id: row for row in await _locked(write, Account, owner_id, wanted.accounts)}
    for index, (key, mask) in enumerate(wanted.accounts.items()):
        path = ("accounts", str(index))
        if key not in accounts:
            raise NotFound().at(*path, "account_id")
        if mask & AccountPermission.RESOURCES.bit and accounts[key].server_id is None:
            raise OnlyOnServers().at(*path, "permissions")
    for index, key in enumerate(wanted.servers):
        if key not in servers:
            raise NotFound().at("servers", str(index), "server_id")
    return {key: row.name for key, row in (accounts | servers).items()}


async def _locked(write: Write, model: type[Any], owner_id: UUID, keys: Mapping[UUID, int]) -> Any:
    if not keys:
        return []
    columns = table(model).c
    return await write.lock(select_rows(model).where(columns.owner_id == owner_id, columns.id.in_(list(keys))))


async def _given(write: Write, grant: PermissionGrant) -> Given:
    """What a grant gives now."""
    accounts = await write.rows(
        select(ON_ACCOUNTS.c.account_id, ON_ACCOUNTS.c.permissions).where(ON_ACCOUNTS.c.grant_id == grant.id)
    )
    servers = await write.rows(
        select(ON_SERVERS.c.server_id, ON_SERVERS.c.permissions).where(ON_SERVERS.c.grant_id == grant.id)
    )
    on_accounts: dict[UUID, int] = dict(map(tuple, accounts))
    on_servers: dict[UUID, int] = dict(map(tuple, servers))
    return Given(grant.overall, on_accounts, on_servers, grant.requires_two_factor)


async def _names(write: Write, wanted: Given) -> dict[UUID, str]:
    names: dict[UUID, str] = {}
    for rows, keys in ((ACCOUNTS, wanted.accounts), (SERVERS, wanted.servers)):
        if keys:
            found = await write.rows(select(rows.c.id, rows.c.name).where(rows.c.id.in_(list(keys))))
            names |= {row.id: row.name for row in found}
    return names


async def _replace(write: Write, grant_id: UUID, wanted: Given) -> None:
    kinds: tuple[tuple[type[SQLModel], str, Mapping[UUID, int]], ...] = (
        (AccountGrant, "account_id", wanted.accounts),
        (ServerGrant, "server_id", wanted.servers),
    )
    for model, column, masks in kinds:
        rows = table(model)
        await write.run(delete_rows(rows).where(rows.c.grant_id == grant_id))
        for key, mask in masks.items():
            await write.run(insert(rows).values({"grant_id": grant_id, column: key, "permissions": mask}))


def _words(wanted: Given, names: Mapping[UUID, str]) -> dict[str, Any]:
    """A grant as the history tells it."""

    def listed(masks: Mapping[UUID, int], kind: type[Permission]) -> list[str]:
        return sorted(f"{names.get(key, '?')}: {', '.join(permissions_in(mask, kind))}" for key, mask in masks.items())

    return {
        "overall": list(permissions_in(wanted.overall, OverallPermission)),
        "accounts": listed(wanted.accounts, AccountPermission),
        "servers": listed(wanted.servers, ServerPermission),
        "requires_two_factor": wanted.requires_two_factor,
    }


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before[name], value) for name, value in after.items() if before[name] != value}
