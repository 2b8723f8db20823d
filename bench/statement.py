"""The same screens written by hand: one statement each, in which the database checks the session and makes the JSON."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models import sqlite  # isort: skip - before anything that imports sqlite3

import asyncpg
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from models.clock import RealClock
from models.db import async_url
from models.network import allowed
from models.permission import AccountPermission, OverallPermission, Permission
from models.secret import fingerprint
from schema.global_id import global_id

Ask = Callable[[str, Sequence[Any]], Awaitable[Any]]
"""Answers the row of a statement, None where there is none."""


def listed(members: Mapping[str, str]) -> str:
    """The members of an object, as both databases take them."""
    return ", ".join(f"'{name}', {value}" for name, value in members.items())


class Sqlite:
    """How SQLite makes JSON. It has no base64: ids are made by a function of Python's."""

    def value(self, number: int) -> str:
        return f"?{number}"

    def id(self, kind: str, column: str) -> str:
        return f"global_id('{kind}', {column})"

    def instant(self, column: str) -> str:
        return f"replace(replace({column}, ' ', 'T'), '.000000', '') || 'Z'"

    def day_before(self, column: str) -> str:
        return f"date({column}, '-1 day')"

    def boolean(self, condition: str) -> str:
        return f"json(CASE WHEN {condition} THEN 'true' ELSE 'false' END)"

    def object(self, **members: str) -> str:
        return f"json_object({listed(members)})"

    def objects(self, item: str, rows: str) -> str:
        return f"json((SELECT json_group_array(json(item)) FROM (SELECT {item} AS item {rows})))"

    def texts(self, item: str, rows: str) -> str:
        return f"json((SELECT json_group_array(item) FROM (SELECT {item} AS item {rows})))"

    def one(self, item: str, rows: str) -> str:
        return f"json((SELECT {item} {rows}))"

    def instant_given(self, value: datetime) -> Any:
        return f"{value:%F %T.%f}"

    def id_given(self, value: str) -> Any:
        return UUID(value).hex


class Postgresql:
    """How PostgreSQL makes JSON."""

    def value(self, number: int) -> str:
        return f"${number}"

    def id(self, kind: str, column: str) -> str:
        key = f"encode('{kind}:'::bytea || uuid_send({column}), 'base64')"
        return f"rtrim(translate({key}, '+/', '-_'), '=')"

    def instant(self, column: str) -> str:
        text = f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""
        return f"replace({text}, '.000000', '') || 'Z'"

    def day_before(self, column: str) -> str:
        return f"{column} - 1"

    def boolean(self, condition: str) -> str:
        return condition

    def object(self, **members: str) -> str:
        return f"json_build_object({listed(members)})"

    def objects(self, item: str, rows: str) -> str:
        return f"(SELECT coalesce(json_agg(item), '[]') FROM (SELECT {item} AS item {rows}) AS items)"

    texts = objects

    def one(self, item: str, rows: str) -> str:
        return f"(SELECT {item} {rows})"

    def instant_given(self, value: datetime) -> Any:
        return value

    def id_given(self, value: str) -> Any:
        return UUID(value)


Language = Sqlite | Postgresql


def statements(sql: Language) -> Mapping[str, str]:
    """The statement of each screen. Its values: the hash of a secret, the instant, and for a page where it begins."""
    viewers = {"tiny": tiny, "dashboard": dashboard, "activity": activity, "grants": grants}
    return {name: session(sql, viewer(sql)) for name, viewer in viewers.items()}


def session(sql: Language, viewer: str) -> str:
    """Networks from which the caller may come, and the answer, if the session is good."""
    return f"""
        SELECT me.ip_allowlist, {sql.object(data=sql.object(viewer=viewer))}
        FROM session JOIN profile AS me ON me.id = session.profile_id
        WHERE session.secret_hash = {sql.value(1)} AND session.ended_at IS NULL
          AND session.access_expires_at > {sql.value(2)}"""


def tiny(sql: Language) -> str:
    return sql.object(id=sql.id("Profile", "me.id"))


def dashboard(sql: Language) -> str:
    plan = sql.object(code="plan.code", name="CASE me.locale WHEN 'FR' THEN plan.name_fr ELSE plan.name_en END")
    running = sql.object(
        status="subscription.status",
        periodEnd=sql.day_before("subscription.period_end"),
        renews=sql.boolean("subscription.renews"),
    )
    subscribed = "FROM subscription WHERE subscription.account_id = account.id AND subscription.status <> 'ENDED'"
    grant = sql.object(
        id=sql.id("PermissionGrant", "given.id"),
        overall=permissions(sql, OverallPermission, "given.overall"),
        requiresTwoFactor=sql.boolean("given.requires_two_factor"),
        grantee=sql.object(email="grantee.email"),
    )
    naming = """FROM account_grant AS named
        JOIN permission_grant AS given ON given.id = named.grant_id
        JOIN profile AS grantee ON grantee.id = given.grantee_id
        WHERE named.account_id = account.id ORDER BY given.created_at DESC, given.id DESC LIMIT 3"""
    account = sql.object(
        id=sql.id("Account", "account.id"),
        name="account.name",
        status="account.status",
        location="CASE WHEN account.server_id IS NULL THEN 'PUBLIC_CLOUD' ELSE 'PRIVATE_CLOUD' END",
        createdAt=sql.instant("account.created_at"),
        viewerIsOwner=sql.boolean("account.owner_id = me.id"),
        viewerPermissions=permissions(
            sql, AccountPermission, "-1", "(account.server_id IS NOT NULL OR name <> 'RESOURCES')"
        ),
        plan=sql.one(plan, "FROM plan WHERE plan.id = account.plan_id"),
        subscription=sql.one(running, subscribed),
        grants=sql.object(nodes=sql.objects(grant, naming)),
    )
    owned = "FROM account WHERE account.owner_id = me.id ORDER BY account.name, account.id LIMIT 50"
    return sql.object(
        id=sql.id("Profile", "me.id"),
        displayName=display_name("me"),
        accounts=sql.object(nodes=sql.objects(account, owned)),
    )


def activity(sql: Language) -> str:
    by_service = "CASE WHEN event.channel = 'SYSTEM' THEN 'Espace' ELSE 'Somebody' END"
    event = sql.object(
        id=sql.id("ActivityEvent", "event.id"),
        action="event.kind",
        occurredAt=sql.instant("event.occurred_at"),
        channel="event.channel",
        ipAddress="event.ip_address",
        actor=sql.object(displayName=f"CASE WHEN actor.id IS NULL THEN {by_service} ELSE {display_name('actor')} END"),
    )
    page = f"""FROM activity_event AS event LEFT JOIN profile AS actor ON actor.id = event.actor_id AND actor.id = me.id
        WHERE event.owner_id = me.id AND (event.occurred_at, event.id) < ({sql.value(3)}, {sql.value(4)})
        ORDER BY event.occurred_at DESC, event.id DESC LIMIT 50"""
    return sql.object(activity=sql.object(nodes=sql.objects(event, page)))


def grants(sql: Language) -> str:
    named = sql.object(
        account=sql.object(name="account.name"), permissions=permissions(sql, AccountPermission, "named.permissions")
    )
    naming = """FROM account_grant AS named JOIN account ON account.id = named.account_id
        WHERE named.grant_id = given.id ORDER BY account.name"""
    grant = sql.object(
        id=sql.id("PermissionGrant", "given.id"),
        createdAt=sql.instant("given.created_at"),
        requiresTwoFactor=sql.boolean("given.requires_two_factor"),
        overall=permissions(sql, OverallPermission, "given.overall"),
        grantee=sql.object(id=sql.id("Profile", "grantee.id"), email="grantee.email"),
        accounts=sql.objects(named, naming),
    )
    owned = """FROM permission_grant AS given JOIN profile AS grantee ON grantee.id = given.grantee_id
        WHERE given.owner_id = me.id ORDER BY given.created_at DESC, given.id DESC LIMIT 50"""
    return sql.object(grantsGiven=sql.object(nodes=sql.objects(grant, owned)))


def display_name(profile: str) -> str:
    person = f"trim(coalesce({profile}.first_name, '') || ' ' || coalesce({profile}.last_name, ''))"
    return f"coalesce(nullif({profile}.organization_name, ''), nullif({person}, ''), {profile}.email)"


def permissions(sql: Language, kind: type[Permission], mask: str, condition: str = "1 = 1") -> str:
    """The names of the permissions in a mask."""
    bits = ", ".join(f"({permission.bit}, '{permission.value}')" for permission in kind)
    named = f"(SELECT column1 AS bit, column2 AS name FROM (VALUES {bits}) AS listed) AS bits"
    return sql.texts("name", f"FROM {named} WHERE {mask} & bit <> 0 AND {condition}")


class Handwritten:
    """An endpoint for each screen, at its name, and no framework."""

    def __init__(self, sql: Language, ask: Ask) -> None:
        self.sql, self.ask, self.clock = sql, ask, RealClock()
        self.statements = statements(sql)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message["body"]
        secret = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        values = [fingerprint(secret), self.sql.instant_given(self.clock.now())]
        if after := orjson.loads(body)["variables"].get("after"):
            values += self.place(after)
        found = await self.ask(self.statements[scope["path"].removeprefix("/")], values)
        good = found is not None and allowed(orjson.loads(found[0]), scope["client"][0])
        status, text = (200, found[1].encode()) if good else (401, b"{}")
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    def place(self, after: str) -> list[Any]:
        at, key = orjson.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return [self.sql.instant_given(datetime.fromisoformat(at)), self.sql.id_given(key)]


async def handwritten(url: str) -> ASGIApp:
    """The endpoints over the database at `url`, each driver used in its fastest way."""
    if (address := async_url(url)).get_backend_name() != "sqlite":
        pool = await asyncpg.create_pool(
            address.set(drivername="postgresql").render_as_string(hide_password=False), min_size=1, reset=nothing
        )
        return Handwritten(Postgresql(), lambda text, values: pool.fetchrow(text, *values))
    connection = sqlite.library.connect(address.database)
    connection.execute("PRAGMA query_only=ON")
    connection.create_function("global_id", 2, lambda kind, key: global_id(kind, UUID(hex=key)), deterministic=True)

    async def ask(text: str, values: Sequence[Any]) -> Any:
        return connection.execute(text, values).fetchone()

    return Handwritten(Sqlite(), ask)


async def nothing(connection: Any) -> None:
    """Nothing to reset: nobody changes anything of a connection."""
