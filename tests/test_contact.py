"""PER-10. Who is told of what concerns an account, a server, or the money."""

from sqlalchemy import update

from models.column import table
from models.db import Db
from models.permission import AccountPermission, OverallPermission, ServerPermission, Subject
from models.profile import Profile
from resolvers.contact import billing_contacts, technical_contacts
from tests.api import DELEGATE, FREE, OWNER, STAFF, TECH, Api
from tests.granting import a_grant, a_server, an_account

CONTACT, ON_SERVER = AccountPermission.TECHNICAL_CONTACT, ServerPermission.TECHNICAL_CONTACT


async def test_contacts_are_the_owner_and_whoever_holds_the_permission(api: Api) -> None:
    server = await a_server(api)
    account, other = await an_account(api), await an_account(api, "other", server_id=server)
    await a_grant(
        api, DELEGATE, OverallPermission.BILLING, accounts={account: [CONTACT], other: [AccountPermission.SITES]}
    )
    await a_grant(api, TECH, OverallPermission.TECHNICAL_ACCOUNT)
    await a_grant(api, FREE, servers={server: [ON_SERVER]})
    async with Db(api.database) as db:
        billing = await billing_contacts(db, OWNER.key)
        here = await technical_contacts(db, Subject(OWNER.key, account))
        there = await technical_contacts(db, Subject(OWNER.key, other, server))
        machine = await technical_contacts(db, Subject(OWNER.key, server_id=server))
    told = [[row.email for row in rows] for rows in (billing, here, there, machine)]
    assert told == [
        [OWNER.email, DELEGATE.email],
        [OWNER.email, DELEGATE.email, TECH.email],
        [OWNER.email, TECH.email],
        [OWNER.email, FREE.email],
    ]
    assert [row.locale for row in billing] == [OWNER.values["locale"], DELEGATE.values["locale"]]


async def test_what_does_not_count_for_its_holder_tells_them_nothing(api: Api) -> None:
    """An address that is not confirmed, and a grant that asks for a factor which its holder does not have."""
    profiles = table(Profile)
    await a_grant(api, DELEGATE, OverallPermission.BILLING, flagged=True)
    await a_grant(api, STAFF, OverallPermission.BILLING, flagged=True)
    await a_grant(api, FREE, OverallPermission.BILLING)
    async with Db(api.database) as db:
        await db.note(update(profiles).where(profiles.c.id == FREE.key).values(email_verified_at=None))
        told = [row.email for row in await billing_contacts(db, OWNER.key)]
    assert told == [OWNER.email, STAFF.email]
