"""TIC-1, TIC-2. Tickets: who sees them by their topic, what is written in them, and what becomes of them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, update

from models.account import Account
from models.activity import ActivityEvent, Author, Record
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.held_name import HeldName
from models.permission import AccountPermission, OverallPermission, ServerPermission
from models.profile import Profile
from models.refusal import Refusal
from models.ticket import (
    Ticket,
    TicketClosed,
    TicketMessage,
    TicketNotClosed,
    TicketStatus,
    Writer,
    open_ticket,
    wishes_of,
)
from models.ticket_category import TicketCategory
from models.ticket_word import MOST_WORDS, wanted, words_of
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, STAFF, Api, profile_id
from tests.asked import statements
from tests.database import START
from tests.granting import a_grant, a_server, an_account
from tests.tickets import CLOSE, LISTED, OPEN, READ, REOPEN, a_ticket, asked, key_of, opened, replied, seen, subjects

CONTACT, SERVER_CONTACT = AccountPermission.TECHNICAL_CONTACT, ServerPermission.TECHNICAL_CONTACT


def a_record() -> Record:
    return Record(Author(), START, START)


def a_row(**values: Any) -> Ticket:
    wishes = wishes_of({"subject": "Slow", "body": "Since noon", "category": TicketCategory.BILLING, **values})
    return open_ticket(a_record(), wishes, Writer(OWNER.key), owner_id=OWNER.key, number=1)[0]


# The rules, without a database


def test_whose_turn_it_is_follows_from_who_wrote_last() -> None:
    ticket, record = a_row(), a_record()
    assert ticket.status is TicketStatus.WAITING_SUPPORT
    answer = ticket.add(record, "Which site?", Writer(agent="Ada"), readers=[OWNER.key])
    assert (ticket.status, answer.position, answer.author_id) == (TicketStatus.WAITING_CUSTOMER, 2, None)
    ticket.close(record, Writer(OWNER.key))
    assert ticket.add(record, "It is back", Writer(OWNER.key)).position == 3
    assert ticket.status is TicketStatus.WAITING_SUPPORT
    kinds = [event.kind for event in record]
    assert kinds == ["ticket.message_added", "ticket.closed", "ticket.message_added"]
    assert {event.subject_id for event in record} == {ticket.id}


def test_what_is_closed_is_not_closed_and_what_is_open_is_not_opened() -> None:
    ticket, record = a_row(), a_record()
    with pytest.raises(TicketNotClosed):
        ticket.reopen(record)
    ticket.close(record, Writer(OWNER.key))
    with pytest.raises(TicketClosed):
        ticket.close(record, Writer(OWNER.key))
    assert len(record.events) == 1


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"subject": " \n "}, "REQUIRED", ("subject",)),
        ({"subject": "x" * 201}, "INVALID", ("subject",)),
        ({"body": "\t"}, "REQUIRED", ("body",)),
        ({"body": "x" * 20_001}, "INVALID", ("body",)),
        ({"account_id": new_id(), "server_id": new_id()}, "INVALID", ("server_id",)),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(values: Any, code: str, path: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        a_row(**values)
    assert (refused.value.code, refused.value.path) == (code, path)


def test_words_are_folded_counted_and_cut() -> None:
    assert words_of("Éléphants, STRASSE straße", "l’été") == ["elephants", "strasse", "l", "ete"]
    assert wanted("  Élé--PHANT ") == ("ele", "phant")
    assert len(words_of(" ".join(map(str, range(5_000))))) == MOST_WORDS
    assert words_of("x" * 500) == ["x" * 40]


# Opening


async def test_a_ticket_is_opened_numbered_and_told(api: Api) -> None:
    first = await opened(api, subject="  The\nsite   is slow ")
    second = await opened(api)
    assert first["userErrors"] == second["userErrors"] == []
    assert second["ticket"]["number"] == first["ticket"]["number"] + 1
    shown = await seen(api, first["ticket"]["id"])
    assert shown == {
        "number": first["ticket"]["number"],
        "subject": "The site is slow",
        "status": "WAITING_SUPPORT",
        "viewerHasUnread": False,
        "viewerActions": ["REPLY", "CLOSE"],
        "openedBy": {"__typename": "Profile", "displayName": "Atelier Exemple"},
        "messages": {
            "nodes": [
                {
                    "body": "Since yesterday **evening**.",
                    "author": {"__typename": "Profile", "displayName": "Atelier Exemple"},
                    "attachments": [],
                }
            ]
        },
    }
    events = [row for row in await api.rows(ActivityEvent) if row.kind == "ticket.opened"]
    assert [(row.subject_type, row.owner_id) for row in events] == [("Ticket", OWNER.key)] * 2
    found = await api.ask(
        "query ($n: Int!) { ticket(number: $n) { id } }",
        {"n": first["ticket"]["number"]},
        token=await api.token(),
    )
    assert found.data["ticket"]["id"] == first["ticket"]["id"]


async def test_a_ticket_is_opened_once_for_each_key(api: Api) -> None:
    key = str(uuid4())
    before = len(await api.rows(Ticket))
    first, again = await opened(api, idempotencyKey=key), await opened(api, idempotencyKey=key)
    assert first == again
    other = await opened(api, idempotencyKey=key, body="Something else")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert len(await api.rows(Ticket)) == before + 1


async def test_no_two_tickets_have_one_number(api: Api) -> None:
    for person in (OWNER, FREE, OWNER, FREE):
        await a_ticket(api, person)
    numbers = [row.number for row in await api.rows(Ticket)]
    assert len(numbers) == len(set(numbers))


async def test_what_it_is_about_belongs_to_whose_it_is(api: Api) -> None:
    mine, theirs = await an_account(api), await an_account(api, "theirs", FREE)
    server = await a_server(api)
    account = global_id("Account", mine)
    for given, path in (
        ({"accountId": global_id("Account", theirs)}, "accountId"),
        ({"accountId": global_id("Account", new_id())}, "accountId"),
        ({"accountId": account, "profileId": profile_id(FREE)}, "profileId"),
        ({"profileId": profile_id(STAFF)}, "profileId"),
        ({"serverId": "nothing"}, "serverId"),
    ):
        (error,) = (await opened(api, **given))["userErrors"]
        assert (error["code"], error["field"]) == ("NOT_FOUND", ["input", path]), given
    both = await opened(api, accountId=account, serverId=global_id("Server", server))
    assert [error["code"] for error in both["userErrors"]] == ["INVALID"]
    assert (await opened(api, accountId=account, profileId=profile_id(OWNER)))["userErrors"] == []


async def test_a_suspended_profile_writes_and_one_that_is_not_verified_does_not(api: Api) -> None:
    profiles = table(Profile)
    async with Db(api.database) as db:
        suspended = {"suspended_at": START, "suspension_reason": "UNPAID_BALANCE", "deletion_at": START}
        await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(**suspended))
        await db.note(update(profiles).where(profiles.c.id == FREE.key).values(email_verified_at=None))
    ticket = await a_ticket(api)
    assert (await replied(api, ticket))["userErrors"] == []
    refused = await api.ask(OPEN, {"input": asked()}, token=await api.token(FREE))
    assert refused.errors[0]["extensions"]["reason"] == "EMAIL_NOT_VERIFIED"


# Who sees it


async def test_who_sees_a_ticket_follows_from_its_topic(api: Api) -> None:
    before = set(await subjects(api))
    account, other, server = await an_account(api), await an_account(api, "other"), await a_server(api)
    on_server = await an_account(api, "hosted", server_id=server)
    await a_ticket(api, subject="of the account", category="TECHNICAL", accountId=global_id("Account", account))
    await a_ticket(api, subject="of the hosted", category="TECHNICAL", accountId=global_id("Account", on_server))
    await a_ticket(api, subject="of the server", category="TECHNICAL", serverId=global_id("Server", server))
    for category in ("TECHNICAL", "BILLING", "SALES", "PROGRAM", "ABUSE"):
        await a_ticket(api, subject=category, category=category)
    await a_ticket(api, subject="of the bill", category="BILLING", accountId=global_id("Account", account))
    everything = set(await subjects(api)) - before
    assert len(everything) == 9
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"overall": [OverallPermission.BILLING]}, {"BILLING", "of the bill"}),
        ({"overall": [OverallPermission.ACCOUNT_MANAGEMENT]}, {"SALES"}),
        ({"overall": [OverallPermission.TECHNICAL_ACCOUNT]}, {"of the account", "of the hosted"}),
        ({"overall": [OverallPermission.TECHNICAL_SERVER]}, {"of the server"}),
        ({"accounts": {account: [CONTACT]}}, {"of the account"}),
        ({"accounts": {other: [CONTACT]}}, set()),
        ({"accounts": {account: [AccountPermission.SITES]}}, set()),
        ({"servers": {server: [SERVER_CONTACT]}}, {"of the server"}),
        ({"servers": {server: [ServerPermission.CONSUMPTION]}}, set()),
        ({"overall": [OverallPermission.BILLING], "flagged": True}, set()),
        ({}, set()),
    ]
    for granted, expected in cases:
        overall = granted.pop("overall", [])
        await a_grant(api, STAFF, *overall, **granted)
        assert set(await subjects(api, STAFF)) & everything == expected, (overall, granted)


async def test_opening_one_asks_for_the_permission_of_its_topic(api: Api) -> None:
    account, server = await an_account(api), await a_server(api)
    hosted = await an_account(api, "hosted", server_id=server)
    token = await api.token(DELEGATE)
    await a_grant(api, DELEGATE, OverallPermission.BILLING, servers={server: [SERVER_CONTACT]})
    on = {
        "account": {"accountId": global_id("Account", account)},
        "hosted": {"accountId": global_id("Account", hosted)},
        "server": {"serverId": global_id("Server", server)},
        "profile": {"profileId": profile_id(OWNER)},
    }
    for place, category, reason in (
        ("profile", "BILLING", None),
        ("account", "BILLING", None),
        ("server", "TECHNICAL", None),
        ("hosted", "TECHNICAL", ("PERMISSION_MISSING", "TECHNICAL_CONTACT")),
        ("account", "TECHNICAL", ("PERMISSION_MISSING", "TECHNICAL_CONTACT")),
        ("profile", "SALES", ("PERMISSION_MISSING", "ACCOUNT_MANAGEMENT")),
        ("profile", "PROGRAM", ("OWNER_ONLY", None)),
        ("server", "ABUSE", ("OWNER_ONLY", None)),
    ):
        answered = await api.ask(OPEN, {"input": asked(category=category, **on[place])}, token=token)
        if reason is None:
            ticket = answered.data["ticketOpen"]["ticket"]
            assert ticket is not None, (place, category)
            assert (await seen(api, ticket["id"], token=token))["openedBy"]["__typename"] == "Profile"
        else:
            told = answered.errors[0]["extensions"]
            assert (told["reason"], told.get("missing")) == reason, (place, category)


async def test_what_nobody_may_know_of_is_not_found_and_not_changed(api: Api) -> None:
    ticket = await a_ticket(api, category="ABUSE")
    before = await api.rows(TicketMessage)
    for person in (DELEGATE, FREE):
        token = await api.token(person)
        assert await seen(api, ticket, token=token) is None
        (error,) = (await replied(api, ticket, token=token))["userErrors"]
        assert error["code"] == "NOT_FOUND"
        for document in (CLOSE, REOPEN, READ):
            (payload,) = (await api.ask(document, {"id": ticket}, token=token)).data.values()
            assert [each["code"] for each in payload["userErrors"]] == ["NOT_FOUND"]
        by_number = "query ($n: Int!) { ticket(number: $n) { id } }"
        for number in (1, 0, -1, 2**31 - 1):
            assert (await api.ask(by_number, {"n": number}, token=token)).data == {"ticket": None}
    assert await api.rows(TicketMessage) == before


async def test_an_account_that_goes_to_somebody_else_takes_no_ticket_along(api: Api) -> None:
    """ACC-8. Neither for its new owner, nor for whom that one grants something."""
    account = await an_account(api)
    ticket = await a_ticket(api, category="TECHNICAL", accountId=global_id("Account", account))
    accounts = table(Account)
    async with Db(api.database) as db:
        await db.note(update(accounts).where(accounts.c.id == account).values(owner_id=FREE.key))
    await a_grant(api, STAFF, OverallPermission.TECHNICAL_ACCOUNT, owner=FREE, accounts={account: [CONTACT]})
    await a_grant(api, STAFF, OverallPermission.BILLING)
    narrowed = (await api.api_token(FREE, only_account_id=account)).secret
    for token in (await api.token(FREE), await api.token(STAFF), narrowed):
        assert await seen(api, ticket, token=token) is None
    assert await seen(api, ticket) is not None


# Writing


async def test_a_reply_opens_a_closed_ticket_again(api: Api) -> None:
    ticket, token = await a_ticket(api), await api.token()
    assert (await api.ask(CLOSE, {"id": ticket}, token=token)).data["ticketClose"]["ticket"] == {"status": "CLOSED"}
    again = (await api.ask(CLOSE, {"id": ticket}, token=token)).data["ticketClose"]
    assert [each["code"] for each in again["userErrors"]] == ["CONFLICT"]
    assert (await seen(api, ticket))["viewerActions"] == ["REPLY", "REOPEN"]
    assert (await replied(api, ticket))["ticket"] == {"status": "WAITING_SUPPORT"}
    reopened = (await api.ask(REOPEN, {"id": ticket}, token=token)).data["ticketReopen"]
    assert [each["code"] for each in reopened["userErrors"]] == ["CONFLICT"]
    await api.ask(CLOSE, {"id": ticket}, token=token)
    reopened = (await api.ask(REOPEN, {"id": ticket}, token=token)).data["ticketReopen"]
    assert reopened == {"ticket": {"status": "WAITING_SUPPORT"}, "userErrors": []}


async def test_what_a_revoked_delegate_could_do_ends_at_once(api: Api) -> None:
    ticket, token = await a_ticket(api), await api.token(DELEGATE)
    assert (await replied(api, ticket, token=token))["userErrors"] == []
    await a_grant(api, DELEGATE)
    assert [each["code"] for each in (await replied(api, ticket, token=token))["userErrors"]] == ["NOT_FOUND"]


async def test_an_author_whom_the_viewer_may_not_open_is_hidden(api: Api) -> None:
    ticket = await a_ticket(api)
    await a_grant(api, STAFF, OverallPermission.BILLING)
    await replied(api, ticket, STAFF)
    authors = [each["author"] for each in (await seen(api, ticket, DELEGATE))["messages"]["nodes"]]
    assert [each["__typename"] for each in authors] == ["Profile", "HiddenActor"]
    assert "staff" not in authors[1]["displayName"]


async def test_everybody_has_read_what_they_have_read(api: Api) -> None:
    ticket = await a_ticket(api)
    people = (OWNER, DELEGATE)

    async def unread() -> list[bool]:
        return [(await seen(api, ticket, person))["viewerHasUnread"] for person in people]

    assert await unread() == [False, True]
    await replied(api, ticket, DELEGATE)
    assert await unread() == [True, False]
    answered = await api.ask(READ, {"id": ticket}, token=await api.token(OWNER))
    assert answered.data["ticketMarkRead"] == {"ticket": {"viewerHasUnread": False}, "userErrors": []}
    assert await unread() == [False, False]
    await replied(api, ticket, OWNER)
    assert await unread() == [False, True]


# Lists


async def test_tickets_are_found_by_words_states_topics_and_things(api: Api, clock: FrozenClock) -> None:
    account = await an_account(api)
    first = await a_ticket(api, subject="Zèbre au jardin", body="Rien d’autre")
    clock.move(timedelta(minutes=1))
    await a_ticket(api, subject="Second", body="le zebre court", category="SALES")
    clock.move(timedelta(minutes=1))
    await a_ticket(api, subject="Third", body="zebre", category="TECHNICAL", accountId=global_id("Account", account))
    for given, expected in (
        ({"search": "ZÈBRE"}, ["Third", "Second", "Zèbre au jardin"]),
        ({"search": "zebre, jardin"}, ["Zèbre au jardin"]),
        ({"search": "zeb"}, []),
        ({"search": "zebre", "category": ["SALES", "TECHNICAL"]}, ["Third", "Second"]),
        ({"search": "zebre", "accountId": global_id("Account", account)}, ["Third"]),
        ({"search": "zebre", "serverId": global_id("Account", account)}, []),
        ({"search": "zebre", "status": ["CLOSED"]}, []),
        ({"search": "zebre", "status": []}, []),
        ({"search": "%"}, await subjects(api)),
    ):
        assert await subjects(api, filter=given) == expected, given
    clock.move(timedelta(minutes=1))
    await replied(api, first, body="girafe")
    assert await subjects(api, filter={"search": "girafe zebre"}) == ["Zèbre au jardin"]
    wanted_order = {"field": "UPDATED_AT", "direction": "ASC"}
    in_order = await subjects(api, filter={"search": "zebre"}, order=wanted_order)
    assert in_order == ["Second", "Third", "Zèbre au jardin"]
    by_opening = await subjects(api, filter={"search": "zebre"}, order={"field": "CREATED_AT"})
    assert by_opening == ["Third", "Second", "Zèbre au jardin"]


async def test_a_search_that_is_no_search_is_wrong_input(api: Api) -> None:
    for given in ({"search": "x" * 201}, {"accountId": "nothing"}):
        answered = await api.ask(LISTED, {"id": profile_id(OWNER), "filter": given}, token=await api.token())
        assert answered.codes == ["BAD_USER_INPUT"]


async def test_a_page_of_tickets_is_one_statement_for_each_level(api: Api) -> None:
    document = """query ($id: ID!) { node(id: $id) { ... on Profile { tickets(first: 50) { nodes { number
      viewerHasUnread openedBy { displayName } messages(first: 5) { nodes { body attachments { filename } } }
      } } } } }"""
    token, counted = await api.token(), []
    for _ in range(2):
        await a_ticket(api)
        await a_ticket(api)
        with statements(api) as run:
            assert (await api.ask(document, {"id": profile_id(OWNER)}, token=token)).errors == []
        counted.append(len(run))
    assert counted[0] == counted[1]


async def test_a_token_narrowed_to_an_account_sees_the_tickets_about_it(api: Api) -> None:
    account = await an_account(api)
    about = await a_ticket(api, category="ABUSE", accountId=global_id("Account", account))
    other = await a_ticket(api)
    narrowed = (await api.api_token(OWNER, only_account_id=account)).secret
    assert await seen(api, about, token=narrowed) is not None
    assert await seen(api, other, token=narrowed) is None


async def test_a_ticket_outlives_what_it_is_about(api: Api) -> None:
    account = await an_account(api)
    ticket = await a_ticket(api, category="TECHNICAL", accountId=global_id("Account", account))
    async with Db(api.database) as db:
        await db.note(delete(table(HeldName)).where(table(HeldName).c.account_id == account))
        await db.note(delete(table(Account)).where(table(Account).c.id == account))
    assert (await seen(api, ticket))["messages"]["nodes"]
    key = await key_of(api, ticket)
    assert [row.account_id for row in await api.rows(Ticket) if row.id == key] == [None]
