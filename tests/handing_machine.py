"""Two customers who hand accounts to and fro, as it is drawn, while plans change and invoices fall due."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from models.account import Account
from models.charge import Charge, ChargeStatus
from models.column import table
from models.db import Db
from models.journal import EntryKind, JournalEntry
from models.profile import Profile
from models.quote import Quote
from models.refusal import Refusal
from models.subscription import Subscription, SubscriptionStatus
from models.transfer import Transfer, TransferMode, TransferStatus
from resolvers import handover
from resolvers import transfer as acts
from resolvers.handover import Item
from tests.life_ground import Ground
from tests.life_machine import same
from tests.life_step import AHEAD, PERIODS, PLACES, STARTS
from tests.life_world import World, settled_in

ACCOUNTS, TRANSFERS, SUBSCRIPTIONS = table(Account), table(Transfer), table(Subscription)
ENTRIES, CHARGES, PROFILES = table(JournalEntry), table(Charge), table(Profile)
WHO, WHICH = st.integers(0, 1), st.integers(0, 2)
PLANS = st.sampled_from(["small", "medium", "large", "free"])
DRAWN: dict[str, tuple[int, list[st.SearchStrategy[Any]]]] = {
    "open": (2, [WHO, PLANS, PERIODS]),
    "offer": (6, [WHICH, st.sampled_from(TransferMode), st.sampled_from([True, True, False])]),
    "accept": (6, [WHICH, st.sampled_from([0, 0, 0, 0, 14, 15])]),
    "decline": (1, [WHICH]),
    "cancel": (1, [WHICH]),
    "change": (3, [WHICH, PLANS, PERIODS]),
    "renew": (1, [WHICH, st.booleans()]),
    "pay": (6, [WHO]),
    "choose_day": (1, [WHO, st.sampled_from([None, 1, 15, 28])]),
    "time_goes_by": (6, [AHEAD, st.integers(0, 1439)]),
}
"""How often each, and with what."""
STEPS: st.SearchStrategy[tuple[Any, ...]] = st.sampled_from(
    [name for name, (weight, _) in DRAWN.items() for _ in range(weight)]
).flatmap(lambda name: st.tuples(st.just(name), *DRAWN[name][1]))


class HandingMachine(RuleBasedStateMachine):
    """What they do, whom each account belongs to, and which transfers were accepted."""

    runner: ClassVar[asyncio.Runner]
    ground: ClassVar[Ground]
    accepted: ClassVar[Counter[TransferMode]]
    """How many transfers there were in all lives."""
    worlds: tuple[World, World]
    owners: dict[str, int]
    offers: dict[str, UUID]
    """What waits for an answer, by the account's name."""

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """On the loop that the connections belong to."""
        return self.runner.run(what)

    @initialize(start=st.sampled_from(STARTS), places=st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)))
    def settle_in(self, start: datetime, places: tuple[Any, Any]) -> None:
        database = self.run(self.ground.renew(start))
        one, two = (self.run(settled_in(database, self.ground.clock, **place[1])) for place in places)
        two.accounts, two.disks = one.accounts, one.disks  # Machines and names are the same for both.
        self.worlds, self.owners, self.offers = (one, two), {}, {}
        self.settled: dict[UUID, tuple[int, int]] = {}
        self.open(0, "small", "MONTHLY")

    @rule(step=STEPS)
    def step(self, step: tuple[Any, ...]) -> None:
        """One rule for all: of many, hypothesis would leave some out of each life."""
        getattr(self, step[0])(*step[1:])

    # What they do

    def open(self, who: int, plan: str, period: str) -> None:
        if len(self.owners) == 3:
            return
        name = f"site{len(self.owners)}"
        quote = self.run(self.worlds[who].quote_opening(name, plan, period))
        if quote.token is not None:
            self.run(self.worlds[who].open(name, plan, period, 0, quote.token))
            self.owners[name] = who

    def offer(self, which: int, mode: TransferMode, paying: bool) -> None:
        """What is owed is paid before, or not."""
        name = self._name(which)
        if paying:
            self.pay(self.owners[name])
        self.run(self._offered(name, mode))

    async def _offered(self, name: str, mode: TransferMode) -> None:
        sender, recipient = self._sides(name)
        item = Item(Account, sender.accounts[name])
        async with sender.db() as db:
            context = sender.context(db)
            (quote,) = await handover.quotes(context, [item.key], model=Account, mode=mode)
            same(quote.token is None, bool(quote.blockers))
            given: dict[str, Any] = {"mode": mode, "quote_token": quote.token or "none", "key": uuid4()}
            email = f"{recipient.owner}@example.com"
            try:
                key = await acts.start(context, item=item, email=email, **given)
            except Refusal as refused:
                same(type(refused), type(quote.blockers[0]) if quote.blockers else None)
                return
            same(await acts.start(context, item=item, email=email, **given), key)
        same(name in self.offers, False)
        self.offers[name] = key

    def accept(self, which: int, wait: int) -> None:
        """What is offered; where it is not, that comes first."""
        name = self._name(which)
        if name not in self.offers:
            self.offer(which, TransferMode.BILL_AT_ACCEPTANCE, paying=True)
        if name in self.offers:
            self.run(self._accepted(name, wait))

    async def _accepted(self, name: str, wait: int) -> None:
        sender, recipient = self._sides(name)
        key, before = self.offers[name], await self._money()
        async with recipient.db() as db:
            (quote,) = await handover.recipient_quotes(recipient.context(db), [key])
        async with sender.db() as db:
            (refund,) = await handover.refunds(sender.context(db), [key])
        assert quote is not None
        assert refund is not None
        await self._waited(wait)
        given: dict[str, Any] = {"key": key, "quote_token": quote.token or "none", "intent_key": uuid4()}
        async with recipient.db() as db:
            context = recipient.context(db)
            try:
                await handover.accept(context, **given)
            except Refusal as refused:
                same(bool(quote.blockers) or wait == 15 or refused.code.value == "QUOTE_CHANGED", True)
                return
            same(await handover.accept(context, **given), key)
        if wait == 0:
            await self._settled_as_quoted(name, quote, refund, before)
        self.owners[name] = 1 - self.owners[name]
        del self.offers[name]

    async def _waited(self, minutes: int) -> None:
        if minutes:
            await self.worlds[0].advance(await self._now() + timedelta(minutes=minutes))

    async def _settled_as_quoted(self, name: str, quote: Quote, refund: int, before: Any) -> None:
        """BIL-14. The sender has what they were told, at once; the recipient owes what they were told, later."""
        after, sender = await self._money(), self.owners[name]
        same(after[sender][0] - before[sender][0], refund)
        charged = sum(line.net_cents for line in quote.reckoning.lines)
        same(after[1 - sender], (before[1 - sender][0], before[1 - sender][1] + charged))

    def decline(self, which: int) -> None:
        self._ended(which, lambda sender, recipient: recipient, acts.decline)

    def cancel(self, which: int) -> None:
        self._ended(which, lambda sender, recipient: sender, acts.cancel)

    def _ended(self, which: int, side: Any, act: Any) -> None:
        name = self._name(which)
        if name not in self.offers:
            return

        async def ended(world: World) -> None:
            async with world.db() as db:
                await act(world.context(db), key=self.offers.pop(name))

        self.run(ended(side(*self._sides(name))))

    def change(self, which: int, plan: str, period: str) -> None:
        name = self._name(which)
        world = self.worlds[self.owners[name]]
        quote = self.run(world.quote_change(name, plan, period))
        codes = [each.code.value for each in quote.blockers]
        same("TRANSFER_PENDING" in codes, name in self.offers)
        if quote.token is not None:
            self.run(world.change(name, plan, period, quote.token))

    def renew(self, which: int, value: bool) -> None:
        name = self._name(which)
        world = self.worlds[self.owners[name]]
        for row in self.run(world.subscriptions()):
            if row.account_id == world.accounts[name] and row.status is SubscriptionStatus.ACTIVE:
                self.run(world.renews(row.id, value))

    def pay(self, who: int) -> None:
        """What is owed."""
        _, balance, _ = self.run(self.worlds[who].balance())
        if balance < 0:
            self.run(self.worlds[who].pay(-balance))

    def choose_day(self, who: int, day: int | None) -> None:
        quote = self.run(self.worlds[who].quote_day(day))
        if quote.token is not None:
            self.run(self.worlds[who].choose_day(day, quote.token))

    def time_goes_by(self, days: int, minutes: int) -> None:
        self.run(self.worlds[0].advance(self.run(self._now()) + timedelta(days=days, minutes=minutes)))
        lapsed = self.run(self._rows(TRANSFERS.select().where(TRANSFERS.c.status == TransferStatus.EXPIRED)))
        gone = {row.id for row in lapsed}
        self.offers = {name: key for name, key in self.offers.items() if key not in gone}

    # What has to be so at every instant

    @invariant()
    def each_account_has_one_owner_and_one_subscription_of_theirs(self) -> None:
        if not hasattr(self, "owners"):
            return
        keys = [world.owner for world in self.worlds]
        accounts = {row.name: row for row in self.run(self._rows(ACCOUNTS.select()))}
        same({name: row.owner_id for name, row in accounts.items()}, {n: keys[who] for n, who in self.owners.items()})
        offered = {name: row.transfer_id for name, row in accounts.items() if row.transfer_id}
        same(offered, self.offers)
        running = SUBSCRIPTIONS.select().where(SUBSCRIPTIONS.c.status != SubscriptionStatus.ENDED)
        owners = {row.id: row.owner_id for row in accounts.values()}
        for row in self.run(self._rows(running)):
            same(row.owner_id, owners[row.account_id])

    @invariant()
    def each_transfer_was_settled_once(self) -> None:
        """BIL-1. Refunds are those of plan changes and of acceptances; an acceptance keeps what it gave back."""
        if not hasattr(self, "owners"):
            return
        for row in self.run(self._rows(TRANSFERS.select())):
            same(row.refund_cents is None, row.status is not TransferStatus.ACCEPTED)
            found = (row.refund_cents, row.recipient_id)
            same(self.settled.setdefault(row.id, found) == found or self.settled[row.id][0] is None, True)
            self.settled[row.id] = found

    def teardown(self) -> None:
        if not hasattr(self, "owners"):
            return
        self.run(self.worlds[0].verified())
        rows = self.run(self._rows(TRANSFERS.select().where(TRANSFERS.c.status == TransferStatus.ACCEPTED)))
        self.accepted.update(row.mode for row in rows)
        refunds = self.run(self._rows(ENTRIES.select().where(ENTRIES.c.kind == EntryKind.PRORATA_REFUND)))
        same(sum(row.refund_cents for row in rows) <= sum(row.amount_cents for row in refunds), True)

    # What is read

    def _name(self, which: int) -> str:
        return f"site{which % len(self.owners)}"

    def _sides(self, name: str) -> tuple[World, World]:
        """Who has it, and the other one."""
        who = self.owners[name]
        return self.worlds[who], self.worlds[1 - who]

    async def _now(self) -> datetime:
        async with Db(self.worlds[0].database) as db:
            return await db.now()

    async def _money(self) -> list[tuple[int, int]]:
        """Of each the balance, and what they ordered and are not invoiced yet."""
        found = []
        for world in self.worlds:
            _, balance, _ = await world.balance()
            mine = CHARGES.c.owner_id == world.owner, CHARGES.c.status == ChargeStatus.PENDING
            found.append((balance, sum(row.net_cents for row in await self._rows(CHARGES.select().where(*mine)))))
        return found

    async def _rows(self, statement: Any) -> Any:
        async with Db(self.worlds[0].database) as db:
            return await db.rows(statement)
