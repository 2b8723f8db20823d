"""Objects with an id of their own: global ids, the Node interface, and what every such type says of its rows."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from sqlalchemy import ColumnElement
from sqlmodel import SQLModel

from engine.declare import Column, Computed, Source, declare
from models.column import table
from models.permission import Subject
from schema.directive import PUBLIC, Authorize, Public
from schema.global_id import global_id

T = TypeVar("T", bound=type)

SOURCES: dict[type, Source] = {}
"""The table, owner and gate of every type over rows; filled by `node` and `listed`."""


@strawberry.interface(description="An object that can be refetched by its opaque, globally unique, immutable id.")
class Node:
    id: strawberry.ID = declare(Column(), description="Opaque id; never parse or build one.")


@strawberry.interface(description="Somebody or something that acts: a customer, a support agent or the system.")
class Actor:
    display_name: str = strawberry.field(description="Name to show.")


def node(
    model: type[SQLModel],
    *,
    gate: Authorize | Public,
    owner: str | None,
    account: str | None = None,
    server: str | None = None,
    concerned: str | None = None,
    kind: str | None = None,
    description: str,
    only: ColumnElement[bool] | None = None,
) -> Callable[[T], T]:
    """A Node type over the rows of `model`. `owner` is the column of their profile, None if every viewer owns them.

    `account` and `server` are the columns of the account and the server that a row is or belongs to, `concerned` the
    one that says which of the permissions count on a row, as bits, `kind` the one that a rule of the gate asks for.
    Rows outside `only` are treated as deleted.
    """

    if owner is None and "owner_id" in table(model).c:
        raise TypeError(f'{model.__name__} rows have an owner: say owner="owner_id"')

    def made(shown: T) -> T:
        identity = declare(Computed(lambda key: global_id(shown.__name__, key), ("id",)), description="Global id.")
        setattr(shown, "id", identity)  # noqa: B010 - a type variable has no attribute of that name
        shown.__annotations__ = {"id": strawberry.ID, **shown.__annotations__}
        parties = gate.requirement.parties if gate.requirement else ()
        roles = [("owner_id", owner), ("account_id", account), ("server_id", server)]
        roles += [("concerned", concerned), ("kind", kind)]
        named = [(role, column) for role, column in roles if column]
        others = [f"{party}_id" for party in parties]
        columns = (*(column for _, column in named), *others) if owner else ()
        about = _about(tuple(role for role, _ in named))
        SOURCES[shown] = Source(table(model), columns, about, gate, only)
        return strawberry.type(shown, description=description, directives=[gate])

    return made


def part(model: type[SQLModel], *, gate: Authorize, owner: str, server: str, description: str) -> Callable[[T], T]:
    """A type without an id in the API over rows that belong to somebody; its gate is printed where it is led to."""

    def made(shown: T) -> T:
        SOURCES[shown] = Source(table(model), (owner, server), _about(("owner_id", "server_id")), gate)
        return strawberry.type(shown, description=description)

    return made


def listed(model: type[SQLModel], *, description: str) -> Callable[[T], T]:
    """A type without an id in the API over the rows of `model`, which anybody may see: what is sold, for one."""
    if "owner_id" in table(model).c:
        raise TypeError(f"{model.__name__} rows have an owner: they are nodes, behind a gate")

    def made(kind: T) -> T:
        SOURCES[kind] = Source(table(model), gate=PUBLIC)
        return strawberry.type(kind, description=description)

    return made


def _about(roles: tuple[str, ...]) -> Callable[..., Subject[Any]]:
    """Makes a subject of the values of these roles, and of other parties after them."""

    def about(*values: Any) -> Subject[Any]:
        return Subject(**dict(zip(roles, values, strict=False)), parties=values[len(roles) :])

    return about
