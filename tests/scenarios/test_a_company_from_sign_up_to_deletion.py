"""One company's story: it signs up, pays, grows, asks for help, hands something over and leaves."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from models.activity import ActivityEvent
from models.clock import FrozenClock
from models.link import LinkKind
from models.profile import Profile
from models.ticket_category import TicketCategory
from resolvers.audit import verify
from tests.api import DELEGATE, FREE, Api, profile_id
from tests.cycle import balance, change, documents, move, open_account
from tests.database import START
from tests.hosting import answer, handed_over
from tests.paying import add_card, money, top_up
from tests.test_deletion import DELETE, PREVIEW, erased, found
from tests.test_export import ask as ask_for_data
from tests.test_registration import STRONG, VERIFY, registered, token_of
from tests.tickets import ANSWER, a_ticket, desk, replied, seen
from tests.transferring import accept, address, offered

EMAIL = "harbour@example.org"
WAITING = "{ viewer { contracts { id acceptedAt } } }"
ACCEPT = "mutation($id: ID!) { contractAccept(input: {contractId: $id}) { userErrors { code } } }"
UPDATE = "mutation($input: ProfileUpdateInput!) { profileUpdate(input: $input) { userErrors { code field } } }"
GRANT = "mutation($input: PermissionGrantSaveInput!) { permissionGrantSave(input: $input) { userErrors { code } } }"
IDENTITY = {
    "organizationName": "Harbour Works",
    "streetLines": ["1 quai des Brumes"],
    "postalCode": "44000",
    "city": "Nantes",
    "country": "FR",
}


@pytest.fixture(autouse=True)
def new_year(clock: FrozenClock) -> None:
    clock.move(datetime(2027, 1, 10, 9, tzinfo=UTC) - START)


async def done(api: Api, who: Any, document: str, variables: Mapping[str, Any]) -> Any:
    """What a mutation answers that succeeds."""
    (payload,) = (await api.ask(document, variables, token=await api.token(who))).data.values()
    assert payload["userErrors"] == [], payload
    return payload


async def signed_up(api: Api) -> Any:
    """A company with a name, whose address is confirmed, and which has accepted what there is."""
    await registered(api, EMAIL)
    await api.ask(VERIFY, {"token": await token_of(api, LinkKind.EMAIL_VERIFICATION)})
    (row,) = [each for each in await api.rows(Profile) if each.email == EMAIL]
    company = SimpleNamespace(key=row.id, email=EMAIL)
    await done(api, company, UPDATE, {"input": {"kind": "COMPANY", "identity": IDENTITY}})
    waiting = (await api.ask(WAITING, token=await api.token(company))).data["viewer"]["contracts"]
    for each in waiting:
        if each["acceptedAt"] is None:
            await done(api, company, ACCEPT, {"id": each["id"]})
    return company


async def test_a_company_from_sign_up_to_deletion(api: Api) -> None:
    company = await signed_up(api)

    # It pays in, keeps a card, and opens two accounts.
    await top_up(api, "20.00", {"oneTimeToken": "card_ok"}, company)
    await add_card(api, "card_ok", company, autoDebit=True)
    site = await open_account(api, "harbour", "small", person=company)
    shop = await open_account(api, "harbour-shop", "small", person=company)
    assert (await money(api, company))["restricted"] is False

    # Somebody does its books, and asks a question about them.
    await done(api, company, GRANT, {"input": {"email": DELEGATE.email, "overall": ["BILLING"]}})
    given = {"profileId": profile_id(company), "category": TicketCategory.BILLING}
    ticket = await a_ticket(api, DELEGATE, **given)
    assert (await desk(api, ANSWER, ticketId=ticket, body="On the second page."))["changed"]
    assert (await seen(api, ticket, company))["status"] == "WAITING_CUSTOMER"
    await replied(api, ticket, company)

    # A month is invoiced, collected from the card, and the next one begins on a larger plan.
    await move(api, "2027-02-11T09:00:00Z", company)
    assert await balance(api, company) == "0.00"
    assert (await change(api, site, "medium", person=company))["userErrors"] == []
    await move(api, "2027-02-13T09:00:00Z", company)
    assert [kind for kind, *_ in await documents(api, company)].count("CREDIT_NOTE") == 1

    # The shop goes to somebody else, who pays for it from then on.
    await address(api, FREE)
    assert (await accept(api, await offered(api, shop, person=company)))["userErrors"] == []
    await move(api, "2027-02-15T09:00:00Z", company)
    assert [kind for kind, *_ in await documents(api, FREE)] == ["INVOICE"]

    # It takes its data along, and leaves.
    assert (await ask_for_data(api, company, STRONG))["userErrors"] == []
    shown = await api.ask(PREVIEW, {"id": profile_id(company)}, token=await api.token(company))
    assert shown.data["node"]["deletionPreview"]["blockers"] == []
    leaving = {"confirmation": EMAIL, "currentPassword": STRONG}
    await done(api, company, DELETE, {"input": leaving})
    await handed_over(api)
    await answer(api)
    await handed_over(api)
    await erased(api)

    # What is left of it stands on its invoices, which are as they were.
    assert await found(api, EMAIL, "Harbour Works", "quai des Brumes") == {"invoice": {"buyer"}}
    assert [row.id for row in await api.rows(ActivityEvent) if row.owner_id == company.key] == []
    await verify(api.database)
