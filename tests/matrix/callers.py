"""Kinds of caller, kinds of object and kinds of answer, as data, for the oracle in `expected`."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from tests.matrix import table
from tests.matrix.table import NONE, Names


class Outcome(StrEnum):
    """An answer; after the colon, extensions.reason or the code of the user error."""

    VALUE = "VALUE"
    NOT_FOUND = "NOT_FOUND"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    TWO_FACTOR_REQUIRED = "TWO_FACTOR_REQUIRED"
    IP_NOT_ALLOWED = "IP_NOT_ALLOWED"
    PASSED = "PASSED"
    PERMISSION_MISSING = "FORBIDDEN:PERMISSION_MISSING"
    OWNER_ONLY = "FORBIDDEN:OWNER_ONLY"
    TOKEN_SCOPE = "FORBIDDEN:TOKEN_SCOPE"
    PROFILE_SUSPENDED = "FORBIDDEN:PROFILE_SUSPENDED"
    EMAIL_NOT_VERIFIED = "FORBIDDEN:EMAIL_NOT_VERIFIED"
    ERROR_NOT_FOUND = "USER_ERROR:NOT_FOUND"
    ERROR_PROFILE_SUSPENDED = "USER_ERROR:PROFILE_SUSPENDED"
    ERROR_EMAIL_NOT_VERIFIED = "USER_ERROR:EMAIL_NOT_VERIFIED"
    ERROR_TWO_FACTOR_NOT_ENABLED = "USER_ERROR:TWO_FACTOR_NOT_ENABLED"

    @property
    def code(self) -> str:
        """The kind of answer: FORBIDDEN, USER_ERROR, VALUE..."""
        return self.value.partition(":")[0]

    @property
    def detail(self) -> str:
        """The reason of a FORBIDDEN, the code of a USER_ERROR, else nothing."""
        return self.value.partition(":")[2]


class Target(StrEnum):
    """Whose object it is.

    ON_SERVER matters to accounts alone.  The owner's PermissionGrant is the one to this caller (for
    others than delegates: any that the owner gave); its Contract, Session, ApiToken, SandboxMail
    and ActivityEvent are the owner's own, its ServiceSubscription that of the Public Cloud account.
    """

    OWN = "the owner's"
    OWN_ON_SERVER = "the owner's, on a server"
    OTHER = "another profile's"
    OTHER_ON_SERVER = "another profile's, on a server"
    ABSENT = "absent"


OWNED: Final = frozenset({Target.OWN, Target.OWN_ON_SERVER})


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A kind of caller, seen from the owner whose objects are asked for."""

    name: str
    role: Literal["anonymous", "owner", "delegate", "stranger"]
    overall: Names = NONE
    account: Names = NONE  # on both accounts; RESOURCES on the one that is on the server
    server: Names = NONE
    flagged: bool = False  # the grant is "2FA required"
    two_factors: bool = False  # verified in this session, or a token
    two_factor_on: bool = False  # on the caller's profile
    token: bool = False
    read_only: bool = False
    narrowed: Literal["", "another owner", "account"] = ""  # "account": the owner's, Public Cloud
    wrong_address: bool = False
    verified: bool = True
    suspended: bool = False
    owner_suspended: bool = False


def _delegates() -> tuple[Caller, ...]:
    base = Caller(name="", role="delegate")
    return (
        *(replace(base, name=f"overall:{p}", overall=frozenset({p})) for p in table.OVERALL),
        *(replace(base, name=f"account:{p}", account=frozenset({p})) for p in table.ACCOUNT),
        *(replace(base, name=f"server:{p}", server=frozenset({p})) for p in table.SERVER),
    )


def _tokens(owner: Caller) -> tuple[Caller, ...]:
    token = replace(owner, name="token", token=True)
    return (
        token,
        replace(token, name="token_read_only", read_only=True),
        replace(token, name="token_other_owner", narrowed="another owner"),
        replace(token, name="token_account", narrowed="account"),
    )


def _callers() -> tuple[Caller, ...]:
    owner = Caller(name="owner_two_factors", role="owner", two_factors=True, two_factor_on=True)
    every = Caller(name="", role="delegate", overall=frozenset(table.OVERALL))
    # What their grants name besides adds nothing to every overall permission; in one's own grant it is listed.
    named = replace(every, account=frozenset({"SITES"}), server=frozenset({"HTTP"}))
    flagged = replace(named, name="flagged_one_factor", flagged=True)
    both = replace(flagged, name="flagged_two_factors", two_factors=True, two_factor_on=True)
    by_token = replace(both, name="token_delegate", token=True)
    return (
        Caller(name="anonymous", role="anonymous"),
        Caller(name="owner_one_factor", role="owner"),
        replace(owner, name="owner_stale_session", two_factors=False),
        owner,
        replace(owner, name="owner_wrong_address", wrong_address=True),
        replace(owner, name="owner_suspended", suspended=True),
        replace(owner, name="unverified", verified=False),
        replace(every, name="unverified_delegate", verified=False),
        Caller(name="stranger", role="stranger"),
        Caller(name="staff", role="stranger", two_factors=True, two_factor_on=True),
        *_delegates(),
        replace(every, name="delegate_of_suspended", owner_suspended=True),
        flagged,
        both,
        *_tokens(owner),
        by_token,
        replace(by_token, name="token_delegate_other_owner", narrowed="another owner"),
        replace(by_token, name="token_delegate_account", narrowed="account"),
    )


CALLERS: Final[dict[str, Caller]] = {caller.name: caller for caller in _callers()}
