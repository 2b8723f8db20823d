"""ACC-2. Names of accounts: how they are written, and whether one can be had."""

import pytest

from engine.bind import Bound
from models.account_name import LONGEST, MalformedName, WrongLength, check_name
from models.db import Database
from tests.api import Api, serving
from tests.asked import statements

AVAILABLE = "query Free($name: String!) { catalog { accountNameAvailable(name: $name) } }"


async def available(api: Api, name: str) -> bool:
    answer: bool = (await api.ask(AVAILABLE, {"name": name})).data["catalog"]["accountNameAvailable"]
    return answer


@pytest.mark.parametrize("name", ["ab", "a1", "a-b", "a_b", "a--", "atelier", "a" * 30, "forge-web", "x_9"])
def test_a_well_formed_name_is_taken(name: str) -> None:
    check_name(name, least=2, most=30)


@pytest.mark.parametrize("name", ["", "a", "a" * 31, "a" * 100_000])
def test_a_name_has_its_length(name: str) -> None:
    with pytest.raises(WrongLength, match="between 2 and 30 characters"):
        check_name(name, least=2, most=30)


@pytest.mark.parametrize(
    "name", ["1a", "-a", "_a", "Ab", "aB", "a.b", "a b", "ab\n", "éa", "aé", "a/b", "\uff41b", "a\u0661", "ab\0", "a@b"]
)
def test_a_name_has_the_characters_that_everything_takes_which_derives_from_it(name: str) -> None:
    with pytest.raises(MalformedName):
        check_name(name, least=2, most=30)


async def test_a_free_name_can_be_had_and_a_reserved_one_cannot(api: Api) -> None:
    assert [await available(api, name) for name in ("workshop", "a", "Atelier", "www", "mysql", "www2")] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


async def test_asking_costs_a_look_up_and_what_is_malformed_none(api: Api) -> None:
    for name, count in (("atelier", 1), ("www", 1), ("A" * 10_000, 0), ("a" * 31, 0)):
        with statements(api) as run:
            await available(api, name)
        assert len([each for each in run if "reserved_name" in each]) == count, name


async def test_several_names_are_asked_at_once(api: Api) -> None:
    document = '{ catalog { one: accountNameAvailable(name: "workshop") two: accountNameAvailable(name: "www") } }'
    assert (await api.ask(document)).data["catalog"] == {"one": True, "two": False}


async def test_a_name_has_to_be_given(api: Api) -> None:
    assert (await api.ask("{ catalog { accountNameAvailable } }")).status == 422


async def test_lengths_are_settings(database: Database, bound: Bound) -> None:
    async with serving(database, bound, account_name_least=3, account_name_most=5) as api:
        assert [await available(api, "a" * length) for length in range(2, 7)] == [False, True, True, True, False]
    assert LONGEST == 63
