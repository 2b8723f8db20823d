"""Many clients on one profile: what each did is counted by the clients, and compared with what the books say."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update

from app import worker
from app.settings import Settings
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.column import table
from models.conflict import Busy
from models.db import Db
from models.session import Session
from resolvers import ledger, ledger_seal
from tests.api import OWNER, Api, profile_id
from tests.cycle import alone, open_account
from tests.hosting import answer
from tests.opening import PASSWORD, plan_id

SETTINGS = Settings()
CLIENTS, COPIES, PATIENCE = 16, 4, 60
STEP, DAY = timedelta(minutes=5), timedelta(hours=12)
AGAIN = {"IDEMPOTENCY_IN_PROGRESS", "UNAVAILABLE"}
PLANS, PERIODS = ("small", "medium", "large"), ("MONTHLY", "YEARLY")
WEIGHTS = {"change": 40, "renew": 22, "pay": 16, "day": 16, "open": 6}
"""How often each is done."""
PRICE = "token blockers { code }"
OPEN_QUOTE = f"""query ($id: ID!, $input: AccountOpenQuoteInput!) {{ node(id: $id) {{ ... on Profile {{
  price: accountOpenQuote(input: $input) {{ {PRICE} }} }} }} }}"""
OPEN = """mutation ($input: AccountOpenInput!) { accountOpen(input: $input) {
  account { id } userErrors { code } } }"""
CHANGE_QUOTE = f"""query ($id: ID!, $plan: ID!, $period: BillingPeriod!) {{ node(id: $id) {{ ... on Account {{
  price: planChangeQuote(planId: $plan, period: $period) {{ {PRICE} }} }} }} }}"""
CHANGE = """mutation ($input: AccountPlanChangeInput!) { accountPlanChange(input: $input) {
  account { id } refund { id amount { amount } } userErrors { code } } }"""
DAY_QUOTE = f"""query ($id: ID!, $day: Int) {{ node(id: $id) {{ ... on Profile {{
  price: invoicingDayQuote(day: $day) {{ {PRICE} }} }} }} }}"""
DAY_UPDATE = """mutation ($input: InvoicingDayUpdateInput!) { invoicingDayUpdate(input: $input) {
  billing { id } invoice { id number } userErrors { code } } }"""
RUNNING = "query ($id: ID!) { node(id: $id) { ... on Account { subscription { id } } } }"
RENEW = """mutation ($input: SubscriptionRenewalUpdateInput!) { subscriptionRenewalUpdate(input: $input) {
  subscription { id } userErrors { code } } }"""


@dataclass(frozen=True)
class Intent:
    """What is to be done once."""

    name: str
    document: str
    given: Any


@dataclass
class Crowd:
    """Clients of one profile, and what they know to have happened."""

    api: Api
    chance: random.Random
    left: int
    """Mutations still to be sent."""
    tokens: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    plans: dict[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    """What succeeded, each intent once."""
    refused: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    """What was told to be tried again."""
    kept: dict[UUID, Any] = field(default_factory=dict)
    """The answer to each key."""
    paid_cents: int = 0
    before: Counter[str] = field(default_factory=Counter)
    """The facts that were there already."""
    unsure: dict[UUID, Intent] = field(default_factory=dict)
    """What was sent and never answered."""
    asked: dict[UUID, Intent] = field(default_factory=dict)
    """What was answered."""
    lost: Counter[str] = field(default_factory=Counter)
    """What has no key, and was never answered."""
    weights: dict[str, int] = field(default_factory=WEIGHTS.copy)

    async def come(self, clients: int) -> None:
        """So many sign in, and look at the plans."""
        self.tokens = [await self.api.token(OWNER) for _ in range(clients)]
        await self._stay_signed_in()
        self.plans = {code: await plan_id(self.api, code) for code in PLANS}

    async def _stay_signed_in(self) -> None:
        """However long a busy machine takes for all of it, while time passes."""
        until = self.api.database.clock.now() + 2 * DAY
        async with Db(self.api.database) as db:
            await db.note(update(table(Session)).values(access_expires_at=until))

    async def gather(self) -> None:
        """Everybody at once, beside the clock and those who run the machines."""
        over = asyncio.Event()
        machines = asyncio.create_task(self._work(over))
        try:
            await asyncio.gather(*(self.go_on(token) for token in self.tokens))
        finally:
            over.set()
            await machines

    async def go_on(self, token: str) -> None:
        """Do one thing after the other."""
        acts: dict[str, Callable[[str], Awaitable[None]]] = {
            "change": self.change, "renew": self.renew, "pay": self.pay, "day": self.day, "open": self.open
        }  # fmt: skip
        while self.left > 0:
            (name,) = self.chance.choices(list(self.weights), list(self.weights.values()))
            await acts[name](token)

    async def _work(self, over: asyncio.Event) -> None:
        """Time passes, invoices fall due, entries are sealed, new accounts are set up."""
        clock, passed = self.api.database.clock, timedelta()
        assert isinstance(clock, FrozenClock)
        while not over.is_set():
            if passed < DAY:
                passed += STEP
                clock.move(STEP)
            async with Db(self.api.database) as db:
                await worker.fall_due(db, SETTINGS)
                await ledger_seal.seal(db)
            await answer(self.api)
            await asyncio.sleep(0.1)

    async def ask(self, document: str, variables: Any, token: str) -> Any:
        """The data of an answer; the codes of what was refused, to be tried again or not."""
        given = await self.api.ask(document, variables, token=token)
        assert given.status == 200, given.text
        if given.errors:
            assert set(given.codes) <= AGAIN, given.text
            return {"userErrors": [{"code": code} for code in given.codes]}
        (payload,) = given.data.values()
        return payload

    async def sent(self, document: str, given: Any, token: str) -> Any:
        """What a mutation answers at last."""
        self.left -= 1
        for _ in range(PATIENCE):
            payload = await self.ask(document, {"input": given}, token)
            codes = {error["code"] for error in payload["userErrors"]}
            if not codes & AGAIN:
                return payload
            self.repeated.update(codes)
            await asyncio.sleep(0.1)
        raise AssertionError(f"never answered: {payload}")

    async def keyed(self, name: str, document: str, given: Any, token: str) -> None:
        """One intent, perhaps from several clients at once: it is carried out once, and answered the same."""
        key = uuid4()
        intent = self.unsure[key] = Intent(name, document, {**given, "idempotencyKey": str(key)})
        tokens = [token, *self.chance.sample(self.tokens, self.chance.choice([0, 0, COPIES - 1]))]
        sent = (self.sent(document, intent.given, each) for each in tokens)
        answers = await asyncio.gather(*sent, return_exceptions=True)
        errors = [answer for answer in answers if isinstance(answer, BaseException)]
        self._settle(key, [answer for answer in answers if isinstance(answer, dict)], whole=not errors)
        if errors:
            raise errors[0]

    async def take_up(self) -> None:
        """Ask again whatever was asked: what was answered is answered the same, what was not is settled now."""
        for key, intent in self.asked.items():
            payload = await self.sent(intent.document, intent.given, self.tokens[0])
            assert payload == self.kept[key]
        for key, intent in list(self.unsure.items()):
            self._settle(key, [await self.sent(intent.document, intent.given, self.tokens[0])], whole=True)

    def _settle(self, key: UUID, payloads: Sequence[Any], *, whole: bool) -> None:
        good = [payload for payload in payloads if not payload["userErrors"]]
        self.refused.update(error["code"] for payload in payloads for error in payload["userErrors"])
        if good:
            assert good == [good[0]] * len(good)
            intent = self.asked[key] = self.unsure[key]
            self.done[intent.name] += 1
            self.kept[key] = good[0]
        if good or whole:
            del self.unsure[key]

    async def price(self, document: str, variables: Any, token: str) -> str | None:
        """The token of a quote; None where something stands in the way."""
        quote: dict[str, str | None] = (await self.ask(document, variables, token))["price"]
        return quote["token"]

    async def open(self, token: str) -> None:
        name = f"shop{self.chance.randrange(10**12)}"
        target = {"publicCloud": {"planId": self.plans["small"], "period": "MONTHLY"}}
        wish = {"name": name, "target": target}
        if price := await self.price(OPEN_QUOTE, {"id": profile_id(OWNER), "input": wish}, token):
            given = {"account": wish, "servicePassword": PASSWORD, "quoteToken": price}
            await self.keyed("open", OPEN, given, token)

    async def change(self, token: str) -> None:
        key, plan = self.chance.choice(self.accounts), self.plans[self.chance.choice(PLANS)]
        period = self.chance.choice(PERIODS)
        if price := await self.price(CHANGE_QUOTE, {"id": key, "plan": plan, "period": period}, token):
            given = {"accountId": key, "planId": plan, "period": period, "quoteToken": price}
            await self.keyed("change", CHANGE, given, token)

    async def day(self, token: str) -> None:
        day = self.chance.randrange(1, 29)
        if price := await self.price(DAY_QUOTE, {"id": profile_id(OWNER), "day": day}, token):
            await self.keyed("day", DAY_UPDATE, {"day": day, "quoteToken": price}, token)

    async def renew(self, token: str) -> None:
        running = (await self.ask(RUNNING, {"id": self.chance.choice(self.accounts)}, token))["subscription"]
        given = {"subscriptionId": running["id"], "renews": self.chance.random() < 0.7}
        self.lost["renew"] += 1
        payload = await self.sent(RENEW, given, token)
        self.lost["renew"] -= 1
        self.refused.update(error["code"] for error in payload["userErrors"])
        self.done["renew"] += not payload["userErrors"]

    async def pay(self, token: str) -> None:
        cents = self.chance.randrange(1, 5_000)
        self.left -= 1
        for _ in range(PATIENCE):
            try:
                async with Db(self.api.database) as db, db.write() as write:
                    await ledger.book_payment(write, OWNER.key, cents)
            except Busy:
                self.repeated["Busy"] += 1
                continue
            self.done["pay"] += 1
            self.paid_cents += cents
            return
        raise AssertionError("never booked")


async def crowd(api: Api, seed: int, count: int) -> Crowd:
    """Clients on some accounts of the demo's owner, once they have done all they should."""
    await alone(api)
    accounts = [await open_account(api, f"hot{number}", "small") for number in range(4)]
    made = Crowd(api, random.Random(seed), count, accounts=accounts, before=await facts_of(api))
    await made.come(CLIENTS)
    await made.gather()
    return made


# What the books say


FACTS = {
    "open": ("account.opening_asked",),
    "change": ("account.plan_changed",),
    "day": ("profile.invoicing_day_changed",),
    "renew": ("subscription.renewal_stopped", "subscription.renewal_resumed"),
    "pay": ("ledger.payment",),
}


async def facts_of(api: Api) -> Counter[str]:
    """How many facts there are of each kind of intent."""
    kinds = Counter(row.kind for row in await api.rows(ActivityEvent))
    return Counter({name: sum(kinds[kind] for kind in facts) for name, facts in FACTS.items()})
