"""The same screens with Strawberry as it comes: its view, resolvers, permission classes, DataLoaders, the ORM."""

import base64
from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import strawberry
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from models import account as accounts
from models import activity as activities
from models import grant as grants
from models import plan as plans
from models import profile as profiles
from models import session as sessions
from models import subscription as subscriptions
from models.account import AccountLocation, AccountStatus
from models.activity import ActivityChannel
from models.clock import RealClock
from models.column import table
from models.db import async_url
from models.network import allowed
from models.permission import AccountPermission, OverallPermission
from models.profile import Locale
from models.secret import fingerprint
from models.subscription import SubscriptionStatus
from schema.global_id import global_id
from schema.scalar import SCALARS, EmailAddress

Info = strawberry.Info[dict[str, Any], None]
ACCOUNTS, EVENTS, PROFILES = table(accounts.Account), table(activities.ActivityEvent), table(profiles.Profile)
GRANTS, ON_ACCOUNTS = table(grants.PermissionGrant), table(grants.AccountGrant)
PLANS, SESSIONS, SUBSCRIPTIONS = table(plans.Plan), table(sessions.Session), table(subscriptions.Subscription)


class IsOwner(BasePermission):
    message = "Only the owner may see this."

    async def has_permission(self, source: Any, info: strawberry.Info, **_: Any) -> bool:
        viewer = info.context["viewer"]
        return viewer is not None and viewer.id == source.owner_id


def private(resolver: Any) -> Any:
    """A field that only the owner may see."""
    return strawberry.field(resolver=resolver, permission_classes=[IsOwner])


@strawberry.interface
class Actor:
    display_name: str


@strawberry.type
class SystemActor(Actor):
    pass


@strawberry.type
class ActivityEvent:
    row: strawberry.Private[activities.ActivityEvent]
    action: str
    occurred_at: datetime
    channel: ActivityChannel
    ip_address: str | None

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(global_id("ActivityEvent", self.row.id))

    @strawberry.field
    async def actor(self, info: Info) -> Actor:
        if self.row.actor_id is None:
            return SystemActor(display_name="Espace")
        return profile_of(await info.context["profiles"].load(self.row.actor_id))


@strawberry.type
class ActivityConnection:
    nodes: list[ActivityEvent]


@strawberry.type
class Plan:
    row: strawberry.Private[plans.Plan]
    code: str

    @strawberry.field
    def name(self, info: Info) -> str:
        return self.row.name_fr if info.context["viewer"].locale is Locale.FR else self.row.name_en


@strawberry.type
class Subscription:
    status: SubscriptionStatus
    period_end: date
    renews: bool


@strawberry.type
class AccountGrant:
    row: strawberry.Private[grants.AccountGrant]

    @strawberry.field
    async def account(self, info: Info) -> "Account":
        return account_of(await info.context["accounts"].load(self.row.account_id))

    @strawberry.field
    def permissions(self) -> list[AccountPermission]:
        return [each for each in AccountPermission if each.bit & self.row.permissions]


@strawberry.type
class PermissionGrant:
    row: strawberry.Private[grants.PermissionGrant]
    requires_two_factor: bool
    created_at: datetime

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(global_id("PermissionGrant", self.row.id))

    @strawberry.field
    def overall(self) -> list[OverallPermission]:
        return [each for each in OverallPermission if each.bit & self.row.overall]

    @strawberry.field
    async def grantee(self, info: Info) -> "Profile":
        return profile_of(await info.context["profiles"].load(self.row.grantee_id))

    @strawberry.field
    async def accounts(self, info: Info) -> list[AccountGrant]:
        return [AccountGrant(row=row) for row in await info.context["of_grant"].load(self.row.id)]


@strawberry.type
class GrantConnection:
    nodes: list[PermissionGrant]


async def subscription(root: "Account", info: Info) -> Subscription | None:
    row = await info.context["subscriptions"].load(root.row.id)
    return Subscription(status=row.status, period_end=row.period_end - timedelta(days=1), renews=row.renews)


async def naming(root: "Account", info: Info, first: int = 25) -> GrantConnection:
    return GrantConnection(nodes=[grant_of(row) for row in (await info.context["naming"].load(root.row.id))[:first]])


@strawberry.type
class Account:
    row: strawberry.Private[accounts.Account]
    owner_id: strawberry.Private[UUID]
    name: str
    status: AccountStatus
    created_at: datetime
    subscription: Subscription | None = private(subscription)
    grants: GrantConnection | None = private(naming)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(global_id("Account", self.row.id))

    @strawberry.field
    def location(self) -> AccountLocation:
        return AccountLocation.PRIVATE_CLOUD if self.row.server_id else AccountLocation.PUBLIC_CLOUD

    @strawberry.field
    def viewer_is_owner(self, info: Info) -> bool:
        return bool(info.context["viewer"].id == self.row.owner_id)

    @strawberry.field
    def viewer_permissions(self, info: Info) -> list[AccountPermission]:
        if info.context["viewer"].id != self.row.owner_id:
            return []
        return [each for each in AccountPermission if self.row.server_id or each is not AccountPermission.RESOURCES]

    @strawberry.field
    async def plan(self, info: Info) -> Plan | None:
        row = await info.context["plans"].load(self.row.plan_id)
        return Plan(row=row, code=row.code)


@strawberry.type
class AccountConnection:
    nodes: list[Account]


async def history(root: "Profile", info: Info, first: int = 25, after: str | None = None) -> ActivityConnection:
    """The newest events of a profile."""
    newest_first = select(activities.ActivityEvent).order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc())
    if after:
        at, key = orjson.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        place = tuple_(datetime.fromisoformat(at), UUID(key), types=[EVENTS.c.occurred_at.type, EVENTS.c.id.type])
        newest_first = newest_first.where(tuple_(EVENTS.c.occurred_at, EVENTS.c.id) < place)
    async with info.context["sessions"]() as session:
        rows = await session.scalars(newest_first.where(EVENTS.c.owner_id == root.row.id).limit(first))
    return ActivityConnection(nodes=[event_of(row) for row in rows])


async def grants_given(root: "Profile", info: Info, first: int = 25) -> GrantConnection:
    newest_first = select(grants.PermissionGrant).order_by(GRANTS.c.created_at.desc(), GRANTS.c.id.desc())
    async with info.context["sessions"]() as session:
        rows = await session.scalars(newest_first.where(GRANTS.c.owner_id == root.row.id).limit(first))
    return GrantConnection(nodes=[grant_of(row) for row in rows])


@strawberry.type
class Profile(Actor):
    row: strawberry.Private[profiles.Profile]
    owner_id: strawberry.Private[UUID]
    email: EmailAddress
    activity: ActivityConnection | None = private(history)
    grants_given: GrantConnection | None = private(grants_given)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(global_id("Profile", self.row.id))

    @strawberry.field
    async def accounts(self, info: Info, first: int = 25) -> AccountConnection:
        by_name = select(accounts.Account).order_by(ACCOUNTS.c.name, ACCOUNTS.c.id)
        async with info.context["sessions"]() as session:
            rows = await session.scalars(by_name.where(ACCOUNTS.c.owner_id == self.row.id).limit(first))
        return AccountConnection(nodes=[account_of(row) for row in rows])


def event_of(row: activities.ActivityEvent) -> ActivityEvent:
    return ActivityEvent(
        row=row, action=row.kind, occurred_at=row.occurred_at, channel=row.channel, ip_address=row.ip_address
    )


def profile_of(row: profiles.Profile) -> Profile:
    name = profiles.display_name(row.organization_name, row.first_name, row.last_name, row.email)
    return Profile(row=row, owner_id=row.id, display_name=name, email=EmailAddress(row.email))


def account_of(row: accounts.Account) -> Account:
    return Account(row=row, owner_id=row.owner_id, name=row.name, status=row.status, created_at=row.created_at)


def grant_of(row: grants.PermissionGrant) -> PermissionGrant:
    return PermissionGrant(row=row, requires_two_factor=row.requires_two_factor, created_at=row.created_at)


@strawberry.type
class Query:
    @strawberry.field
    async def viewer(self, info: Info) -> Profile | None:
        row = info.context["viewer"]
        return profile_of(row) if row else None


Sessions = async_sessionmaker[AsyncSession]


def one(sessions: Sessions, model: Any, key: Any) -> DataLoader[Any, Any]:
    """The row of each key."""

    async def load(keys: list[Any]) -> Sequence[Any]:
        async with sessions() as session:
            rows = await session.scalars(select(model).where(key.in_(keys)))
            found = {getattr(row, key.name): row for row in rows}
        return [found.get(each) for each in keys]

    return DataLoader(load_fn=load)


def many(sessions: Sessions, query: Any, key: Any) -> DataLoader[Any, Any]:
    """The rows of each key, which each row of the query ends with."""

    async def load(keys: list[Any]) -> Sequence[Any]:
        found: dict[Hashable, list[Any]] = {each: [] for each in keys}
        async with sessions() as session:
            for row, each in await session.execute(query.where(key.in_(keys))):
                found[each].append(row)
        return [found[each] for each in keys]

    return DataLoader(load_fn=load)


def loaders(sessions: Sessions) -> dict[str, DataLoader[Any, Any]]:
    """One for each relation, new for each request."""
    of_account = select(grants.PermissionGrant, ON_ACCOUNTS.c.account_id).join(
        grants.AccountGrant, ON_ACCOUNTS.c.grant_id == GRANTS.c.id
    )
    of_grant = select(grants.AccountGrant, ON_ACCOUNTS.c.grant_id).join(
        accounts.Account, ON_ACCOUNTS.c.account_id == ACCOUNTS.c.id
    )
    return {
        "profiles": one(sessions, profiles.Profile, PROFILES.c.id),
        "accounts": one(sessions, accounts.Account, ACCOUNTS.c.id),
        "plans": one(sessions, plans.Plan, PLANS.c.id),
        "subscriptions": one(sessions, subscriptions.Subscription, SUBSCRIPTIONS.c.account_id),
        "naming": many(
            sessions, of_account.order_by(GRANTS.c.created_at.desc(), GRANTS.c.id.desc()), ON_ACCOUNTS.c.account_id
        ),
        "of_grant": many(sessions, of_grant.order_by(ACCOUNTS.c.name), ON_ACCOUNTS.c.grant_id),
    }


class View(GraphQL[dict[str, Any], None]):
    """Strawberry's view, with whoever calls in its context."""

    def __init__(self, url: str, extensions: Sequence[Callable[[], SchemaExtension]] = ()) -> None:
        super().__init__(
            strawberry.Schema(
                query=Query,
                types=[SystemActor],
                extensions=list(extensions),
                config=StrawberryConfig(scalar_map=SCALARS),
            )
        )
        self.clock = RealClock()
        self.sessions = async_sessionmaker(create_async_engine(async_url(url)), expire_on_commit=False)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        secret = request.headers.get("authorization", "").removeprefix("Bearer ")
        async with self.sessions() as session:
            viewer = await session.scalar(
                select(profiles.Profile)
                .join(sessions.Session, SESSIONS.c.profile_id == PROFILES.c.id)
                .where(
                    SESSIONS.c.secret_hash == fingerprint(secret),
                    SESSIONS.c.ended_at.is_(None),
                    SESSIONS.c.access_expires_at > self.clock.now(),
                )
            )
        if viewer and not allowed(viewer.ip_allowlist, request.client.host if request.client else ""):
            viewer = None
        return {"viewer": viewer, "sessions": self.sessions, **loaders(self.sessions)}
