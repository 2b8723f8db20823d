"""BIL-4, EVT-2. What is not paid for any more is blocked on the machines too, until it is paid for again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import worker
from app.settings import Settings
from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.db import Db
from models.provisioning import Operation, Outcome, ProvisionerRefused, ProvisioningTask, TaskState
from resolvers import provisioning
from tests.api import OWNER, Api
from tests.cycle import alone, change, move, open_account
from tests.database import START
from tests.hosting import OFFICE, Machines, account, answer, handed_over
from tests.test_account import DELETE
from tests.test_clockwork import renews

DAY_AFTER = "2026-03-01T00:00:00Z"


@pytest.fixture(autouse=True)
def january(clock: FrozenClock) -> None:
    """A month to pay for."""
    clock.move(datetime(2026, 1, 31, 9, tzinfo=UTC) - START)


async def lapsed(api: Api) -> str:
    """The id of an account whose only month is over; nobody was asked yet."""
    await alone(api)
    key = await open_account(api, "shop", "small")
    await handed_over(api)
    await renews(api, "shop", False)
    await move(api, DAY_AFTER)
    assert (await account(api, "shop")).status.value == "SUSPENDED"
    return key


async def tasks(api: Api) -> list[tuple[str, str]]:
    """What was asked for after the account was set up, in order, and how it stands."""
    rows = sorted(await api.rows(ProvisioningTask), key=lambda row: row.id)
    return [(row.operation.value, row.state.value) for row in rows if row.operation is not Operation.CREATE]


async def facts(api: Api, *kinds: str) -> list[str]:
    """Which of these facts there are, in order."""
    rows = sorted(await api.rows(ActivityEvent), key=lambda row: row.id)
    return [row.kind for row in rows if row.kind in kinds]


async def report(api: Api, operation: Operation, outcome: Outcome = Outcome.DONE) -> bool:
    """Answer the last task of a kind."""
    rows = [row for row in await api.rows(ProvisioningTask) if row.operation is operation]
    async with Db(api.database) as db:
        return await provisioning.report(db, OFFICE, task_id=max(row.id for row in rows), outcome=outcome)


async def test_what_lapses_is_blocked_and_what_has_a_plan_again_is_not(api: Api) -> None:
    key = await lapsed(api)
    machines = await handed_over(api)
    assert [(order.operation, order.name) for order in machines.orders] == [(Operation.SUSPEND, "shop")]
    await answer(api)
    assert (await account(api, "shop")).status.value == "SUSPENDED"
    assert (await change(api, key, "small"))["account"]["status"] == "ACTIVE"
    first, second = (await handed_over(api, machines)).orders
    assert (second.operation, second.account_id) == (Operation.RESUME, first.account_id)
    assert second.id > first.id
    await answer(api)
    assert (await account(api, "shop")).status.value == "ACTIVE"
    told = "account.lapsed", "account.blocked", "account.plan_changed", "account.unblocked"
    assert await facts(api, *told) == list(told)
    assert await tasks(api) == [("SUSPEND", "DONE"), ("RESUME", "DONE")]


async def test_a_plan_that_changes_while_it_runs_asks_for_nothing(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "small")
    await change(api, key, "medium")
    assert await tasks(api) == []
    assert [order.operation for order in (await handed_over(api)).orders] == []


@pytest.mark.parametrize("operation", [Operation.SUSPEND, Operation.RESUME])
async def test_what_the_machines_cannot_do_is_on_record_and_changes_nothing(api: Api, operation: Operation) -> None:
    key = await lapsed(api)
    if operation is Operation.RESUME:
        await change(api, key, "small")
    before = (await account(api, "shop")).status
    assert await report(api, operation, Outcome.FAILED) is True
    failed = {Operation.SUSPEND: "account.blocking_failed", Operation.RESUME: "account.unblocking_failed"}
    assert await facts(api, *failed.values()) == [failed[operation]]
    assert (await account(api, "shop")).status is before


async def test_what_was_not_handed_over_before_its_opposite_is_not_any_more(api: Api, clock: FrozenClock) -> None:
    """It was refused once, and is due again after what was asked for later."""
    key = await lapsed(api)
    machines = await handed_over(api, Machines(ProvisionerRefused("DOWN", permanent=False)))
    await change(api, key, "small")
    clock.move(timedelta(days=1))
    await handed_over(api, machines)
    assert [order.operation for order in machines.orders] == [Operation.RESUME]
    assert await tasks(api) == [("SUSPEND", "SUPERSEDED"), ("RESUME", "PENDING")]
    assert await report(api, Operation.SUSPEND) is False
    assert await report(api, Operation.SUSPEND, Outcome.FAILED) is False
    assert await tasks(api) == [("SUSPEND", "SUPERSEDED"), ("RESUME", "PENDING")]
    assert (await account(api, "shop")).status.value == "ACTIVE"


async def test_an_answer_that_comes_after_the_opposite_was_asked_for_changes_nothing(api: Api) -> None:
    key = await lapsed(api)
    await handed_over(api)
    await change(api, key, "small")
    assert await report(api, Operation.RESUME) is True
    assert await report(api, Operation.SUSPEND) is True
    assert (await account(api, "shop")).status.value == "ACTIVE"


@pytest.mark.parametrize("first", [False, True])
async def test_what_is_deleted_is_not_blocked_any_more(api: Api, first: bool) -> None:
    """Whether the machines were asked to block it first or not: nothing waits for an answer when it is gone."""
    key = await lapsed(api)
    if first:
        await handed_over(api)
    await api.ask(DELETE, {"id": key, "confirmation": "shop"}, token=await api.token(OWNER))
    assert [order.operation for order in (await handed_over(api)).orders] == [Operation.DELETE]
    assert await report(api, Operation.DELETE) is True
    assert await tasks(api) == [("SUSPEND", "SUPERSEDED"), ("DELETE", "DONE")]
    assert await report(api, Operation.SUSPEND) is False


async def test_the_simulator_blocks_and_unblocks(api: Api, clock: FrozenClock, tmp_path: Any) -> None:
    key = await lapsed(api)
    settings = Settings(mail_folder=tmp_path)

    async def done() -> None:
        for _ in range(2):
            await worker.work_once(api.database, settings)
            clock.move(settings.provisioning_delay)

    await done()
    assert await tasks(api) == [("SUSPEND", "DONE")]
    await change(api, key, "small")
    await done()
    assert await tasks(api) == [("SUSPEND", "DONE"), ("RESUME", "DONE")]
    assert {row.state for row in await api.rows(ProvisioningTask)} == {TaskState.DONE}
