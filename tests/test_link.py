"""Links of mails: what their tokens are made of, and that each works once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from models.activity import Author, Record
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.link import Link, LinkExpired, LinkKind, link_token, new_link, read_link_token
from models.profile import UPDATED, Profile
from models.secret import ALPHABET, SecretKind, is_well_formed, with_checksum
from models.setting import Figures
from resolvers import link as acts
from tests.api import OWNER, Api

KEY = "k" * 32
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def record(real_now: datetime, now: datetime = NOW) -> Record:
    return Record(Author(), now, real_now)


def made() -> Link:
    return new_link(record(NOW), kind=LinkKind.PASSWORD_RESET, profile_id=OWNER.key, address=OWNER.email, lifetime=HOUR)


# Tokens


@pytest.mark.parametrize("key", [new_id(), UUID(int=0), UUID(int=2**128 - 1)])
def test_a_token_leads_back_to_its_link(key: UUID) -> None:
    token = link_token(KEY, key)
    assert is_well_formed(token, SecretKind.LINK)
    assert read_link_token(KEY, token) == key
    assert link_token(KEY, key) == token


def test_a_token_sealed_with_another_key_is_none() -> None:
    assert read_link_token("another" * 5, link_token(KEY, new_id())) is None


def test_a_forged_seal_is_noticed_though_its_checksum_is_right() -> None:
    key = new_id()
    body = link_token(KEY, key).removeprefix("esp_link_")[:43]
    for place in range(43):
        other = "0" if body[place] != "0" else "1"
        forged = with_checksum(SecretKind.LINK, body[:place] + other + body[place + 1 :])
        assert is_well_formed(forged, SecretKind.LINK)
        assert read_link_token(KEY, forged) is None, place


def test_what_is_no_token_is_none() -> None:
    token = link_token(KEY, new_id())
    beyond = with_checksum(SecretKind.LINK, ALPHABET[-1] * 43)
    just_beyond = with_checksum(SecretKind.LINK, "7n42DGM5Tflk9n8mt7Fhc8" + "0" * 21)
    other_kind = with_checksum(SecretKind.ACCESS, token.removeprefix("esp_link_")[:43])
    wrong = [
        "",
        token[:-1],
        token[1:],
        token + "0",
        f" {token}",
        f"{token}\n",
        beyond,
        just_beyond,
        other_kind,
        "é" * 57,
    ]
    assert [text for text in wrong if read_link_token(KEY, text) is not None] == []


# Use


def test_a_link_is_used_once() -> None:
    link = made()
    link.use(record(NOW))
    assert link.used_at == NOW
    with pytest.raises(LinkExpired):
        link.use(record(NOW))


def test_a_link_ends_in_real_time_whatever_the_sandbox_clock_says() -> None:
    late = NOW + timedelta(days=700)
    made().use(record(NOW + HOUR - timedelta(seconds=1), now=late))
    with pytest.raises(LinkExpired):
        made().use(record(NOW + HOUR, now=NOW))


async def test_of_twenty_who_use_a_link_at_once_one_does(api: Api) -> None:
    link = made()
    async with Db(api.database) as db, db.write() as write:
        write.add(link)
        owner = await write.lock_one(select(Profile).where(table(Profile).c.id == OWNER.key))
        assert owner is not None
        write.record.happened(UPDATED, owner)

    async def use() -> bool:
        try:
            async with Db(api.database) as db, db.write() as write:
                found = await write.lock_one(select(Link).where(table(Link).c.id == link.id))
                profile = await write.lock_one(select(Profile).where(table(Profile).c.id == OWNER.key))
                assert found is not None
                assert profile is not None
                found.use(write.record)
                write.record.happened(UPDATED, profile)
        except LinkExpired:
            return False
        return True

    assert sorted(await asyncio.gather(*(use() for _ in range(20)))) == [False] * 19 + [True]


async def test_links_that_ended_long_ago_are_deleted(api: Api, clock: FrozenClock) -> None:
    figures = Figures()
    async with Db(api.database) as db:
        async with db.write() as write:
            write.add(made())
            owner = await write.lock_one(select(Profile).where(table(Profile).c.id == OWNER.key))
            assert owner is not None
            write.record.happened(UPDATED, owner)
        clock.move(HOUR + figures.link_retention)
        await acts.purge(db, figures)
        assert len(await api.rows(Link)) == 1
        clock.move(timedelta(seconds=1))
        await acts.purge(db, figures)
        assert await api.rows(Link) == []


async def test_no_token_is_stored(api: Api) -> None:
    link = made()
    async with Db(api.database) as db, db.write() as write:
        write.add(link)
        owner = await write.lock_one(select(Profile).where(table(Profile).c.id == OWNER.key))
        assert owner is not None
        write.record.happened(UPDATED, owner)
    token = link_token(KEY, link.id)
    kept = repr(await api.rows(Link))
    assert token not in kept
    assert token[-27:-6] not in kept
