"""Opening accounts in tests: what is asked, and the plans by their codes."""

from typing import Any
from uuid import uuid4

from sqlalchemy import select

from models.column import table
from models.db import Db
from models.plan import Plan
from schema.global_id import global_id
from tests.api import OWNER, Answer, Api, profile_id

LINES = """lines { label quantity unitPrice { amount } total { net { amount currency } }
  periodStart periodEnd explanation }"""
ERROR = "__typename code message field"
QUOTE = f"""query Price($id: ID!, $input: AccountOpenQuoteInput!) {{ node(id: $id) {{ ... on Profile {{
  accountOpenQuote(input: $input) {{ token expiresAt charge {{ net {{ amount }} }} refund {{ amount }} warnings {LINES}
    blockers {{ {ERROR} ... on LimitError {{ limit used }} }} }} }} }} }}"""
OPEN = f"""mutation Open($input: AccountOpenInput!) {{ accountOpen(input: $input) {{
  account {{ id name status owner {{ id }} plan {{ code }} server {{ id }}
    subscription {{ period status periodStart periodEnd renews }} }}
  userErrors {{ {ERROR} ... on ThrottleError {{ retryAt }}
    ... on QuoteError {{ current {{
      token expiresAt charge {{ net {{ amount }} }} {LINES} blockers {{ code }} }} }} }} }} }}"""
PASSWORD = "marmot ladder vinegar quilt"


async def plan_id(api: Api, code: str) -> str:
    """The id of a plan."""
    async with Db(api.database) as db:
        row = await db.first(select(table(Plan).c.id).where(table(Plan).c.code == code))
    assert row is not None
    return global_id("Plan", row.id)


async def on_plan(api: Api, name: str, code: str, period: str = "MONTHLY") -> dict[str, Any]:
    """A wish for an account on a plan."""
    return {"name": name, "target": {"publicCloud": {"planId": await plan_id(api, code), "period": period}}}


def on_server(name: str, server_id: str) -> dict[str, Any]:
    """A wish for an account on a server."""
    return {"name": name, "target": {"serverId": server_id}}


async def price(api: Api, token: str, wish: Any, owner: Any = OWNER) -> Answer:
    """What a profile is quoted."""
    return await api.ask(QUOTE, {"id": profile_id(owner), "input": wish}, token=token)


async def quoted(api: Api, token: str, wish: Any, owner: Any = OWNER) -> Any:
    """The quote itself."""
    return (await price(api, token, wish, owner)).data["node"]["accountOpenQuote"]


async def wanted(api: Api, token: str, wish: Any, owner: Any = OWNER, **values: Any) -> dict[str, Any]:
    """An input of accountOpen, with a fresh quote and a fresh key."""
    quote = values.pop("quoteToken", None) or (await quoted(api, token, wish, owner))["token"]
    return {
        "ownerId": profile_id(owner),
        "servicePassword": PASSWORD,
        "account": wish,
        "quoteToken": quote,
        "idempotencyKey": str(uuid4()),
        **values,
    }


async def opened(api: Api, token: str, given: Any) -> Any:
    """What opening answers."""
    return (await api.ask(OPEN, {"input": given}, token=token)).data["accountOpen"]


def codes(payload: Any) -> list[str]:
    """The codes of its business errors."""
    return [error["code"] for error in payload["userErrors"]]
