"""EVT-4. What the clockwork works with: what falls due of whom, and the transaction in which it is done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, update

from models.column import table
from models.db import Db, Write
from models.issuer import Issuer
from models.payment_provider import Providers
from models.profile import Profile
from models.sandbox import ClockOffset
from models.vat_register import VatRegister
from resolvers.suspension import PROFILE

OFFSETS = table(ClockOffset)
MOVED = (
    update(OFFSETS)
    .where(OFFSETS.c.microseconds < bindparam("there", type_=BigInteger()))
    .values(microseconds=bindparam("there", type_=BigInteger()))
)
UNLESS_LOCKED = PROFILE.with_for_update(of=Profile, key_share=True, skip_locked=True)


class Due(IntEnum):
    """What falls due; of one instant in this order."""

    RENEWAL = 1
    NOTICE = 2
    CHARGE = 3
    VAT_CHECK = 4
    PAYMENT_CHECK = 5
    COLLECTION = 6
    SUSPENSION = 7
    ALERT = 8
    INACTIVITY = 9
    CARD = 10
    CARD_END = 11
    DOMAIN = 12
    MIGRATION = 13
    DELETION = 14
    TRANSFER = 15


@dataclass(frozen=True, slots=True)
class Item:
    """Something that falls due of one profile."""

    at: datetime
    kind: Due
    owner_id: UUID


class NothingDue(Exception):
    """Somebody else did it, or has the profile: there is nothing to write."""


@dataclass(frozen=True, slots=True)
class Works:
    """What the clockwork works with: the database, who issues documents, who is asked about VAT numbers, who pays."""

    db: Db
    office: Issuer
    register: VatRegister
    payments: Providers = field(default_factory=Providers)
    reached: set[datetime] = field(default_factory=set)
    """Instants at which the clock has been."""

    @asynccontextmanager
    async def write(self, item: Item) -> AsyncIterator[Write]:
        """The transaction of an item. In a sandbox it happens when it fell due, and the clock is there with it."""
        async with self.db.write(at=self.at(item)) as write:
            await self._claim(write, item)
            if self.office.sandbox and item.at not in self.reached:
                there = (item.at - write.real_now) // timedelta(microseconds=1)
                await write.run(MOVED, {"there": there})
            yield write
            if not write.record.events:
                raise NothingDue
        self.reached.add(item.at)

    async def _claim(self, write: Write, item: Item) -> None:
        """Lock the profile. In production another worker may have it, or a customer be at it: the next round comes."""
        if write.dialect == "sqlite":
            return  # There is one writer.
        claim = PROFILE if self.office.sandbox else UNLESS_LOCKED
        if await write.lock_one(claim, {"owner_id": item.owner_id}) is None:
            raise NothingDue

    def at(self, item: Item) -> datetime | None:
        """When an item happens; None is now."""
        return item.at if self.office.sandbox else None
