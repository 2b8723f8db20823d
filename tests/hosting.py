"""The demo's accounts and server in tests, and those who run the machines: they answer when they are told to."""

from typing import Any

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from app.mail import Letters
from app.settings import Settings
from models.account import Account
from models.db import Db
from models.issuer import Office
from models.provisioning import Order, Outcome, ProvisioningTask, TaskState
from resolvers import delivery, provisioning
from schema.global_id import global_id
from tests.api import Api
from tests.mails import Box

ATELIER, BOUTIQUE, HOBBY, WEB = (
    global_id("Account", ACCOUNT_KEYS[name]) for name in ("atelier", "boutique", "hobby", "forge-web")
)
FORGE_ID = global_id("Server", FORGE)
SETTINGS = Settings()
OFFICE = Office(SETTINGS, sandbox=True)


class Machines:
    """A provisioner that keeps its orders; `answers` are raised first, in order."""

    def __init__(self, *answers: Exception) -> None:
        self.orders: list[Order] = []
        self.answers = list(answers)

    async def ask(self, order: Order) -> None:
        if self.answers:
            raise self.answers.pop(0)
        self.orders.append(order)


async def handed_over(api: Api, machines: Machines | None = None) -> Machines:
    """Those who run the machines, once they were asked for all that is due."""
    machines, letters = machines or Machines(), Letters(SETTINGS)
    async with Db(api.database) as db:
        while await delivery.deliver_next(db, SETTINGS, letters.write, Box(), machines):
            pass
    return machines


async def answer(api: Api, outcome: Outcome = Outcome.DONE, reason: str | None = None) -> None:
    """Answer every task that waits."""
    waiting = [row.id for row in await api.rows(ProvisioningTask) if row.state is TaskState.PENDING]
    async with Db(api.database) as db:
        for key in waiting:
            await provisioning.report(db, OFFICE, task_id=key, outcome=outcome, reason=reason)


async def account(api: Api, name: str) -> Any:
    """The account of this name, as the database has it."""
    return next((row for row in await api.rows(Account) if row.name == name), None)
