"""The worker: what is due is done, and a failure is not the end of it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from app import worker
from app.settings import Settings
from models.clock import FrozenClock, RealClock
from models.column import table
from models.db import Database, Db
from models.delivery import Delivery, DeliveryState
from models.mail import SandboxMail
from models.profile import PASSWORD_CHANGED
from models.sandbox import ClockOffset
from models.session import Session
from tests.api import FREE, OWNER, STAFF, Api
from tests.cycle import alone
from tests.mails import rows, told
from tests.test_registration import ASK_RESET

SETTINGS = Settings(worker_interval=timedelta(milliseconds=1))
MAILS = 200


async def test_sessions_that_ended_long_ago_are_deleted(api: Api, clock: FrozenClock) -> None:
    await api.token(OWNER)
    clock.move(SETTINGS.refresh_token_lifetime + SETTINGS.session_retention + timedelta(seconds=1))
    kept = await api.opened(FREE)
    await worker.work_once(api.database, SETTINGS)
    assert [session.id for session in await api.rows(Session)] == [kept.session.id]


async def test_a_session_is_kept_until_then(api: Api, clock: FrozenClock) -> None:
    await api.token(STAFF)
    clock.move(SETTINGS.refresh_token_lifetime + SETTINGS.session_retention - timedelta(seconds=1))
    await worker.work_once(api.database, SETTINGS)
    assert len(await api.rows(Session)) == 1


async def test_a_round_that_fails_is_logged_and_followed_by_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, rounds = asyncio.Event(), []

    async def once(*_: Any) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise RuntimeError("a secret")
        stop.set()

    monkeypatch.setattr(worker, "work_once", once)
    with capture_logs() as logs:
        await asyncio.wait_for(worker.work(database, SETTINGS, stop), 5)
    assert len(rounds) == 2
    assert [(log["event"], log["exc_type"]) for log in logs] == [("round_failed", "RuntimeError")]
    assert "a secret" not in repr(logs)


async def test_the_worker_stops_with_whoever_runs_it(database: Database) -> None:
    async with worker.working(database, SETTINGS):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


def written(folder: Path) -> list[Path]:
    return list(folder.glob("*.eml"))


async def test_a_round_sends_what_is_due_and_stops_when_it_is_told_to(api: Api, tmp_path: Path) -> None:
    settings, stop = Settings(mail_folder=tmp_path), asyncio.Event()
    await told(api.database, PASSWORD_CHANGED, OWNER, times=3)
    stop.set()
    await worker.work_once(api.database, settings, stop)
    assert written(tmp_path) == []
    await worker.work_once(api.database, settings)
    assert len(written(tmp_path)) == 3


async def test_what_cannot_be_sent_is_logged_without_what_it_says(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("app.mail.Letters.write", broken)
    await told(api.database, PASSWORD_CHANGED, OWNER)
    settings = Settings(mail_folder=tmp_path, delivery_attempts=1)
    with capture_logs() as logs:
        await worker.work_once(api.database, settings)
    (row,) = await rows(api.database)
    assert [log["event"] for log in logs] == ["delivery_failed", "delivery_dead"]
    assert logs[1]["delivery_id"] == str(row.id)
    assert "a secret" not in repr(logs)


async def test_what_was_sent_is_deleted_after_a_month_and_what_was_not_is_kept(
    api: Api, clock: FrozenClock, tmp_path: Path
) -> None:
    """EVT-1. By real time, though the sandbox dates its mails by its own."""
    settings = Settings(mail_folder=tmp_path, delivery_attempts=1)
    await alone(api)
    seeded = await api.rows(SandboxMail)
    async with Db(api.database) as db:
        await db.note(update(table(ClockOffset)).values(microseconds=5 * 10**12))
    await told(api.database, PASSWORD_CHANGED, OWNER)
    await worker.work_once(api.database, settings)
    assert len(await api.rows(SandboxMail)) == len(seeded) + 1
    await told(api.database, PASSWORD_CHANGED, OWNER, times=2)
    dead, waiting = (await rows(api.database))[1:]
    of = table(Delivery)
    async with Db(api.database) as db:
        await db.note(update(of).where(of.c.id == dead.id).values(state=DeliveryState.DEAD))
        await db.note(update(of).where(of.c.id == waiting.id).values(due_at=clock.now() + timedelta(days=99)))
    clock.move(settings.delivery_retention)
    await worker.work_once(api.database, settings)
    assert len(await rows(api.database)) == 3
    clock.move(timedelta(seconds=1))
    await worker.work_once(api.database, settings)
    assert [row.id for row in await rows(api.database)] == [dead.id, waiting.id]
    assert await api.rows(SandboxMail) == seeded


async def test_a_mail_leaves_at_once_and_not_at_the_next_look(api: Api, tmp_path: Path) -> None:
    """EVT-1. What commits wakes the worker of its process; so does a reset that was asked for."""
    settings = Settings(mail_folder=tmp_path, worker_interval=timedelta(hours=1))
    async with worker.working(api.database, settings):
        await asyncio.sleep(0.2)
        await told(api.database, PASSWORD_CHANGED, OWNER)
        await until(lambda: len(written(tmp_path)) == 1)
        await api.ask(ASK_RESET, {"email": FREE.email})
        await until(lambda: len(written(tmp_path)) == 2)
    assert [row.state for row in await rows(api.database)] == [DeliveryState.SENT] * 2


# Killed


@asynccontextmanager
async def workers(api: Api, folder: Path, count: int) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Processes of `espace worker`, which are killed at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ESPACE_")} | {
        "ESPACE_DATABASE_URL": api.database.url.render_as_string(hide_password=False),
        "ESPACE_MAIL_FOLDER": str(folder),
        "ESPACE_DELIVERY_LEASE": "PT1S",
        "ESPACE_WORKER_INTERVAL": "PT0.05S",
    }
    command = [sys.executable, "-c", "from app.cli import main; main()", "worker"]
    made = [await asyncio.create_subprocess_exec(*command, env=environment) for _ in range(count)]
    try:
        yield made
    finally:
        for process in made:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


async def until(true: Callable[[], Any]) -> None:
    for _ in range(6_000):
        found = true()
        if await found if asyncio.iscoroutine(found) else found:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


async def test_a_worker_killed_in_the_middle_loses_nothing_and_sends_nothing_twice(api: Api, tmp_path: Path) -> None:
    """Where there may be several workers, another one goes on meanwhile."""
    folder = tmp_path / "mail"
    folder.mkdir()
    api.database.clock = RealClock()
    await told(api.database, PASSWORD_CHANGED, OWNER, times=MAILS)
    async with workers(api, folder, 1 if api.database.is_sqlite else 2) as running:
        await until(lambda: len(written(folder)) > MAILS // 10)
        running[0].send_signal(signal.SIGKILL)
        await running[0].wait()
        before = {path: path.stat().st_mtime_ns for path in written(folder)} if len(running) == 1 else {}
    assert len(written(folder)) < MAILS, "it was killed too late to tell"

    async def all_settled() -> bool:
        return all(row.state == DeliveryState.SENT for row in await rows(api.database))

    async with workers(api, folder, 1):
        await until(all_settled)
    found = [message_from_bytes(path.read_bytes())["Message-ID"] for path in written(folder)]
    assert sorted(found) == sorted(f"<{row.id}@espace.example>" for row in await rows(api.database))
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
