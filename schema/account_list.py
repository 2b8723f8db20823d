"""How accounts are filtered and ordered in lists."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Order
from engine.error import BAD_USER_INPUT, FieldRefused
from models.account import AccountLocation, AccountStatus
from models.account_name import LONGEST
from models.context import Context
from schema.connection import OrderDirection, newest
from schema.enumeration import described


class AccountOrderField(StrEnum):
    """What accounts are ordered by."""

    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


described(AccountOrderField, "Sort keys of accounts.", NAME="Name.", CREATED_AT="Creation.")
described(
    AccountLocation,
    "Where an account runs.",
    PUBLIC_CLOUD="Shared servers.",
    PRIVATE_CLOUD="A server of the owner.",
)

described(
    AccountStatus,
    "Life-cycle state of an account.",
    CREATING="Being set up.",
    ACTIVE="In normal use.",
    SUSPENDED="Blocked, with its profile or alone.",
    RENAMING="Being renamed.",
    DELETING="Being destroyed.",
)

BY_NAME = (Order("name"), Order("id"))
ORDERS: Mapping[Any, tuple[Order, ...]] = {
    (AccountOrderField.NAME, OrderDirection.ASC): BY_NAME,
    (AccountOrderField.NAME, OrderDirection.DESC): (Order("name", descending=True), Order("id", descending=True)),
    (AccountOrderField.CREATED_AT, OrderDirection.ASC): (Order("created_at"), Order("id")),
    (AccountOrderField.CREATED_AT, OrderDirection.DESC): newest("created_at"),
}


@strawberry.input(description="Filter; all given criteria must hold.")
class AccountFilter:
    search: str | None = strawberry.field(default=strawberry.UNSET, description="Part of the name.")
    location: AccountLocation | None = strawberry.field(default=strawberry.UNSET, description="Where it runs.")
    status: list[AccountStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")


@strawberry.input(description="Order of accounts.")
class AccountOrder:
    field: AccountOrderField = strawberry.field(default=AccountOrderField.NAME, description="Key.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Direction.")


def chosen(wanted: AccountOrder) -> Any:
    """Which of `ORDERS` is asked for."""
    return wanted.field, wanted.direction


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of accounts takes of the field's filter; names are written in lower case."""
    wanted: AccountFilter = given.get("filter") or AccountFilter()
    if wanted.search and len(wanted.search) > LONGEST:
        raise FieldRefused(BAD_USER_INPUT, "No name is that long.")
    return {
        "search": wanted.search.lower() if wanted.search else None,
        "location": wanted.location or None,
        "status": tuple(sorted(set(wanted.status))) if isinstance(wanted.status, list) else None,
    }


def location_of(server_id: UUID | None) -> AccountLocation:
    """Where an account runs."""
    return AccountLocation.PUBLIC_CLOUD if server_id is None else AccountLocation.PRIVATE_CLOUD
