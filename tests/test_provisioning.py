"""EVT-2. What is asked of those who run the machines leaves with its cause, at least once, and is answered once."""

from datetime import timedelta
from typing import Any

import pytest

from app import worker
from app.demo_hosting import ACCOUNT_KEYS
from app.settings import Settings
from models.account import AccountStatus
from models.clock import FrozenClock
from models.column import new_id
from models.db import Db
from models.delivery import Delivery, DeliveryKind, DeliveryState
from models.provisioning import AnsweredOtherwise, Operation, Order, Outcome, ProvisionerRefused, ProvisioningTask
from models.refusal import NotFound
from models.service import ServiceScope
from resolvers import provisioning
from tests.api import OWNER, Api
from tests.hosting import OFFICE, Machines, account, answer, handed_over
from tests.test_access import credential, staff
from tests.test_account import renamed

SETTINGS = Settings()


async def asked(api: Api) -> Any:
    """The task of a renaming."""
    told = await renamed(api, await api.token(OWNER), "workshop")
    assert told["userErrors"] == []
    (task,) = await api.rows(ProvisioningTask)
    return task


async def left(api: Api) -> list[Any]:
    return [row for row in await api.rows(Delivery) if row.kind is DeliveryKind.PROVISIONING]


async def report(api: Api, key: Any, outcome: Outcome) -> bool:
    async with Db(api.database) as db:
        return await provisioning.report(db, OFFICE, task_id=key, outcome=outcome)


async def test_a_task_is_handed_over_once_under_its_own_id(api: Api) -> None:
    task = await asked(api)
    machines = await handed_over(api)
    assert machines.orders == [
        Order(task.id, Operation.RENAME, ACCOUNT_KEYS["atelier"], "atelier", new_name="workshop")
    ]
    assert [row.state for row in await left(api)] == [DeliveryState.SENT]
    assert (await handed_over(api)).orders == []
    assert (await account(api, "atelier")).status is AccountStatus.RENAMING


async def test_what_is_not_taken_is_tried_again_and_given_up_at_last(api: Api, clock: FrozenClock) -> None:
    task = await asked(api)
    machines = await handed_over(api, Machines(ProvisionerRefused("DOWN", permanent=False), RuntimeError("defect")))
    assert [(row.state, row.last_error) for row in await left(api)] == [(DeliveryState.PENDING, "DOWN")]
    for _ in range(2):
        clock.move(timedelta(days=1))
        await handed_over(api, machines)
    assert [order.id for order in machines.orders] == [task.id]
    assert [row.state for row in await left(api)] == [DeliveryState.SENT]


async def test_what_is_refused_for_good_waits_for_an_operator(api: Api) -> None:
    await asked(api)
    await handed_over(api, Machines(ProvisionerRefused("UNKNOWN_ACCOUNT", permanent=True)))
    assert [(row.state, row.last_error) for row in await left(api)] == [(DeliveryState.DEAD, "UNKNOWN_ACCOUNT")]
    assert (await account(api, "atelier")).status is AccountStatus.RENAMING


async def test_what_is_answered_already_is_asked_of_nobody(api: Api) -> None:
    await asked(api)
    await answer(api)
    assert (await handed_over(api)).orders == []
    assert [row.state for row in await left(api)] == [DeliveryState.SENT]


async def test_an_answer_that_comes_twice_does_nothing_and_another_one_is_refused(api: Api) -> None:
    task = await asked(api)
    assert await report(api, task.id, Outcome.FAILED) is True
    facts = len(await api.rows(Delivery))
    assert await report(api, task.id, Outcome.FAILED) is False
    with pytest.raises(AnsweredOtherwise):
        await report(api, task.id, Outcome.DONE)
    assert (await account(api, "atelier")).status is AccountStatus.ACTIVE
    assert len(await api.rows(Delivery)) == facts
    with pytest.raises(NotFound):
        await report(api, new_id(), Outcome.DONE)


async def test_the_answer_about_what_is_gone_does_nothing_more(api: Api) -> None:
    token = await api.token(OWNER)
    document = 'mutation { accountDelete(input: { accountId: "%s", confirmation: "atelier" }) { userErrors { code } } }'
    account_id = (await api.ask('{ account(name: "atelier") { id } }', token=token)).data["account"]["id"]
    await api.ask(document % account_id, token=token)
    (task,) = await api.rows(ProvisioningTask)
    assert await report(api, task.id, Outcome.DONE) is True
    assert await report(api, task.id, Outcome.DONE) is False


async def test_the_simulator_answers_by_itself_after_its_delay(api: Api, clock: FrozenClock, tmp_path: Any) -> None:
    await asked(api)
    settings = Settings(mail_folder=tmp_path)
    await worker.work_once(api.database, settings)
    assert (await account(api, "atelier")).status is AccountStatus.RENAMING
    clock.move(SETTINGS.provisioning_delay - timedelta(milliseconds=1))
    await worker.work_once(api.database, settings)
    assert (await account(api, "atelier")).status is AccountStatus.RENAMING
    clock.move(timedelta(milliseconds=1))
    await worker.work_once(api.database, settings)
    assert (await account(api, "workshop")).status is AccountStatus.ACTIVE


def test_what_is_asked_is_done_within_two_seconds() -> None:
    assert SETTINGS.worker_interval + SETTINGS.provisioning_delay < timedelta(seconds=2)


REPORT = """mutation ($input: ProvisioningReportInput!) { provisioningReport(input: $input) {
  changed userErrors { code field } } }"""


async def test_whoever_runs_the_machines_answers_with_a_credential_of_their_own(api: Api) -> None:
    """EVT-2. An answer that comes twice is one; another one is refused, and so is one about nothing."""
    task = await asked(api)
    secret = await credential(api, ServiceScope.PROVISIONING)

    async def said(key: Any, outcome: str) -> Any:
        input = {"taskId": str(key), "outcome": outcome, "reason": "the disk is full"}
        return (await staff(api, secret, REPORT, {"input": input})).data["provisioningReport"]

    assert await said(task.id, "FAILED") == {"changed": True, "userErrors": []}
    assert await said(task.id, "FAILED") == {"changed": False, "userErrors": []}
    refused = {"changed": None, "userErrors": [{"code": "CONFLICT", "field": ["input", "taskId"]}]}
    assert await said(task.id, "DONE") == refused
    unknown = {"changed": None, "userErrors": [{"code": "NOT_FOUND", "field": ["input", "taskId"]}]}
    assert await said(new_id(), "DONE") == unknown
    assert (await account(api, "atelier")).status is AccountStatus.ACTIVE
    (stored,) = await api.rows(ProvisioningTask)
    assert stored.reason == "the disk is full"


async def test_who_may_only_ask_reports_nothing(api: Api) -> None:
    task = await asked(api)
    secret = await credential(api, ServiceScope.ACCESS_CHECK)
    answer = await staff(api, secret, REPORT, {"input": {"taskId": str(task.id), "outcome": "DONE"}})
    assert answer.codes == ["FORBIDDEN"]
    assert (await account(api, "atelier")).status is AccountStatus.RENAMING
