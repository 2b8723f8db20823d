"""Inputs with which mutations succeed, mostly: drawn by chance from what the caller has at the moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.account import Account
from models.column import table
from models.contract import Contract
from models.db import Database, Db
from models.grant import PermissionGrant
from models.intervention import Intervention
from models.permission import AccountPermission, OverallPermission, ServerPermission
from models.plan import Plan
from models.server import Server
from models.session import Session
from models.subscription import Subscription
from models.token import ApiToken
from schema.global_id import global_id

KINDS: Mapping[str, tuple[Any, str]] = {
    "Account": (Account, "owner_id"),
    "ApiToken": (ApiToken, "profile_id"),
    "Contract": (Contract, "owner_id"),
    "Intervention": (Intervention, "owner_id"),
    "PermissionGrant": (PermissionGrant, "owner_id"),
    "Server": (Server, "owner_id"),
    "ServiceSubscription": (Subscription, "owner_id"),
    "Session": (Session, "profile_id"),
}
"""Types, with their tables and the columns that say whose they are."""
NOTHING = (global_id("Nothing", UUID(int=7)), "nothing")


@dataclass
class Stock:
    """What somebody has: ids and names, by type."""

    random: Random
    has: Mapping[str, list[tuple[str, str]]]

    def one(self, kind: str) -> tuple[str, str]:
        """One of them."""
        return self.random.choice(self.has[kind] or [NOTHING])

    def some(self, permissions: Any) -> list[str]:
        """A few of a kind of permissions."""
        return [each.value for each in self.random.sample(list(permissions), self.random.randint(0, 3))]

    def name(self) -> str:
        """A name that is new, mostly."""
        return f"n{self.random.randrange(10_000)}"

    def key(self) -> str:
        """Of an intent."""
        return str(UUID(int=self.random.getrandbits(128)))


async def stock(database: Database, owner: UUID, random: Random) -> Stock:
    """What this profile has now."""
    has: dict[str, list[tuple[str, str]]] = {}
    async with Db(database) as db:
        for kind, (model, whose) in KINDS.items():
            rows = table(model)
            found = await db.rows(select(rows).where(rows.c[whose] == owner).order_by(rows.c.id))
            has[kind] = [(global_id(kind, row.id), getattr(row, "name", None) or "") for row in found]
        plans = await db.rows(select(table(Plan).c.id).order_by(table(Plan).c.id))
        has["Plan"] = [(global_id("Plan", row.id), "") for row in plans]
    return Stock(random, has)


def _renamed(there: Stock) -> dict[str, Any]:
    key, name = there.one("Account")
    return {"accountId": key, "name": there.name(), "confirmation": name}


def _deleted(there: Stock) -> dict[str, Any]:
    key, name = there.one("Account")
    return {"accountId": key, "confirmation": name}


def _server_deleted(there: Stock) -> dict[str, Any]:
    key, name = there.one("Server")
    return {"serverId": key, "confirmation": name}


def _granted(there: Stock) -> dict[str, Any]:
    on_account = {"accountId": there.one("Account")[0], "permissions": there.some(AccountPermission)}
    on_server = {"serverId": there.one("Server")[0], "permissions": there.some(ServerPermission)}
    return {
        "email": there.random.choice(("free@example.org", "staff@example.org", f"{there.name()}@example.org")),
        "overall": there.some(OverallPermission),
        "accounts": [on_account] if there.random.random() < 0.5 else [],
        "servers": [on_server] if there.random.random() < 0.3 else [],
        "requiresTwoFactor": there.random.random() < 0.3,
    }


def _identity(there: Stock) -> dict[str, Any]:
    parts = {"city": there.name(), "firstName": there.name(), "streetLines": [there.name()], "phone": None}
    names = there.random.sample(sorted(parts), 2)
    return {"identity": {name: parts[name] for name in names}, "locale": there.random.choice(("FR", "EN"))}


def _plan_changed(there: Stock) -> dict[str, Any]:
    wanted = {"planId": there.one("Plan")[0], "period": there.random.choice(("MONTHLY", "YEARLY"))}
    return {"accountId": there.one("Account")[0], **wanted, "quoteToken": "-", "idempotencyKey": there.key()}


def _day_chosen(there: Stock) -> dict[str, Any]:
    day = there.random.choice((None, *range(1, 29)))
    return {"day": day, "quoteToken": "-", "idempotencyKey": there.key()}


QUOTES: Mapping[str, str] = {
    "accountPlanChange": """query ($accountId: ID!, $planId: ID!, $period: BillingPeriod!) { node(id: $accountId) {
      ... on Account { planChangeQuote(planId: $planId, period: $period) { token } } } }""",
    "interventionCancel": """query ($interventionId: ID!) { node(id: $interventionId) {
      ... on Intervention { cancelQuote { token } } } }""",
    "invoicingDayUpdate": "query ($day: Int) { viewer { invoicingDayQuote(day: $day) { token } } }",
}
"""What a mutation costs: its token goes into the input."""
DEEDS: Mapping[str, Callable[[Stock], dict[str, Any]]] = {
    "accountDelete": _deleted,
    "accountPlanChange": _plan_changed,
    "accountRename": _renamed,
    "apiTokenCreate": lambda there: {"name": there.name(), "readOnly": there.random.random() < 0.5},
    "apiTokenDelete": lambda there: {"apiTokenId": there.one("ApiToken")[0]},
    "apiTokenRegenerate": lambda there: {"apiTokenId": there.one("ApiToken")[0]},
    "apiTokenUpdate": lambda there: {"apiTokenId": there.one("ApiToken")[0], "name": there.name()},
    "contractAccept": lambda there: {"contractId": there.one("Contract")[0]},
    "interventionCancel": lambda there: {
        "interventionId": there.one("Intervention")[0],
        "quoteToken": "-",
        "idempotencyKey": there.key(),
    },
    "invoicingDayUpdate": _day_chosen,
    "ipAllowlistUpdate": lambda there: {"networks": ["127.0.0.0/8"]},
    "permissionGrantRenounce": lambda there: {"grantId": there.one("PermissionGrant")[0]},
    "permissionGrantRevoke": lambda there: {"grantId": there.one("PermissionGrant")[0]},
    "permissionGrantSave": _granted,
    "profileUpdate": _identity,
    "serverDelete": _server_deleted,
    "serverRename": lambda there: {"serverId": there.one("Server")[0], "name": there.name()},
    "sessionDelete": lambda there: {"sessionId": (there.has["Session"][2:] or [NOTHING])[-1][0]},
    "subscriptionRenewalUpdate": lambda there: {
        "subscriptionId": there.one("ServiceSubscription")[0],
        "renews": there.random.random() < 0.5,
    },
}
"""By the name of the mutation. Sessions that callers have are kept."""
