"""PER-11, PER-12. The rows that `decide` lets through, as SQL of constant text: what the caller holds is parameters.

A parameter is the array of the owners, accounts or servers on which the caller holds one of the bits of a mask. The
masks are those that requirements name, so there are few; `Context.bindings` makes each array once for a request.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Select, Uuid, and_, bindparam, false, or_, select
from sqlmodel import SQLModel

from models.column import IdArray, Instant, among
from models.permission import (
    ACCOUNT_BITS,
    OWNER,
    SERVER_BITS,
    TECHNICAL_ACCOUNT,
    TECHNICAL_SERVER,
    Requirement,
    Subject,
    mask_of,
)
from models.viewer import Viewer

VIEWER_ID = bindparam("viewer_id", type_=Uuid())
"""`Viewer.own_id` in every generated row filter; null without a session, which equals nothing."""
PARTY_ID = bindparam("party_id", type_=Uuid())
"""`Viewer.party_id`."""
IN_SANDBOX = bindparam("in_sandbox", type_=Boolean())
"""Whether the installation is one to practise with."""
REAL_NOW = bindparam("real_now", type_=Instant())
"""The instant of the request, for rows that end with real time."""

Column = ColumnElement[Any]
PARTNERS: list[Callable[[], Select[Any]]] = []
"""Selects of profiles that the caller has to do with, as the other party; each noun that makes some adds its own."""
OWNED = frozenset({"account", "server"})
"""Tables of what is owned; other rows are about it."""
OFFERED_ACCOUNTS: list[Callable[[], Select[Any]]] = []
OFFERED_SERVERS: list[Callable[[], Select[Any]]] = []
"""The same of accounts and servers that are the caller's for the taking."""


class Held(NamedTuple):
    """A parameter of row filters: where the caller holds one of the bits of `mask`."""

    kind: str
    """"owners", "accounts", "servers", or "grantors": whoever has granted anything at all."""
    mask: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.mask:x}"

    def ids(self, viewer: Viewer) -> Sequence[UUID]:
        """Its value."""
        if self.kind == "grantors":
            return list(viewer.granted)
        counting = [(owner, viewer.in_force(owner)) for owner in viewer.granted]
        if self.kind == "owners":
            return [owner for owner, granted in counting if granted.overall & self.mask]
        maps: list[Mapping[UUID, int]] = [getattr(granted, self.kind) for _, granted in counting]
        return [key for held in maps for key, bits in held.items() if bits & self.mask]


PARAMETERS: dict[str, Held] = {}
"""Every parameter that some filter names."""


def holding(kind: str, mask: int, column: Column) -> ColumnElement[bool]:
    """The rows whose column is one of those on which the caller holds a bit of `mask`."""
    held = Held(kind, mask)
    PARAMETERS[held.name] = held
    return among(column, bindparam(held.name, type_=IdArray()))


def visible(requirement: Requirement, subject: Subject[Column] | None) -> ColumnElement[bool]:
    """PER-12. The rows that `decide` lets through, by the columns of their subject.

    None is what belongs to whoever looks.
    """
    if subject is None:
        return VIEWER_ID.is_not(None)
    if subject.owner_id is None:
        return false()
    owner = subject.owner_id
    if requirement.rule is not None:
        return or_(owner == VIEWER_ID, *_by_kind(requirement, subject, owner))
    if isinstance(subject.concerned, ColumnElement):
        return or_(owner == VIEWER_ID, *_concerned(requirement, subject, subject.concerned))
    ways = _holding(subject, subject.reach(requirement))
    if requirement.parties:
        ways += [party == PARTY_ID for party in subject.parties]
        if requirement.overall:
            ways += [holding("owners", mask_of(*requirement.overall), party) for party in subject.parties]
    if requirement.related:
        ways += _as_other_party(subject, owner)
    return or_(owner == VIEWER_ID, *ways)


def _concerned(requirement: Requirement, subject: Subject[Column], concerned: Column) -> list[Column]:
    """ALE-3. Each row says which of the permissions that are asked for count on it."""
    ways = _holding(subject, OWNER)
    for permission in requirement.listed:
        counts = concerned.bitwise_and(permission.bit) != 0
        ways.append(and_(counts, or_(*_holding(subject, permission.bit))))
    return ways


def _holding(subject: Subject[Column], wanted: int) -> list[Column]:
    """The rows on which the caller holds one of the bits: of the owner's everything, of the account, of the server."""
    owner: Any = subject.owner_id
    ways = [holding("owners", wanted, owner)]
    if subject.account_id is not None:
        ways += _through("accounts", subject.account_id, owner, wanted, ACCOUNT_BITS, TECHNICAL_ACCOUNT)
    if subject.server_id is not None:
        ways += _through("servers", subject.server_id, owner, wanted, SERVER_BITS, TECHNICAL_SERVER)
    return ways


def _by_kind(requirement: Requirement, subject: Subject[Column], owner: Column) -> Iterator[ColumnElement[bool]]:
    """TIC-2. The rows of each kind, to whoever holds what counts for it, of what their owner still has."""
    kinds: dict[Requirement, list[ColumnElement[bool]]] = {}
    for kind, narrowed in requirement.by_kind.items():
        kinds.setdefault(narrowed, []).append(subject.kind == kind)
    for narrowed, being in kinds.items():
        ways = [holding("owners", narrowed.mask, owner)]
        for name, key, bits, all_of_them in (
            ("accounts", subject.account_id, ACCOUNT_BITS, TECHNICAL_ACCOUNT),
            ("servers", subject.server_id, SERVER_BITS, TECHNICAL_SERVER),
        ):
            if key is not None:
                through = _through(name, key, owner, narrowed.mask, bits, all_of_them)
                ways.append(and_(_still(name, key, owner), or_(*through)))
        yield and_(or_(*being), or_(*ways))


def _as_other_party(subject: Subject[Column], owner: Column) -> list[Column]:
    """What the caller knows of since it is granted or offered to them, or since they grant or offer something."""
    if subject.account_id is not None:
        return [subject.account_id.in_(offered()) for offered in OFFERED_ACCOUNTS]
    if subject.server_id is not None:
        return [subject.server_id.in_(offered()) for offered in OFFERED_SERVERS]
    return [holding("grantors", 0, owner), *(owner.in_(partners()) for partners in PARTNERS)]


def _still(kind: str, key: Column, owner: Column) -> ColumnElement[bool]:
    """ACC-8. What a row is about is still its owner's: what happened before it was handed over stays behind."""
    owned = SQLModel.metadata.tables[kind.removesuffix("s")].alias()
    return select(owned.c.id).where(owned.c.id == key, owned.c.owner_id == owner).exists()


def _through(kind: str, key: Column, owner: Column, wanted: int, bits: int, all_of_them: int) -> list[Column]:
    """The rows of one account or server, and of all of them where the caller holds the permission on all."""
    held = holding(kind, wanted, key)
    ways = [held if key.table.name in OWNED else and_(held, _still(kind, key, owner))]
    if wanted & bits:
        ways.append(and_(key.is_not(None), holding("owners", all_of_them, owner)))
    return ways


def bindings(viewer: Viewer) -> dict[str, Any]:
    """The values of every parameter that filters name of the caller."""
    arrays = {name: held.ids(viewer) if viewer.granted else () for name, held in PARAMETERS.items()}
    return {"viewer_id": viewer.own_id, "party_id": viewer.party_id, **arrays}
