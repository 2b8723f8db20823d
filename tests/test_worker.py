"""The worker: what is due is done, and a failure is not the end of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from app import worker
from app.settings import Settings
from models.clock import FrozenClock
from models.db import Database
from models.session import Session
from tests.api import FREE, OWNER, Api

SETTINGS = Settings(worker_interval=timedelta(milliseconds=1))


async def test_sessions_that_ended_long_ago_are_deleted(api: Api, clock: FrozenClock) -> None:
    await api.token(OWNER)
    clock.move(SETTINGS.refresh_token_lifetime + SETTINGS.session_retention + timedelta(seconds=1))
    kept = await api.opened(FREE)
    await worker.work_once(api.database, SETTINGS)
    assert [session.id for session in await api.rows(Session)] == [kept.session.id]


async def test_a_session_is_kept_until_then(api: Api, clock: FrozenClock) -> None:
    await api.token(OWNER)
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
