"""EVT-1, PER-14. Live operations: what happens is told to those who may see it, and to nobody else, at once."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import strawberry
from sqlalchemy import delete, update
from strawberry.schema.config import StrawberryConfig

from app.gateways.upload_folder import UploadFolder
from app.settings import Settings
from engine.bind import Bound
from models.activity import Fact
from models.clock import FrozenClock
from models.column import table
from models.db import Database, Db
from models.grant import PermissionGrant
from models.permission import OverallPermission
from models.profile import Profile
from models.session import Session
from models.ticket_category import TicketCategory
from models.token import ApiToken
from resolvers import ledger
from resolvers.export import make
from schema.billing import Billing
from schema.directive import authorize
from schema.gate import default_guard
from schema.global_id import global_id
from schema.live import live
from schema.node import SOURCES
from schema.payment_method import CardPaymentMethod
from schema.root import Mutation, Query
from schema.scalar import SCALARS
from tests.api import DELEGATE, FREE, OWNER, TECH, Api, profile_id, serving
from tests.cycle import balance
from tests.following import ACTIVITY, ALERTS, BILLING, PAYMENT, Closed, line
from tests.granting import a_grant
from tests.paying import CONFIRM, asked, token, top_up
from tests.test_access import staff
from tests.test_alert import OPEN, RESOLVE
from tests.test_export import ask
from tests.test_suspension import abuse
from tests.tickets import a_ticket, replied

SIGN_OUT = "mutation { sessionDelete(input: {}) { deletedIds userErrors { code } } }"
OTHERS_BILLING = """subscription Billing($id: ID!) {
  billingChanged(profileId: $id) { balance { amount } profile { id } } }"""
REVOKE = "mutation Revoke($id: ID!) { permissionGrantRevoke(input: {grantId: $id}) { userErrors { code } } }"


async def adjusted(api: Api, cents: int = 100, of: Any = OWNER) -> None:
    """The balance moves."""
    async with Db(api.database) as db, db.write() as write:
        await ledger.adjust(write, of.key, cents, reason="for a test")


async def undone(api: Api) -> None:
    """It moves, and the transaction fails after that."""
    async with Db(api.database) as db, db.write() as write:
        await ledger.adjust(write, OWNER.key, 100, reason="for a test")
        await write.flush()
        raise ZeroDivisionError


async def test_a_balance_that_moves_is_told_as_it_is_now(api: Api) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(BILLING)
        await adjusted(api)
        before = await opened.told()
        await adjusted(api, 250)
        after = await opened.told()
    assert round(100 * (float(after["balance"]["amount"]) - float(before["balance"]["amount"]))) == 250


async def test_nobody_else_is_told(api: Api) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token(FREE))).follow(BILLING)
        await opened.follow(ACTIVITY, "2")
        await adjusted(api)
        assert await opened.is_quiet()


async def test_what_was_rolled_back_never_happened(api: Api) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(BILLING)
        with pytest.raises(ZeroDivisionError):
            await undone(api)
        assert await opened.is_quiet()


async def test_a_payment_is_followed_to_its_end(api: Api) -> None:
    payment = (await top_up(api, "25.00", token("card_3ds")))["payment"]
    other = (await top_up(api, "31.00", token("card_3ds")))["payment"]
    async with line(api.app) as opened:
        await (await opened.enter(await api.token(DELEGATE))).follow(PAYMENT, id=payment["id"])
        await asked(api, CONFIRM, {"id": other["id"]})
        await asked(api, CONFIRM, {"id": payment["id"]})
        told = await opened.told()
    assert (told["id"], told["status"], told["amount"]["amount"]) == (payment["id"], "SUCCEEDED", "25.00")


async def test_alerts_are_told_to_those_concerned(api: Api) -> None:
    """ALE-3. One about the terms concerns the owner alone, whatever a delegate may follow."""
    team = await abuse(api)
    async with line(api.app) as owner, line(api.app) as delegate:
        await (await owner.enter(await api.token())).follow(ALERTS)
        await (await delegate.enter(await api.token(DELEGATE))).follow(ALERTS, id=profile_id(OWNER))
        given = {"input": {"profileId": profile_id(OWNER), "text": "Put it right."}}
        await staff(api, team, OPEN, given)
        opened = await owner.told()
        await staff(api, team, RESOLVE, {"input": {"profileId": profile_id(OWNER)}})
        resolved = await owner.told()
        assert await delegate.is_quiet()
    assert (opened["kind"], opened["status"]) == ("TERMS_VIOLATION", "OPEN")
    assert (resolved["id"], resolved["status"]) == (opened["id"], "RESOLVED")


TICKET = """subscription Ticket($id: ID!) { ticketMessageAdded(ticketId: $id) { body ticket { status } } }"""


async def test_a_message_is_told_to_whoever_sees_the_ticket(api: Api) -> None:
    """TIC-2. What is written is told; that it was read, or closed, is no message."""
    ticket = await a_ticket(api, category=TicketCategory.BILLING)
    other = await a_ticket(api, category=TicketCategory.BILLING)
    async with line(api.app) as opened:
        await (await opened.enter(await api.token(DELEGATE))).follow(TICKET, id=ticket)
        await replied(api, other)
        await replied(api, ticket, body="Is anybody there?")
        told = await opened.told()
        assert await opened.is_quiet()
    assert told == {"body": "Is anybody there?", "ticket": {"status": "WAITING_SUPPORT"}}


async def test_history_is_told_as_it_is_written(api: Api) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(ACTIVITY)
        await api.token()
        assert (await opened.told())["action"] == "session.opened"
        await adjusted(api)
        assert (await opened.told())["action"] == "ledger.adjustment"


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        (OTHERS_BILLING, {"id": profile_id(OWNER)}, "NOT_FOUND"),
        (ALERTS, {"id": profile_id(OWNER)}, "NOT_FOUND"),
        (ALERTS, {"id": "nonsense"}, "NOT_FOUND"),
        (PAYMENT, {"id": profile_id(FREE)}, "NOT_FOUND"),
        (PAYMENT, {}, "BAD_USER_INPUT"),
        ("{ viewer { id } }", {}, "BAD_REQUEST"),
        ("mutation { sessionDelete(input: {}) { deletedIds } }", {}, "BAD_REQUEST"),
        ("subscription { __typename }", {}, "INVALID_DOCUMENT"),
        ("subscription { a: activityRecorded { id } b: activityRecorded { id } }", {}, "INVALID_DOCUMENT"),
        ("subscription { activityRecorded { secret } }", {}, "INVALID_DOCUMENT"),
        ("subscription { activityRecorded", {}, "SYNTAX"),
    ],
)
async def test_what_may_not_be_followed_ends_that_operation_alone(
    api: Api, document: str, variables: dict[str, str], code: str
) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token(FREE))).follow(ACTIVITY, "kept")
        opened.subscribe(document, **variables)
        message = await opened.heard()
        await api.token(FREE)
        assert (await opened.told("kept"))["action"] == "session.opened"
    assert (message["type"], message["id"]) == ("error", "1")
    assert [error["extensions"]["code"] for error in message["payload"]] == [code]


async def test_what_a_caller_sees_and_may_not_follow_says_what_is_missing(api: Api) -> None:
    async with line(api.app) as opened:
        await opened.enter(await api.two_factor(TECH))
        opened.subscribe(OTHERS_BILLING, id=profile_id(OWNER))
        (error,) = (await opened.heard())["payload"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["extensions"]["missing"] == "BILLING"
    assert error["extensions"]["coordinate"] == "Subscription.billingChanged"


async def test_both_executors_tell_the_same(api: Api, database: Database, bound: Any) -> None:
    async with serving(database, bound, rate_limits=False, planner=False) as slow:
        token_of_owner = await api.token()
        async with line(api.app) as planned, line(slow.app) as fallback:
            for opened in (planned, fallback):
                await (await opened.enter(token_of_owner)).follow(BILLING)
                await opened.follow(ALERTS, "2")
            await adjusted(api)
            assert await planned.told() == await fallback.told()


async def test_a_field_shows_what_its_key_makes_of_a_fact(api: Api, database: Database) -> None:
    """Nothing where it makes nothing; and where it fails, that connection alone ends."""

    def only_mine(fact: Fact) -> UUID | None:
        if fact.facts["cents"] < 0:
            raise ZeroDivisionError
        return fact.owner_id if fact.facts["cents"] > 100 else None

    @strawberry.type
    class Following:
        large: Billing | None = live(["ledger."], authorize(), key=only_mine, description="For a test.")
        every: Billing | None = live(["ledger."], authorize(), key="owner_id", description="For a test.")

    config = StrawberryConfig(scalar_map=SCALARS)
    types = [CardPaymentMethod]
    schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Following, types=types, config=config)
    bound = Bound(schema, SOURCES, default_guard)
    async with serving(database, bound, rate_limits=False) as served, line(served.app) as one, line(served.app) as two:
        await (await one.enter(await api.token())).follow("subscription { large { balance { amount } } }")
        await (await two.enter(await api.token())).follow("subscription { every { balance { amount } } }")
        for cents in (50, 500):
            await adjusted(api, cents)
            told = await two.told()
        assert await one.told() == told
        assert await one.is_quiet()
        await adjusted(api, -1)
        await two.told()
        with pytest.raises(Closed) as closed:
            await one.heard()
    assert closed.value.code == 1011


# Whoever asks

MAY: dict[str, dict[str, str | None]] = {
    "alertChanged": {"owner": None, "billing": None, "technical": None, "stranger": "NOT_FOUND"},
    "billingChanged": {"owner": None, "billing": None, "technical": "FORBIDDEN", "stranger": "NOT_FOUND"},
    "paymentUpdated": {"owner": None, "billing": None, "technical": "NOT_FOUND", "stranger": "NOT_FOUND"},
    "ticketUpdated": {"owner": None, "billing": None, "technical": "NOT_FOUND", "stranger": "NOT_FOUND"},
    "ticketMessageAdded": {"owner": None, "billing": None, "technical": "NOT_FOUND", "stranger": "NOT_FOUND"},
    "exportUpdated": {"owner": None, "billing": "NOT_FOUND", "technical": "NOT_FOUND", "stranger": "NOT_FOUND"},
    "activityRecorded": {"owner": None, "billing": None, "technical": None, "stranger": None},
}
"""PER-1, ALE-3. Who may follow what of the owner's; of the history, which takes no argument, each their own."""
GIVEN = "profileId", "paymentId", "ticketId", "exportId"


def test_every_live_field_says_who_may_follow_it(bound: Bound) -> None:
    kind = bound.graphql.subscription_type
    assert kind is not None
    assert set(kind.fields) == set(MAY)
    assert {name for field in kind.fields.values() for name in field.args} == set(GIVEN)


@pytest.mark.parametrize(("name", "who"), [(name, who) for name, row in MAY.items() for who in row])
async def test_every_live_field_is_followed_by_whom_it_may_be(
    api: Api, bound: Bound, tmp_path: Path, name: str, who: str
) -> None:
    """And whoever may not is told nothing; nor does the history of one tell of another."""
    kind = bound.graphql.subscription_type
    assert kind is not None
    payment = (await top_up(api, "25.00", token("card_3ds")))["payment"]["id"]
    ticket = await a_ticket(api, category=TicketCategory.BILLING)
    export = (await ask(api))["export"]["id"]
    ids = {"profileId": profile_id(OWNER), "paymentId": payment, "ticketId": ticket, "exportId": export}
    given = ", ".join(f'{argument}: "{ids[argument]}"' for argument in kind.fields[name].args)
    asks = f"({given})" if given else ""
    secret = await {
        "owner": lambda: api.token(),
        "billing": lambda: api.token(DELEGATE),
        "technical": lambda: api.two_factor(TECH),
        "stranger": lambda: api.token(FREE),
    }[who]()
    async with line(api.app) as opened:
        await opened.enter(secret)
        opened.subscribe(f"subscription {{ {name}{asks} {{ id }} }}")
        opened.say({"type": "ping"})
        message = await opened.heard()
        expected = MAY[name][who]
        if expected is None:
            assert message == {"type": "pong"}
        else:
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", expected)
            assert await opened.heard() == {"type": "pong"}
        await asked(api, CONFIRM, {"id": payment})
        await adjusted(api)
        await replied(api, ticket)
        async with Db(api.database) as db:
            await make(db, Settings(upload_folder=tmp_path), UploadFolder(tmp_path))
        told_of = {"billingChanged", "paymentUpdated", "ticketUpdated", "ticketMessageAdded", "exportUpdated"}
        heard = expected is None and (who == "owner" or name in told_of)
        assert await opened.is_quiet() is not (heard and name != "alertChanged")


# Whoever loses a right


async def test_a_grant_that_is_taken_back_ends_what_it_allowed(api: Api) -> None:
    grant = await a_grant(api, DELEGATE, OverallPermission.BILLING)
    async with line(api.app) as opened:
        await (await opened.enter(await api.token(DELEGATE))).follow(OTHERS_BILLING, id=profile_id(OWNER))
        await opened.follow(ACTIVITY, "own")
        await adjusted(api)
        await opened.told()
        key = global_id("PermissionGrant", grant)
        answer = await api.ask(REVOKE, {"id": key}, token=await api.token())
        assert answer.data["permissionGrantRevoke"]["userErrors"] == []
        message = await opened.heard()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        await adjusted(api)
        assert await opened.is_quiet()
        await api.token(DELEGATE)
        assert (await opened.told("own"))["action"] == "session.opened"


async def test_a_grant_that_went_unheard_shows_nothing_at_the_next_fact(api: Api) -> None:
    """PER-14. Whatever was told of it, the rights of now are asked."""
    await a_grant(api, DELEGATE, OverallPermission.BILLING)
    async with line(api.app) as opened:
        await (await opened.enter(await api.token(DELEGATE))).follow(OTHERS_BILLING, id=profile_id(OWNER))
        async with Db(api.database) as db:
            await db.note(delete(table(PermissionGrant)))
        await adjusted(api)
        message = await opened.heard()
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")


async def test_a_grant_that_asks_two_factors_shows_nothing_without_them(api: Api) -> None:
    await a_grant(api, DELEGATE, OverallPermission.BILLING, flagged=True)
    async with line(api.app) as opened:
        await opened.enter(await api.token(DELEGATE))
        opened.subscribe(OTHERS_BILLING, id=profile_id(OWNER))
        (error,) = (await opened.heard())["payload"]
    assert error["extensions"]["code"] in ("TWO_FACTOR_REQUIRED", "NOT_FOUND")


async def test_signing_out_ends_the_connections_of_that_session_alone(api: Api) -> None:
    ended, kept = await api.token(), await api.token()
    async with line(api.app) as opened, line(api.app) as idle, line(api.app) as other:
        await (await opened.enter(ended)).follow(BILLING)
        await idle.enter(ended)
        await (await other.enter(kept)).follow(BILLING)
        assert (await api.ask(SIGN_OUT, token=ended)).data["sessionDelete"]["userErrors"] == []
        for each in (opened, idle):
            with pytest.raises(Closed) as closed:
                await each.heard()
            assert closed.value.code == 4403
        await adjusted(api)
        await other.told()


async def test_a_session_that_is_over_ends_its_connections(api: Api, clock: FrozenClock) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(BILLING)
        clock.move(timedelta(minutes=31))
        await adjusted(api)
        with pytest.raises(Closed) as closed:
            await opened.heard()
    assert closed.value.code == 4403


async def test_a_session_that_is_over_ends_its_connections_though_nothing_happens(
    api: Api, database: Database, bound: Any, clock: FrozenClock
) -> None:
    often = {"live_keep_alive": timedelta(milliseconds=200)}
    async with serving(database, bound, **often) as served, line(served.app) as opened:
        await opened.enter(await api.token())
        clock.move(timedelta(minutes=31))
        with pytest.raises(Closed) as closed:
            await opened.heard()
    assert closed.value.code == 4403


async def test_a_token_that_is_deleted_or_disabled_ends_its_connections(api: Api) -> None:
    for change in (delete(table(ApiToken)), update(table(ApiToken)).values(enabled=False)):
        created = await api.api_token()
        async with line(api.app) as opened:
            await (await opened.enter(created.secret)).follow(BILLING)
            async with Db(api.database) as db:
                await db.note(change)
            await adjusted(api)
            with pytest.raises(Closed) as closed:
                await opened.heard()
        assert closed.value.code == 4403


async def test_an_address_that_is_not_allowed_any_more_is_cut_off(api: Api) -> None:
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(BILLING)
        async with Db(api.database) as db:
            profiles = table(Profile)
            await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(ip_allowlist=["198.51.100.0/24"]))
        await adjusted(api)
        with pytest.raises(Closed) as closed:
            await opened.heard()
    assert closed.value.code == 4403


async def test_who_is_suspended_still_sees_what_is_theirs(api: Api) -> None:
    """PRO-12. They can sign in, read and pay."""
    async with line(api.app) as opened:
        await (await opened.enter(await api.token())).follow(BILLING)
        async with Db(api.database) as db:
            profiles = table(Profile)
            now = api.database.clock.now()
            await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(suspended_at=now))
        await adjusted(api)
        assert (await opened.told())["balance"]["amount"] == await balance(api)


async def test_a_token_follows_what_it_is_narrowed_to(api: Api) -> None:
    """TOK-3, TOK-4."""
    await a_grant(api, DELEGATE, OverallPermission.BILLING)
    created = await api.api_token(DELEGATE, only_owner_id=OWNER.key, read_only=True)
    async with line(api.app) as opened:
        await opened.enter(created.secret)
        await opened.follow(OTHERS_BILLING, id=profile_id(OWNER))
        opened.subscribe(BILLING, "own")
        assert [each["extensions"]["reason"] for each in (await opened.heard())["payload"]] == ["TOKEN_SCOPE"]
        await adjusted(api)
        await opened.told()
    basic = base64.b64encode(f"{created.secret} customer={OWNER.email}:".encode()).decode()
    async with line(api.app) as opened:
        await (await opened.enter(Authorization=f"Basic {basic}")).follow(BILLING)
        await adjusted(api)
        await opened.told()


async def test_listening_makes_no_session_last_longer(api: Api, clock: FrozenClock) -> None:
    opened = await api.opened()
    async with line(api.app) as listening:
        clock.move(timedelta(minutes=10))
        await (await listening.enter(opened.secret)).follow(BILLING)
        await adjusted(api)
        await listening.told()
    (row,) = [row for row in await api.rows(Session) if row.id == opened.session.id]
    assert row.last_seen_at == opened.session.last_seen_at
