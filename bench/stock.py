"""What the same screens look like with Strawberry as it comes: its view, ordinary resolvers, the ORM."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig
from strawberry.utils.str_converters import to_camel_case

from models import activity as activities
from models import profile as profiles
from models import session as sessions
from models.activity import ActivityChannel
from models.column import table
from models.db import Database
from models.profile import Locale
from models.secret import fingerprint
from schema.global_id import global_id
from schema.message import say
from schema.scalar import SCALARS

Info = strawberry.Info[dict[str, Any], None]
EVENTS = table(activities.ActivityEvent)
PROFILES = table(profiles.Profile)
SESSIONS = table(sessions.Session)


class IsOwner(BasePermission):
    message = "Only the owner may see this."

    async def has_permission(self, source: Any, info: strawberry.Info, **_: Any) -> bool:
        viewer = info.context["viewer"]
        return viewer is not None and viewer.id == source.row.id


@strawberry.interface
class Actor:
    display_name: str


@strawberry.type
class SystemActor(Actor):
    pass


@strawberry.type
class ActivityChange:
    name: str
    before: str | None
    after: str | None


@strawberry.type
class ActivityEvent:
    row: strawberry.Private[activities.ActivityEvent]
    action: str
    occurred_at: datetime
    channel: ActivityChannel
    ip_address: str | None
    actor: Actor

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(global_id("ActivityEvent", self.row.id))

    @strawberry.field
    def summary(self, info: Info) -> str:
        return say(info.context["locale"], activities.ACTIONS[self.row.kind].sentence)

    @strawberry.field
    def changes(self) -> list[ActivityChange]:
        return [
            ActivityChange(name=to_camel_case(name), before=before, after=after)
            for name, (before, after) in self.row.changes.items()
        ]


@strawberry.type
class ActivityConnection:
    nodes: list[ActivityEvent]


async def history(root: "Profile", info: Info, first: int = 25) -> ActivityConnection:
    """The newest events of a profile, and who acted in them."""
    newest_first = select(activities.ActivityEvent).order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc())
    async with info.context["sessions"]() as session:
        rows = (await session.scalars(newest_first.where(EVENTS.c.owner_id == root.row.id).limit(first))).all()
        actors = await actors_of(session, rows)
    return ActivityConnection(nodes=[event_of(row, actors) for row in rows])


@strawberry.type
class Profile(Actor):
    row: strawberry.Private[profiles.Profile]
    activity: ActivityConnection = strawberry.field(resolver=history, permission_classes=[IsOwner])

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(global_id("Profile", self.row.id))


async def actors_of(session: AsyncSession, rows: Sequence[activities.ActivityEvent]) -> dict[UUID | None, Actor]:
    """Who acted on a page, in one statement."""
    keys = {row.actor_id for row in rows if row.actor_id}
    found = await session.scalars(select(profiles.Profile).where(PROFILES.c.id.in_(keys)))
    return {None: SystemActor(display_name="Espace"), **{row.id: profile_of(row) for row in found}}


def event_of(row: activities.ActivityEvent, actors: dict[UUID | None, Actor]) -> ActivityEvent:
    return ActivityEvent(
        row=row,
        action=row.kind,
        occurred_at=row.occurred_at,
        channel=row.channel,
        ip_address=row.ip_address,
        actor=actors[row.actor_id],
    )


def profile_of(row: profiles.Profile) -> Profile:
    name = profiles.display_name(row.organization_name, row.first_name, row.last_name, row.email)
    return Profile(row=row, display_name=name)


@strawberry.type
class Query:
    @strawberry.field
    async def viewer(self, info: Info) -> Profile | None:
        row = info.context["viewer"]
        return profile_of(row) if row else None


class View(GraphQL[dict[str, Any], None]):
    """Strawberry's view, with whoever calls in its context."""

    def __init__(self, database: Database, extensions: Sequence[type[SchemaExtension]] = ()) -> None:
        super().__init__(
            strawberry.Schema(
                query=Query,
                types=[SystemActor],
                extensions=extensions,
                config=StrawberryConfig(scalar_map=SCALARS),
            )
        )
        self.database = database
        self.sessions = async_sessionmaker(database.readers, expire_on_commit=False)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        secret = request.headers.get("authorization", "").removeprefix("Bearer ")
        async with self.sessions() as session:
            viewer = await session.scalar(
                select(profiles.Profile)
                .join(sessions.Session, SESSIONS.c.profile_id == PROFILES.c.id)
                .where(
                    SESSIONS.c.secret_hash == fingerprint(secret),
                    SESSIONS.c.ended_at.is_(None),
                    SESSIONS.c.access_expires_at > self.database.clock.now(),
                )
            )
        return {"viewer": viewer, "sessions": self.sessions, "locale": viewer.locale if viewer else Locale.EN}
