"""TIC-1, TIC-3, PER-10. The support team's side: who is mailed, what no customer sees, and what is found."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import new_id
from models.permission import AccountPermission, OverallPermission, ServerPermission
from models.service import ServiceScope
from models.ticket import Ticket
from models.ticket_note import TicketNote
from models.ticket_reference import reply_reference
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, STAFF, STAFF2, TECH, Api, profile_id
from tests.granting import a_grant
from tests.hosting import ATELIER, FORGE_ID
from tests.mails import Box, sent
from tests.test_access import credential, staff
from tests.tickets import (
    ANSWER,
    ASSIGN,
    CLOSE_FOR,
    DECIDE,
    DESK,
    NOTE,
    OPEN_FOR,
    SEARCH,
    a_ticket,
    desk,
    key_of,
    opened,
    replied,
    seen,
    supporting,
)

GOOD = {"subject": "Your disk is nearly full", "body": "Line one\n\nLine **two**", "category": "TECHNICAL"}
ACTIVITY = """{ viewer { activity(first: 20) { nodes { action channel summary
  actor { __typename displayName } subject { __typename } changes { name after } } } } }"""


async def mailed(api: Api) -> dict[str, EmailMessage]:
    """The mails that leave now, by their reader's address."""
    box = Box()
    await sent(api.database, box)
    return {each["To"]: each for each in box.messages}


def parts(message: EmailMessage) -> tuple[str, str]:
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


async def test_a_ticket_of_the_team_is_mailed_to_its_contacts(api: Api) -> None:
    """PER-10. Of each topic to whoever sees it, and to nobody else."""
    atelier = ACCOUNT_KEYS["atelier"]
    await a_grant(api, DELEGATE, OverallPermission.BILLING)
    await a_grant(api, TECH, accounts={atelier: [AccountPermission.TECHNICAL_CONTACT]})
    await a_grant(api, STAFF, OverallPermission.ACCOUNT_MANAGEMENT)
    await a_grant(api, STAFF2, servers={FORGE: [ServerPermission.TECHNICAL_CONTACT]})
    await mailed(api)
    for given, others in (
        ({"category": "TECHNICAL", "accountId": ATELIER}, {TECH.email}),
        ({"category": "TECHNICAL", "serverId": FORGE_ID}, {STAFF2.email}),
        ({"category": "TECHNICAL"}, set()),
        ({"category": "BILLING"}, {DELEGATE.email}),
        ({"category": "BILLING", "accountId": ATELIER}, {DELEGATE.email}),
        ({"category": "SALES"}, {STAFF.email}),
        ({"category": "PROGRAM"}, set()),
        ({"category": "ABUSE"}, set()),
    ):
        answered = await desk(api, OPEN_FOR, profileId=profile_id(OWNER), **{**GOOD, **given})
        assert answered["userErrors"] == []
        assert set(await mailed(api)) == {OWNER.email, *others}, given
        assert (await seen(api, answered["ticketId"]))["status"] == "WAITING_CUSTOMER"


async def test_an_answer_is_mailed_in_the_readers_language_with_a_reference(api: Api) -> None:
    answered = await opened(api)
    ticket, number = answered["ticket"]["id"], answered["ticket"]["number"]
    assert set(await mailed(api)) == set()  # What a customer writes is mailed to nobody.
    said = "Bonjour <b>!\nC’est réparé.\r\nBcc: evil@example.org"
    assert (await desk(api, ANSWER, ticketId=ticket, body=said))["changed"]
    mails = await mailed(api)
    assert set(mails) == {OWNER.email, DELEGATE.email}
    message = mails[OWNER.email]
    text, html = parts(message)
    assert f"[#{number}] The site is slow" in message["Subject"]
    assert "a répondu dans le ticket" in text
    for line in said.splitlines():
        assert line in text
    assert "<b>" not in html
    assert "Bcc" not in message
    key = await key_of(api, ticket)
    secret = api.app.state.host.settings.secret_key
    references = {person.email: reply_reference(secret, key, person.key) for person in (OWNER, DELEGATE)}
    assert len(set(references.values())) == 2
    for address, reference in references.items():
        assert mails[address]["References"] == mails[address]["In-Reply-To"]
        assert mails[address]["References"].startswith(f"<{reference}@")
    shown = await seen(api, ticket)
    assert shown["viewerHasUnread"]
    assert shown["messages"]["nodes"][-1]["author"] == {"__typename": "SupportAgent", "displayName": "Ada"}
    assert shown["status"] == "WAITING_CUSTOMER"


async def test_an_english_reader_is_written_to_in_english(api: Api) -> None:
    ticket = await a_ticket(api, FREE)
    await mailed(api)
    await desk(api, ANSWER, ticketId=ticket, body="Done.")
    text, _ = parts((await mailed(api))[FREE.email])
    assert "Ada, of our team, answered" in text


async def test_no_customer_sees_a_note_or_who_has_the_ticket(api: Api) -> None:
    answered = await opened(api)
    ticket, number = answered["ticket"]["id"], answered["ticket"]["number"]
    secret, marks = await supporting(api), ("qx-note-vz", "Grace-qx", "Agent-qx")
    before = await seen(api, ticket)
    noted = await desk(api, NOTE, secret, ticketId=ticket, text=marks[0], agent=marks[2])
    given = await desk(api, ASSIGN, secret, ticketId=ticket, assignee=marks[1], agent=marks[2])
    assert noted == given == {"changed": True, "userErrors": []}
    shown = await desk(api, DESK, secret, number=number)
    assert (shown["notes"], shown["assignee"]) == ([{"agent": marks[2], "text": marks[0]}], marks[1])
    assert await seen(api, ticket) == before
    assert await mailed(api) == {}
    (note,) = [row for row in await api.rows(TicketNote) if row.text == marks[0]]
    history = await api.ask(ACTIVITY, token=await api.token())
    ids = [global_id(kind, note.id) for kind in ("TicketNote", "TicketDesk", "TicketMessage", "Ticket")]
    found = await api.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids}, token=await api.token())
    assert found.data["nodes"] == [None] * 4
    searched = await api.ask(
        '{ viewer { tickets(filter: {search: "qx note vz"}) { totalCount } } }', token=await api.token()
    )
    assert searched.data["viewer"]["tickets"]["totalCount"] == 0
    for mark in marks:
        assert mark not in history.text
    assert await desk(api, ASSIGN, secret, ticketId=ticket) == {"changed": True, "userErrors": []}
    assert (await desk(api, DESK, secret, number=number))["assignee"] is None


def test_no_type_of_the_customers_schema_holds_what_is_the_teams(api: Api) -> None:
    """The staff schema has types of its own for that."""
    printed = api.bound.schema.as_str()
    for word in ("TicketDesk", "TicketNote", "assignee", "DeskTicket", "consent"):
        assert word not in printed


async def test_what_the_team_does_is_in_the_customers_history(api: Api) -> None:
    ticket = await a_ticket(api)
    await desk(api, ANSWER, ticketId=ticket, body="Done.")
    closed = await desk(api, CLOSE_FOR, ticketId=ticket, reason="Repaired")
    assert closed == {"changed": True, "userErrors": []}
    again = await desk(api, CLOSE_FOR, ticketId=ticket, reason="Repaired")
    assert [each["code"] for each in again["userErrors"]] == ["CONFLICT"]
    events = (await api.ask(ACTIVITY, token=await api.token())).data["viewer"]["activity"]["nodes"]
    by_team = [each for each in events if each["channel"] == "SUPPORT"]
    assert [each["action"] for each in by_team] == ["ticket.closed", "ticket.message_added"]
    assert {(each["actor"]["__typename"], each["actor"]["displayName"]) for each in by_team} == {
        ("SupportAgent", "Ada")
    }
    assert {each["subject"]["__typename"] for each in by_team} == {"Ticket"}
    assert [row.facts["reason"] for row in await api.rows(ActivityEvent) if row.kind == "ticket.closed"] == ["Repaired"]
    assert (await replied(api, ticket))["ticket"]["status"] == "WAITING_SUPPORT"


async def test_tickets_are_found_by_words_over_all_customers(api: Api, clock: FrozenClock) -> None:
    secret = await supporting(api)
    numbers = []
    for person, subject in ((OWNER, "Émeu"), (FREE, "emeu two"), (OWNER, "émeu three"), (FREE, "other")):
        clock.move(timedelta(minutes=1))
        numbers.append((await opened(api, person, subject=subject, body="a b c"))["ticket"]["number"])
    first, second, third, fourth = numbers

    async def found(**given: Any) -> list[int]:
        page = await desk(api, SEARCH, secret, input=given)
        return [each["number"] for each in page["tickets"]]

    assert await found(search="EMEU") == [third, second, first]
    assert await found(search="émeu two") == [second]
    assert await found(search="b emeu", profileId=profile_id(FREE)) == [second]
    assert await found(search="emeu", status=["CLOSED"]) == []
    assert await found(search="emeu", category=["BILLING"]) == [third, second, first]
    assert (await found())[:4] == [fourth, third, second, first]
    ticket = global_id("Ticket", next(row.id for row in await api.rows(Ticket) if row.number == second))
    await desk(api, ASSIGN, secret, ticketId=ticket, assignee="Grace")
    assert await found(assignee="Grace") == [second]
    page = await desk(api, SEARCH, secret, input={"search": "emeu", "first": 2})
    rest = await desk(api, SEARCH, secret, input={"search": "emeu", "first": 2, "after": page["next"]})
    assert [each["number"] for each in page["tickets"] + rest["tickets"]] == [third, second, first]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "given",
    [
        {"first": 0},
        {"first": 101},
        {"after": "nonsense"},
        {"after": ""},
        {"after": "MjAyNi0xMS0yMnxh"},
        {"search": "x" * 201},
    ],
)
async def test_a_search_that_is_none_is_wrong_input(api: Api, given: Any) -> None:
    answered = await staff(api, await supporting(api), SEARCH, {"input": given})
    assert answered.codes == ["BAD_USER_INPUT"]


async def test_only_the_last_messages_are_shown_and_those_before_by_their_place(api: Api) -> None:
    answered = await opened(api)
    for number in range(3):
        await replied(api, answered["ticket"]["id"], body=f"reply {number}")
    secret, number = await supporting(api), answered["ticket"]["number"]
    shown = await desk(api, DESK, secret, number=number)
    assert [each["position"] for each in shown["messages"]] == [1, 2, 3, 4]
    before = await desk(api, DESK, secret, number=number, before=3)
    assert [each["body"] for each in before["messages"]][1:] == ["reply 0"]
    assert await desk(api, DESK, secret, number=2**31 - 1) is None


async def test_only_the_support_team_is_let_in(api: Api) -> None:
    ticket = await a_ticket(api)
    abuse = await credential(api, ServiceScope.ABUSE, name="abuse")
    calls: list[tuple[str, dict[str, Any]]] = [
        (OPEN_FOR, {"profileId": profile_id(OWNER), **GOOD}),
        (ANSWER, {"ticketId": ticket, "body": "x"}),
        (NOTE, {"ticketId": ticket, "text": "x"}),
        (ASSIGN, {"ticketId": ticket}),
        (CLOSE_FOR, {"ticketId": ticket, "reason": "x"}),
        (DECIDE, {"ticketId": ticket, "charged": True, "reason": "x"}),
    ]
    before = len(await api.rows(ActivityEvent))
    for document, given in calls:
        answered = await staff(api, abuse, document, {"input": {"agent": "Eve", **given}})
        assert answered.codes == ["FORBIDDEN"]
    for document, variables in ((DESK, {"number": 1}), (SEARCH, {"input": {}})):
        assert (await staff(api, abuse, document, variables)).codes == ["FORBIDDEN"]
    assert len(await api.rows(ActivityEvent)) == before


async def test_wrong_values_of_the_team_are_refused_at_their_field(api: Api) -> None:
    ticket, secret = await a_ticket(api), await supporting(api)
    for document, given, code, field in (
        (OPEN_FOR, {**GOOD, "profileId": profile_id(OWNER), "subject": " "}, "REQUIRED", "subject"),
        (OPEN_FOR, {**GOOD, "profileId": global_id("Profile", new_id())}, "NOT_FOUND", "profileId"),
        (OPEN_FOR, {**GOOD, "profileId": profile_id(FREE), "accountId": ATELIER}, "NOT_FOUND", "accountId"),
        (OPEN_FOR, {**GOOD, "profileId": profile_id(FREE), "serverId": FORGE_ID}, "NOT_FOUND", "serverId"),
        (OPEN_FOR, {**GOOD, "profileId": profile_id(OWNER), "agent": ""}, "REQUIRED", "agent"),
        (ANSWER, {"ticketId": ticket, "body": "x", "agent": "x" * 61}, "REQUIRED", "agent"),
        (ANSWER, {"ticketId": ticket, "body": ""}, "REQUIRED", "body"),
        (ANSWER, {"ticketId": global_id("Ticket", new_id()), "body": "x"}, "NOT_FOUND", "ticketId"),
        (NOTE, {"ticketId": ticket, "text": "x" * 5_001}, "REQUIRED", "text"),
        (NOTE, {"ticketId": profile_id(OWNER), "text": "x"}, "NOT_FOUND", "ticketId"),
        (ASSIGN, {"ticketId": ticket, "assignee": " "}, "REQUIRED", "assignee"),
        (CLOSE_FOR, {"ticketId": ticket, "reason": ""}, "REQUIRED", "reason"),
    ):
        (error,) = (await desk(api, document, secret, **given))["userErrors"]
        assert (error["code"], error["field"]) == (code, ["input", field]), (document, given)
