"""Section 14. Customers as the staff finds and sees them; that somebody looked is the customer's to know."""

from typing import Any

import pytest

from models.customer import WrongLength, spellings, wanted
from models.db import Db
from models.staff import StaffRole
from resolvers import customer as acts
from tests.api import FREE, OWNER, STAFF, TECH, Api, profile_id
from tests.desk import WHY, Desk
from tests.granting import a_server, an_account
from tests.test_access import credential, staff

SEARCH = """query($text: String!, $first: Int! = 25, $after: ID) {
  customerSearch(text: $text, first: $first, after: $after) { next customers { profileId name email status } } }"""


async def found(desk: Desk, words: str) -> list[str]:
    page = (await desk.reads(SEARCH, text=words))["customerSearch"]
    return [each["email"] for each in page["customers"]]


def test_too_little_or_too_much_is_not_looked_for() -> None:
    assert wanted("  Atelier   Exemple ") == "Atelier Exemple"
    for words in ("", " x ", "x" * 255):
        with pytest.raises(WrongLength):
            wanted(words)


def test_a_name_is_found_however_its_capitals_are() -> None:
    assert {"dupont", "DUPONT", "Dupont"} <= set(spellings("dupont"))
    assert "Dupont" in spellings("DUPONT")


async def test_customers_are_found_by_address_name_account_and_server(api: Api) -> None:
    desk = await Desk.of(api)
    await an_account(api, "garden-shed", owner=FREE)
    await a_server(api, "garden-anvil", owner=TECH)
    for words in (OWNER.email, " OWNER@example.org", "atelier exemple", "EXEMPLE"):
        assert await found(desk, words) == [OWNER.email]
    assert await found(desk, "garden-s") == [FREE.email]
    assert set(await found(desk, "Garden")) == {FREE.email, TECH.email}
    for words in ("shed", "owner@", "%", "_%", "' OR 1=1 --", "nobody"):
        if len(words) > 1:
            assert await found(desk, words) == []


async def test_what_is_found_is_paged(api: Api) -> None:
    desk, after, seen = await Desk.of(api), None, []
    await an_account(api, "garden-shed", owner=FREE)
    await an_account(api, "garden-gate", owner=TECH)
    for _ in range(2):
        page = (await desk.reads(SEARCH, text="garden", first=1, after=after))["customerSearch"]
        seen += [each["email"] for each in page["customers"]]
        after = page["next"]
    assert (sorted(seen), after) == (sorted([FREE.email, TECH.email]), None)


@pytest.mark.parametrize("wrong", [{"first": 0}, {"first": 101}, {"after": "x"}, {"text": "x"}])
async def test_wrong_pages_and_words_are_wrong_input(api: Api, wrong: dict[str, Any]) -> None:
    answer = await staff(api, await api.two_factor(STAFF), SEARCH, {"text": "garden", **wrong})
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_a_search_reads_no_table_from_end_to_end(api: Api) -> None:
    """LIM-3. Each way of finding is by an index."""
    if not api.database.is_sqlite:
        pytest.skip("what PostgreSQL plans depends on how many rows there are")
    statements: list[Any] = []

    class Watching(Db):
        async def rows(self, statement: Any, parameters: Any = None) -> Any:
            statements.append(statement.compile(self.database.readers, compile_kwargs={"literal_binds": True}))
            return []

    class There:
        db = Watching(api.database)

    await acts.search(There(), "garden", None, 10)  # type: ignore[arg-type]
    async with api.database.readers.connect() as connection:
        explained = await connection.exec_driver_sql(" ".join(("EXPLAIN QUERY PLAN", str(statements[0]))))
        plan = [row.detail for row in explained]
    assert len(plan) > 5
    assert [line for line in plan if line.startswith("SCAN") and "subquery" not in line and "anon" not in line] == []


async def test_who_looks_into_a_profile_is_in_its_history(api: Api) -> None:
    desk = await Desk.of(api)
    answer = await desk.done("customerOpen", profileId=profile_id(FREE))
    assert (answer["customer"]["email"], answer["customer"]["status"]) == (FREE.email, "ACTIVE")
    document = """{ viewer { activity(filter: {action: "profile.seen_by_support"}) { nodes {
      channel reason actor { displayName } } } } }"""
    (event,) = (await api.ask(document, token=await api.token(FREE))).data["viewer"]["activity"]["nodes"]
    assert event == {"channel": "SUPPORT", "reason": WHY, "actor": {"displayName": "Sacha"}}


async def test_nobody_looks_without_a_reason_or_into_what_is_not_there(api: Api) -> None:
    desk = await Desk.of(api)
    assert await desk.refused("customerOpen", profileId=profile_id(FREE), reason=None) == ["REQUIRED"]
    assert await desk.refused("customerOpen", profileId=profile_id(STAFF)) == ["INVALID"]
    assert await desk.refused("customerOpen", profileId="x") == ["NOT_FOUND"]


async def test_services_do_not_look_at_customers(api: Api) -> None:
    secret = await credential(api)
    answer = await staff(api, secret, SEARCH, {"text": "garden"})
    assert answer.codes == ["FORBIDDEN"]
    every = {role.value for role in StaffRole}
    assert answer.errors[0]["extensions"]["missing"] not in every
