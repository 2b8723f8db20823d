"""The limits on guessing, and the password that is asked again before what matters."""

from sqlalchemy import delete, select

from models.attempt import (
    ATTEMPTS,
    EPOCH,
    FULL_AT,
    MICROSECOND,
    TAKING,
    AttemptKind,
    Bucket,
    TooManyAttempts,
    giving_back,
    of_address,
    of_profile,
)
from models.column import table
from models.context import Context
from models.db import Db, Write
from models.profile import Profile
from models.session import InvalidCredentials

PROFILES = table(Profile)


async def take(context: Context, *buckets: Bucket) -> None:
    """LIM-1. Take one of each, at once, in a transaction of its own; raises TooManyAttempts, and takes none then."""
    if not context.figures.rate_limits:
        return
    database = context.db.database
    async with context.db.bookkeeping() as connection:
        for bucket in sorted(buckets, key=lambda each: each.key):
            parameters = bucket.parameters(database.clock.now())
            if (await connection.execute(TAKING[database.dialect], parameters)).first() is None:
                full_at = (await connection.execute(FULL_AT, {"bucket": bucket.key})).scalar_one()
                raise TooManyAttempts(bucket.retry_at(full_at))


async def give_back(context: Context, write: Write, bucket: Bucket) -> None:
    """LIM-1. An attempt that was right takes nothing from its profile; the address does not get it back."""
    if context.figures.rate_limits:
        await write.run(giving_back(bucket))


async def take_here(context: Context, kind: AttemptKind, name: object) -> Bucket:
    """LIM-1. Count an attempt of this caller's address at `name`; answers the bucket of `name`."""
    bucket = of_profile(kind, name, context.figures)
    await take(context, of_address(kind, context.viewer.ip_address, context.figures), bucket)
    return bucket


async def ask_password(context: Context, password: str, *path: str) -> str:
    """PRO-5, LIM-1. The caller's password again, at the cost of one hash; answers the hash that it belongs to.

    Raises InvalidCredentials at the input field `path`. Under the lock, `still` says whether that hash is still theirs.
    """
    key = context.viewer.key
    await take(context, of_profile(AttemptKind.PASSWORD, key, context.figures))
    row = await context.db.first(select(PROFILES.c.password_hash).where(PROFILES.c.id == key))
    await context.db.release()
    hashed: str | None = row.password_hash if row else None
    if not await context.passwords.matches(password, hashed) or hashed is None:
        raise InvalidCredentials().at(*path)
    return hashed


async def still(context: Context, write: Write, profile: Profile, hashed: str, *path: str) -> None:
    """The password that was asked is still that of the locked profile; being right, it is not counted."""
    if profile.password_hash != hashed:
        raise InvalidCredentials().at(*path)
    await give_back(context, write, of_profile(AttemptKind.PASSWORD, profile.id, context.figures))


async def purge(db: Db) -> None:
    """Forget the buckets that are full."""
    now = (db.database.clock.now() - EPOCH) // MICROSECOND
    await db.note(delete(ATTEMPTS).where(ATTEMPTS.c.full_at <= now))
