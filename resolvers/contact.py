"""PER-10. Who is told by mail of what concerns an owner, an account or a server."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, false, or_, select

from models.column import table
from models.grant import AccountGrant, PermissionGrant, ServerGrant
from models.permission import (
    AccountPermission,
    OverallPermission,
    Permission,
    ServerPermission,
    Subject,
    mask_of,
)
from models.profile import Profile
from models.ticket_category import TicketCategory
from resolvers.right import Reader

PROFILES = table(Profile)
GRANTS, ON_ACCOUNTS, ON_SERVERS = table(PermissionGrant), table(AccountGrant), table(ServerGrant)


def _holds(column: ColumnElement[Any], permission: Permission) -> ColumnElement[bool]:
    return column.bitwise_and(permission.bit) != 0


ON_THIS_ACCOUNT = GRANTS.c.id.in_(
    select(ON_ACCOUNTS.c.grant_id).where(
        ON_ACCOUNTS.c.account_id == bindparam("account_id"),
        _holds(ON_ACCOUNTS.c.permissions, AccountPermission.TECHNICAL_CONTACT),
    )
)
ON_THIS_SERVER = GRANTS.c.id.in_(
    select(ON_SERVERS.c.grant_id).where(
        ON_SERVERS.c.server_id == bindparam("server_id"),
        _holds(ON_SERVERS.c.permissions, ServerPermission.TECHNICAL_CONTACT),
    )
)
BILLING = _holds(GRANTS.c.overall, OverallPermission.BILLING)
CONTACTS = mask_of(AccountPermission.TECHNICAL_CONTACT, ServerPermission.TECHNICAL_CONTACT)
MANAGEMENT = _holds(GRANTS.c.overall, OverallPermission.ACCOUNT_MANAGEMENT)
OF_ACCOUNT = or_(_holds(GRANTS.c.overall, OverallPermission.TECHNICAL_ACCOUNT), ON_THIS_ACCOUNT)
OF_SERVER = or_(_holds(GRANTS.c.overall, OverallPermission.TECHNICAL_SERVER), ON_THIS_SERVER)


async def billing_contacts(reader: Reader, owner_id: UUID) -> Sequence[Row[Any]]:
    """PER-10. Who is told of billing tickets, and that the balance turns negative: the owner first."""
    return await _told(reader, BILLING, {"owner_id": owner_id})


async def technical_contacts(reader: Reader, subject: Subject[UUID]) -> Sequence[Row[Any]]:
    """PER-10. Who is told of technical tickets about an account or a server: the owner first."""
    keys = {"owner_id": subject.owner_id}
    if subject.account_id is not None:
        return await _told(reader, OF_ACCOUNT, {**keys, "account_id": subject.account_id})
    return await _told(reader, OF_SERVER, {**keys, "server_id": subject.server_id})


async def concerned(reader: Reader, subject: Subject[UUID]) -> list[UUID]:
    """ALE-3, PER-10. Who is told of an alert: the owner first, and whoever holds what counts on it, each once."""
    found: dict[UUID, None] = {}
    if subject.owner_id is not None:
        found[subject.owner_id] = None
        if subject.concerned & OverallPermission.BILLING.bit:
            found |= {row.id: None for row in await billing_contacts(reader, subject.owner_id)}
        if subject.concerned & CONTACTS and (subject.account_id or subject.server_id):
            found |= {row.id: None for row in await technical_contacts(reader, subject)}
    return list(found)


async def ticket_contacts(reader: Reader, subject: Subject[UUID]) -> Sequence[Row[Any]]:
    """PER-10, TIC-2. Who is told of a ticket of the support team's, and of its answers: whoever sees it."""
    about_something = subject.account_id is not None or subject.server_id is not None
    if subject.kind is TicketCategory.TECHNICAL and about_something:
        return await technical_contacts(reader, subject)
    holding = {TicketCategory.BILLING: BILLING, TicketCategory.SALES: MANAGEMENT}.get(subject.kind, false())
    return await _told(reader, holding, {"owner_id": subject.owner_id})


async def _told(reader: Reader, holding: ColumnElement[bool], parameters: dict[str, Any]) -> Sequence[Row[Any]]:
    """Id, address and language of the owner, and of the holders whose grants could count for them."""
    owner_id: ColumnElement[Any] = bindparam("owner_id")
    awake = or_(GRANTS.c.requires_two_factor.is_(False), PROFILES.c.two_factor_since.is_not(None))
    holders = (
        select(GRANTS.c.id)
        .where(GRANTS.c.owner_id == owner_id, GRANTS.c.grantee_id == PROFILES.c.id, holding, awake)
        .where(PROFILES.c.email_verified_at.is_not(None))
    )
    people = select(PROFILES.c.id, PROFILES.c.email, PROFILES.c.locale)
    concerned = people.where(or_(PROFILES.c.id == owner_id, holders.correlate(PROFILES).exists()))
    return await reader.rows(concerned.order_by((PROFILES.c.id == owner_id).desc(), PROFILES.c.email), parameters)
