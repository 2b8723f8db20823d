"""LIM-1. How often a credential can be guessed: by address, and by the profile that is guessed at.

A key's bucket holds `attempts` and gains one each `interval` (GCRA: one instant per key says when it is full again).
Who finds it empty is slowed down, never locked out: a refusal takes nothing. Counters live in real time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_network
from typing import Any

from sqlalchemy import BigInteger, Select, Update, bindparam, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel

from models.column import table
from models.network import parsed
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
    """The bucket of where somebody calls from; 64 bits of IPv6 are one caller."""
    found = parsed(address)
    network = str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
    attempts, interval = {
        AttemptKind.SIGN_IN: (figures.sign_ins_per_address, figures.sign_in_address_interval),
        AttemptKind.CODE: (figures.codes_per_address, figures.code_address_interval),
        AttemptKind.RESET: (figures.resets_per_address, figures.reset_address_interval),
    }[kind]
    return Bucket(f"{kind}:address:{network}", attempts, interval)


def of_profile(kind: AttemptKind, name: object, figures: Figures) -> Bucket:
    """The bucket of who is guessed at, by id; before sign-in by e-mail address, whether or not anybody has it."""
    attempts, interval = {
        AttemptKind.SIGN_IN: (figures.sign_ins_per_profile, figures.sign_in_profile_interval),
        AttemptKind.PASSWORD: (figures.sign_ins_per_profile, figures.sign_in_profile_interval),
        AttemptKind.CODE: (figures.codes_per_profile, figures.code_profile_interval),
        AttemptKind.ACTIVATION: (figures.sign_ins_per_profile, figures.sign_in_profile_interval),
        AttemptKind.RESET: (figures.resets_per_profile, figures.reset_profile_interval),
    }[kind]
    return Bucket(f"{kind}:profile:{fingerprint(str(name))}", attempts, interval)


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


TAKING = {"sqlite": _taking(sqlite.insert), "postgresql": _taking(postgresql.insert)}
FULL_AT: Select[Any] = select(ATTEMPTS.c.full_at).where(ATTEMPTS.c.key == bindparam("bucket"))


def giving_back(bucket: Bucket) -> Update:
    """What was no guess, because it was right, is not counted."""
    return (
        update(ATTEMPTS)
        .where(ATTEMPTS.c.key == bucket.key)
        .values(full_at=ATTEMPTS.c.full_at - bucket.interval // MICROSECOND)
    )
