"""Mails in tests: facts that make them, mailers that carry them, and a round that sends what is due."""

from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Any

from sqlmodel import select

from app.mail import Letters
from app.settings import Settings
from models.activity import Action
from models.column import table
from models.db import Database, Db
from models.delivery import Delivery
from models.link import Link, LinkKind, new_link
from models.profile import Profile
from models.setting import Figures
from resolvers import delivery, password

SETTINGS = Settings()


class Box:
    """A mailer that keeps what it is given; `answers` are done first, in order, and may raise."""

    def __init__(self, *answers: Callable[[], Awaitable[None]]) -> None:
        self.messages: list[EmailMessage] = []
        self.answers = list(answers)

    async def send(self, message: EmailMessage) -> None:
        if self.answers:
            await self.answers.pop(0)()
        self.messages.append(message)


def failing(error: Exception) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


async def told(database: Database, action: Action, person: Any, *, times: int = 1, **facts: Any) -> None:
    """A fact about one of the demo's people, so often."""
    async with Db(database) as db, db.write() as write:
        profile = await write.lock_one(select(Profile).where(table(Profile).c.id == person.key))
        assert profile is not None
        for _ in range(times):
            write.record.happened(action, profile, **facts)


async def told_with_link(database: Database, action: Action, kind: LinkKind, person: Any, address: str) -> Link:
    """A fact whose mail carries a link."""
    async with Db(database) as db, db.write() as write:
        profile = await write.lock_one(select(Profile).where(table(Profile).c.id == person.key))
        assert profile is not None
        link = new_link(
            write.record,
            kind=kind,
            profile_id=profile.id,
            address=address,
            lifetime=Figures().password_reset_lifetime,
        )
        write.add(link)
        write.record.happened(action, profile, address=address, link_id=link.id)
    return link


async def sent(
    database: Database, mailer: Any = None, *, figures: Figures = SETTINGS, settings: Settings = SETTINGS
) -> list[delivery.Outcome]:
    """Send what is due; what became of each."""
    outcomes, letters, box = [], Letters(settings), mailer or Box()
    async with Db(database) as db:
        await password.answer_requests(db, figures)
        while outcome := await delivery.deliver_next(db, figures, letters.write, box):
            outcomes.append(outcome)
    return outcomes


async def rows(database: Database) -> list[Any]:
    """Every delivery, in the order in which they were made."""
    async with Db(database) as db:
        return list(await db.rows(table(Delivery).select().order_by(table(Delivery).c.id)))
