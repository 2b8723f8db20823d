"""LIM-1. How often a credential can be guessed, and a mail be asked for.

Before sign-in it counts by network, by network and e-mail address, and by e-mail address over all networks from which
its profile never signed in. So whoever guesses uses up what is theirs, and not what the owner has. After sign-in it
counts by session, codes by profile: see docs/decisions/0006-guesses.md.

A key's bucket holds `attempts` and gains one each `interval` (GCRA: one instant per key says when it is full again).
Who finds it empty is slowed down, never locked out: a refusal takes nothing. Counters live in real time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, Update, bindparam, case, select, update
from sqlmodel import Field, SQLModel

from models.column import INSERTS, table
from models.network import neighbourhood
from models.refusal import Code, Refusal
from models.secret import fingerprint
from models.setting import Figures

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class AttemptKind(StrEnum):
    """What is guessed at; each kind is counted apart."""

    SIGN_IN = "sign-in"
    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a secret
    CODE = "code"
    ACTIVATION = "activation"
    RESET = "reset"
    MAIL = "mail"
    RECOVERY = "recovery"


@dataclass(eq=False)
class TooManyAttempts(Refusal):
    """LIM-1. The bucket is empty until `retry_at`."""

    code = Code.TOO_MANY_ATTEMPTS
    message = "Too many attempts: try again after {retry_at}."
    retry_at: datetime


class Attempt(SQLModel, table=True):
    """LIM-1. A bucket, kept while it is not full: when it will be, in microseconds since 1970."""

    __tablename__ = "attempt"

    key: str = Field(max_length=120, primary_key=True)
    full_at: int = Field(sa_type=BigInteger, index=True)


ATTEMPTS = table(Attempt)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One key and how much it holds."""

    key: str
    attempts: int
    interval: timedelta

    def parameters(self, now: datetime) -> dict[str, Any]:
        """What `taking` is run with."""
        at, interval = (now - EPOCH) // MICROSECOND, self.interval // MICROSECOND
        return {
            "bucket": self.key,
            "now": at,
            "interval": interval,
            "first": at + interval,
            "latest": at + (self.attempts - 1) * interval,
        }

    def retry_at(self, full_at: int) -> datetime:
        """When one more attempt fits, where it is full at `full_at`."""
        return EPOCH + full_at * MICROSECOND - (self.attempts - 1) * self.interval


def of_address(kind: AttemptKind, address: str, figures: Figures) -> Bucket:
    """The bucket of where somebody calls from, whoever they ask for."""
    attempts, interval = {
        AttemptKind.SIGN_IN: (figures.sign_ins_per_address, figures.sign_in_address_interval),
        AttemptKind.CODE: (figures.codes_per_address, figures.code_address_interval),
        AttemptKind.RESET: (figures.resets_per_address, figures.reset_address_interval),
        AttemptKind.MAIL: (figures.resets_per_address, figures.reset_address_interval),
        AttemptKind.RECOVERY: (figures.resets_per_address, figures.reset_address_interval),
    }[kind]
    return Bucket(f"{kind}:address:{neighbourhood(address)}", attempts, interval)


def of_pair(kind: AttemptKind, email: str, address: str, figures: Figures) -> Bucket:
    """The bucket of one network at one e-mail address, whether or not anybody has it."""
    return Bucket(f"{kind}:pair:{fingerprint(f'{neighbourhood(address)} {email}')}", *_small(kind, figures))


def of_strangers(kind: AttemptKind, email: str, figures: Figures) -> Bucket:
    """The bucket of all networks together at one e-mail address, but for those that its profile signed in from."""
    attempts, interval = {
        AttemptKind.SIGN_IN: (figures.sign_ins_per_email, figures.sign_in_email_interval),
        AttemptKind.RESET: (figures.resets_per_email, figures.reset_email_interval),
        AttemptKind.MAIL: (figures.resets_per_email, figures.reset_email_interval),
        AttemptKind.RECOVERY: (figures.resets_per_email, figures.reset_email_interval),
    }[kind]
    return Bucket(f"{kind}:strangers:{fingerprint(email)}", attempts, interval)


def of_session(kind: AttemptKind, session_id: UUID, figures: Figures) -> Bucket:
    """The bucket of one session: whoever stole it cannot keep its owner from proving who they are in another."""
    return Bucket(f"{kind}:session:{session_id}", *_small(kind, figures))


def of_profile(kind: AttemptKind, profile_id: UUID, figures: Figures) -> Bucket:
    """The bucket of a profile, for what nobody reaches who has not shown its password or a session of it."""
    return Bucket(f"{kind}:profile:{profile_id}", *_small(kind, figures))


def of_grants(owner_id: UUID, figures: Figures) -> Bucket:
    """The bucket of what an owner grants, to whomever: each may send a mail to somebody who did not ask for it."""
    return Bucket(f"grant:owner:{owner_id}", figures.grants_at_once, figures.grant_interval)


def of_grants_to(owner_id: UUID, email: str, figures: Figures) -> Bucket:
    """The bucket of what an owner grants to one address."""
    kept = fingerprint(f"{owner_id} {email}")
    return Bucket(f"grant:pair:{kept}", figures.grants_per_address, figures.grant_address_interval)


def _small(kind: AttemptKind, figures: Figures) -> tuple[int, timedelta]:
    sign_ins = figures.sign_ins_per_profile, figures.sign_in_profile_interval
    mails = figures.resets_per_profile, figures.reset_profile_interval
    return {
        AttemptKind.SIGN_IN: sign_ins,
        AttemptKind.PASSWORD: sign_ins,
        AttemptKind.ACTIVATION: sign_ins,
        AttemptKind.CODE: (figures.codes_per_profile, figures.code_profile_interval),
        AttemptKind.RESET: mails,
        AttemptKind.MAIL: mails,
        AttemptKind.RECOVERY: mails,
    }[kind]


def _taking(insert: Any) -> Any:
    """Takes one; answers no row where there is none left. Refused or not, concurrent callers come one by one."""
    integers = {name: bindparam(name, type_=BigInteger()) for name in ("now", "interval", "first", "latest")}
    begun = case((ATTEMPTS.c.full_at > integers["now"], ATTEMPTS.c.full_at), else_=integers["now"])
    return (
        insert(ATTEMPTS)
        .values(key=bindparam("bucket"), full_at=integers["first"])
        .on_conflict_do_update(
            index_elements=[ATTEMPTS.c.key],
            set_={"full_at": begun + integers["interval"]},
            where=ATTEMPTS.c.full_at <= integers["latest"],
        )
        .returning(ATTEMPTS.c.full_at)
    )


TAKING = {dialect: _taking(insert) for dialect, insert in INSERTS.items()}
FULL_AT: Select[Any] = select(ATTEMPTS.c.full_at).where(ATTEMPTS.c.key == bindparam("bucket"))


def giving_back(bucket: Bucket) -> Update:
    """What was no guess, because it was right, is not counted."""
    return (
        update(ATTEMPTS)
        .where(ATTEMPTS.c.key == bucket.key)
        .values(full_at=ATTEMPTS.c.full_at - bucket.interval // MICROSECOND)
    )
