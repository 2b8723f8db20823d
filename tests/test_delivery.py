"""EVT-1. What leaves the service: made with its cause, taken by one worker, tried again, given up."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlmodel import select
from typer.testing import CliRunner

from app.cli import app as command
from app.mail import Letters
from models.clock import FrozenClock
from models.column import table
from models.db import Db
from models.delivery import Delivery, DeliveryState, backoff
from models.link import Link, LinkKind
from models.mail import MailRefused, SandboxMail
from models.profile import EMAIL_CHANGE_ASKED, PASSWORD_CHANGED, PASSWORD_RESET_ASKED, UPDATED, Profile
from models.setting import Figures
from resolvers import delivery
from tests.api import DELEGATE, FREE, OWNER, STAFF2, Api
from tests.mails import SETTINGS, Box, failing, rows, sent, told, told_with_link

FIGURES = Figures()
LATER = MailRefused("SMTP_451", permanent=False)
NEVER = MailRefused("SMTP_550", permanent=True)


async def changed(api: Api, **values: Any) -> None:
    async with Db(api.database) as db:
        await db.note(update(table(Delivery)).values(**values))


# Made


async def test_a_fact_makes_its_delivery_and_one_without_mail_makes_none(api: Api) -> None:
    await told(api.database, UPDATED, OWNER)
    assert await rows(api.database) == []
    await told(api.database, PASSWORD_CHANGED, OWNER)
    (row,) = await rows(api.database)
    assert (row.state, row.template, row.address, row.attempt) == ("PENDING", "password_changed", None, 0)
    assert row.due_at == api.database.clock.now()


async def test_what_is_rolled_back_sends_nothing(api: Api) -> None:
    async def stopped() -> None:
        async with Db(api.database) as db, db.write() as write:
            profile = await write.lock_one(select(Profile).where(table(Profile).c.id == OWNER.key))
            assert profile is not None
            write.record.happened(PASSWORD_CHANGED, profile)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stopped()
    assert await rows(api.database) == []


# Sent


async def test_what_is_due_is_sent_once(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER, times=3)
    box = Box()
    assert [outcome.state for outcome in await sent(api.database, box)] == [DeliveryState.SENT] * 3
    assert await sent(api.database, box) == []
    found = await rows(api.database)
    assert [message["Message-ID"] for message in box.messages] == [f"<{row.id}@espace.example>" for row in found]
    assert {(row.state, row.attempt, row.lease_by, row.last_error) for row in found} == {("SENT", 1, None, None)}
    assert all(row.sent_at == api.database.clock.now() for row in found)


async def test_the_address_among_the_facts_comes_before_the_owners(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER, address="New@Example.org")
    await told(api.database, PASSWORD_CHANGED, OWNER)
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(email="later@example.org"))
    box = Box()
    await sent(api.database, box)
    assert [message["To"] for message in box.messages] == ["new@example.org", "later@example.org"]


async def test_it_is_sent_outside_any_transaction(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)

    async def write_meanwhile() -> None:
        await asyncio.wait_for(told(api.database, UPDATED, FREE), 5)

    box = Box(write_meanwhile)
    await sent(api.database, box)
    assert len(box.messages) == 1


# Failed


async def test_what_failed_is_tried_again_later_and_given_up_at_last(api: Api, clock: FrozenClock) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    for attempt in range(1, FIGURES.delivery_attempts):
        assert [outcome.state for outcome in await sent(api.database, Box(failing(LATER)))] == [DeliveryState.PENDING]
        (row,) = await rows(api.database)
        longest = min(FIGURES.delivery_pause * 2 ** (attempt - 1), FIGURES.delivery_longest_pause)
        assert longest / 2 <= row.due_at - clock.now() <= longest
        assert (row.attempt, row.lease_by, row.last_error) == (attempt, None, "SMTP_451")
        clock.move(row.due_at - clock.now() - timedelta(seconds=1))
        assert await sent(api.database) == []
        clock.move(timedelta(seconds=1))
    assert [outcome.state for outcome in await sent(api.database, Box(failing(LATER)))] == [DeliveryState.DEAD]
    clock.move(timedelta(days=30))
    assert await sent(api.database) == []


async def test_what_is_refused_for_good_is_given_up_at_once(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    assert [outcome.state for outcome in await sent(api.database, Box(failing(NEVER)))] == [DeliveryState.DEAD]
    assert [(row.state, row.last_error) for row in await rows(api.database)] == [("DEAD", "SMTP_550")]


async def test_one_that_fails_holds_up_no_other_and_its_message_is_kept_nowhere(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER, times=2)
    outcomes = await sent(api.database, Box(failing(RuntimeError("a secret"))))
    assert [outcome.state for outcome in outcomes] == [DeliveryState.PENDING, DeliveryState.SENT]
    assert isinstance(outcomes[0].defect, RuntimeError)
    assert [row.last_error for row in await rows(api.database)] == ["RuntimeError", None]


async def test_sending_lasts_half_of_a_lease_at_most(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    short = Figures(delivery_lease=timedelta(milliseconds=60))
    box = Box(asyncio.Event().wait)  # type: ignore[arg-type]
    outcomes = await asyncio.wait_for(sent(api.database, box, figures=short), 5)
    assert [outcome.state for outcome in outcomes] == [DeliveryState.PENDING]
    assert [row.last_error for row in await rows(api.database)] == ["TIMEOUT"]


@pytest.mark.parametrize("attempt", range(1, 80))
def test_pauses_double_up_to_the_longest(attempt: int) -> None:
    minute, most = timedelta(minutes=1), timedelta(hours=6)
    longest = min(minute * 2 ** min(attempt - 1, 20), most)
    assert longest / 2 <= backoff(attempt, first=minute, most=most) <= longest


def test_pauses_differ() -> None:
    assert len({backoff(5, first=timedelta(minutes=1), most=timedelta(hours=6)) for _ in range(50)}) > 5


async def test_who_is_gone_is_sent_nothing(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, STAFF2)
    async with Db(api.database) as db:
        await db.note(delete(table(Profile)).where(table(Profile).c.id == STAFF2.key))
    box = Box()
    assert [outcome.state for outcome in await sent(api.database, box)] == [DeliveryState.DEAD]
    assert box.messages == []
    assert [row.last_error for row in await rows(api.database)] == ["PROFILE_GONE"]


async def test_a_link_that_does_not_work_any_more_is_not_sent(api: Api, clock: FrozenClock) -> None:
    await told_with_link(api.database, PASSWORD_RESET_ASKED, LinkKind.PASSWORD_RESET, OWNER, OWNER.email)
    used = await told_with_link(api.database, EMAIL_CHANGE_ASKED, LinkKind.EMAIL_CHANGE, FREE, FREE.email)
    async with Db(api.database) as db:
        await db.note(update(table(Link)).where(table(Link).c.id == used.id).values(used_at=clock.now()))
    clock.move(FIGURES.password_reset_lifetime)
    box = Box()
    assert [outcome.state for outcome in await sent(api.database, box)] == [DeliveryState.DEAD] * 2
    assert [row.last_error for row in await rows(api.database)] == ["LINK_CLOSED"] * 2
    assert box.messages == []


# Leases


async def test_a_delivery_is_one_workers_until_its_lease_ends(api: Api, clock: FrozenClock) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    async with Db(api.database) as one, Db(api.database) as two:
        first = await delivery.claim(one, FIGURES)
        assert first is not None
        clock.move(FIGURES.delivery_lease - timedelta(seconds=1))
        assert await delivery.claim(two, FIGURES) is None
        clock.move(timedelta(seconds=1))
        second = await delivery.claim(two, FIGURES)
    assert second is not None
    assert (second.id, second.attempt) == (first.id, 2)
    assert second.holder != first.holder


@pytest.mark.parametrize("answer", [None, LATER, NEVER])
async def test_who_comes_back_after_the_lease_settles_nothing(
    api: Api, clock: FrozenClock, answer: MailRefused | None
) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)

    async def sleep_too_long() -> None:
        clock.move(FIGURES.delivery_lease)
        async with Db(api.database) as other:
            assert await delivery.claim(other, FIGURES) is not None
        if answer is not None:
            raise answer

    await sent(api.database, Box(sleep_too_long))
    (row,) = await rows(api.database)
    assert (row.state, row.attempt, row.last_error) == ("PENDING", 2, None)
    assert row.lease_by is not None
    assert [mail for mail in await api.rows(SandboxMail) if mail.id == row.id] == []


async def test_what_nobody_came_back_from_is_given_up(api: Api, clock: FrozenClock) -> None:
    """A mail that kills its worker does not kill the next one for ever."""
    await told(api.database, PASSWORD_CHANGED, OWNER)
    async with Db(api.database) as db:
        for _ in range(FIGURES.delivery_attempts):
            assert await delivery.claim(db, FIGURES) is not None
            clock.move(FIGURES.delivery_lease)
    box = Box()
    assert [outcome.state for outcome in await sent(api.database, box)] == [DeliveryState.DEAD]
    assert box.messages == []
    assert [row.last_error for row in await rows(api.database)] == ["ABANDONED"]


async def test_two_workers_at_once_share_the_work_and_send_nothing_twice(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER, times=30)
    boxes = [Box(), Box()]

    async def worker(box: Box) -> None:
        letters = Letters(SETTINGS)
        async with Db(api.database) as db:
            while await delivery.deliver_next(db, FIGURES, letters.write, box):
                pass

    await asyncio.gather(*map(worker, boxes))
    ids = [message["Message-ID"] for box in boxes for message in box.messages]
    assert all(box.messages for box in boxes)
    assert sorted(ids) == sorted(f"<{row.id}@espace.example>" for row in await rows(api.database))


async def test_a_row_that_is_locked_is_stepped_over(api: Api) -> None:
    """Two who look at the same instant do not queue for the same row."""
    if api.database.is_sqlite:
        assert api.database.writers.pool.size() == 1  # type: ignore[attr-defined]
        return
    await told(api.database, PASSWORD_CHANGED, OWNER, times=2)
    first, second = await rows(api.database)
    async with Db(api.database) as one, one.bookkeeping() as held, Db(api.database) as two:
        await held.execute(table(Delivery).select().where(table(Delivery).c.id == first.id).with_for_update())
        claimed = await asyncio.wait_for(delivery.claim(two, FIGURES), 5)
    assert claimed is not None
    assert claimed.id == second.id


# The practice system


async def test_a_sandbox_keeps_the_mail_for_whoever_has_its_address(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    await told(api.database, PASSWORD_CHANGED, OWNER, address=DELEGATE.email)
    await told(api.database, PASSWORD_CHANGED, OWNER, address="nobody@example.org")
    await sent(api.database)
    made = {row.id for row in await rows(api.database)}
    kept = sorted((mail for mail in await api.rows(SandboxMail) if mail.id in made), key=lambda mail: mail.id)
    assert [mail.owner_id for mail in kept] == [OWNER.key, DELEGATE.key, OWNER.key]


async def test_a_kept_mail_holds_no_token(api: Api) -> None:
    await told_with_link(api.database, PASSWORD_RESET_ASKED, LinkKind.PASSWORD_RESET, OWNER, OWNER.email)
    box = Box()
    await sent(api.database, box)
    assert "esp_link_" in box.messages[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "esp_link_" not in repr(await api.rows(SandboxMail))


# For operators


def run(api: Api, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setenv("ESPACE_DATABASE_URL", api.database.url.render_as_string(hide_password=False))
    return asyncio.to_thread(CliRunner().invoke, command, ["deliveries", *arguments])


async def test_operators_list_show_and_retry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER, times=2)
    await sent(api.database, Box(failing(NEVER)))
    dead, gone = await rows(api.database)
    listed = await run(api, monkeypatch, "list", "--state", "dead")
    assert (listed.exit_code, [line.split()[:2] for line in listed.stdout.splitlines()]) == (
        0,
        [[str(dead.id), "DEAD"]],
    )
    assert len((await run(api, monkeypatch, "list")).stdout.splitlines()) == 2
    shown = (await run(api, monkeypatch, "show", str(dead.id))).stdout
    for part in ("DEAD", "password_changed", "SMTP_550", "profile.password_changed", str(OWNER.key)):
        assert part in shown
    assert (await run(api, monkeypatch, "retry", str(dead.id))).exit_code == 0
    refused = await run(api, monkeypatch, "retry", str(gone.id))
    assert (refused.exit_code, "has left" in refused.stderr) == (1, True)
    again = (await rows(api.database))[0]
    assert (again.state, again.attempt) == ("PENDING", 0)
    assert (await run(api, monkeypatch, "show", str(OWNER.key))).exit_code == 1


async def test_what_is_under_way_cannot_be_begun_again(api: Api) -> None:
    await told(api.database, PASSWORD_CHANGED, OWNER)
    async with Db(api.database) as db:
        claimed = await delivery.claim(db, FIGURES)
        assert claimed is not None
        assert not await delivery.retry(db, claimed.id)
        await changed(api, lease_until=None, lease_by=None, state=DeliveryState.DEAD)
        assert await delivery.retry(db, claimed.id)
