"""The application behind the endpoint: who calls, what it is charged, and what it is sent back besides the answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response

from app.address import client_address
from app.allowance import Allowance
from app.credential import FOR_STAFF, Cookies, Credential, credential, desk_credential, unauthenticated
from app.gateways.simulator import SimulatedInfrastructure
from app.payments import providers_of
from app.register import register_of
from app.settings import Settings
from app.vault import KeyVault
from engine.bind import Bound
from engine.error import (
    FORBIDDEN,
    IP_NOT_ALLOWED,
    TWO_FACTOR_REQUIRED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    RequestRefused,
    Translate,
)
from engine.executor import Executor
from engine.operation import Document, Execution, Operation
from models.conflict import Busy
from models.context import Context, Passwords
from models.db import Database, Db
from models.infrastructure import Infrastructure, InfrastructureSilent
from models.network import AddressNotAllowed
from models.profile import Locale
from models.secret import SecretKind
from models.session import SessionEnded, SessionMethod
from models.staff import Lack, NotAtDesk
from models.viewer import Viewer
from resolvers import right, service, session, staff, token
from schema.message import preferred, speaker
from schema.scalar import instant_text

USER_AGENT_LENGTH = 300
SIGN_IN = "Sign in first."
ELSEWHERE = "This address is not among those that the profile allows."
SILENT = "The machines do not tell their figures at the moment."
BUSY = "The service is busy: try again in a moment."
OFF_THE_LIST = "This address is not among those that the staff works from."
AT_DESK = {
    Lack.ROLE: (FORBIDDEN, FOR_STAFF),
    Lack.TWO_FACTOR: (TWO_FACTOR_REQUIRED, "Verify a second factor first."),
}
"""Section 14. What a session that is good elsewhere is told."""


@dataclass
class Call(Context):
    """A context that a request made, and the headers its answer will carry."""

    headers: dict[str, str] = field(default_factory=dict)
    credential: Credential | None = None
    came_by: UUID | None = None
    """The session of that credential, whoever the caller has become since."""
    explains: bool = False
    """The answer tells how it was found."""
    renewed: bool = False
    """The caller's session lasts longer than when they last heard of it."""
    acts: bool = True
    """The caller does not only listen."""


class Host:
    """What serves one schema over one database."""

    def __init__(self, settings: Settings, bound: Bound, database: Database, passwords: Passwords) -> None:
        self.settings = settings
        self.bound = bound
        self.executor = Executor(
            bound,
            entries=settings.plan_cache,
            size_bytes=settings.plan_cache_bytes,
            plans=settings.planner,
        )
        self.database = database
        self.passwords = passwords
        self.vault = KeyVault(settings.secret_key)
        self.infrastructure: Infrastructure = SimulatedInfrastructure()
        self.vat_register = register_of(settings)
        self.payments = providers_of(settings, database)
        self.allowance = Allowance(settings, database.clock)
        self.cookies = Cookies(
            settings.secret_key,
            settings.tls_only_cookies,
            frozenset({settings.public_url, *settings.origins}),
            settings.cookie_domain,
        )

    def translate(self, request: Request) -> Translate:
        """In the caller's language; before sign-in, in the browser's."""
        locale: Locale | None = getattr(request.state, "locale", None)
        return speaker(locale or preferred(request.headers.get("accept-language")))

    @asynccontextmanager
    async def admit(self, request: Request) -> AsyncIterator[Call]:
        """The context of a request, and its database connection for as long as it takes."""
        async with self.called(request) as call:
            with self.allowance.one_more(call.viewer):
                yield call

    @asynccontextmanager
    async def called(self, request: Request, *, acts: bool = True) -> AsyncIterator[Call]:
        """The same for whoever is not counted, such as those who only listen: they do not act."""
        recognise = self.recognise(request)
        async with Db(self.database) as db:
            call = Call(
                db=db,
                viewer=self.anonymous(request),
                clock=self.database.clock,
                figures=self.settings,
                passwords=self.passwords,
                locale=preferred(request.headers.get("accept-language")),
                sandbox=self.settings.sandbox,
                key=self.settings.secret_key,
                public_url=self.settings.public_url,
                vault=self.vault,
                infrastructure=self.infrastructure,
                vat_register=self.vat_register,
                payments=self.payments,
                request_id=request.state.request_id,
                explains=self.settings.sandbox and request.state.extensions.get("plan") is True,
                acts=acts,
            )
            await recognise(call)
            request.state.locale = call.locale
            call.become(call.viewer)
            yield call

    def recognise(self, request: Request) -> Callable[[Call], Awaitable[None]]:
        """Who calls: read from the request at once, looked up when there is a database. Refuses with 400 and 401."""
        given = credential(request, self.cookies)

        async def recognised(call: Call) -> None:
            if given is not None:
                await self._recognise(call, given)

        return recognised

    def charge_document(self, context: Call) -> None:
        """Count a document that has to be parsed."""
        self.allowance.charge_document(context.viewer)

    def charge(self, context: Call, operation: Operation, cost: int) -> None:
        """Count an operation, and let the answer say what is left."""
        times = operation.roots if operation.kind is OperationType.MUTATION else 1
        context.headers |= self.allowance.charge(context.viewer, operation.kind, times, cost)
        context.quota = self.allowance.quota(context.viewer, cost)

    def charge_again(self, context: Call, cost: int) -> None:
        """Take the points of one more answer of an operation that was counted."""
        self.allowance.charge_points(context.viewer, cost)
        context.quota = self.allowance.quota(context.viewer, cost)

    async def execute(
        self, document: Document, operation: Operation, variables: dict[str, Any], context: Call
    ) -> Execution:
        """The answer, with its cost beside it."""
        quota = context.quota
        execution = await self.executor.execute(
            document,
            operation,
            variables,
            context,
            translate=speaker(context.locale),
            told={
                Busy: (UNAVAILABLE, BUSY),
                SessionEnded: (UNAUTHENTICATED, SIGN_IN),
                AddressNotAllowed: (IP_NOT_ALLOWED, ELSEWHERE),
                InfrastructureSilent: (UNAVAILABLE, SILENT),
            },
        )
        cost = {
            "cost": quota.cost,
            "limit": quota.limit,
            "remaining": quota.remaining,
            "resetAt": quota.reset_at and instant_text(quota.reset_at),
        }
        extensions: dict[str, Any] = {"cost": cost}
        if context.explains:
            lines = self.executor.explained(document, operation, variables, self.database.readers.dialect)
            extensions["plan"] = lines and [line.shown() for line in lines]
        return replace(execution, extensions=extensions)

    def finish(self, context: Call, response: Response) -> None:
        """Rate-limit headers; the cookies of a session that was opened, ended or made to last longer."""
        response.headers.update(context.headers)
        opened, given = context.opened, context.credential
        if opened and opened.session.method is SessionMethod.COOKIE and opened.session.id not in context.ended:
            self._hand_out(response, opened.secret)
        elif given and given.kind is SecretKind.COOKIE and context.came_by in context.ended:
            self.cookies.clear(response)
        elif given and given.kind is SecretKind.COOKIE and context.renewed:
            self._hand_out(response, given.secret)

    def _hand_out(self, response: Response, secret: str) -> None:
        self.cookies.set(response, secret, int(self.settings.session_lifetime.total_seconds()))

    def anonymous(self, request: Request) -> Viewer:
        """A caller of whom nothing is known but where they come from."""
        peer = request.client.host if request.client else ""
        address = client_address(peer, request.headers.getlist("x-forwarded-for"), self.settings.trusted_proxies)
        agent = request.headers.get("user-agent")
        return Viewer(ip_address=address, user_agent=agent[:USER_AGENT_LENGTH] if agent else None)

    async def _recognise(self, call: Call, given: Credential) -> None:
        """A token that is no good is refused; a cookie that is no good counts for nothing.

        From an address that its profile does not allow, both are refused.
        """
        caller = session.Caller(call.viewer.ip_address, call.viewer.user_agent, call.acts)
        try:
            if given.kind is SecretKind.API:
                resumed = await token.resume(call.db, given.secret, caller)
            else:
                resumed = await session.resume(call.db, call.figures, given.secret, caller)
        except Busy:
            raise busy() from None
        except AddressNotAllowed:
            self.allowance.charge_document(call.viewer)
            raise RequestRefused(403, IP_NOT_ALLOWED, ELSEWHERE) from None
        if resumed is not None:
            call.viewer, call.locale = resumed.viewer, resumed.locale
            call.credential, call.renewed, call.came_by = given, resumed.renewed, resumed.viewer.session_id
            await right.set_defaults(call, given.customer, given.account)
            return
        self.allowance.charge_document(call.viewer)
        if given.kind is not SecretKind.COOKIE:
            raise unauthenticated()


class StaffHost(Host):
    """TOK-5, section 14. What serves the staff schema: to the staff's people and other services, to nobody else."""

    def recognise(self, request: Request) -> Callable[[Call], Awaitable[None]]:
        """Who calls. Refuses whatever is neither a service credential nor a session of somebody of the staff."""
        given = desk_credential(request, self.cookies)

        async def recognised(call: Call) -> None:
            if given.kind is SecretKind.SERVICE:
                await self._service(call, given.secret)
            else:
                await self._person(call, given)

        return recognised

    async def _service(self, call: Call, secret: str) -> None:
        try:
            viewer = await service.resume(call.db, secret, call.viewer.ip_address)
        except Busy:
            raise busy() from None
        except AddressNotAllowed:
            self.allowance.charge_document(call.viewer)
            raise RequestRefused(403, IP_NOT_ALLOWED, ELSEWHERE) from None
        if viewer is None:
            self.allowance.charge_document(call.viewer)
            raise unauthenticated()
        call.viewer = viewer

    async def _person(self, call: Call, given: Credential) -> None:
        """Section 14. From elsewhere nobody is looked up: the answer there tells nothing of whose session it is."""
        nobody = call.viewer
        if not self.settings.is_of_staff(nobody.ip_address):
            self.allowance.charge_document(nobody)
            raise RequestRefused(403, IP_NOT_ALLOWED, OFF_THE_LIST)
        await self._recognise(call, given)
        if call.viewer.profile_id is None:  # A cookie that is no good any more.
            raise unauthenticated(FOR_STAFF)
        try:
            call.viewer = await staff.at_desk(call.db, call.viewer)
        except NotAtDesk as refused:
            self.allowance.charge_document(call.viewer)
            code, sentence = AT_DESK[refused.reason]
            raise RequestRefused(403, code, sentence) from None
        except Busy:
            raise busy() from None


def busy() -> RequestRefused:
    """503: the database has no time."""
    return RequestRefused(503, UNAVAILABLE, BUSY, headers={"Retry-After": "1"})
