"""Lives that are drawn: a customer does this and that, time goes by, and after each step the model has the same."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from models.quote import Quote
from models.refusal import Refusal
from tests.life_ground import Ground
from tests.life_model import QUOTE_LIFETIME, TERMS, Life, Price, shown
from tests.life_step import PLACES, STARTS, STEPS, landmarks
from tests.life_world import World, settled_in
from tests.oracle_calendar import midnight

ACCOUNTS = 3
A_YEAR, A_MONTH = timedelta(days=366), timedelta(days=31)


class LifeMachine(RuleBasedStateMachine):
    """What happens to a customer, and to their model."""

    runner: ClassVar[asyncio.Runner]
    ground: ClassVar[Ground]
    ended: ClassVar[list[int]]
    """How many entries each life had that was right to its end."""
    world: World
    life: Life

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """On the loop that the connections belong to."""
        return self.runner.run(what)

    @initialize(start=st.sampled_from(STARTS), minutes=st.integers(0, 120), place=st.sampled_from(PLACES))
    def settle_in(self, start: datetime, minutes: int, place: tuple[int, dict[str, Any]]) -> None:
        at = start + timedelta(minutes=minutes)
        database = self.run(self.ground.renew(at))
        self.world = self.run(settled_in(database, self.ground.clock, **place[1]))
        self.life = Life(at, place[0])

    @rule(step=STEPS)
    def step(self, step: tuple[Any, ...]) -> None:
        """One rule for all: of many, hypothesis would leave some out of each life."""
        getattr(self, step[0])(*step[1:])

    # What the customer does

    def open(self, plan: str, period: str, used: int, wait: int) -> None:
        if len(self.life.accounts) == ACCOUNTS:
            self.change(used, plan, period, wait)
            return
        name = f"site{len(self.life.accounts)}"
        self.run(
            self._buy(
                lambda: self.life.price_of_opening(plan, period),
                lambda: self.world.quote_opening(name, plan, period),
                wait,
                lambda token: self.world.open(name, plan, period, used, token),
                lambda price: self.life.open(name, plan, period, used, price),
            )
        )

    def change(self, place: int, plan: str, period: str, wait: int) -> None:
        if not self.life.accounts:
            self.open(plan, period, 0, wait)
            return
        name = f"site{place % len(self.life.accounts)}"
        self.run(
            self._buy(
                lambda: self.life.price_of_change(name, plan, period),
                lambda: self.world.quote_change(name, plan, period),
                wait,
                lambda token: self.world.change(name, plan, period, token),
                lambda price: self.life.change(name, plan, period, price),
            )
        )

    def choose_day(self, day: int | None, wait: int) -> None:
        self.run(
            self._buy(
                lambda: self.life.price_of_day(day),
                lambda: self.world.quote_day(day),
                wait,
                lambda token: self.world.choose_day(day, token),
                lambda price: self.life.choose_day(day, price),
            )
        )

    def renew(self, place: int, value: bool) -> None:
        begun = self.life.subscriptions
        if not begun:
            return
        mine = begun[-1 - place % len(begun)]
        rows = self.run(self.world.subscriptions())
        refused = self.run(refusal(self.world.renews(rows[begun.index(mine)].id, value)))
        same(refused, None if mine.running else "CONFLICT")
        mine.renews = value if mine.running else mine.renews

    def pay(self, cents: int | None) -> None:
        """So much, or what is owed."""
        cents = cents or max(1, -self.life.books.balance)
        self.run(self.world.pay(cents))
        self.life.books.pay(cents)

    def move_house(self, place: tuple[int, dict[str, Any]]) -> None:
        self.run(self.world.move_house(**place[1]))
        self.life.rate_bp = place[0]

    # What happens

    def time_goes_by(self, days: int, minutes: int) -> None:
        self._advance(self.life.now + timedelta(days=days, minutes=minutes))

    def time_goes_to_a_landmark(self, place: int) -> None:
        found = landmarks(self.life.now)
        self._advance(found[place % len(found)])

    def a_year_goes_by(self) -> None:
        """Or a month, where that would be many invoices."""
        monthly = [each for each in self.life.subscriptions if each.running and each.period == "MONTHLY"]
        self._advance(self.life.now + (A_MONTH if len(monthly) > 1 else A_YEAR))

    def prices_change(self, plan: str, period: str, cents: int, days: int) -> None:
        since = midnight(self.life.today + timedelta(days=days))
        versions = self.life.prices.setdefault((plan, period), [])
        if any(since <= before for before, _ in versions):
            return
        self.run(self.world.publish(plan, period, cents, since))
        versions.append((since, cents))

    # What is compared

    @invariant()
    def the_model_has_the_same(self) -> None:
        if not hasattr(self, "life"):
            return
        books = self.life.books
        same(self.run(self.world.balance()), (books.position, books.balance, books.bound))
        same(self.run(self.world.documents()), [each.shown for each in books.documents])
        same(self.run(self.world.shown()), shown(self.life.subscriptions))
        suspended = {each.name for each in self.life.accounts.values() if each.suspended}
        same(self.run(self.world.blocked()), suspended)
        for each in self.life.charges:
            self._alone_as_quoted(each)

    def teardown(self) -> None:
        if hasattr(self, "life"):
            found = self.run(self.world.verified())
            same((found.entries, found.unsealed), (self.life.books.position, 0))
            self.ended.append(found.entries)

    def _alone_as_quoted(self, charge: Any) -> None:
        """BIL-14. What is alone on its invoice, and was not cut, is billed as it was quoted."""
        if charge.line is not None and charge.quoted is not None and charge.rate_bp == charge.line.left.rate_bp:
            document = charge.line.document
            alone = sum(each.line is not None and each.line.document is document for each in self.life.charges) == 1
            same(not alone or (document.net, document.tax) == charge.quoted, True)

    def _advance(self, to: datetime) -> None:
        self.run(self.world.advance(to))
        self.life.advance(to)

    async def _buy(
        self,
        price: Callable[[], Price],
        quote: Callable[[], Awaitable[Quote]],
        wait: int,
        execute: Callable[[str | None], Awaitable[None]],
        happens: Callable[[Price], None],
    ) -> None:
        """BIL-14. What is quoted is what the model says; within 15 minutes exactly that is done, or nothing."""
        quoted, found = price(), await quote()
        note(f"{quoted}")
        same([each.code.value for each in found.blockers][:1], [quoted.refusal] if quoted.refusal else [])
        if not quoted.refusal:
            self._check(found, quoted)
        if wait:
            to = self.life.now + timedelta(minutes=wait)
            await self.world.advance(to)
            self.life.advance(to)
        now, refused = price(), await refusal(execute(found.token))
        same(refused, now.refusal or _stale(quoted, now, wait))
        if refused is None:
            happens(now)

    def _check(self, found: Quote, price: Price) -> None:
        reckoning = found.reckoning
        same((found.token is not None, found.balance_cents), (True, self.life.books.balance))
        same([(each.period_start, each.period_end, each.net_cents) for each in reckoning.lines], list(price.terms))
        same((reckoning.gross_cents, found.refund.cents), (price.gross, price.refund))
        same(found.balance_after.cents, self.life.books.balance + price.refund - price.gross)
        if reckoning.invoiced_on is not None:
            assert reckoning.due_on == reckoning.invoiced_on + TERMS


def same(found: Any, expected: Any) -> None:
    """Told with both where they differ: asserts are not explained in what is no test file."""
    if found != expected:
        lists = isinstance(found, list) and isinstance(expected, list)
        pairs = [pair for pair in zip_longest(found, expected) if pair[0] != pair[1]] if lists else [(found, expected)]
        raise AssertionError("\n".join(f"there is {one}\n   not {other}" for one, other in pairs[:3]))


def _stale(before: Price, now: Price, wait: int) -> str | None:
    if before.refusal:
        return "INVALID"  # There is no token.
    if timedelta(minutes=wait) >= QUOTE_LIFETIME:
        return "QUOTE_EXPIRED"
    return None if before == now else "QUOTE_CHANGED"


async def refusal(what: Awaitable[None]) -> str | None:
    """The code of the refusal, where it is refused."""
    try:
        await what
    except Refusal as refused:
        return refused.code.value
    return None
