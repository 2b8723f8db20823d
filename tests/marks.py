"""Rows of customers, every text in them a mark that says whose it is.

Tables, columns and how they refer to each other are found: from the metadata, and from what the schema declares. What
cannot be guessed of a column stands in `FORMS`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from math import prod
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import JSON, Column, Table, UniqueConstraint, insert, select
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from engine.bind import Bound
from engine.declare import One, Reference
from engine.shape import target_of
from models.activity import ACTIONS, ActivityChannel
from models.alert import CONCERNED, AlertKind, AlertStatus
from models.column import Email
from models.db import Database, Db
from models.payment import PaymentStatus
from models.payment_method import MethodState
from models.permission import mask_of
from models.tables import metadata
from models.transfer import TransferStatus
from tests.database import START
from tests.dealings import ADA, BOB, CUSTOMERS, GRANTS, NOBODY, OFFERS, ON_SERVER, SHARED_ALERT, Mark, Of, Place

CHANNELS = ActivityChannel.SESSION, ActivityChannel.API_TOKEN, ActivityChannel.SYSTEM
ROWS = 4
"""Of each table and customer, where there may be several."""
HERE = "127.0.0.0/8"
MARK = re.compile(r"qx[0-9]\d{4}vz|2001:db8:[0-9]:[0-9a-f]+::/64")
GLOBAL_ID = re.compile(r"[A-Za-z0-9_-]{24,}")


class Row(NamedTuple):
    """A row that a column refers to."""

    table: str
    of: Of


ON_ACCOUNTS = [(each, *held) for each, grant in enumerate(GRANTS) for held in grant.accounts.items()]
ON_SERVERS = [(each, *held) for each, grant in enumerate(GRANTS) for held in grant.servers.items()]
"""What is granted on one of them: the number of the grant, that of the account or server, and the permission."""
COUNTS: Mapping[str, Callable[[int], int]] = {
    "permission_grant": lambda customer: sum(grant.owner == customer for grant in GRANTS),
    "account_grant": lambda customer: sum(GRANTS[each[0]].owner == customer for each in ON_ACCOUNTS),
    "server_grant": lambda customer: sum(GRANTS[each[0]].owner == customer for each in ON_SERVERS),
    "api_token": lambda customer: len(NARROWED),
    "transfer": lambda customer: sum(each.sender == customer for each in OFFERS),
}
"""How many rows a customer has, where it is not for the filler to say."""
NARROWED: list[tuple[int | None, int | None]] = [
    (None, None),
    (None, None),
    (-1, None),
    (ADA, None),
    (None, 0),
    (None, 3),
]
"""Of everybody's tokens the only owner, -1 being oneself, and the only one of Ada's accounts."""


def narrowed(of: Of) -> tuple[int | None, Of | None]:
    """The only owner and the only account of a token; Ada, to whom nobody grants anything, has one for Bob."""
    owner, account = NARROWED[of.number]
    if owner is not None and (owner == -1 or of.customer == ADA):
        owner = of.customer if owner == -1 else BOB
    return owner, None if account is None else Of(ADA, account)


def _only_owner(of: Of) -> Row | None:
    owner, _ = narrowed(of)
    return None if owner is None else Row("profile", Of(owner, 0))


def _only_account(of: Of) -> Row | None:
    _, account = narrowed(of)
    return None if account is None else Row("account", account)


def _actor(of: Of) -> Row:
    """Who acted: every other time the next customer, who may be somebody the owner has nothing to do with."""
    return Row("profile", Of(of.customer % len(CUSTOMERS) + 1 if of.number % 2 else of.customer, 0))


FORMS: dict[Place, Callable[[Of], Any]] = {
    Place("account", "server_id"): lambda of: (
        Row("server", Of(of.customer, ON_SERVER[of.number])) if of.number in ON_SERVER else None
    ),
    Place("account_grant", "grant_id"): lambda of: Row("permission_grant", Of(of.customer, ON_ACCOUNTS[of.number][0])),
    Place("account_grant", "account_id"): lambda of: Row("account", Of(of.customer, ON_ACCOUNTS[of.number][1])),
    Place("account_grant", "permissions"): lambda of: mask_of(ON_ACCOUNTS[of.number][2]),
    Place("activity_event", "actor_id"): _actor,
    # What is by the support team shows no address; of the facts only its reason is shown, which has a test of its own.
    Place("activity_event", "channel"): lambda of: CHANNELS[of.number % len(CHANNELS)],
    Place("activity_event", "facts"): lambda of: {},
    Place("activity_event", "kind"): lambda of: sorted(ACTIONS)[of.number % len(ACTIONS)],
    Place("api_token", "only_account_id"): _only_account,
    Place("api_token", "only_owner_id"): _only_owner,
    Place("alert", "kind"): lambda of: (
        AlertKind.CARD_EXPIRY if of.number == SHARED_ALERT else AlertKind.MIGRATION_SCHEDULED
    ),
    Place("alert", "account_id"): lambda of: None,
    Place("alert", "server_id"): lambda of: None,
    Place("migration", "server_id"): lambda of: None,
    Place("alert", "about_id"): lambda of: Row("profile", Of(of.customer, 0)),
    Place("alert", "about_type"): lambda of: "Profile",
    Place("alert", "cause_id"): lambda of: Row("alert", of),
    Place("alert", "concerned"): lambda of: CONCERNED[FORMS[Place("alert", "kind")](of)],
    Place("alert", "due_on"): lambda of: START.date() + timedelta(days=30),
    Place("alert", "status"): lambda of: AlertStatus.RESOLVED,
    Place("alert", "told"): lambda of: {},
    Place("allocation", "debit_id"): lambda of: None,
    Place("bank_transfer", "amount_cents"): lambda of: 1,
    Place("intervention", "lines"): lambda of: [],
    Place("intervention", "scheduled_for"): lambda of: START + timedelta(days=of.number),
    Place("approval", "subject_id"): lambda of: UUID(int=1 + of.number),
    Place("approval", "asked_by"): lambda of: UUID(int=1 + of.number),
    Place("invoice", "position"): lambda of: of.number + 1,
    Place("journal_entry", "facts"): lambda of: {},
    Place("journal_entry", "position"): lambda of: of.number + 1,
    Place("journal_entry", "balance_after_cents"): lambda of: 0,
    Place("journal_entry", "non_refundable_after_cents"): lambda of: 0,
    Place("journal_entry", "source_type"): lambda of: "Invoice",
    Place("journal_entry", "source_id"): lambda of: Row("invoice", of),
    Place("kept_intent", "key"): lambda of: UUID(int=1 + ROWS * of.customer + of.number),
    Place("ledger_seal", "position"): lambda of: ROWS * of.customer + of.number,
    Place("payment", "amount_cents"): lambda of: 1,
    Place("payment", "entry_id"): lambda of: None,
    Place("payment", "expires_at"): lambda of: START + timedelta(days=365),
    Place("payment", "redirect_url"): lambda of: None,
    Place("payment", "status"): lambda of: PaymentStatus.REQUIRES_ACTION,
    Place("payment_method", "expires_on"): lambda of: START.date() + timedelta(days=365),
    Place("payment_method", "is_default"): lambda of: of.number == 0,
    Place("payment_method", "last4"): lambda of: "4242",
    Place("payment_method", "state"): lambda of: MethodState.PENDING if of.number == 2 else MethodState.STORED,
    Place("permission_grant", "grantee_id"): lambda of: Row("profile", Of(GRANTS[of.number].grantee, 0)),
    Place("permission_grant", "overall"): lambda of: mask_of(*GRANTS[of.number].overall),
    Place("permission_grant", "requires_two_factor"): lambda of: GRANTS[of.number].flagged,
    Place("profile", "email_verified_at"): lambda of: START,
    Place("profile", "suspension_reason"): lambda of: None,
    Place("profile", "two_factor_since"): lambda of: START,
    Place("suspension", "lifted_at"): lambda of: START,
    Place("suspension", "told"): lambda of: {},
    Place("subscription", "anchor"): lambda of: START.date(),
    Place("subscription", "discounts"): lambda of: [],
    Place("subscription", "ended_on"): lambda of: START.date() if of.number == 2 else None,
    Place("subscription", "option_id"): lambda of: None,
    Place("subscription", "option_price_id"): lambda of: None,
    Place("subscription_period", "starts_on"): lambda of: START.date(),
    Place("subscription_period", "ends_before"): lambda of: START.date() + timedelta(days=30),
    Place("transfer", "recipient_id"): lambda of: Row("profile", Of(OFFERS[of.number].recipient, 0)),
    Place("transfer", "account_id"): lambda of: Row("account", Of(of.customer, OFFERS[of.number].account)),
    Place("transfer", "server_id"): lambda of: None,
    Place("transfer", "status"): lambda of: (
        TransferStatus.PENDING if OFFERS[of.number].waits else TransferStatus.DECLINED
    ),
    Place("transfer", "closed_at"): lambda of: None if OFFERS[of.number].waits else START,
    Place("server_grant", "grant_id"): lambda of: Row("permission_grant", Of(of.customer, ON_SERVERS[of.number][0])),
    Place("server_grant", "server_id"): lambda of: Row("server", Of(of.customer, ON_SERVERS[of.number][1])),
    Place("attachment", "position"): lambda of: 1,
    Place("attachment", "stored_as"): lambda of: UUID(int=1 + ROWS * of.customer + of.number),
    Place("ticket", "number"): lambda of: 1_000 + ROWS * of.customer + of.number,
    Place("ticket", "opened_by_id"): _actor,
    Place("ticket_desk", "service_id"): lambda of: UUID(int=9),
    Place("ticket_message", "author_id"): _actor,
    Place("ticket_message", "position"): lambda of: 1,
    Place("ticket_note", "service_id"): lambda of: UUID(int=9),
    Place("server_grant", "permissions"): lambda of: mask_of(ON_SERVERS[of.number][2]),
}
"""Columns whose values have to be what they are."""


def owned_tables() -> list[Table]:
    """The tables whose rows belong to somebody, those referred to first."""
    found: list[Table] = []
    for each in metadata.sorted_tables:
        referred = {key.column.table for column in each.c for key in column.foreign_keys}
        if each.name == "profile" or "owner_id" in each.c or referred.intersection(found):
            found.append(each)
    named = {f"{each.name}_id" for each in found}  # Of what outlives its owner, no key of the database tells.
    return found + [each for each in metadata.sorted_tables if each not in found and named.intersection(each.c.keys())]


def references(bound: Bound) -> tuple[dict[Place, str], dict[Place, str]]:
    """The tables that columns refer to; and for columns that name a type, the column of its id."""
    tables: dict[Place, str] = {}
    types: dict[Place, str] = {}
    for each in metadata.sorted_tables:
        for column in each.c:
            tables |= {Place(each.name, column.name): key.column.table.name for key in column.foreign_keys}
    for shape in bound.shapes.values():
        for name, declared in shape.fields.items():
            what = declared.what
            if shape.source and isinstance(what, Reference):
                types[Place(shape.source.table.name, what.type_name)] = what.id
            if shape.source and isinstance(what, One) and what.select is None and isinstance(what.key, str):
                target = bound.shapes[what.kind or target_of(cast(Any, bound.graphql.type_map[shape.name]), name)]
                if target.source:
                    tables.setdefault(Place(shape.source.table.name, what.key), target.source.table.name)
    return tables, types


@dataclass
class Marked:
    """What was made: rows by table, and the marks in them."""

    bound: Bound
    marks: dict[str, Mark] = field(default_factory=dict)
    rows: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = {each.name: each for each in owned_tables()}
        self.models = {mapper.local_table.name: mapper.class_ for mapper in cast(Any, SQLModel)._sa_registry.mappers}
        self.refers, self.types = references(self.bound)
        self.kinds = sorted(
            (shape.name, shape.source.table.name)
            for shape in self.bound.shapes.values()
            if shape.source and shape.source.table.name in self.tables and self._is_node(shape.name)
        )
        self.others: dict[str, list[Any]] = {}
        """Of each table whose rows are nobody's, the keys."""

    def _is_node(self, name: str) -> bool:
        """Whether its rows have ids that clients can hold."""
        kind: Any = self.bound.graphql.type_map[name]
        return any(each.name == "Node" for each in kind.interfaces)

    async def fill(self, database: Database) -> None:
        """Write the rows of all customers."""
        async with Db(database) as db:
            for each in metadata.sorted_tables:
                if each.name not in self.tables and "id" in each.c:
                    self.others[each.name] = [row.id for row in await db.rows(select(each.c.id).order_by(each.c.id))]
        async with database.writing() as connection:
            for each in self.tables.values():
                self.rows[each.name] = list(self._made(each))
                if self.rows[each.name]:
                    await connection.execute(insert(each), [row for _, row in self.rows[each.name]])

    def key(self, table: str, of: Of) -> UUID:
        """The id of a row; of a table whose rows are one for each customer, there is no other."""
        number = of.number % max(1, self.count(self.tables[table], of.customer))
        place = list(self.tables).index(table) + 1
        return UUID(f"0190cafe-{place:04x}-7{of.customer:03x}-8000-{number:012x}")

    def count(self, table: Table, customer: int) -> int:
        """How many rows a customer has."""
        if table.name in COUNTS:
            return COUNTS[table.name](customer)
        together: list[Any] = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        together += [each for each in table.indexes if each.unique]
        unique = [set(each.columns.keys()) for each in together]
        keys = {column.name: self._choice(table.name, column.name) for column in table.c}
        rows = [prod(filter(None, map(keys.get, each))) for each in unique if each and all(map(keys.get, each))]
        return 1 if table.name == "profile" else min([*rows, ROWS])

    def _choice(self, table: str, column: str) -> int:
        """Among how many rows a column chooses for one customer; 0 where it refers to none, or to the customer's."""
        target = self._target(Place(table, column))
        return 1 if target == "profile" else len(self.others.get(target, ()))

    def _made(self, table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
        for customer in CUSTOMERS:
            for number in range(self.count(table, customer)):
                of = Of(customer, number)
                yield customer, {column.name: self._value(table.name, column, of) for column in table.c}

    def _value(self, table: str, column: Column[Any], of: Of) -> Any:
        place = Place(table, column.name)
        if place in FORMS:
            form = FORMS[place](of)
            return self.key(*form) if isinstance(form, Row) else form
        kind: type = str if isinstance(column.type, AutoString) else column.type.python_type
        if column.primary_key and kind is UUID and not column.foreign_keys:
            return self.key(table, of)
        if place in self.types:
            return self._subject(of)[0]
        if kind is UUID:
            return self._reference(place, of)
        if issubclass(kind, Enum):
            return list(kind)[of.number % len(kind)]
        if issubclass(kind, date):
            return None if column.nullable else self._instant(column.name, of, kind)
        if isinstance(column.type, JSON) or kind in (dict, list):
            return self._json(place, of)
        if kind is str:
            return self._text(place, column, of)
        default = getattr(column.default, "arg", None)
        return None if column.nullable else of.number % 2 if default is None or callable(default) else default

    def _subject(self, of: Of) -> tuple[str, UUID]:
        """What a row tells of: the last of everybody's is about something of Ada's."""
        kind, table = self.kinds[(of.customer * ROWS + of.number) % len(self.kinds)]
        return kind, self.key(table, Of(ADA, of.number) if of.number == ROWS - 1 else of)

    def _reference(self, place: Place, of: Of) -> Any:
        if place.column in [column for (table, _), column in self.types.items() if table == place.table]:
            return self._subject(of)[1]
        target = self._target(place)
        if target == place.table or target not in self.tables:
            there = self.others.get(target)
            return there[of.number % len(there)] if there else None
        return self.key(target, of)

    def _target(self, place: Place) -> str:
        """The table that a column refers to, whether or not the database knows; of others, a name that no table has."""
        stem = place.column.removesuffix("_id")
        return self.refers.get(place) or ("profile" if stem in ("owner", "actor") else stem)

    def _instant(self, name: str, of: Of, kind: type) -> Any:
        later = any(word in name for word in ("expires", "until", "due"))
        instant = START + (timedelta(days=365) if later else -timedelta(hours=of.number + 1))
        return instant if kind is datetime else instant.date()

    def _json(self, place: Place, of: Of) -> Any:
        if "allowlist" in place.column or "networks" in place.column:
            return [HERE, self.network(place, of)]
        if place == Place("invoice", "buyer"):
            return {
                "kind": "COMPANY",
                "organization_name": self.mark(place, of),
                "street_lines": [self.mark(place, of)],
            }
        annotation = str(self.models[place.table].model_fields[place.column].annotation)
        marks = [self.mark(place, of), self.mark(place, of)]
        return marks if annotation.startswith("list") else {"note": marks}

    def _text(self, place: Place, column: Column[Any], of: Of) -> Any:
        if isinstance(column.type, Email):
            return f"{self.mark(place, of)}@canary.test"
        length = getattr(column.type, "length", None)
        if length is not None and length < len("qx10000vz"):
            return None if column.nullable else "FR"[:length]
        return self.mark(place, of)

    def mark(self, place: Place, of: Of) -> str:
        """A new mark; of a secret, which shows in no repr, it is nobody's."""
        shown = self.models[place.table].model_fields[place.column].repr
        return self._kept(
            f"qx{of.customer}{len(self.marks):04d}vz", Mark(of.customer if shown else NOBODY, place, of.number)
        )

    def network(self, place: Place, of: Of) -> str:
        """A mark where a network is wanted."""
        return self._kept(f"2001:db8:{of.customer}:{len(self.marks) + 1:x}::/64", Mark(of.customer, place, of.number))

    def _kept(self, text: str, mark: Mark) -> str:
        self.marks[text] = mark
        return text

    def found(self, text: str) -> set[Mark]:
        """The marks in a text, whatever case it is in, and the ids of rows."""
        texts = {*MARK.findall(text.lower()), *GLOBAL_ID.findall(text)}
        return {self.marks[each] for each in texts if each in self.marks}
