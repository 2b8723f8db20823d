"""BIL-10. Signed notices: each effect once, whatever comes twice, late, out of order, altered or from somebody else."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from app.gateways.sandbox_payments import SIGNATURE, TIMESTAMP, SandboxPayments
from models.db import Db
from models.payment import Payment, PaymentStatus
from models.quarantine import QuarantinedNotice
from models.service import ServiceScope
from resolvers import service
from resolvers.audit import verify
from tests.api import Api
from tests.cycle import movements
from tests.paying import token, top_up
from tests.test_access import credential, staff

PATH = "/webhooks/payments/sandbox"
LIST = "{ quarantinedNotices { provider paymentKey state amountCents currency problem } }"


def provider(api: Api) -> SandboxPayments:
    (found,) = api.app.state.host.payments.every
    assert isinstance(found, SandboxPayments)
    return found


async def send(api: Api, key: UUID, state: str, *, age: int = 0, path: str = PATH, **values: Any) -> int:
    """A notice, signed by the provider so many seconds ago; `after` is what is added to its body once it is signed."""
    after = values.pop("after", b"")
    said = {"key": str(key), "state": state, "amount_cents": 5_000, "currency": "EUR", **values}
    body = orjson.dumps({"reference": f"sandbox_{key.hex}", **said})
    stamp = str(int((api.database.clock.now() - timedelta(seconds=age)).timestamp()))
    headers = {TIMESTAMP: stamp, SIGNATURE: provider(api).signature(body, stamp)}
    return (await api.client.post(path, content=body + after, headers=headers)).status_code


async def waiting(api: Api) -> UUID:
    """A payment of 50 euros of which nothing is known."""
    await top_up(api, "50.00", token("card_silent"))
    (payment,) = await api.rows(Payment)
    key: UUID = payment.id
    return key


async def test_a_notice_settles_a_payment_once(api: Api) -> None:
    key = await waiting(api)
    for _ in range(3):
        assert await send(api, key, "SUCCEEDED") == 204
    assert await movements(api) == [("PAYMENT", 5_000)]
    (payment,) = await api.rows(Payment)
    assert payment.status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_order_does_not_matter(api: Api, order: tuple[int, ...]) -> None:
    key = await waiting(api)
    notices: list[tuple[str, dict[str, Any]]] = [
        ("PROCESSING", {"amount_cents": 0}),
        ("SUCCEEDED", {}),
        ("REVERSED", {"reversed_cents": 5_000}),
    ]
    for place in (*order, *order):
        state, values = notices[place]
        assert await send(api, key, state, **values) == 204
    assert await movements(api) == [("PAYMENT", 5_000), ("PAYMENT_REVERSAL", -5_000)]
    (payment,) = await api.rows(Payment)
    assert payment.status is PaymentStatus.REVERSED
    await verify(api.database)


async def test_parts_go_back_and_are_counted_once(api: Api) -> None:
    key = await waiting(api)
    for back in (1_000, 1_000, 3_000, 1_000):
        assert await send(api, key, "SUCCEEDED", reversed_cents=back) == 204
    assert await movements(api) == [("PAYMENT", 5_000), ("PAYMENT_REVERSAL", -1_000), ("PAYMENT_REVERSAL", -2_000)]


@pytest.mark.parametrize(
    "values", [{"age": 301}, {"age": -301}, {"after": b" "}, {"state": "SOLVED"}, {"amount_cents": None}]
)
async def test_what_is_not_the_providers_or_too_old_is_refused(api: Api, values: dict[str, Any]) -> None:
    key = await waiting(api)
    assert await send(api, key, **{"state": "SUCCEEDED", **values}) == 400
    assert (await api.client.post(PATH, content=b"{}")).status_code == 400
    assert await movements(api) == []
    assert await api.rows(QuarantinedNotice) == []


async def test_another_providers_address_or_a_long_body_is_refused(api: Api) -> None:
    assert await send(api, uuid4(), "SUCCEEDED", path="/webhooks/payments/stripe") == 404
    assert (await api.client.post(PATH, content=b"x" * 70_000)).status_code == 413
    assert (await api.client.get(PATH)).status_code == 405


async def test_what_fits_nothing_is_kept_once_and_listed(api: Api) -> None:
    key, stranger = await waiting(api), uuid4()
    for _ in range(2):
        assert await send(api, key, "SUCCEEDED", amount_cents=4_999) == 204
        assert await send(api, key, "SUCCEEDED", currency="USD") == 204
        assert await send(api, stranger, "SUCCEEDED") == 204
    assert await movements(api) == []
    secret = await credential(api, ServiceScope.PAYMENTS)
    listed = (await staff(api, secret, LIST)).data["quarantinedNotices"]
    found = {(each["paymentKey"], each["problem"], each["amountCents"], each["currency"]) for each in listed}
    assert found == {
        (str(key), "AMOUNT", "4999", "EUR"),
        (str(key), "CURRENCY", "5000", "USD"),
        (str(stranger), "UNKNOWN", "5000", "EUR"),
    }
    assert len(listed) == 3
    other = await credential_of(api)
    assert (await staff(api, other, LIST)).codes == ["FORBIDDEN"]


async def credential_of(api: Api) -> str:
    """A service that has nothing to do with payments."""
    async with Db(api.database) as db:
        return await service.add(db, "sites", [ServiceScope.ACCESS_CHECK], [])
