"""The limits on guessing, and the password that is asked again before what matters."""

from sqlalchemy import bindparam, delete, select
from sqlmodel import select as select_rows

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
    of_pair,
    of_session,
    of_strangers,
)
from models.column import table
from models.context import Context
from models.db import Db, Write
from models.known_network import KnownNetwork
from models.network import neighbourhood
from models.profile import Profile
from models.session import InvalidCredentials
from models.setting import Figures

PROFILES = table(Profile)
NETWORKS = table(KnownNetwork)
KNOWN = (
    select(NETWORKS.c.network)
    .join(PROFILES, PROFILES.c.id == NETWORKS.c.profile_id)
    .where(PROFILES.c.email == bindparam("email"), NETWORKS.c.network == bindparam("network"))
)
"""One row by its key, or none: it takes as long for an address that nobody has."""


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


async def give_back(context: Context, write: Write, *buckets: Bucket) -> None:
    """LIM-1. An attempt that was right is not counted at its profile; the address does not get it back."""
    if context.figures.rate_limits:
        for bucket in sorted(buckets, key=lambda each: each.key):
            await write.run(giving_back(bucket))


async def take_at(context: Context, kind: AttemptKind, email: str) -> list[Bucket]:
    """LIM-1. Count an attempt of this caller's network at `email`; answers what to give back if it was right."""
    if not context.figures.rate_limits:
        return []
    buckets = await at(context, kind, email)
    await take(context, of_address(kind, context.viewer.ip_address, context.figures), *buckets)
    return buckets


async def at(context: Context, kind: AttemptKind, email: str) -> list[Bucket]:
    """LIM-1. The buckets at `email` of this caller's network; one that it signed in from is no stranger's."""
    address, figures = context.viewer.ip_address, context.figures
    found = await context.db.first(KNOWN, {"email": email, "network": neighbourhood(address)})
    pair, strangers = of_pair(kind, email, address, figures), of_strangers(kind, email, figures)
    return [pair] if found else [pair, strangers]


async def remember(write: Write, profile: Profile, address: str) -> None:
    """LIM-1. The locked profile is used from this network by whoever proved that it is theirs."""
    network = neighbourhood(address)
    if not network:  # Nobody's in particular: all whose address cannot be told would be known.
        return
    of_both = NETWORKS.c.profile_id == profile.id, NETWORKS.c.network == network
    known = await write.lock_one(select_rows(KnownNetwork).where(*of_both))
    if known is None:
        write.add(KnownNetwork(profile_id=profile.id, network=network, seen_at=write.real_now))
    else:
        known.seen_at = write.real_now


async def ask_password(context: Context, password: str, *path: str) -> str:
    """PRO-5, LIM-1. The caller's password again, at the cost of one hash; answers the hash that it belongs to.

    Raises InvalidCredentials at the input field `path`. Under the lock, `still` says whether that hash is still theirs.
    """
    key = context.viewer.key
    await take(context, of_session(AttemptKind.PASSWORD, context.viewer.session_key, context.figures))
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
    await give_back(context, write, of_session(AttemptKind.PASSWORD, context.viewer.session_key, context.figures))


async def purge(db: Db, figures: Figures) -> None:
    """Forget the buckets that are full, and the networks that nobody signed in from for long."""
    now = db.database.clock.now()
    await db.note(delete(ATTEMPTS).where(ATTEMPTS.c.full_at <= (now - EPOCH) // MICROSECOND))
    await db.note(delete(NETWORKS).where(NETWORKS.c.seen_at < now - figures.known_network_retention))
