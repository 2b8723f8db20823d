"""Sessions: `viewer`'s other half. Signing in and out."""

from datetime import datetime
from typing import Self

import strawberry

from engine.declare import Computed, One, declare
from models import session as rows
from models.challenge import Asked
from models.column import table
from models.refusal import Code
from models.secret import unsaid
from models.viewer import Viewer
from resolvers import session as acts
from schema.directive import PUBLIC, authorize
from schema.enumeration import described
from schema.global_id import global_id, key_of
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node
from schema.scalar import EmailAddress

described(
    rows.SessionMethod,
    "How a session was opened.",
    COOKIE="E-mail and password, then TOTP if enabled; held in a cookie.",
    BEARER="E-mail and password, then TOTP if enabled; held as bearer token by a mobile client.",
    API_TOKEN="API token.",  # noqa: S106 - a description
)
described(
    rows.SessionTransport,
    "How a session is carried.",
    COOKIE="HttpOnly cookie plus X-CSRF-Token header.",
    BEARER="Authorization header.",
)


def is_current(viewer: Viewer, key: object) -> bool:
    """Whether a session is the one of this very request."""
    return viewer.session_id == key


@node(
    rows.Session,
    gate=authorize(),
    owner="profile_id",
    only=table(rows.Session).c.ended_at.is_(None),
    description="An authenticated session, interactive or by token.",
)
class Session(Node):
    method: rows.SessionMethod = strawberry.field(description="How it was opened.")
    two_factor_verified: bool = declare(
        Computed(lambda instant: instant is not None, ("two_factor_at",)),
        description="A second factor was verified.",
    )
    ip_address: str = strawberry.field(description="Address it was opened from.")
    user_agent: str | None = strawberry.field(description="Browser or program.")
    created_at: datetime = strawberry.field(description="Start.")
    last_seen_at: datetime = strawberry.field(description="Last request.")
    expires_at: datetime | None = strawberry.field(description="End unless renewed; null for a token without end.")
    current: bool = declare(
        Computed(is_current, ("id",), given="viewer"), description="It is the one making this request."
    )


@strawberry.type(description="Credentials of a bearer session.")
class BearerCredentials:
    access_token: str = strawberry.field(description="For the Authorization header.")
    refresh_token: str = strawberry.field(description="For sessionRefresh; usable once.")
    expires_at: datetime = strawberry.field(description="End of the access token.")

    __repr__ = unsaid

    @classmethod
    def for_(cls, opened: rows.Opened) -> Self | None:
        """Those of a session just opened; None where a cookie holds it."""
        if opened.refresh is None:
            return None
        return cls(
            access_token=opened.secret, refresh_token=opened.refresh, expires_at=opened.session.access_expires_at
        )


@strawberry.type(description="Second step of a log-in.")
class TwoFactorChallenge:
    challenge_id: strawberry.ID = strawberry.field(description="Id to send back.")
    expires_at: datetime = strawberry.field(description="Deadline.")

    __repr__ = unsaid


@strawberry.input(description="Arguments of sessionCreate.")
class SessionCreateInput:
    email: EmailAddress = strawberry.field(description="Log-in address.")
    password: str = strawberry.field(description="Password.")
    transport: rows.SessionTransport = strawberry.field(
        default=rows.SessionTransport.COOKIE, description="Cookie for browsers, bearer for mobile clients."
    )

    __repr__ = unsaid


@strawberry.type(description="Result of sessionCreate.")
class SessionCreatePayload(MutationPayload):
    session: Session | None = refetched("session", "The session; null when a challenge is to be answered.")
    challenge: TwoFactorChallenge | None = strawberry.field(description="Challenge to answer.")
    credentials: BearerCredentials | None = strawberry.field(description="Credentials, for bearer transport only.")


@strawberry.input(description="Arguments of sessionDelete.")
class SessionDeleteInput:
    session_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Session; default: the current one."
    )
    all_others: bool = strawberry.field(default=False, description="Close every session but the current one.")


@strawberry.type(description="Result of sessionDelete.")
class SessionDeletePayload(MutationPayload):
    deleted_ids: list[strawberry.ID] | None = strawberry.field(description="Ids of the closed sessions.")


@strawberry.type
class SessionQuery:
    session: Session | None = declare(
        One(lambda context: context.viewer.session_id),
        PUBLIC,
        description="The current session or token; null without one.",
    )


@strawberry.type
class SessionMutation:
    @mutation(
        SessionCreatePayload,
        PUBLIC,
        fails=[Code.INVALID_CREDENTIALS],
        description="Log in; with two-factor authentication on, answers a challenge instead of a session.",
    )
    async def session_create(self, info: Info, input: SessionCreateInput) -> SessionCreatePayload | None:
        found = await acts.create(info.context, email=input.email, password=input.password, transport=input.transport)
        if isinstance(found, Asked):
            asked = TwoFactorChallenge(challenge_id=strawberry.ID(found.secret), expires_at=found.challenge.expires_at)
            return SessionCreatePayload.of(challenge=asked)
        return SessionCreatePayload.of(session=found.session.id, credentials=BearerCredentials.for_(found))

    @mutation(
        SessionDeletePayload,
        authorize(subject="input.sessionId", interactive=True),
        unverified=True,
        description="Close one session, the current one, or all others.",
        suspended=True,
    )
    async def session_delete(self, info: Info, input: SessionDeleteInput) -> SessionDeletePayload | None:
        ended = await acts.delete(
            info.context,
            session_id=key_of(input.session_id, "Session", "session_id") if input.session_id else None,
            all_others=input.all_others,
        )
        return SessionDeletePayload.of(deleted_ids=[global_id("Session", key) for key in ended])
