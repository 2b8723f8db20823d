"""Transfers in tests: what is asked over the API, and the answers."""

from typing import Any
from uuid import uuid4

from sqlalchemy import update

from models.column import table
from models.db import Db
from models.profile import Profile
from models.transfer import Transfer
from schema.global_id import key_of
from tests.api import FREE, OWNER, Api
from tests.cycle import PRICE
from tests.opening import ERROR

CURRENT = "... on QuoteError { current { token refund { amount } charge { gross { amount } } } }"
SENDER_QUOTE = f"""query Price($id: ID!, $mode: TransferMode!) {{ node(id: $id) {{
  ... on Account {{ transferQuote(mode: $mode) {{ {PRICE} }} }}
  ... on Server {{ transferQuote(mode: $mode) {{ {PRICE} }} }} }} }}"""
START = f"""mutation Start($input: TransferStartInput!) {{ transferStart(input: $input) {{
  transfer {{ id status mode expiresAt closedAt recipient {{ displayName }} viewerActions senderRefund {{ amount }} }}
  userErrors {{ {ERROR} {CURRENT} }} }} }}"""
ACCEPT = f"""mutation Accept($input: TransferAcceptInput!) {{ transferAccept(input: $input) {{
  transfer {{ id status closedAt viewerActions
    item {{ ... on Account {{ name owner {{ id }} }} ... on Server {{ name }} }} }}
  invoice {{ id }}
  userErrors {{ {ERROR} ... on LimitError {{ limit used }} {CURRENT} }} }} }}"""
CANCEL = f"""mutation ($id: ID!) {{ transferCancel(input: {{transferId: $id}}) {{
  transfer {{ id status closedAt viewerActions }} userErrors {{ {ERROR} }} }} }}"""
DECLINE = CANCEL.replace("transferCancel", "transferDecline")
OFFER = f"""query ($id: ID!) {{ node(id: $id) {{ ... on Transfer {{ id status recipientQuote {{ {PRICE} }} }} }} }}"""
LISTED = """query ($filter: TransferFilter) { viewer { transfers(first: 10, filter: $filter) {
  totalCount nodes { id status mode createdAt } } } }"""
NOW, LATER = "BILL_AT_ACCEPTANCE", "KEEP_END_DATE"


async def sender_quote(api: Api, item: str, mode: str = NOW, person: Any = OWNER) -> Any:
    """What the owner is told before."""
    answer = await api.ask(SENDER_QUOTE, {"id": item, "mode": mode}, token=await api.token(person))
    return answer.data["node"]["transferQuote"]


async def start(
    api: Api,
    item: str,
    mode: str = NOW,
    *,
    to: Any = FREE,
    person: Any = OWNER,
    token: str | None = None,
    **values: Any,
) -> Any:
    """Offer something, as it is quoted now."""
    given = {
        "itemId": item,
        "recipientEmail": to if isinstance(to, str) else to.email,
        "mode": mode,
        "quoteToken": (await sender_quote(api, item, mode, person))["token"] or "none",
        "idempotencyKey": str(uuid4()),
        **values,
    }
    return (await api.ask(START, {"input": given}, token=await api.token(person))).data["transferStart"]


async def offered(api: Api, item: str, mode: str = NOW, *, to: Any = FREE, person: Any = OWNER) -> str:
    """An offer that waits; answers its id."""
    payload = await start(api, item, mode, to=to, person=person)
    assert payload["userErrors"] == []
    key: str = payload["transfer"]["id"]
    return key


async def recipient_quote(api: Api, transfer: str, person: Any = FREE) -> Any:
    """What the recipient is told before."""
    answer = await api.ask(OFFER, {"id": transfer}, token=await api.token(person))
    return answer.data["node"]["recipientQuote"]


async def accept(api: Api, transfer: str, person: Any = FREE, **values: Any) -> Any:
    """Take it over, as it is quoted now."""
    if "quoteToken" not in values:
        values["quoteToken"] = (await recipient_quote(api, transfer, person))["token"] or "none"
    given = {"transferId": transfer, "idempotencyKey": str(uuid4()), **values}
    return (await api.ask(ACCEPT, {"input": given}, token=await api.token(person))).data["transferAccept"]


async def cancel(api: Api, transfer: str, person: Any = OWNER) -> Any:
    return (await api.ask(CANCEL, {"id": transfer}, token=await api.token(person))).data["transferCancel"]


async def decline(api: Api, transfer: str, person: Any = FREE) -> Any:
    return (await api.ask(DECLINE, {"id": transfer}, token=await api.token(person))).data["transferDecline"]


async def row(api: Api, transfer: str) -> Any:
    """A transfer, as the database has it."""
    key = key_of(transfer, "Transfer")
    return next(each for each in await api.rows(Transfer) if each.id == key)


async def address(api: Api, person: Any = FREE, **values: Any) -> None:
    """A person that an invoice can be made out to."""
    given = {
        "first_name": "Kim",
        "last_name": "Beispiel",
        "street_lines": ["Beispielweg 1"],
        "postal_code": "10115",
        "city": "Berlin",
        "country": "DE",
        **values,
    }
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == person.key).values(**given))


async def changed(api: Api, model: Any, key: Any, **values: Any) -> None:
    """A row with other values, without the detour over the API."""
    async with Db(api.database) as db:
        await db.note(update(table(model)).where(table(model).c.id == key).values(**values))
