"""PER-12. Nobody sees what is somebody else's, whatever they ask: marks in everybody's rows, and random documents."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from sqlalchemy import true

from engine import statement
from models.activity import ACTIONS
from models.delivery import LINKED
from models.viewer import NOTHING_GRANTED
from tests.api import Api
from tests.canary import Canaries, Outcome, left_open, walk, written
from tests.dealings import CUSTOMERS, Of
from tests.everything import shown
from tests.mails import Box, sent, told
from tests.marks import Marked

FAILS_BESIDE_OTHERS = '{ viewer { security { sessions { id } apiTokens(after: "x") { totalCount } } } }'
MANY = 1_000
"""Documents for each database."""
SLICE = 1_000
SLICES = 20


@pytest.fixture
async def canaries(api: Api) -> Canaries:
    made = Canaries(Marked(api.bound))
    await made.prepare(api.database)
    return made


def check(outcome: Outcome) -> None:
    assert outcome.leaks == []
    assert outcome.failures == []
    assert outcome.left_open == ""


@pytest.mark.timeout(400)
async def test_nobody_sees_what_is_somebody_elses(
    api: Api, canaries: Canaries, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Other documents on each database: these take a while. There are more of them until enough was seen."""
    start, exposed = {"sqlite": 0, "postgresql": 10 * MANY}[backend], canaries.exposed()
    outcome = await walk(api, canaries, range(start, start + MANY), caplog)
    check(outcome)
    missing = exposed - outcome.shown
    for more in range(start + MANY, start + 6 * MANY, MANY // 4):
        if len(missing) <= 0.1 * len(exposed):
            break
        outcome = await walk(api, canaries, range(more, more + MANY // 4), caplog)
        check(outcome)
        missing -= outcome.shown
    assert len(missing) <= 0.1 * len(exposed), f"nobody was shown their own {missing}: this proves nothing of them"


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(0, SLICE * SLICES, SLICE), ids=lambda start: f"seeds_{start:05}")
async def test_nor_do_they_in_many_documents(
    api: Api, canaries: Canaries, caplog: pytest.LogCaptureFixture, start: int
) -> None:
    """A slice can be taken up alone: `make campaign ARGS="-k seeds_07000"`."""
    check(await walk(api, canaries, range(start, start + SLICE), caplog))


async def test_no_mail_tells_of_somebody_else(api: Api, canaries: Canaries) -> None:
    box, marked = Box(), canaries.marked
    by_address = {row["email"]: customer for customer, row in marked.rows["profile"]}
    for customer in CUSTOMERS:
        person = SimpleNamespace(key=marked.key("profile", Of(customer, 0)))
        names = [row["name"] for owner, row in marked.rows["api_token"] if owner == customer]
        for action in (each for each in ACTIONS.values() if each.mail and each.mail not in LINKED):
            await told(api.database, action, person, name=names[0])
    await sent(api.database, box)
    assert len(box.messages) >= 5 * len(CUSTOMERS)
    for message in box.messages:
        owners = {mark.owner for mark in marked.found(written(message))}
        assert owners == {by_address[message["To"]]}


async def test_a_field_that_fails_leaves_no_connection_behind(api: Api) -> None:
    """Its siblings are not waited for: what they still fetch must not open a connection that nobody closes."""
    token = await api.token()
    for _ in range(20):
        answer = await api.ask(FAILS_BESIDE_OTHERS, token=token)
        assert answer.codes == ["BAD_USER_INPUT"]
        await asyncio.sleep(0.01)
    assert await left_open(api) == 0


async def test_everybody_sees_what_is_their_own_or_granted_and_nothing_else(api: Api, canaries: Canaries) -> None:
    """PER-1 to PER-8, TOK-3. Not less either: where nothing were shown, nothing would be proved."""
    found = await shown(api, canaries)
    assert [failure for each in found for failure in each.failures] == []
    assert [(each.caller.name, each.too_much) for each in found if each.too_much] == []
    assert [(each.caller.name, each.missing) for each in found if each.missing] == []


# That it would be noticed


ALL_FACTORS = "models.viewer.Viewer.in_force", lambda viewer, owner: viewer.granted.get(owner, NOTHING_GRANTED)
ALL_OF_ONE_OWNER = "resolvers.right.on_one_account", lambda viewer, granted, owner_id, server_id: granted
ALL_THAT_IS_OWN = "models.viewer.Viewer.own_id", property(lambda viewer: viewer.profile_id)


@pytest.mark.parametrize(
    ("name", "instead"),
    [ALL_FACTORS, ALL_OF_ONE_OWNER, ALL_THAT_IS_OWN],
    ids=["a_flag_that_does_not_count", "a_token_for_all_accounts", "a_token_for_all_owners"],
)
async def test_a_rule_that_is_forgotten_is_noticed(
    api: Api, canaries: Canaries, monkeypatch: pytest.MonkeyPatch, name: str, instead: Any
) -> None:
    monkeypatch.setattr(name, instead)
    assert any(each.too_much for each in await shown(api, canaries))


@pytest.fixture
def loosened(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A gate that lets every row through; statements are made with it, and are kept otherwise."""
    made = [each for each in vars(statement).values() if hasattr(each, "cache_clear")]
    for module in ("schema.directive", "resolvers.grant"):
        monkeypatch.setattr(f"{module}.visible", lambda requirement, subject: true())
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


@pytest.mark.usefixtures("loosened")
async def test_a_gate_that_lets_everything_through_is_noticed(
    api: Api, canaries: Canaries, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await walk(api, canaries, range(250), caplog)
    assert len(outcome.leaks) > 10
    assert "seed " in outcome.leaks[0]


async def test_a_mark_in_a_header_or_in_the_log_is_noticed(
    api: Api, canaries: Canaries, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebodys = next(text for text, mark in canaries.marked.marks.items() if mark.owner == CUSTOMERS[-1])

    def finish(_host: Any, _context: Any, response: Any) -> None:
        response.headers["X-Of"] = somebodys
        structlog.get_logger().info("finished", of=somebodys)

    monkeypatch.setattr("app.host.Host.finish", finish)
    outcome = await walk(api, canaries, range(1), caplog)
    assert ["in an answer" in leak for leak in outcome.leaks] == [True, False]
    assert "in the log" in outcome.leaks[1]
