"""TOK-5. May the holder of this token do that? What other services act on, from the model that decides here."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from models.account import Account
from models.column import table
from models.context import Context
from models.decision import Denial, decide, decide_change
from models.network import AddressNotAllowed
from models.permission import AccountPermission, DenialReason, OverallPermission, Permission, Requirement, Subject
from models.secret import SecretKind, is_well_formed
from models.server import Server
from models.viewer import Viewer
from resolvers import session, token
from resolvers.session import Caller

ACCOUNTS, SERVERS = table(Account), table(Server)
SEEN = Requirement(related=True)
CHARGED = Requirement(overall=(OverallPermission.BILLING,))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a service asks: which permission, on what, to read or to write, and whether a charge depends on it."""

    requirement: Requirement
    permission: Permission
    account: ColumnElement[bool] | None = None
    server: ColumnElement[bool] | None = None
    writes: bool = True
    charged: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """The answer: why not, or None; and who holds the token."""

    denial: Denial | None
    profile_id: UUID | None = None


def account_of(key: UUID | None, name: str | None) -> ColumnElement[bool]:
    """The account of this id, else of this name."""
    return ACCOUNTS.c.id == key if key is not None else ACCOUNTS.c.name == name


def server_of(key: UUID | None, name: str | None) -> ColumnElement[bool]:
    """The server of this id, else of this name."""
    return SERVERS.c.id == key if key is not None else SERVERS.c.name == name


async def check(context: Context, *, secret: str, ip_address: str, asked: Asked) -> Access:
    """TOK-5, PER-9. Decide for the holder of a token, calling from `ip_address`; the use of the token is noted."""
    try:
        viewer = await _holder(context, secret, Caller(ip_address, None))
    except AddressNotAllowed:
        return Access(Denial(DenialReason.IP_NOT_ALLOWED))
    if viewer is None:
        return Access(Denial(DenialReason.UNAUTHENTICATED))
    subject = await _subject(context, asked)
    if subject is None or _senseless(asked.permission, subject) or decide(viewer, SEEN, subject) is not None:
        # What the holder may not know of is answered as what is not there.
        return Access(Denial(DenialReason.PERMISSION_MISSING, asked.permission), viewer.profile_id)
    return Access(_denial(viewer, subject, asked), viewer.profile_id)


def _senseless(permission: Permission, subject: Subject[UUID]) -> bool:
    """PER-2. RESOURCES concerns accounts that are on a server."""
    return permission is AccountPermission.RESOURCES and subject.server_id is None


def _denial(viewer: Viewer, subject: Subject[UUID], asked: Asked) -> Denial | None:
    if (denial := decide(viewer, asked.requirement, subject)) is not None:
        return denial
    if asked.charged and (denial := decide(viewer, CHARGED, subject)) is not None:
        return denial
    if not asked.writes:
        return None
    if viewer.read_only:
        return Denial(DenialReason.TOKEN_SCOPE)
    return decide_change(viewer, owner_id=subject.owner_id, unverified=False, suspended=False)


async def _holder(context: Context, secret: str, caller: Caller) -> Viewer | None:
    if is_well_formed(secret, SecretKind.API):
        resumed = await token.resume(context.db, secret, caller)
    elif is_well_formed(secret, SecretKind.ACCESS):
        resumed = await session.resume(context.db, context.figures, secret, caller)
    else:
        resumed = None
    return resumed.viewer if resumed else None


async def _subject(context: Context, asked: Asked) -> Subject[UUID] | None:
    if asked.account is not None:
        account = await context.db.first(select(ACCOUNTS).where(asked.account))
        return Subject(account.owner_id, account.id, account.server_id) if account else None
    server = await context.db.first(select(SERVERS).where(asked.server)) if asked.server is not None else None
    return Subject(server.owner_id, server_id=server.id) if server else None
