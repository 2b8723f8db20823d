"""Renewing a bearer session."""

import strawberry

from models.refusal import Code
from models.secret import unsaid
from resolvers import refresh as acts
from schema.directive import PUBLIC
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.session import BearerCredentials, Session


@strawberry.input(description="Arguments of sessionRefresh.")
class SessionRefreshInput:
    refresh_token: str = strawberry.field(description="Refresh token; usable once.")

    __repr__ = unsaid


@strawberry.type(description="Result of sessionRefresh.")
class SessionRefreshPayload(MutationPayload):
    session: Session | None = refetched("session", "The session.")
    credentials: BearerCredentials | None = strawberry.field(description="New credentials.")


@strawberry.type
class RefreshMutation:
    @mutation(
        SessionRefreshPayload,
        PUBLIC,
        fails=[Code.EXPIRED],
        description="Renew a bearer session (mobile clients).",
    )
    async def session_refresh(self, info: Info, input: SessionRefreshInput) -> SessionRefreshPayload | None:
        opened = await acts.refresh(info.context, refresh_token=input.refresh_token)
        credentials = BearerCredentials(
            access_token=opened.secret,
            refresh_token=opened.refresh or "",
            expires_at=opened.session.access_expires_at,
        )
        return SessionRefreshPayload.of(session=opened.session.id, credentials=credentials)
