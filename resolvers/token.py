"""API tokens: made, changed and revoked, and recognised when they call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, func, or_, select, update
from sqlalchemy import delete as delete_rows
from sqlmodel import select as select_rows

from models.account import Account
from models.column import table
from models.context import Context
from models.db import Db, Write
from models.decision import decide
from models.network import AddressNotAllowed, allowed
from models.permission import Requirement
from models.profile import Locale, Profile
from models.refusal import NotFound
from models.secret import fingerprint
from models.token import ApiToken, Created, create_token
from models.viewer import Viewer
from resolvers.find import find, writing
from resolvers.right import Place, holding, received, told, with_rights
from resolvers.session import Caller, Resumed

TOKENS = table(ApiToken)
ACCOUNTS = table(Account)
SEEN = Requirement(related=True)
PROFILES = table(Profile)
CALLING = (
    select(
        TOKENS.c.id,
        TOKENS.c.profile_id,
        TOKENS.c.read_only,
        TOKENS.c.only_owner_id,
        TOKENS.c.only_account_id,
        TOKENS.c.last_used_at,
        TOKENS.c.ip_allowlist,
        PROFILES.c.ip_allowlist.label("profile_ip_allowlist"),
        PROFILES.c.two_factor_since,
        PROFILES.c.locale,
        PROFILES.c.suspended_at,
        ACCOUNTS.c.owner_id.label("account_owner_id"),
        ACCOUNTS.c.server_id.label("account_server_id"),
        received(TOKENS.c.profile_id).label("received"),
    )
    .join(PROFILES, PROFILES.c.id == TOKENS.c.profile_id)
    .outerjoin(ACCOUNTS, ACCOUNTS.c.id == TOKENS.c.only_account_id)
    .where(
        TOKENS.c.secret_hash == bindparam("secret_hash"),
        TOKENS.c.enabled,
        or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > bindparam("now")),
    )
)
"""Whoever calls with a token, with all that they received: built once, since every request asks it."""


class Found(NamedTuple):
    """A row of `CALLING`."""

    id: UUID
    profile_id: UUID
    read_only: bool
    only_owner_id: UUID | None
    only_account_id: UUID | None
    last_used_at: datetime | None
    ip_allowlist: list[str]
    profile_ip_allowlist: list[str]
    two_factor_since: datetime | None
    locale: Locale
    suspended_at: datetime | None
    account_owner_id: UUID | None
    account_server_id: UUID | None
    received: list[list[Any]] | None


def of_profile() -> Select[Any]:
    """The tokens of a profile."""
    return select(TOKENS.c.profile_id)


async def create(context: Context, *, values: Mapping[str, Any]) -> Created:
    """TOK-1, TOK-2. A new token of the caller's profile, with its secret, which is never shown again."""
    figures = context.figures
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        await _check_narrowing(context, write, values)
        (used,) = await write.rows(select(func.count()).where(TOKENS.c.profile_id == profile.id))
        created = create_token(
            write.record,
            profile,
            used=used[0],
            limit=figures.tokens_per_profile,
            most_networks=figures.networks_per_allowlist,
            values=values,
        )
        write.add(created.token)
    return created


async def _check_narrowing(context: Context, write: Write, values: Mapping[str, Any]) -> None:
    """TOK-3. What a token is narrowed to is something that its profile reaches; NotFound otherwise."""
    viewer = await with_rights(write, context.viewer)
    owner_id, account_id = values.get("only_owner_id"), values.get("only_account_id")
    if owner_id is not None and owner_id != viewer.key and owner_id not in viewer.granted:
        raise NotFound().at("only_owner_id")
    if account_id is None:
        return
    account = await write.lock_one(select_rows(Account).where(ACCOUNTS.c.id == account_id))
    if account is None or decide(viewer, SEEN, account.subject) is not None or owner_id not in (None, account.owner_id):
        raise NotFound().at("only_account_id")


async def change(context: Context, *, key: UUID, changes: Mapping[str, Any]) -> UUID:
    """TOK-2. Change a token, but for its secret; answers its key."""
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        token = await find(context, write, ApiToken, key, "api_token_id")
        most = context.figures.networks_per_allowlist
        token.update(write.record, changes, profile=profile, most_networks=most)
    return token.id


async def regenerate(context: Context, *, key: UUID) -> Created:
    """TOK-1. Replace the secret of a token; answers the new one, which is never shown again."""
    async with writing(context) as write:
        profile = await find(context, write, Profile, context.viewer.key)
        token = await find(context, write, ApiToken, key, "api_token_id")
        secret = token.regenerate(write.record, profile=profile)
    return Created(token, secret)


async def delete(context: Context, *, key: UUID) -> UUID:
    """TOK-1. Revoke a token; answers the key that it had."""
    async with writing(context) as write:
        token = await find(context, write, ApiToken, key, "api_token_id")
        token.revoke(write.record)
        await write.run(delete_rows(TOKENS).where(TOKENS.c.id == token.id))
    return token.id


async def revoke_all(write: Write, profile_id: UUID) -> None:
    """PRO-5. Revoke every token of a profile, inside the transaction of what asks for it."""
    tokens = await write.lock(select_rows(ApiToken).where(TOKENS.c.profile_id == profile_id))
    for token in tokens:
        token.revoke(write.record)
    await write.run(delete_rows(TOKENS).where(TOKENS.c.profile_id == profile_id))


async def resume(db: Db, secret: str, caller: Caller) -> Resumed | None:
    """TOK-4. Whoever calls with this token; None when it is unknown, disabled or over. Raises AddressNotAllowed."""
    now = db.database.clock.now()
    rows = await db.read(db.database.prepared(CALLING), {"secret_hash": fingerprint(secret), "now": now})
    if not rows:
        return None
    found = Found(*rows[0])
    if not all(allowed(each, caller.ip_address) for each in (found.profile_ip_allowlist, found.ip_allowlist)):
        raise AddressNotAllowed
    minute = now.replace(second=0, microsecond=0)
    if found.last_used_at is None or found.last_used_at < minute:
        seen = update(TOKENS).where(TOKENS.c.id == found.id)
        unseen = or_(TOKENS.c.last_used_at.is_(None), TOKENS.c.last_used_at < minute)
        await db.note(seen.where(unseen).values(last_used_at=minute, last_used_from=caller.ip_address or None))
    viewer = Viewer(
        profile_id=found.profile_id,
        two_factor=found.two_factor_since is not None,
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        token_id=found.id,
        read_only=found.read_only,
        only_owner_id=found.only_owner_id,
        only_account_id=found.only_account_id,
        suspended=found.suspended_at is not None,
    )
    if found.received or found.only_account_id:
        place = Place(found.account_owner_id, found.account_server_id) if found.account_owner_id else None
        viewer = holding(viewer, told(found.received), place)
    return Resumed(viewer, found.locale, renewed=False)
