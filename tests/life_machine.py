"""Lives that are drawn: a customer does this and that, time goes by, and after each step the model has the same."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from models.profile import ProfileKind
from models.quote import Quote
from models.refusal import Refusal
from tests.life_ground import Ground
from tests.life_model import LIST, QUOTE_LIFETIME, TERMS, Life, Price, shown
from tests.life_world import World, settled_in
from tests.oracle_calendar import ONE_DAY, civil, last_sunday, midnight

STARTS = [
    datetime(2026, 11, 22, 9, tzinfo=UTC),
    datetime(2026, 1, 31, 22, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 21, 45, tzinfo=UTC),
    datetime(2026, 12, 31, 20, tzinfo=UTC),
    datetime(2028, 1, 30, 23, 15, tzinfo=UTC),
    datetime(2028, 2, 28, 22, 50, tzinfo=UTC),
    datetime(2028, 2, 29, 10, tzinfo=UTC),
]
"""In the last hour before midnight in Paris, around the nights on which clocks change, at ends of months."""
PLACES: list[tuple[int, dict[str, Any]]] = [
    (2_000, {"kind": ProfileKind.COMPANY, "country": "FR", "postal_code": "75011"}),
    (850, {"kind": ProfileKind.COMPANY, "country": "FR", "postal_code": "97200"}),
    (1_900, {"kind": ProfileKind.INDIVIDUAL, "country": "DE", "postal_code": "10115"}),
    (0, {"kind": ProfileKind.COMPANY, "country": "US", "postal_code": "10001"}),
]
PLANS = st.sampled_from(["free", *LIST])
PERIODS = st.sampled_from(["MONTHLY", "MONTHLY", "YEARLY"])
DAYS = st.none() | st.sampled_from([1, 15, 28]) | st.integers(1, 28)
WAITS = st.sampled_from([0, 0, 0, 0, 14, 15])
"""Minutes between a price and its confirmation."""
ACCOUNTS = 3
FAR = timedelta(days=100)


def landmarks(now: datetime) -> list[datetime]:
    """The ends of months, and the nights that are shorter or longer, that are not far; to the second."""
    found: list[datetime] = []
    for month in range(now.month, now.month + 4):
        first = midnight(date(now.year + month // 12, month % 12 + 1, 1))
        found += [first - ONE_DAY, first - timedelta(seconds=1), first, first + timedelta(hours=6)]
    for year, month in ((now.year, 3), (now.year, 10), (now.year + 1, 3)):
        night = datetime.combine(last_sunday(year, month), datetime.min.time(), UTC) + timedelta(hours=1)
        found += [night - timedelta(seconds=1), night, midnight(civil(night)), midnight(civil(night) + ONE_DAY)]
    return sorted(each for each in found if now < each <= now + FAR)


class LifeMachine(RuleBasedStateMachine):
    """What happens to a customer, and to their model."""

    runner: ClassVar[asyncio.Runner]
    ground: ClassVar[Ground]
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

    # What the customer does

    @precondition(lambda self: len(self.life.accounts) < ACCOUNTS)
    @rule(plan=PLANS, period=PERIODS, used=st.sampled_from([0, 0, 40, 120]), wait=WAITS)
    def open(self, plan: str, period: str, used: int, wait: int) -> None:
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

    @precondition(lambda self: self.life.accounts)
    @rule(place=st.integers(0, ACCOUNTS - 1), plan=PLANS, period=PERIODS, wait=WAITS)
    def change(self, place: int, plan: str, period: str, wait: int) -> None:
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

    @rule(day=DAYS, wait=WAITS)
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

    @precondition(lambda self: self.life.subscriptions)
    @rule(place=st.integers(0, 5), value=st.booleans())
    def renew(self, place: int, value: bool) -> None:
        begun = self.life.subscriptions
        mine = begun[-1 - place % len(begun)]
        rows = self.run(self.world.subscriptions())
        refused = self.run(refusal(self.world.renews(rows[begun.index(mine)].id, value)))
        assert refused == (None if mine.running else "CONFLICT")
        mine.renews = value if mine.running else mine.renews

    @rule(cents=st.sampled_from([100, 10_000, 50_000]) | st.integers(1, 100_000), debt=st.booleans())
    def pay(self, cents: int, debt: bool) -> None:
        owed = max(0, -self.life.books.balance)
        cents = owed if debt and owed else cents
        self.run(self.world.pay(cents))
        self.life.books.pay(cents)

    @rule(place=st.sampled_from(PLACES))
    def move_house(self, place: tuple[int, dict[str, Any]]) -> None:
        self.run(self.world.move_house(**place[1]))
        self.life.rate_bp = place[0]

    # What happens

    @rule(days=st.sampled_from([0, 1, 2, 5, 9, 14, 28, 30, 31, 62, 366]), minutes=st.integers(0, 1439))
    def time_goes_by(self, days: int, minutes: int) -> None:
        self._advance(self.life.now + timedelta(days=days, minutes=minutes))

    @rule(place=st.integers(0, 30), behind=st.booleans())
    def time_goes_to_a_landmark(self, place: int, behind: bool) -> None:
        found = landmarks(self.life.now)
        self._advance(found[place % len(found)])

    @rule(plan=st.sampled_from(list(LIST)), period=PERIODS, cents=st.integers(1, 30_000), days=st.integers(1, 60))
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
        assert self.run(self.world.balance()) == (books.position, books.balance, books.bound)
        assert self.run(self.world.documents()) == [each.shown for each in books.documents]
        assert self.run(self.world.shown()) == shown(self.life.subscriptions)
        for each in self.life.charges:
            self._alone_as_quoted(each)

    def teardown(self) -> None:
        if hasattr(self, "life"):
            found = self.run(self.world.verified())
            assert (found.entries, found.unsealed) == (self.life.books.position, 0)

    def _alone_as_quoted(self, charge: Any) -> None:
        """BIL-14. What is alone on its invoice, and was not cut, is billed as it was quoted."""
        if charge.line is not None and charge.quoted is not None and charge.rate_bp == charge.line.left.rate_bp:
            document = charge.line.document
            alone = sum(each.line is not None and each.line.document is document for each in self.life.charges) == 1
            assert not alone or (document.net, document.tax) == charge.quoted

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
        assert [each.code.value for each in found.blockers][:1] == ([quoted.refusal] if quoted.refusal else [])
        if not quoted.refusal:
            self._check(found, quoted)
        if wait:
            to = self.life.now + timedelta(minutes=wait)
            await self.world.advance(to)
            self.life.advance(to)
        now, refused = price(), await refusal(execute(found.token))
        assert refused == (now.refusal or _stale(quoted, now, wait))
        if refused is None:
            happens(now)

    def _check(self, found: Quote, price: Price) -> None:
        reckoning = found.reckoning
        assert (found.token is not None, found.balance_cents) == (True, self.life.books.balance)
        assert [(each.period_start, each.period_end, each.net_cents) for each in reckoning.lines] == list(price.terms)
        assert (reckoning.gross_cents, found.refund.cents) == (price.gross, price.refund)
        assert found.balance_after.cents == self.life.books.balance + price.refund - price.gross
        if reckoning.invoiced_on is not None:
            assert reckoning.due_on == reckoning.invoiced_on + TERMS


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
