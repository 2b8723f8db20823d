"""BIL-1, BIL-3, BIL-8, BIL-9. Many payments, top-ups, transfers and reversals on ten profiles at once: to the cent."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.conflict import Busy
from models.customer_number import customer_number
from models.db import Db
from models.journal import JournalEntry, JournalLine, LedgerAccount
from models.payment import Means, Payment, payment_began
from models.payment_provider import PaymentMethodKind, ProviderState, Told
from models.receipt import Receipt
from models.service import ServiceScope
from resolvers.audit import verify
from resolvers.settlement import Desk, settle
from tests.api import Api
from tests.booking import a_customer, invoiced
from tests.cycle import OFFICE
from tests.paying import TOP_UP
from tests.test_access import credential, staff
from tests.test_bank_transfer import RECORD

CUSTOMERS, CLIENTS, MANY, SLICE, SLICES = 10, 16, 400, 500, 20
SEEDS = {"sqlite": 0, "postgresql": 1_000_000}
PATIENCE = 60
WEIGHTS = {"top_up": 20, "payment": 30, "transfer": 15, "reversal": 25, "invoice": 10}
AGAIN = {"IDEMPOTENCY_IN_PROGRESS", "UNAVAILABLE"}


@dataclass
class Clients:
    """What they did, each thing once, counted by themselves."""

    api: Api
    chance: random.Random
    secret: str
    left: int
    owners: list[UUID] = field(default_factory=list)
    tokens: dict[UUID, str] = field(default_factory=dict)
    has: Counter[UUID] = field(default_factory=Counter)
    """What each customer has to have."""
    done: Counter[str] = field(default_factory=Counter)
    paid: dict[UUID, tuple[UUID, int, int]] = field(default_factory=dict)
    """Payments that may go back: whose, how much, and how much of it went."""
    came_in: int = 0

    async def come(self) -> None:
        for _ in range(CUSTOMERS):
            key = await a_customer(self.api.database, email_verified_at=self.api.database.clock.now())
            self.owners.append(key)
            self.tokens[key] = await self.api.token(SimpleNamespace(key=key))

    async def go_on(self) -> None:
        acts: dict[str, Callable[[UUID], Awaitable[None]]] = {
            "top_up": self.top_up,
            "payment": self.payment,
            "transfer": self.transfer,
            "reversal": self.reversal,
            "invoice": self.invoice,
        }
        while self.left > 0:
            self.left -= 1
            (name,) = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            await acts[name](self.chance.choice(self.owners))
            self.done[name] += 1

    def cents(self) -> int:
        return self.chance.randrange(100, 20_000)

    def _came(self, owner_id: UUID, cents: int) -> None:
        self.has[owner_id] += cents
        self.came_in += 1

    async def top_up(self, owner_id: UUID) -> None:
        """Over the API, sometimes with one key from three clients at once."""
        cents = self.cents()
        given = {
            "amount": {"amount": f"{cents / 100:.2f}"},
            "source": {"oneTimeToken": "card_ok"},
            "idempotencyKey": str(uuid4()),
        }
        copies = self.chance.choice((1, 1, 3))
        answers = await asyncio.gather(*(self._topped(owner_id, given) for _ in range(copies)))
        assert len(set(answers)) == 1
        self._came(owner_id, cents)

    async def _topped(self, owner_id: UUID, given: Any) -> str:
        for _ in range(PATIENCE):
            answer = await self.api.ask(TOP_UP, {"input": given}, token=self.tokens[owner_id])
            codes = answer.codes or [each["code"] for each in answer.data["balanceTopUp"]["userErrors"]]
            if not codes:
                payment = answer.data["balanceTopUp"]["payment"]
                assert payment["status"] in ("SUCCEEDED", "PROCESSING"), payment
                return str(payment["id"])
            assert set(codes) <= AGAIN, answer.text
            await asyncio.sleep(0.05)
        raise AssertionError("never answered")

    async def payment(self, owner_id: UUID) -> None:
        """A provider tells of one, twice at once."""
        cents = self.cents()
        async with Db(self.api.database) as db, db.write() as write:
            means = Means(PaymentMethodKind.CARD, "sandbox", token="card_ok")
            made = payment_began(write.record, means, owner_id=owner_id, cents=cents, wait=timedelta(days=1))
            write.add(made)
        told = Told(made.id, ProviderState.SUCCEEDED, "ref", cents)
        assert sum(await asyncio.gather(self._told(told), self._told(told))) == 1
        self._came(owner_id, cents)
        self.paid[made.id] = owner_id, cents, 0

    async def reversal(self, _: UUID) -> None:
        """A part of one goes back, or all of it; it is told twice at once, and what was true before after it."""
        if not self.paid:
            return
        key = self.chance.choice(list(self.paid))
        owner_id, cents, gone = self.paid.pop(key)
        back = self.chance.choice((cents, gone + (cents - gone) // 2))
        state = ProviderState.REVERSED if back == cents else ProviderState.SUCCEEDED
        told, old = (Told(key, state, "ref", cents, reversed_cents=each) for each in (back, gone))
        changed = await asyncio.gather(self._told(told), self._told(old), self._told(told))
        assert sum(changed) == (back > gone)
        self.has[owner_id] -= back - gone
        if back < cents:
            self.paid[key] = owner_id, cents, back

    async def _told(self, told: Told) -> bool:
        for _ in range(PATIENCE):
            try:
                async with Db(self.api.database) as db:
                    desk = Desk(db, OFFICE.figures, self.api.app.state.host.payments)
                    return await settle(desk, told, "sandbox", opened=db.write)
            except Busy:
                await asyncio.sleep(0.05)
        raise AssertionError("never settled")

    async def transfer(self, owner_id: UUID) -> None:
        """People record one, twice at once."""
        cents = self.cents()
        given = {
            "bankReference": f"STMT-{uuid4()}",
            "amount": {"amount": f"{cents / 100:.2f}"},
            "valueOn": "2026-11-22",
            "text": customer_number(owner_id),
            "reason": "Statement",
        }
        changed = await asyncio.gather(self._recorded(given), self._recorded(given))
        assert sorted(changed) == [False, True]
        self._came(owner_id, cents)

    async def _recorded(self, given: Any) -> bool:
        for _ in range(PATIENCE):
            answer = await staff(self.api, self.secret, RECORD, {"input": given})
            if not answer.codes:
                payload = answer.data["bankTransferRecord"]
                assert payload["userErrors"] == [], payload
                return bool(payload["changed"])
            assert set(answer.codes) <= AGAIN, answer.text
            await asyncio.sleep(0.05)
        raise AssertionError("never recorded")

    async def invoice(self, owner_id: UUID) -> None:
        """What is owed is settled by what there is, and opened again by what goes back."""
        for _ in range(PATIENCE):
            try:
                issued = await invoiced(self.api.database, owner_id, self.cents(), office=OFFICE)
            except Busy:
                continue
            self.has[owner_id] -= issued.invoice.gross_cents
            return
        raise AssertionError("never issued")


async def replayed(api: Api) -> Counter[UUID]:
    """The balances from the lines of the journal alone, each entry in its place."""
    lines: Counter[UUID] = Counter()
    for line in await api.rows(JournalLine):
        if line.account is LedgerAccount.CUSTOMERS:
            lines[line.entry_id] -= line.cents
    totals: Counter[UUID] = Counter()
    places: Counter[UUID] = Counter()
    rows = [row for row in await api.rows(JournalEntry) if row.owner_id]
    for row in sorted(rows, key=lambda row: (row.owner_id, row.position)):
        totals[row.owner_id] += lines[row.id]
        places[row.owner_id] += 1
        assert (row.position, row.balance_after_cents) == (places[row.owner_id], totals[row.owner_id])
    return totals


async def check_contended(api: Api, seed: int, count: int) -> None:
    begun = time.monotonic()
    secret = await credential(api, ServiceScope.PAYMENTS, name="books")
    made = Clients(api, random.Random(seed), secret, count)
    await made.come()
    await asyncio.gather(*(made.go_on() for _ in range(CLIENTS)))
    print(f"{count} on {api.database.dialect} in {time.monotonic() - begun:.1f} s: {dict(made.done)}")
    assert all(made.done[name] for name in WEIGHTS)
    await finish(api)
    has = await replayed(api)
    assert {key: has[key] for key in made.owners} == {key: made.has[key] for key in made.owners}
    payments = [row for row in await api.rows(Payment) if row.entry_id is not None]
    receipts = sorted(await api.rows(Receipt), key=lambda row: row.sequence)
    assert len(payments) == len(receipts) == made.came_in
    assert [row.sequence for row in receipts] == list(range(1, made.came_in + 1))
    assert all(after.previous_hash == before.hash for before, after in pairwise(receipts))
    await verify(api.database)


async def finish(api: Api) -> None:
    """A client that was told PROCESSING was overtaken by its own copy: it is settled by then."""
    assert {row.status.value for row in await api.rows(Payment)} <= {"SUCCEEDED", "REVERSED"}


@pytest.mark.timeout(300)
async def test_ten_purses_are_right_to_the_cent_whoever_is_at_them(api: Api, backend: str) -> None:
    await check_contended(api, SEEDS[backend], MANY)


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
async def test_so_are_they_after_many_more(api: Api, backend: str, start: int) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_07000"`."""
    await check_contended(api, SEEDS[backend] + start, SLICE)
