"""BIL-7, BIL-14. Quotes of customers whose VAT depends on VIES: they ask nobody, and say what they take for granted."""

from typing import Any

import pytest
from sqlalchemy import update

from models.activity import ActivityEvent
from models.column import table
from models.db import Db
from models.profile import Profile
from models.session import OPENED
from models.vat_consultation import VatConsultation
from tests.api import OWNER, Api
from tests.cycle import alone, change, change_quote, day_quote, open_account
from tests.opening import codes, on_plan, quoted
from tests.test_clockwork import german

WARNS = "Le numéro de TVA n’a pas encore été vérifié"


def warned(quote: Any) -> bool:
    return any(each.startswith(WARNS) for each in quote["warnings"])


def set_aside(kinds: list[str]) -> list[str]:
    """Without the sessions that a test opens."""
    return [kind for kind in kinds if kind != OPENED.code]


@pytest.fixture
async def key(api: Api) -> str:
    """An account of what has become a German company with a VAT number that nobody asked about."""
    await alone(api)
    made = await open_account(api, "shop", "small")
    await german(api)
    return made


async def test_a_quote_asks_nobody_and_says_what_it_takes_for_granted(api: Api, key: str) -> None:
    token = await api.token(OWNER)
    before = [row.kind for row in await api.rows(ActivityEvent)]
    assert warned(await quoted(api, token, await on_plan(api, "blog", "small")))
    for quote in (await change_quote(api, key, "medium"), await day_quote(api, 1)):
        assert (warned(quote), quote["charge"]["taxRate"]) == (True, "19.00")
    after = [row.kind for row in await api.rows(ActivityEvent)]
    assert sorted(set_aside(after)) == sorted(set_aside(before))
    assert await api.rows(VatConsultation) == []


async def test_who_confirms_before_the_register_told_is_shown_what_changed(api: Api, key: str) -> None:
    assert codes(await change(api, key, "medium")) == ["QUOTE_CHANGED"]
    assert len(await api.rows(VatConsultation)) == 1
    quote = await change_quote(api, key, "medium")
    assert (warned(quote), quote["charge"]["taxRate"]) == (False, "0.00")
    assert (await change(api, key, "medium", token=quote["token"]))["userErrors"] == []


async def test_who_pays_vat_whatever_the_register_says_is_not_warned(api: Api) -> None:
    await alone(api)
    key = await open_account(api, "shop", "small")
    assert not warned(await change_quote(api, key, "medium"))
    async with Db(api.database) as db:
        mine = update(table(Profile)).where(table(Profile).c.id == OWNER.key)
        await db.note(mine.values(country="CH", postal_code="1200", vat_number=None))
    assert not warned(await change_quote(api, key, "medium"))
