"""Tickets in tests: documents, what they answer, and the support team's side."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

from models.attachment import Attachment
from models.column import new_id
from models.service import ServiceCredential, ServiceScope
from models.ticket import Ticket, TicketMessage
from schema.global_id import global_id
from tests.api import OWNER, Api, profile_id
from tests.granting import put
from tests.test_access import credential, staff

OPEN = """mutation Open($input: TicketOpenInput!) { ticketOpen(input: $input) { ticket { id number status }
  userErrors { code field message ... on QuoteError { current { token } } } } }"""
REPLY = """mutation Reply($input: TicketReplyInput!) { ticketReply(input: $input) { ticket { status }
  message { id body } userErrors { code field message } } }"""
CLOSE = """mutation Close($id: ID!) { ticketClose(input: {ticketId: $id}) { ticket { status } userErrors { code } } }"""
REOPEN = """mutation Reopen($id: ID!) { ticketReopen(input: {ticketId: $id}) {
  ticket { status } userErrors { code } } }"""
READ = """mutation Read($id: ID!) { ticketMarkRead(input: {ticketId: $id}) {
  ticket { viewerHasUnread } userErrors { code } } }"""
SEEN = """query Seen($id: ID!) { node(id: $id) { ... on Ticket { number subject status viewerHasUnread viewerActions
  openedBy { __typename displayName } messages { nodes { body author { __typename displayName }
  attachments { filename contentType byteSize url } } } } } }"""
LISTED = """query Listed($id: ID!, $filter: TicketFilter, $order: TicketOrder) { node(id: $id) { ... on Profile {
  tickets(filter: $filter, orderBy: $order) { totalCount nodes { subject } } } } }"""
OPEN_FOR = """mutation OpenFor($input: TicketOpenForInput!) { ticketOpenFor(input: $input) {
  ticketId number userErrors { code field } } }"""
ANSWER = """mutation Answer($input: TicketAnswerInput!) { ticketAnswer(input: $input) {
  changed userErrors { code field } } }"""
NOTE = """mutation Note($input: TicketNoteAddInput!) { ticketNoteAdd(input: $input) {
  changed userErrors { code field } } }"""
ASSIGN = """mutation Assign($input: TicketAssignInput!) { ticketAssign(input: $input) {
  changed userErrors { code field } } }"""
CLOSE_FOR = """mutation CloseFor($input: TicketCloseForInput!) { ticketCloseFor(input: $input) {
  changed userErrors { code field } } }"""
DECIDE = """mutation Decide($input: UrgentFeeDecideInput!) { urgentFeeDecide(input: $input) {
  changed userErrors { code field } } }"""
DESK = """query Desk($number: Int!, $before: Int) { ticketDesk(number: $number, before: $before) {
  ticket { number subject status customerEmail account server messageCount
    fee { status net { amount } consent reason } }
  messages { position author fromSupport body files { filename url } } notes { agent text } assignee } }"""
SEARCH = """query Search($input: TicketSearch!) { ticketSearch(input: $input) { tickets { number subject } next } }"""


def asked(**values: Any) -> dict[str, Any]:
    """The input of a ticket that is good."""
    return {
        "subject": "The site is slow",
        "body": "Since yesterday **evening**.",
        "category": "BILLING",
        "idempotencyKey": str(uuid4()),
        **values,
    }


async def opened(api: Api, person: Any = OWNER, *, token: str | None = None, **values: Any) -> Any:
    """What opening a ticket answers."""
    token = token or await api.token(person)
    return (await api.ask(OPEN, {"input": asked(**values)}, token=token)).data["ticketOpen"]


async def a_ticket(api: Api, person: Any = OWNER, **values: Any) -> str:
    """The id of a ticket that was opened."""
    answered = await opened(api, person, **values)
    assert answered["userErrors"] == [], answered
    return str(answered["ticket"]["id"])


async def replied(api: Api, ticket: str, person: Any = OWNER, *, token: str | None = None, **values: Any) -> Any:
    given = {"ticketId": ticket, "body": "Any news?", **values}
    token = token or await api.token(person)
    return (await api.ask(REPLY, {"input": given}, token=token)).data["ticketReply"]


async def seen(api: Api, ticket: str, person: Any = OWNER, *, token: str | None = None) -> Any:
    return (await api.ask(SEEN, {"id": ticket}, token=token or await api.token(person))).data["node"]


async def subjects(api: Api, person: Any = OWNER, owner: Any = OWNER, **given: Any) -> list[str]:
    """The subjects of the owner's tickets that somebody sees."""
    answered = await api.ask(LISTED, {"id": profile_id(owner), **given}, token=await api.token(person))
    shown = answered.data["node"]["tickets"]
    assert shown["totalCount"] == len(shown["nodes"])
    return [each["subject"] for each in shown["nodes"]]


async def supporting(api: Api) -> str:
    """A credential of the support team; another one each time."""
    count = len(await api.rows(ServiceCredential))
    return await credential(api, ServiceScope.SUPPORT, name=f"support{count}")


async def desk(api: Api, document: str, secret: str | None = None, **given: Any) -> Any:
    """What the support team is answered, to the one field that it asks for."""
    variables = {"input": {"agent": "Ada", **given}} if document not in (DESK, SEARCH) else given
    answered = (await staff(api, secret or await supporting(api), document, variables)).data
    (found,) = answered.values()
    return found


async def key_of(api: Api, ticket: str) -> UUID:
    """The key behind a ticket's id."""
    found: UUID = next(row.id for row in await api.rows(Ticket) if global_id("Ticket", row.id) == ticket)
    return found


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def a_file(api: Api, person: Any = OWNER) -> UUID:
    """A file of a message of a ticket, without its bytes; answers its id."""
    ticket = await a_ticket(api, person, subject="attached")
    key = await key_of(api, ticket)
    (message,) = [row for row in await api.rows(TicketMessage) if row.ticket_id == key]
    row = Attachment(
        message_id=message.id,
        position=1,
        stored_as=new_id(),
        filename="log.txt",
        content_type="text/plain",
        byte_size=1,
        sha256=digest(b"."),
        created_at=message.created_at,
        owner_id=message.owner_id,
        category=message.category,
    )
    return await put(api, Attachment, **row.model_dump())
