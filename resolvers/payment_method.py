"""BIL-9. Means of payment on file: storing, choosing, forgetting; the provider is asked outside of any transaction."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, or_, select, update
from sqlmodel import select as select_rows

from models.clock import civil_day
from models.column import IdArray, among, table
from models.context import Context
from models.db import Db, Write
from models.payment import PaymentDeclined
from models.payment_method import (
    TOKEN_LENGTH,
    MethodState,
    MethodUnusable,
    PaymentMethod,
    is_usable,
    method_asked,
)
from models.payment_provider import (
    DeclineReason,
    MethodOrder,
    PaymentMethodKind,
    Providers,
    ProviderSilent,
    Stored,
)
from models.profile import Profile
from models.refusal import NotFound
from models.restriction import tell
from models.setting import Figures
from resolvers import card_expiry, domain
from resolvers.find import find, writing
from resolvers.idempotency import DoneBefore, done_before, intent_of, keep, take
from resolvers.restriction import is_restricted
from resolvers.suspension import PROFILE

METHODS, PROFILES = table(PaymentMethod), table(Profile)
WANTED: Any = bindparam("wanted", type_=IdArray())
OPERATION = "paymentMethodAdd"
SHOWN: ColumnElement[bool] = or_(
    METHODS.c.state == MethodState.STORED, (METHODS.c.state == MethodState.PENDING) & METHODS.c.brand.is_not(None)
)
"""What is on file, or waits for its holder; of others it is not known what they are, or they are gone."""
ON_FILE = select(METHODS.c.id, METHODS.c.state, METHODS.c.expires_on).where(among(METHODS.c.id, WANTED))


def of_owner() -> Select[Any]:
    """BIL-9. The means on file of a profile, oldest first."""
    return select(METHODS.c.owner_id).where(SHOWN).order_by(METHODS.c.created_at, METHODS.c.id)


async def usable(context: Context, keys: Sequence[UUID]) -> list[bool]:
    """BIL-9. Whether each can be charged today."""
    found = {row.id: row for row in await context.db.rows(ON_FILE, {"wanted": list(keys)})}
    today = _today(context.figures, await context.db.now())
    return [is_usable(found[key].state, found[key].expires_on, today) for key in keys]


async def waiting(context: Context, keys: Sequence[UUID]) -> Sequence[Row[Any]]:
    """BIL-9. Those of them that wait for their holder, and for what."""
    asked = select(METHODS.c.id, METHODS.c.redirect_url, METHODS.c.client_secret, METHODS.c.action_expires_at)
    return await context.db.rows(
        asked.where(among(METHODS.c.id, WANTED), METHODS.c.action_expires_at.is_not(None)), {"wanted": list(keys)}
    )


async def add(context: Context, *, owner_id: UUID, token: str, auto_debit: bool, key: UUID) -> UUID:
    """BIL-9, BIL-15. Have a card stored; answers it. Raises PaymentDeclined, MethodUnusable, TooManyMethods."""
    values = {"owner": owner_id, "token": token, "auto_debit": auto_debit}
    intent = intent_of(context, key, OPERATION, values)
    done = await done_before(context, intent)
    if done is None:
        try:
            async with writing(context) as write:
                await take(context, write, intent)
                method = await _asked(context, write, owner_id, token, auto_debit)
                await keep(write, intent, method=method.id)
            done = {"method": method.id}
        except DoneBefore as before:
            done = before.results
    row = await _read(context, done["method"])
    if row is not None and row.state is MethodState.PENDING and row.brand is None:
        order = MethodOrder(row.id, row.token or "")
        await _settled(context, row, _provider(context, row).store(order, await context.db.now()))
    await _check_declined(context, done["method"])
    return done["method"]


async def confirm(context: Context, *, key: UUID) -> UUID:
    """BIL-9. Go on after its holder's action. Raises PaymentDeclined, MethodNotWaiting, ActionExpired."""
    row, now = await _read(context, key), await context.db.now()
    if row is None:
        raise NotFound().at("payment_method_id")
    row.check_waits(now)
    order = MethodOrder(row.id, row.token or "")
    await _settled(context, row, _provider(context, row).confirm_method(order, now))
    await _check_declined(context, key)
    return key


async def change(context: Context, *, key: UUID, default: bool | None, auto_debit: bool | None) -> UUID:
    """BIL-9. Make it the default one, or switch automatic debit. Raises MethodUnusable, AlwaysOneDefault."""
    async with writing(context) as write:
        method = await _found(context, write, key)
        if default:
            method.check_usable(_today(context.figures, write.now))
            others = METHODS.c.owner_id == method.owner_id, METHODS.c.id != key, METHODS.c.is_default
            for other in await write.lock(select_rows(PaymentMethod).where(*others)):
                other.is_default = False
            await write.flush()  # There is one default at any moment.
        method.change(write.record, default=default, auto_debit=auto_debit)
        await write.flush()
        await _look(context.figures, write, method.owner_id)
    return key


async def remove(context: Context, *, key: UUID) -> UUID:
    """BIL-9, PRO-11. Forget it; the oldest of the others that can be used is the default then."""
    async with writing(context) as write:
        method = await _found(context, write, key)
        profile = write.held(Profile, method.owner_id)
        if profile is None:
            raise NotFound().at("payment_method_id")
        today = _today(context.figures, write.now)
        before = await is_restricted(write, profile.id, today)
        was_default = method.is_default
        method.remove(write.record)
        await write.flush()
        if was_default:
            await _follow(write, profile.id, today)
        await write.flush()
        await _look(context.figures, write, profile.id)
        tell(write.record, profile, before=before, after=await is_restricted(write, profile.id, today))
    return key


async def end(figures: Figures, write: Write, owner_id: UUID, at: datetime) -> bool:
    """PRO-11. The validity of a card is over; False where that changes nothing for its holder. They are locked."""
    profile = write.held(Profile, owner_id) or await write.lock_one(PROFILE, {"owner_id": owner_id})
    over = METHODS.c.owner_id == owner_id, METHODS.c.ends_at <= at
    ended = await write.lock(select_rows(PaymentMethod).where(*over))
    for each in ended:
        each.ends_at = None
    last = max((each.expires_on for each in ended if each.expires_on), default=None)
    if profile is None or last is None:
        return False
    before, after = [await is_restricted(write, owner_id, day) for day in (last, _today(figures, write.now))]
    tell(write.record, profile, before=before, after=after)
    return before != after


async def pass_over(db: Db, owner_id: UUID, at: datetime) -> None:
    """PRO-11. The same where nothing follows from it, which is no fact."""
    over = METHODS.c.owner_id == owner_id, METHODS.c.ends_at <= at
    await db.note(update(METHODS).where(*over).values(ends_at=None))


async def forget(db: Db, figures: Figures, providers: Providers) -> None:
    """BIL-9. Have the providers forget what was removed; one that is silent is told again later.

    The worker does: nobody who removes a card waits for what others have removed.
    """
    gone = METHODS.c.removed_at.is_not(None), METHODS.c.token.is_not(None)
    for row in await db.rows(select(METHODS.c.id, METHODS.c.provider, METHODS.c.token).where(*gone)):
        provider = providers.named(row.provider)
        if provider is None:
            continue
        await db.release()
        try:
            async with asyncio.timeout(figures.payment_timeout.total_seconds()):
                await provider.forget(row.token)
        except (ProviderSilent, TimeoutError):
            continue
        await db.note(update(METHODS).where(METHODS.c.id == row.id).values(token=None))


# Parts


async def _asked(context: Context, write: Write, owner_id: UUID, token: str, auto_debit: bool) -> PaymentMethod:
    await find(context, write, Profile, owner_id, "profile_id")
    provider = context.payments.taking(PaymentMethodKind.CARD)
    if provider is None or not token or len(token) > TOKEN_LENGTH:
        raise MethodUnusable().at("method")
    ((used,),) = await write.rows(select(func.count()).where(METHODS.c.owner_id == owner_id, _counts(context, write)))
    method = method_asked(
        write.record,
        owner_id=owner_id,
        provider=provider.name,
        token=token,
        auto_debit=auto_debit,
        used=used,
        limit=context.figures.payment_methods_per_profile,
    )
    write.add(method)
    await write.flush()
    return method


def _counts(context: Context, write: Write) -> ColumnElement[bool]:
    """BIL-9. Also what a provider has said nothing of: it may have kept it, and is asked again by who retries."""
    recent = METHODS.c.created_at > write.now - context.figures.payment_patience
    return or_(SHOWN, and_(METHODS.c.state == MethodState.PENDING, recent))


async def _settled(context: Context, row: PaymentMethod, asked: Awaitable[Stored]) -> None:
    """What its provider says of it. Raises PaymentDeclined where that is nothing: the same key may be tried again."""
    await context.db.release()
    try:
        async with asyncio.timeout(context.figures.payment_timeout.total_seconds()):
            told = await asked
    except (ProviderSilent, TimeoutError):
        raise PaymentDeclined(DeclineReason.PROVIDER_ERROR) from None
    with suppress(_NothingNew):
        await _take(context, row, told)


class _NothingNew(Exception):
    """Somebody was told the same before: there is nothing to write."""


async def _take(context: Context, row: PaymentMethod, told: Stored) -> None:
    async with context.db.write() as write:
        profile = await write.lock_one(select_rows(Profile).where(PROFILES.c.id == row.owner_id))
        method = await write.lock_one(select_rows(PaymentMethod).where(METHODS.c.id == row.id))
        if profile is None or method is None:
            raise NotFound().at("payment_method_id")
        today = _today(context.figures, write.now)
        before = await is_restricted(write, profile.id, today)
        has_default = METHODS.c.owner_id == profile.id, METHODS.c.is_default
        first = not await write.rows(select(METHODS.c.id).where(*has_default))
        if not method.take(write.record, told, first=first, zone=ZoneInfo(context.figures.billing_zone)):
            raise _NothingNew
        await write.flush()
        await _look(context.figures, write, profile.id)
        tell(write.record, profile, before=before, after=await is_restricted(write, profile.id, today))


async def _look(figures: Figures, write: Write, owner_id: UUID) -> None:
    """ALE-2. What the cards on file are now, alerts follow: about those that end, and what they could pay for."""
    await card_expiry.look(figures, write, owner_id)
    await domain.fund(write, owner_id)


async def _found(context: Context, write: Write, key: UUID) -> PaymentMethod:
    """A means on file, locked after its owner."""
    row = await _owner(write, key)
    await write.lock_one(select_rows(Profile).where(PROFILES.c.id == row))
    method = await find(context, write, PaymentMethod, key, "payment_method_id")
    if method.state in (MethodState.REMOVED, MethodState.REFUSED):
        raise NotFound().at("payment_method_id")
    return method


async def _owner(write: Write, key: UUID) -> UUID:
    found = await write.rows(select(METHODS.c.owner_id).where(METHODS.c.id == key))
    if not found:
        raise NotFound().at("payment_method_id")
    owner_id: UUID = found[0].owner_id
    return owner_id


async def _follow(write: Write, owner_id: UUID, today: date) -> None:
    """BIL-9. One default, as long as there is one that can be used."""
    stored = METHODS.c.owner_id == owner_id, METHODS.c.state == MethodState.STORED, METHODS.c.expires_on >= today
    oldest = select_rows(PaymentMethod).where(*stored).order_by(METHODS.c.created_at, METHODS.c.id).limit(1)
    if (follower := await write.lock_one(oldest)) is not None:
        follower.change(write.record, default=True, auto_debit=None)


async def _read(context: Context, key: UUID) -> PaymentMethod | None:
    found = await context.db.first(select(METHODS).where(METHODS.c.id == key))
    return PaymentMethod(**found._mapping) if found else None


def _provider(context: Context, row: PaymentMethod) -> Any:
    provider = context.payments.named(row.provider)
    if provider is None:
        raise MethodUnusable
    return provider


async def _check_declined(context: Context, key: UUID) -> None:
    row = await _read(context, key)
    if row is not None and row.state is MethodState.REFUSED:
        raise PaymentDeclined(row.reason or DeclineReason.DECLINED)


def _today(figures: Figures, now: datetime) -> date:
    return civil_day(now, ZoneInfo(figures.billing_zone))
