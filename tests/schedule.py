"""Payment providers as they come: silent before or after they charged, wrong, late, twice, out of order, or never.

Each customer has a script, drawn from a seed: what is true at the provider, how often it fails to say so, and what it
sends unasked. What has to be in the books follows from what is true there, and from nothing of ours.
"""

import asyncio
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from models.clock import FrozenClock
from models.db import Database, Db
from models.issuer import Office
from models.payment import Means, payment_began
from models.payment_provider import (
    ChargeOrder,
    DeclineReason,
    PaymentMethodKind,
    Providers,
    ProviderSilent,
    ProviderState,
    Told,
)
from models.setting import Figures
from resolvers.clockwork import play, turn
from resolvers.settlement import Desk, proceed, settle
from resolvers.works import Works
from tests.booking import a_customer
from tests.cycle import OFFICE

MINUTE = timedelta(minutes=1)
HORIZON = 130
"""Minutes after which everything has been asked about that ever answers."""
KNOWN_BY = 15
FAULTS = ("silent", "hangs", "error", "wrong amount", "lost")
MOST_FAULTS = 4
"""Of one customer, in a row: with the pauses that are shipped the fifth question comes after fifteen minutes."""
FIGURES = Figures(**{**OFFICE.figures.model_dump(), "payment_timeout": timedelta(milliseconds=20)})
NAME = "scripted"


@dataclass
class Script:
    """One customer, and what happens at the provider, in minutes after the first call."""

    owner_id: UUID
    cents: int
    outcome: str
    """What comes of the charge there: paid, declined, late, or never (it does not answer at all)."""
    takes: float
    """How long its bank takes."""
    faults: list[str]
    """How it fails to answer, call by call."""
    back: list[tuple[float, int]]
    """What goes back, and when."""
    notices: list[tuple[float, str]]
    retries: list[float]
    key: UUID | None = None
    arrived_at: datetime | None = None
    captures: int = 0
    """How often it was charged there: once, whatever is asked how often."""

    @property
    def reference(self) -> str:
        return f"ref-{self.owner_id}"

    def state(self, now: datetime) -> ProviderState:
        """What is true there."""
        if self.arrived_at is None or now < self.arrived_at + self.takes * MINUTE:
            return ProviderState.PROCESSING
        if self.outcome == "declined":
            return ProviderState.FAILED
        back = self.gone_back(now)
        return ProviderState.REVERSED if back == self.cents else ProviderState.SUCCEEDED

    def gone_back(self, now: datetime) -> int:
        begun = self.arrived_at
        return 0 if begun is None else sum(cents for at, cents in self.back if now >= begun + at * MINUTE)

    def truth(self, now: datetime) -> Told:
        """What an honest answer says."""
        state = self.state(now)
        reason = DeclineReason.DECLINED if state is ProviderState.FAILED else None
        assert self.key is not None
        return Told(self.key, state, self.reference, self.cents, reversed_cents=self._back(state, now), reason=reason)

    def _back(self, state: ProviderState, now: datetime) -> int:
        return self.gone_back(now) if state in (ProviderState.SUCCEEDED, ProviderState.REVERSED) else 0


class Scripted:
    """The provider: does once what it is asked for with one key, and seldom says so at once."""

    name, kinds = NAME, frozenset({PaymentMethodKind.CARD})

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.by_key: dict[UUID, Script] = {}

    async def charge(self, order: ChargeOrder, now: datetime) -> Told:
        script = self.scripts[order.token]
        fault = self._fault(script)
        if fault == "lost":
            raise ProviderSilent("TIMEOUT")
        self._take(script, order, now)
        return await self._said(script, fault, now)

    async def status(self, key: UUID, now: datetime, reference: str | None = None) -> Told | None:
        script = self.by_key.get(key)
        if script is None:
            return None
        return await self._said(script, self._fault(script), now)

    def _take(self, script: Script, order: ChargeOrder, now: datetime) -> None:
        if order.key not in self.by_key:  # The same key is the same charge.
            script.captures += 1
            self.by_key[order.key], script.key, script.arrived_at = script, order.key, now
            assert order.amount_cents == script.cents

    def _fault(self, script: Script) -> str | None:
        if script.outcome == "never":
            return "silent"
        return script.faults.pop(0) if script.faults else None

    async def _said(self, script: Script, fault: str | None, now: datetime) -> Told:
        match fault:
            case "silent" | "lost":
                raise ProviderSilent("TIMEOUT")
            case "hangs":
                await asyncio.sleep(3_600)
            case "error":
                raise ProviderSilent("HTTP_500")
        told = script.truth(now)
        return replace(told, amount_cents=told.amount_cents + 1) if fault == "wrong amount" else told

    def notice(self, script: Script, what: str, now: datetime) -> Told | None:
        """What is sent unasked; None before there is anything to tell."""
        if script.key is None:
            return None
        told = script.truth(now)
        match what:
            case "early":  # As of before: it comes after what was true later.
                return Told(script.key, ProviderState.PROCESSING, script.reference, script.cents)
            case "failed":
                return Told(script.key, ProviderState.FAILED, script.reference, script.cents)
            case "wrong amount":
                return replace(told, state=ProviderState.SUCCEEDED, amount_cents=told.amount_cents + 100)
            case "wrong currency":
                return replace(told, state=ProviderState.SUCCEEDED, currency="USD")
            case "unknown":
                return replace(told, key=uuid4())
        return told


def script_of(seed: int, owner_id: UUID) -> Script:
    """One customer's, which the seed says."""
    chance = random.Random(seed)
    outcome = chance.choices(("paid", "declined", "never"), (80, 14, 6))[0]
    cents = chance.randrange(100, 500_000)
    takes = chance.choice((0, 0, 0, 0.4, 3, 12, 25))
    back: list[tuple[float, int]] = []
    if outcome == "paid" and chance.random() < 0.25:
        parts = [cents] if chance.random() < 0.5 else [cents // 3, cents // 3]
        back = [(takes + 5 + 10 * place, part) for place, part in enumerate(parts)]
    wrong = ("early", "wrong amount", "wrong currency", "unknown")
    notices = [(chance.uniform(0, 60), chance.choice(("true", "true", *wrong))) for _ in range(chance.randrange(5))]
    if outcome == "paid":
        # What goes back is never asked for: it is told, twice, and perhaps what was true before is told after it.
        notices += [(at + wait, "true") for at, _ in back for wait in (0, chance.uniform(0, 20))]
        notices += [(at + 90, "true") for at, _ in back] + ([(takes + 60, "early")] if chance.random() < 0.2 else [])
    else:
        notices = [each for each in notices if outcome != "never" or each[1] in wrong[1:]]
    faults = [chance.choice(FAULTS) for _ in range(chance.choice((0, 0, 1, 2, MOST_FAULTS)))]
    retries = [chance.uniform(0, 20) for _ in range(chance.choice((0, 0, 1, 3)))]
    return Script(owner_id, cents, outcome, takes, faults, back, notices, retries)


@dataclass
class Play:
    """So many customers at once, each with a payment that begins at the same instant."""

    database: Database
    clock: FrozenClock
    provider: Scripted = field(default_factory=Scripted)
    scripts: list[Script] = field(default_factory=list)
    payments: dict[UUID, UUID] = field(default_factory=dict)
    """Of each customer."""

    @property
    def providers(self) -> Providers:
        return Providers((self.provider,))  # type: ignore[arg-type]

    async def begin(self, seeds: range) -> None:
        """Each pays in; the intent is committed, then the provider is called."""
        async with Db(self.database) as db:
            self.begun_at = await db.now()
        for seed in seeds:
            script = script_of(seed, await a_customer(self.database))
            self.scripts.append(script)
            self.provider.scripts[str(script.owner_id)] = script
        for at in range(0, len(self.scripts), 8):
            await asyncio.gather(*(self._pay_in(script) for script in self.scripts[at : at + 8]))

    async def _pay_in(self, script: Script) -> None:
        async with Db(self.database) as db:
            async with db.write() as write:
                means = Means(PaymentMethodKind.CARD, NAME, token=str(script.owner_id))
                wait = FIGURES.payment_ask_pause
                made = payment_began(write.record, means, owner_id=script.owner_id, cents=script.cents, wait=wait)
                write.add(made)
            self.payments[script.owner_id] = made.id
            await proceed(self._desk(db), made.id, fresh=True)

    def _desk(self, db: Db) -> Desk:
        return Desk(db, FIGURES, self.providers)

    def _events(self) -> Iterator[tuple[float, Script, str]]:
        for script in self.scripts:
            yield from ((at, script, what) for at, what in script.notices)
            yield from ((at, script, "retry") for at in script.retries)

    async def go_on(self, minutes: float) -> None:
        """The clock, the notices and the customers' retries, up to so many minutes after the beginning."""
        upto = sorted((each for each in self._events() if self.gone < each[0] <= minutes), key=lambda each: each[0])
        steps = sorted({*(round(at + 0.5) for at, _, _ in upto), round(minutes)})
        for step in steps:
            step = min(step, round(minutes))
            at = self.begun_at + step * MINUTE
            due = [each for each in upto if self.gone < each[0] <= step]
            await self._play(at)
            for place in range(0, len(due), 8):
                await asyncio.gather(*(self._happens(script, what, at) for _, script, what in due[place : place + 8]))
            self.gone = step

    gone: float = 0

    async def _play(self, until: datetime) -> None:
        async with turn(self.database), Db(self.database) as db:
            office = Office(FIGURES, sandbox=True)
            await play(Works(db, office, NOBODY, self.providers), until, _stop)

    async def _happens(self, script: Script, what: str, at: datetime) -> None:
        async with Db(self.database) as db:
            desk = self._desk(db)
            if what == "retry":
                key = self.payments[script.owner_id]
                await proceed(desk, key, at=at, opened=lambda: db.write(at=at))
            elif (told := self.provider.notice(script, what, at)) is not None:
                await settle(desk, told, NAME, opened=lambda: db.write(at=at))

    def owed_to(self, now: datetime) -> Mapping[UUID, int]:
        """What each customer has to have by now, by what is true at the provider."""
        return {script.owner_id: self._has(script, now) for script in self.scripts}

    def _has(self, script: Script, now: datetime) -> int:
        if script.outcome != "paid" or script.arrived_at is None:
            return 0
        return script.cents - script.gone_back(now)


NOBODY: Any = None
"""There is no VAT register to ask here."""


def _stop(error: Exception) -> None:
    raise error
