"""EVT-1, TIC-1, section 14. What happens to tickets, whosever they are, is told to the support team and nobody else."""

from typing import Any

import pytest
from sqlalchemy import delete

from app.allowance import Allowance
from app.settings import Settings
from engine.error import RequestRefused
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.service import ServiceScope
from models.staff import StaffMember, StaffRole
from models.ticket_category import TicketCategory
from models.viewer import Viewer
from resolvers import service
from resolvers import staff as members
from schema.global_id import global_id
from tests.api import OWNER, STAFF, STAFF2, Api
from tests.desk import Desk
from tests.following import Closed, line
from tests.test_access import credential
from tests.tickets import READ, a_ticket, replied

DESK = "/staff/graphql"
TICKETS = """subscription Tickets($id: ID, $category: [TicketCategory!], $assignee: String) {
  ticketChanged(ticketId: $id, category: $category, assignee: $assignee) { id subject customerEmail messageCount } }"""
WHOLE = """subscription Whole($id: ID!) { ticketDeskChanged(ticketId: $id) {
  assignee ticket { id } messages { body fromSupport } notes { text } } }"""


async def test_what_a_customer_writes_is_told_to_the_team(api: Api) -> None:
    secret = await credential(api, ServiceScope.SUPPORT)
    person = await api.two_factor(STAFF)
    async with line(api.app, path=DESK) as one, line(api.app, path=DESK) as two:
        await (await one.enter(person)).follow(TICKETS)
        await (await two.enter(secret)).follow(TICKETS)
        ticket = await a_ticket(api)
        for opened in (one, two):
            told = await opened.told()
            assert (told["id"], told["customerEmail"], told["messageCount"]) == (ticket, OWNER.email, 1)
        await replied(api, ticket)
        assert (await one.told())["messageCount"] == (await two.told())["messageCount"] == 2


async def test_one_ticket_is_followed_with_its_notes(api: Api) -> None:
    ticket, other = await a_ticket(api), await a_ticket(api)
    desk = await Desk.of(api)
    async with line(api.app, path=DESK) as opened:
        await (await opened.enter(desk.token)).follow(WHOLE, id=ticket)
        await desk.done("ticketNoteAdd", ticketId=other, text="Of another one", agent="Nadia")
        await desk.done("ticketNoteAdd", ticketId=ticket, text="Look at the disk", agent="Nadia")
        assert [note["text"] for note in (await opened.told())["notes"]] == ["Look at the disk"]
        await desk.done("ticketAssign", ticketId=ticket, assignee="Nadia", agent="Nadia")
        assert (await opened.told())["assignee"] == "Nadia"
        await desk.done("ticketAnswer", ticketId=ticket, body="We look into it.", agent="Nadia")
        told = await opened.told()
        assert (told["ticket"]["id"], told["messages"][-1]) == (
            ticket,
            {"body": "We look into it.", "fromSupport": True},
        )


async def test_only_what_fits_is_told(api: Api) -> None:
    desk = await Desk.of(api)
    async with line(api.app, path=DESK) as opened:
        await (await opened.enter(desk.token)).follow(TICKETS, category=["BILLING"])
        await opened.follow(TICKETS, "2", assignee="Nadia")
        technical = await a_ticket(api, category=TicketCategory.TECHNICAL)
        billing = await a_ticket(api, category=TicketCategory.BILLING)
        assert (await opened.told())["id"] == billing
        await desk.done("ticketAssign", ticketId=technical, assignee="Nadia", agent="Nadia")
        assert (await opened.told("2"))["id"] == technical
        assert await opened.is_quiet()


async def test_that_a_customer_reads_wakes_nobody_at_the_desk(api: Api) -> None:
    desk, ticket = await Desk.of(api), await a_ticket(api)
    await desk.done("ticketAnswer", ticketId=ticket, body="We look into it.", agent="Nadia")
    async with line(api.app, path=DESK) as opened:
        await (await opened.enter(desk.token)).follow(TICKETS)
        read = await api.ask(READ, {"id": ticket}, token=await api.token())
        assert read.data["ticketMarkRead"]["userErrors"] == []
        assert await opened.is_quiet()


async def test_nobody_of_the_team_follows_tickets_of_their_own(api: Api) -> None:
    desk = await Desk.of(api)
    async with line(api.app, path=DESK) as opened:
        await (await opened.enter(desk.token)).follow(TICKETS)
        own = await a_ticket(api, STAFF)
        await opened.follow(WHOLE, "2", id=own)
        await replied(api, own, person=STAFF)
        assert await opened.is_quiet()


async def test_whoever_loses_the_role_is_told_nothing_more(api: Api) -> None:
    """PER-14. The whole connection ends with the last role, the operation alone with the one that it needs."""
    desk, other = await Desk.of(api), await Desk.of(api, STAFF2)
    async with line(api.app, path=DESK) as one, line(api.app, path=DESK) as two:
        await (await one.enter(desk.token)).follow(TICKETS)
        await (await two.enter(other.token)).follow(TICKETS)
        async with Db(api.database) as db:
            await members.remove(db, STAFF.email, [])
            await members.remove(db, STAFF2.email, [StaffRole.SUPPORT])
        with pytest.raises(Closed) as closed:
            await one.told()
        assert closed.value.code == 4403
        ended = await two.heard()
        assert (ended["type"], ended["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
        await a_ticket(api)
        assert await two.is_quiet()


async def test_a_service_without_its_credential_is_told_nothing_more(api: Api) -> None:
    secret = await credential(api, ServiceScope.SUPPORT)
    async with line(api.app, path=DESK) as opened:
        await (await opened.enter(secret)).follow(TICKETS)
        async with Db(api.database) as db:
            await service.end(db, "mail")
        await a_ticket(api)
        with pytest.raises(Closed) as closed:
            await opened.told()
        assert closed.value.code == 4403


def test_what_a_service_is_told_takes_the_points_of_services(clock: FrozenClock) -> None:
    allowance = Allowance(Settings(anonymous_points_per_minute=1, service_points_per_minute=10), clock)
    follower = Viewer(service_id=new_id())
    allowance.charge_points(follower, 8)
    assert allowance.quota(follower, 8).remaining == 2
    with pytest.raises(RequestRefused):
        allowance.charge_points(follower, 3)


async def test_others_follow_nothing_here(api: Api) -> None:
    """Customers, services for something else, people without the role or the second factor, and ids of other things."""
    await refuses_to_enter(api, await api.token())
    await refuses_to_enter(api, await api.token(STAFF))
    for secret, code in ((await credential(api, ServiceScope.ABUSE), "FORBIDDEN"),):
        assert await refuses_to_follow(api, secret, TICKETS) == code
    desk = await Desk.of(api)
    assert await refuses_to_follow(api, desk.token, WHOLE, id=global_id("Profile", OWNER.key)) == "NOT_FOUND"
    assert await refuses_to_follow(api, desk.token, WHOLE, id="nothing") == "NOT_FOUND"
    async with Db(api.database) as db:
        await db.note(
            delete(StaffMember).where(
                table(StaffMember).c.role == StaffRole.SUPPORT, table(StaffMember).c.profile_id == STAFF.key
            )
        )
    assert await refuses_to_follow(api, desk.token, TICKETS) == "FORBIDDEN"


async def refuses_to_enter(api: Api, token: str) -> None:
    async with line(api.app, path=DESK) as opened:
        opened.say({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        with pytest.raises(Closed) as closed:
            await opened.heard()
        assert closed.value.code == 4403


async def refuses_to_follow(api: Api, token: str, document: str, **variables: Any) -> Any:
    async with line(api.app, path=DESK) as opened:
        (await opened.enter(token)).subscribe(document, **variables)
        message = await opened.heard()
        assert message["type"] == "error"
        return message["payload"][0]["extensions"]["code"]
