"""The life of subscriptions in tests: accounts opened over the API on a clock that is moved over the API."""

from typing import Any
from uuid import uuid4

from sqlalchemy import select

from models.charge import Charge
from models.column import table
from models.db import Db
from models.invoice import Invoice
from models.invoice_line import InvoiceLine
from models.issuer import Office
from models.journal import JournalEntry
from models.profile import Profile
from models.setting import Figures
from models.subscription import Subscription, SubscriptionStatus
from models.subscription_period import SubscriptionPeriod
from resolvers import ledger
from schema.global_id import global_id
from tests.api import OWNER, Api, profile_id
from tests.hosting import account, answer
from tests.opening import ERROR, LINES, on_plan, opened, plan_id, wanted
from tests.patience import PATIENT

OFFICE = Office(Figures(**PATIENT), sandbox=True)
MOVE = """mutation Move($to: DateTime!) { sandboxClockAdvance(input: {to: $to}) {
  sandbox { now } userErrors { code message } } }"""
AMOUNTS = "net { amount } tax { amount } gross { amount } taxRate"
PRICE = f"""token expiresAt charge {{ {AMOUNTS} }} refund {{ amount }} balanceAfter {{ amount }} invoicedOn dueOn
  warnings
  {LINES} blockers {{ {ERROR} ... on PlanTooSmallError {{ diskUsedBytes diskQuotaBytes }} }}"""
CHANGE_QUOTE = f"""query Price($id: ID!, $plan: ID!, $period: BillingPeriod!) {{ node(id: $id) {{ ... on Account {{
  planChangeQuote(planId: $plan, period: $period) {{ {PRICE} }} }} }} }}"""
CHANGE = f"""mutation Change($input: AccountPlanChangeInput!) {{ accountPlanChange(input: $input) {{
  account {{ id status plan {{ code }} subscription {{ period periodStart periodEnd }} }}
  refund {{ kind amount {{ amount }} balanceAfter {{ amount }} }}
  userErrors {{ {ERROR} ... on PlanTooSmallError {{ diskUsedBytes diskQuotaBytes }}
    ... on QuoteError {{ current {{ token refund {{ amount }} balanceAfter {{ amount }} }} }} }} }} }}"""
DAY_QUOTE = f"""query Price($id: ID!, $day: Int) {{ node(id: $id) {{ ... on Profile {{
  invoicingDayQuote(day: $day) {{ {PRICE} }} }} }} }}"""
DAY = f"""mutation Day($input: InvoicingDayUpdateInput!) {{ invoicingDayUpdate(input: $input) {{
  billing {{ invoicingDay balance {{ amount }} }} invoice {{ number total {{ {AMOUNTS} }} }}
  userErrors {{ {ERROR} ... on QuoteError {{ current {{ token }} }} }} }} }}"""
BALANCE = "query Balance($id: ID!) { node(id: $id) { ... on Profile { billing { balance { amount } } } } }"


async def move(api: Api, to: str, person: Any = OWNER) -> None:
    """Move the clock; what falls due on the way happens."""
    payload = (await api.ask(MOVE, {"to": to}, token=await api.token(person))).data["sandboxClockAdvance"]
    assert payload["userErrors"] == []


async def alone(api: Api, person: Any = OWNER) -> None:
    """Without what the demo has running for a person: only what a test does is on their balance."""
    subscriptions = table(Subscription)
    over = {"status": SubscriptionStatus.ENDED, "renews_at": None, "notice_at": None, "account_id": None}
    async with Db(api.database) as db:
        mine = subscriptions.update().where(subscriptions.c.owner_id == person.key)
        await db.note(mine.values(**over, ended_on=subscriptions.c.period_end))


async def open_account(api: Api, name: str, code: str, period: str = "MONTHLY", person: Any = OWNER) -> str:
    """An account on a plan, set up; answers its id."""
    token = await api.token(person)
    payload = await opened(api, token, await wanted(api, token, await on_plan(api, name, code, period), person))
    assert payload["userErrors"] == []
    await answer(api)
    return global_id("Account", (await account(api, name)).id)


async def change_quote(api: Api, key: str, code: str, period: str = "MONTHLY", person: Any = OWNER) -> Any:
    """What another plan is quoted at."""
    variables = {"id": key, "plan": await plan_id(api, code), "period": period}
    answer = await api.ask(CHANGE_QUOTE, variables, token=await api.token(person))
    return answer.data["node"]["planChangeQuote"]


async def change(
    api: Api, key: str, code: str, period: str = "MONTHLY", person: Any = OWNER, token: str | None = None, **values: Any
) -> Any:
    """Change the plan as it is quoted now, or by `token`."""
    given = {
        "accountId": key,
        "planId": await plan_id(api, code),
        "period": period,
        "quoteToken": token or (await change_quote(api, key, code, period, person))["token"],
        "idempotencyKey": str(uuid4()),
        **values,
    }
    return (await api.ask(CHANGE, {"input": given}, token=await api.token(person))).data["accountPlanChange"]


async def day_quote(api: Api, day: int | None, person: Any = OWNER) -> Any:
    """What an invoicing day is quoted at."""
    variables = {"id": profile_id(person), "day": day}
    return (await api.ask(DAY_QUOTE, variables, token=await api.token(person))).data["node"]["invoicingDayQuote"]


async def choose_day(api: Api, day: int | None, person: Any = OWNER, **values: Any) -> Any:
    """Choose an invoicing day as it is quoted now."""
    given = {
        "profileId": profile_id(person),
        "day": day,
        "quoteToken": (await day_quote(api, day, person))["token"],
        "idempotencyKey": str(uuid4()),
        **values,
    }
    return (await api.ask(DAY, {"input": given}, token=await api.token(person))).data["invoicingDayUpdate"]


async def balance(api: Api, person: Any = OWNER) -> str:
    """A balance, as its owner reads it."""
    answer = await api.ask(BALANCE, {"id": profile_id(person)}, token=await api.token(person))
    amount: str = answer.data["node"]["billing"]["balance"]["amount"]
    return amount


async def pay(api: Api, cents: int, person: Any = OWNER) -> None:
    """Money comes in."""
    async with Db(api.database) as db, db.write() as write:
        await ledger.book_payment(write, person.key, cents)


async def documents(api: Api, person: Any = OWNER) -> list[tuple[str, str, int, int]]:
    """What was issued to a person, in order: kind, day, net and VAT."""
    rows = [row for row in await api.rows(Invoice) if row.owner_id == person.key]
    found = sorted(rows, key=lambda row: row.position)
    return [(row.kind.value, row.issued_on.isoformat(), row.net_cents, row.tax_cents) for row in found]


async def movements(api: Api, person: Any = OWNER) -> list[tuple[str, int]]:
    """The movements of a balance, in order."""
    rows = [row for row in await api.rows(JournalEntry) if row.owner_id == person.key]
    return [(row.kind.value, row.amount_cents) for row in sorted(rows, key=lambda row: row.position)]


async def periods(api: Api, key: str) -> list[tuple[str, str, int]]:
    """The periods that were charged for an account, in order."""
    async with Db(api.database) as db:
        subscriptions, rows = table(Subscription), table(SubscriptionPeriod)
        found = await db.rows(
            select(rows.c.starts_on, rows.c.ends_before, rows.c.net_cents)
            .join(subscriptions, subscriptions.c.id == rows.c.subscription_id)
            .where(subscriptions.c.account_id == (await account(api, key)).id)
            .order_by(rows.c.starts_on, subscriptions.c.created_at)
        )
    return [(row.starts_on.isoformat(), row.ends_before.isoformat(), row.net_cents) for row in found]


async def canonical(api: Api) -> list[Any]:
    """The ledger without ids, hashes and real time: what two ways to the same day have to agree on."""
    owners = {row.id: row.email for row in await api.rows(Profile)}
    entries = [
        (owners[row.owner_id], row.position, row.kind.value, row.amount_cents, row.balance_after_cents, row.booked_at)
        for row in await api.rows(JournalEntry)
        if row.owner_id
    ]
    numbers = {row.id: row.number for row in await api.rows(Invoice)}
    lines = [
        (numbers[row.invoice_id], row.position, row.label_en, row.net_cents, row.tax_cents, row.period_start)
        for row in await api.rows(InvoiceLine)
    ]
    charges = [(row.label_en, row.net_cents, row.status.value, row.due_at) for row in await api.rows(Charge)]
    return [sorted(entries), sorted(lines), sorted(charges)]
