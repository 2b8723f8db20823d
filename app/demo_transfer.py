"""What the demo's owner is offered: the account of a private individual, which waits for an answer."""

from uuid import UUID

from sqlmodel import select

from app.demo import PEOPLE
from app.demo_hosting import ACCOUNT_KEYS
from models.account import Account
from models.column import table
from models.db import Database, Db
from models.profile import Profile
from models.setting import Figures
from models.transfer import TransferMode, new_transfer

ACCOUNTS, PROFILES = table(Account), table(Profile)
OWNER, FREE = PEOPLE[0].key, PEOPLE[3].key


async def offer(database: Database, figures: Figures) -> None:
    """ACC-8. Offer it, as its owner would."""
    async with Db(database) as db, db.write() as write:
        parties: dict[UUID, Profile] = {
            row.id: row for row in await write.lock(select(Profile).where(PROFILES.c.id.in_([OWNER, FREE])))
        }
        (hobby,) = await write.lock(select(Account).where(ACCOUNTS.c.id == ACCOUNT_KEYS["hobby"]))
        sender, recipient = parties[FREE], parties[OWNER]
        mode = TransferMode.BILL_AT_ACCEPTANCE
        transfer = new_transfer(write.record, hobby, sender, recipient, mode, figures)
        write.add(transfer)
        await write.flush()
        transfer.start(write.record, sender, recipient, None)
