"""What a request identifies itself with: a cookie that counts, or a token. Never both."""

import base64
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from engine.error import BAD_REQUEST, FORBIDDEN, UNAUTHENTICATED, RequestRefused
from models.column import normalised_email
from models.secret import SecretKind, csrf_token, is_well_formed, unsaid

SESSION = "espace_session"
CSRF = "espace_csrf"
CSRF_HEADER = "X-CSRF-Token"
LONGEST_CUSTOMER = 254
ACCOUNT = re.compile("[a-z0-9_-]{1,64}")
AFTER_TOKEN = "After the token only customer=, an e-mail address, or account=, a name, may follow."  # noqa: S105
FOR_STAFF = "This is for the provider’s staff and other services."
BASIC_FORM = "With Basic, the user name is an API token and the password is empty."


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret of the right form; whether it is any good, the database knows."""

    secret: str
    kind: SecretKind
    customer: str | None = None
    """TOK-4. The e-mail address that an integrator names beside the token."""
    account: str | None = None
    """TOK-4. Or the name of an account."""

    def __repr__(self) -> str:
        return f"Credential({self.kind})"


@dataclass(frozen=True, slots=True)
class Cookies:
    """The two cookies of a browser session: one that scripts cannot read, and its readable half."""

    key: str
    tls_only: bool
    origins: Collection[str]
    domain: str | None = None
    """Where scripts may read the second one, besides this host; the first stays with the host."""

    __repr__ = unsaid

    @property
    def session(self) -> str:
        return f"__Host-{SESSION}" if self.tls_only else SESSION

    def set(self, response: Response, secret: str, max_age: int) -> None:
        """Hand out a session."""
        self._set(response, self.session, secret, max_age, hidden=True)
        self._set(response, CSRF, csrf_token(self.key, secret), max_age, hidden=False)

    def clear(self, response: Response) -> None:
        """Take a session back."""
        self._set(response, self.session, "", 0, hidden=True)
        self._set(response, CSRF, "", 0, hidden=False)

    def counts(self, request: Request, secret: str) -> bool:
        """Whether the page that asks is one of ours: it read the other cookie, and comes from an allowed origin."""
        token = csrf_token(self.key, secret)
        # A sibling domain can add a cookie of the same name: ours is one of those that came.
        sent_back, readable = request.headers.get(CSRF_HEADER, ""), cookie_values(request, CSRF)
        if not matches(sent_back, token) or not any(matches(value, token) for value in readable):
            return False
        origin = request.headers.get("origin")
        if origin is None:
            return request.headers.get("sec-fetch-site") not in ("cross-site", "same-site")
        return origin in self.origins or (not self.tls_only and origin == own_origin(request))

    def _set(self, response: Response, name: str, value: str, max_age: int, *, hidden: bool) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path="/",
            domain=None if hidden else self.domain,
            secure=self.tls_only,
            httponly=hidden,
            samesite="lax",
        )


def matches(value: str, token: str) -> bool:
    """Whether they are the same, in a time that tells nothing."""
    return hmac.compare_digest(value.encode(), token.encode())


def cookie_values(request: Request, name: str) -> list[str]:
    """Every value that came under this name."""
    pairs = [pair.partition("=") for line in request.headers.getlist("cookie") for pair in line.split(";")]
    return [value.strip().strip('"') for found, _, value in pairs if found.strip() == name]


def own_origin(request: Request) -> str:
    """Where the request was sent, as a browser names it; not to be asked behind TLS, which ends at a proxy."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def credential(request: Request, cookies: Cookies) -> Credential | None:
    """What the request identifies itself with; None for nobody. Refuses with 400 and 401."""
    authorization = request.headers.getlist("authorization")
    cookie = request.cookies.get(cookies.session, "")
    if authorization and cookie:
        raise RequestRefused(400, BAD_REQUEST, "Send a session cookie or an Authorization header, not both.")
    if authorization:
        scheme, _, value = authorization[0].partition(" ")
        if len(authorization) == 1 and scheme.lower() == "basic":
            return from_basic(value.strip(" "))
        if len(authorization) > 1 or scheme.lower() != "bearer":
            raise unauthenticated("Use Authorization: Bearer, followed by the access token.")
        return from_bearer(value.strip())
    if is_well_formed(cookie, SecretKind.COOKIE) and cookies.counts(request, cookie):
        return Credential(cookie, SecretKind.COOKIE)
    return None


def desk_credential(request: Request, cookies: Cookies) -> Credential:
    """TOK-5, section 14. The credential of another service, or a session, as at `/graphql`. API tokens never count."""
    authorization = request.headers.getlist("authorization")
    scheme, _, value = authorization[0].partition(" ") if authorization else ("", "", "")
    if len(authorization) == 1 and scheme.lower() == "bearer" and is_well_formed(value.strip(), SecretKind.SERVICE):
        return Credential(value.strip(), SecretKind.SERVICE)
    try:
        given = credential(request, cookies)
    except RequestRefused:
        given = None
    if given is not None and given.kind in (SecretKind.ACCESS, SecretKind.COOKIE):
        return given
    if authorization or request.headers.get("cookie"):
        raise RequestRefused(403, FORBIDDEN, FOR_STAFF)
    raise unauthenticated(FOR_STAFF)


def from_bearer(secret: str) -> Credential:
    """TOK-4. An access token of a session, or an API token."""
    for kind in (SecretKind.ACCESS, SecretKind.API):
        if is_well_formed(secret, kind):
            return Credential(secret, kind)
    raise unauthenticated()


def from_basic(encoded: str) -> Credential:
    """TOK-4. The API token as user name, perhaps followed by `customer=EMAIL`; an empty password."""
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise unauthenticated(BASIC_FORM) from None
    secret, *rest = user.strip(" ").split(" ")
    if not colon or password or not is_well_formed(secret, SecretKind.API):
        raise unauthenticated(BASIC_FORM)
    customer, account = _named([word for word in rest if word])
    return Credential(secret, SecretKind.API, customer, account)


def _named(words: list[str]) -> tuple[str | None, str | None]:
    """TOK-4. What may follow the token: a customer's address, or the name of an account."""
    if not words:
        return None, None
    name, _, value = words[0].partition("=")
    if len(words) == 1 and name == "customer" and (address := _address(value)):
        return address, None
    if len(words) == 1 and name == "account" and ACCOUNT.fullmatch(value):
        return None, value
    raise RequestRefused(400, BAD_REQUEST, AFTER_TOKEN)


def _address(value: str) -> str | None:
    address = normalised_email(value)
    local, at, domain = address.rpartition("@")
    is_address = bool(local and at and domain) and value.isprintable() and len(address) <= LONGEST_CUSTOMER
    return address if is_address else None


def unauthenticated(message: str = "This access token is invalid or has expired.") -> RequestRefused:
    """401: a bearer credential that is no good."""
    return RequestRefused(401, UNAUTHENTICATED, message, headers={"WWW-Authenticate": "Bearer"})
