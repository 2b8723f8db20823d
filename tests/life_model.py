"""The billing life of a customer in memory, by the text of the rules: what a real one is compared with at each step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

from tests.life_books import Books, Charge, Line
from tests.oracle import refund, share, vat
from tests.oracle_calendar import ONE_DAY, civil, ends, is_whole, midnight

MONTHS = {"MONTHLY": 1, "YEARLY": 12}
DISK = {"free": 1, "small": 50, "medium": 100, "large": 200, "xlarge": 500}
"""CAT, section 6: gigabytes."""
LIST = {
    "small": {"MONTHLY": 600, "YEARLY": 6_000},
    "medium": {"MONTHLY": 2_200, "YEARLY": 24_000},
    "large": {"MONTHLY": 5_500, "YEARLY": 60_000},
    "xlarge": {"MONTHLY": 16_500, "YEARLY": 180_000},
}
INVOICE_DELAY, TERMS, QUOTE_LIFETIME = timedelta(hours=6), timedelta(days=30), timedelta(minutes=15)


@dataclass(eq=False)
class Subscription:
    """BIL-4. What runs for an account, with every period that was charged."""

    plan: str
    period: str
    anchor: date
    charges: list[Charge] = field(default_factory=list)
    renews: bool = True
    ended_on: date | None = None
    periods: list[tuple[date, date, int]] = field(default_factory=list)
    """BIL-6. As they were charged; one that ends early ends by `ended_on`."""

    @property
    def running(self) -> bool:
        return self.ended_on is None

    @property
    def period_end(self) -> date:
        return self.periods[-1][1]


@dataclass(eq=False)
class Account:
    """An account, and what it ran on."""

    name: str
    plan: str
    used_gigabytes: int
    suspended: bool = False
    subscriptions: list[Subscription] = field(default_factory=list)

    @property
    def running(self) -> Subscription | None:
        return next((each for each in self.subscriptions if each.running), None)


@dataclass(frozen=True)
class Price:
    """BIL-14. What an operation will cost; equal prices charge the same."""

    terms: tuple[tuple[date, date, int], ...] = ()
    """The periods that are charged, and their net."""
    tax: int = 0
    refunds: tuple[tuple[Line, int], ...] = ()
    cuts: tuple[tuple[Charge, int], ...] = ()
    refund: int = 0
    """VAT included."""
    refusal: str | None = None
    """The code of what stands in the way."""

    @property
    def net(self) -> int:
        return sum(net for _, _, net in self.terms)

    @property
    def gross(self) -> int:
        return self.net + self.tax


@dataclass
class Life:
    """A customer, and what time it is."""

    now: datetime
    rate_bp: int = 2_000
    invoicing_day: int | None = None
    books: Books = field(default_factory=Books)
    accounts: dict[str, Account] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    prices: dict[tuple[str, str], list[tuple[datetime, int]]] = field(default_factory=dict)
    """CAT-4. Later versions of prices than those of the list."""

    @property
    def today(self) -> date:
        return civil(self.now)

    @property
    def subscriptions(self) -> list[Subscription]:
        """In the order in which they began."""
        found = [each for account in self.accounts.values() for each in account.subscriptions]
        return sorted(found, key=self._order.index)

    _order: list[Subscription] = field(default_factory=list)

    # What things cost

    def price(self, plan: str, period: str, at: datetime) -> int:
        """CAT-4. Of a whole period that begins then."""
        versions = self.prices.get((plan, period), [])
        return next((cents for since, cents in reversed(versions) if since <= at), LIST[plan][period])

    def term(self, plan: str, period: str, begins: date, anchor: date, at: datetime) -> tuple[date, date, int]:
        """BIL-5, BIL-6. The period that begins on a day: a whole one, or the share of the days to where those begin."""
        months = MONTHS[period]
        day = self.invoicing_day or anchor.day
        over, whole = ends(begins, day, months), self.price(plan, period, at)
        return begins, over, whole if is_whole(begins, day, months) else share(whole, begins, over, months)

    def price_of_opening(self, plan: str, period: str) -> Price:
        """ACC-1, ACC-3."""
        if plan == "free":
            return Price(refusal=self._free_refusal(None))
        term = self.term(plan, period, self.today, self.today, self.now)
        return Price((term,), vat(term[2], self.rate_bp))

    def price_of_change(self, name: str, plan: str, period: str) -> Price:
        """ACC-6, BIL-6, SPEC 17."""
        account = self.accounts[name]
        refusal = self._change_refusal(account, plan, period)
        if plan == "free":
            return Price(refusal=refusal)
        term = self.term(plan, period, self.today, self.today, self.now)
        refunds, cuts, back = [], [], 0
        for each in account.running.charges if account.running else ():
            if each.dropped or each.ends_before <= self.today:
                continue
            goes = refund(each.net, each.starts_on, each.ends_before, self.today)
            if each.line is None:
                cuts.append((each, each.net - goes))
            elif goes:
                refunds.append((each.line, goes))
                back += goes + self._tax_back(each.line, goes)
        return Price((term,), vat(term[2], self.rate_bp), tuple(refunds), tuple(cuts), back, refusal)

    def price_of_day(self, day: int | None) -> Price:
        """BIL-5. A share for each whose period ends on another day."""
        terms = tuple(self._stub(each, day) for each in self._aligned(day))
        return Price(terms, vat(sum(net for _, _, net in terms), self.rate_bp))

    def _aligned(self, day: int | None) -> list[Subscription]:
        """What is brought to another day."""
        return [
            each
            for each in self.subscriptions
            if each.running
            and each.renews
            and not is_whole(each.period_end, day or each.anchor.day, MONTHS[each.period])
        ]

    def _stub(self, each: Subscription, day: int | None) -> tuple[date, date, int]:
        before, self.invoicing_day = self.invoicing_day, day
        found = self.term(each.plan, each.period, each.period_end, each.anchor, midnight(each.period_end))
        self.invoicing_day = before
        return found

    def _tax_back(self, line: Line, net: int) -> int:
        copy = type(line.left)(line.left.net_left, line.left.tax_left, line.left.rate_bp)
        return copy.give_back(net)

    def _free_refusal(self, but: Account | None) -> str | None:
        """ACC-3. One free account, two beside a paying one."""
        others = [each for each in self.accounts.values() if each is not but]
        free = sum(each.plan == "free" for each in others)
        return "LIMIT_REACHED" if free >= (2 if free < len(others) else 1) else None

    def _change_refusal(self, account: Account, plan: str, period: str) -> str | None:
        runs = account.running
        if runs is not None and (runs.plan, runs.period) == (plan, period):
            return "PLAN_UNAVAILABLE"
        if plan == account.plan == "free" and not account.suspended:
            return "PLAN_UNAVAILABLE"
        if DISK[plan] < DISK[account.plan] and account.used_gigabytes > DISK[plan]:
            return "PLAN_TOO_SMALL"
        return self._free_refusal(account) if plan == "free" and account.plan != "free" else None

    # What is done

    def open(self, name: str, plan: str, period: str, used_gigabytes: int, price: Price) -> None:
        """ACC-1, BIL-2."""
        account = self.accounts[name] = Account(name, plan, used_gigabytes)
        for term in price.terms:
            self._begin(account, plan, period, term, self.now + INVOICE_DELAY, (price.net, price.tax))

    def change(self, name: str, plan: str, period: str, price: Price) -> None:
        """ACC-6. The day of change belongs to the new subscription, whose invoice comes the next day."""
        account = self.accounts[name]
        if account.running is not None:
            account.running.ended_on = self.today
        account.plan, account.suspended = plan, False
        for charge, net in price.cuts:
            used = max(charge.starts_on, self.today)
            charge.dropped, charge.quoted = not net or used == charge.starts_on, None
            charge.net, charge.ends_before = (charge.net, charge.ends_before) if charge.dropped else (net, used)
        for _, lines in groupby(price.refunds, key=lambda each: each[0].document.position):
            self.books.give_back(list(lines), self.today)
        for term in price.terms:
            due_at = midnight(self.today + ONE_DAY) + INVOICE_DELAY
            self._begin(account, plan, period, term, due_at, (price.net, price.tax))

    def choose_day(self, day: int | None, price: Price) -> None:
        """BIL-5. One invoice, at once."""
        aligned = self._aligned(day)
        self.invoicing_day = day
        charges = [self._charge(each, term, self.now) for each, term in zip(aligned, price.terms, strict=True)]
        if price.gross:
            self.books.invoice(charges, self.today, self.rate_bp)

    def advance(self, to: datetime) -> None:
        """EVT-4. What falls due on the way happens in order; of one instant renewals come first."""
        while (due := self._next()) is not None and due[0] <= to:
            self.now = due[0]
            if due[1] == "renewal":
                self._renew()
            else:
                self._issue()
        self.now = to

    def _next(self) -> tuple[datetime, str] | None:
        renewals = [(midnight(each.period_end), "renewal") for each in self.subscriptions if each.running]
        invoices = [(each.due_at, "to invoice") for each in self.charges if each.pending]
        return min(renewals + invoices, default=None)

    def _renew(self) -> None:
        """BIL-4. It goes on at the price in force, or is over: its account is blocked."""
        for account in list(self.accounts.values()):
            runs = account.running
            if runs is None or midnight(runs.period_end) > self.now or runs.renews:
                continue
            runs.ended_on, account.suspended = runs.period_end, True
        for each in [each for each in self.subscriptions if each.running and midnight(each.period_end) <= self.now]:
            term = self.term(each.plan, each.period, each.period_end, each.anchor, midnight(each.period_end))
            self._charge(each, term, self.now + INVOICE_DELAY)

    def _issue(self) -> None:
        """BIL-2. What was ordered for one civil day is on one invoice."""
        tomorrow = midnight(self.today + ONE_DAY)
        due = [each for each in self.charges if each.pending and each.due_at < tomorrow]
        if any(each.net for each in due):
            self.books.invoice(sorted(due, key=lambda each: each.ordered_at), self.today, self.rate_bp)
            return
        for each in due:
            each.dropped = True

    def _begin(
        self,
        account: Account,
        plan: str,
        period: str,
        term: tuple[date, date, int],
        due_at: datetime,
        quoted: tuple[int, int],
    ) -> None:
        begun = Subscription(plan, period, term[0])
        account.subscriptions.append(begun)
        self._order.append(begun)
        charge = self._charge(begun, term, due_at)
        charge.rate_bp, charge.quoted = self.rate_bp, quoted

    def _charge(self, each: Subscription, term: tuple[date, date, int], due_at: datetime) -> Charge:
        begins, over, net = term
        charge = Charge(net, begins, over, self.now, due_at)
        each.charges.append(charge)
        each.periods.append(term)
        self.charges.append(charge)
        return charge


def shown(lives: Sequence[Subscription]) -> list[tuple[object, ...]]:
    """What is compared of subscriptions, in the order in which they began."""
    return [
        (each.plan, each.period, each.renews and each.running, each.ended_on, tuple(each.periods)) for each in lives
    ]
