"""TIC-1. How tickets are filtered and ordered in lists."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry

from engine.declare import Order
from engine.error import BAD_USER_INPUT, FieldRefused
from models.context import Context
from models.ticket import TicketPriority, TicketStatus
from models.ticket_category import TicketCategory
from models.ticket_word import wanted
from models.urgent_fee import UrgentFeeStatus as UrgentFeeStatus
from schema.connection import OrderDirection, newest
from schema.enumeration import described
from schema.global_id import NOWHERE, key_found, read_global_id

LONGEST_SEARCH = 200


class TicketOrderField(StrEnum):
    """What tickets are ordered by."""

    UPDATED_AT = "UPDATED_AT"
    CREATED_AT = "CREATED_AT"


described(TicketOrderField, "Sort keys of tickets.", UPDATED_AT="Last change.", CREATED_AT="Opening.")
described(
    TicketCategory,
    "Topics of tickets.",
    TECHNICAL="Use of the services.",
    BILLING="Invoices and payments.",
    SALES="Private cloud, quotations, moves.",
    PROGRAM="Programs.",
    ABUSE="Abuse and security.",
)
described(
    TicketPriority,
    "Priority of a ticket.",
    NORMAL="Working hours.",
    URGENT="Immediate, 24/7, dedicated and gold servers only; may be charged.",
)
described(
    TicketStatus,
    "State of a ticket.",
    WAITING_SUPPORT="Support has to answer.",
    WAITING_CUSTOMER="The customer has to answer.",
    CLOSED="Closed.",
)
described(
    UrgentFeeStatus,
    "State of the fee of an urgent ticket.",
    PENDING="Cause not established yet.",
    WAIVED="Covered by the service guarantee, free.",
    CHARGED="Not covered, charged.",
)
LATEST = newest("updated_at")
ORDERS: Mapping[Any, tuple[Order, ...]] = {
    (TicketOrderField.UPDATED_AT, OrderDirection.DESC): LATEST,
    (TicketOrderField.UPDATED_AT, OrderDirection.ASC): (Order("updated_at"), Order("id")),
    (TicketOrderField.CREATED_AT, OrderDirection.DESC): newest("created_at"),
    (TicketOrderField.CREATED_AT, OrderDirection.ASC): (Order("created_at"), Order("id")),
}


@strawberry.input(description="Filter; all given criteria must hold.")
class TicketFilter:
    search: str | None = strawberry.field(
        default=strawberry.UNSET, description="Whole words of the subject or messages, accents and capitals aside."
    )
    status: list[TicketStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")
    category: list[TicketCategory] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these topics."
    )
    account_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Account concerned.")
    server_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Server concerned.")


@strawberry.input(description="Order of tickets.")
class TicketOrder:
    field: TicketOrderField = strawberry.field(default=TicketOrderField.UPDATED_AT, description="Key.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Direction.")


def chosen(order: TicketOrder) -> Any:
    """Which of `ORDERS` is asked for."""
    return order.field, order.direction


def criteria(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the select of tickets takes of the field's filter."""
    asked: TicketFilter = given.get("filter") or TicketFilter()
    return {
        "words": words_in(asked.search or ""),
        "status": tuple(sorted(set(asked.status))) if isinstance(asked.status, list) else None,
        "category": tuple(sorted(set(asked.category))) if isinstance(asked.category, list) else None,
        "account": _key(asked.account_id, "Account"),
        "server": _key(asked.server_id, "Server"),
    }


def words_in(search: str) -> tuple[str, ...]:
    """The words that are looked for."""
    if len(search) > LONGEST_SEARCH:
        raise FieldRefused(BAD_USER_INPUT, "A search has {most} characters at most.", most=LONGEST_SEARCH)
    return wanted(search)


def _key(text: object, kind: str) -> UUID | None:
    if not isinstance(text, str):
        return None
    if read_global_id(text) is None:
        raise FieldRefused(BAD_USER_INPUT, "This is not an id.")
    return key_found(text, kind) or NOWHERE
