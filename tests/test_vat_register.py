"""BIL-7. The register of VAT numbers: what VIES answers, what becomes of it, and how it is kept."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.gateways.local_register import NEVER_TOLD, NOT_REGISTERED, LocalRegister
from app.gateways.vies import ADDRESS, MOST_BYTES, ViesRegister
from app.register import register_of
from app.settings import Settings
from models.activity import ActivityEvent
from models.column import table
from models.db import Db
from models.profile import Profile, ProfileKind
from models.setting import Figures
from models.vat import VatTreatment
from models.vat_consultation import VatConsultation
from models.vat_register import NoVatRegister, Registered, RegisterSilent
from resolvers import vat
from tests.api import FREE, OWNER, Api
from tests.database import START

GERMAN = "DE136695976"
SELLER = "FR40303265045"
VALID = {
    "countryCode": "DE",
    "vatNumber": "136695976",
    "requestDate": "2026-11-22T09:00:00.000Z",
    "valid": True,
    "requestIdentifier": "WAPIAAAAY1a2b3c4",
    "name": "BEISPIEL GMBH",
    "address": "HAUPTSTRASSE 1\n10115 BERLIN",
    "traderName": "---",
    "traderNameMatch": "NOT_PROCESSED",
}
Answer = Callable[[asyncio.StreamWriter], Any]


def response(status: int, said: Any, *, reason: str = "OK") -> bytes:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def refused(code: str) -> dict[str, Any]:
    """How the interface says that it does not answer."""
    return {"actionSucceed": False, "errorWrappers": [{"error": code, "message": "…"}]}


@dataclass
class Fake:
    """A server that speaks as the Commission's does, after its public interface."""

    raw: bytes = b""
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(next(line for line in head.splitlines() if line.startswith("Content-Length")).split(": ")[1])
            self.asked.append((head.splitlines()[0], json.loads(await reader.readexactly(length))))
            writer.write(self.raw)
            await writer.drain()
        writer.close()


@pytest.fixture
async def vies() -> AsyncIterator[Fake]:
    async with listening() as fake:
        yield fake


@asynccontextmanager
async def listening() -> AsyncIterator[Fake]:
    fake = Fake()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    fake.url = f"http://{host}:{port}/rest-api"
    async with server:
        yield fake


# What VIES answers


async def test_a_valid_number_is_told_with_its_consultation_number(vies: Fake) -> None:
    vies.raw = response(200, VALID)
    told = await ViesRegister(vies.url, SELLER).ask(GERMAN)
    assert told == Registered(True, "WAPIAAAAY1a2b3c4", "BEISPIEL GMBH", "HAUPTSTRASSE 1 10115 BERLIN")
    ((line, asked),) = vies.asked
    assert line == "POST /rest-api/check-vat-number HTTP/1.1"
    assert asked == {
        "countryCode": "DE",
        "vatNumber": "136695976",
        "requesterMemberStateCode": "FR",
        "requesterNumber": "40303265045",
    }


async def test_without_a_number_of_its_own_the_provider_gets_no_consultation_number(vies: Fake) -> None:
    vies.raw = response(200, {**VALID, "requestIdentifier": ""})
    assert (await ViesRegister(vies.url, None).ask(GERMAN)).consultation_number is None
    assert vies.asked[0][1] == {"countryCode": "DE", "vatNumber": "136695976"}


async def test_a_number_that_is_not_registered_is_told_as_such(vies: Fake) -> None:
    vies.raw = response(200, {**VALID, "valid": False, "name": "---", "address": "---", "userError": "INVALID"})
    assert await ViesRegister(vies.url, SELLER).ask(GERMAN) == Registered(False, "WAPIAAAAY1a2b3c4", None, None)


async def test_greece_and_northern_ireland_are_asked_for_by_their_letters(vies: Fake) -> None:
    for number in ("EL094259216", "XI110305878"):
        vies.raw = response(200, {**VALID, "countryCode": number[:2], "vatNumber": number[2:]})
        assert (await ViesRegister(vies.url, SELLER).ask(number)).valid
    assert [asked["countryCode"] for _, asked in vies.asked] == ["EL", "XI"]


async def test_an_answer_may_come_in_pieces_or_end_with_the_connection(vies: Fake) -> None:
    body = json.dumps(VALID).encode()
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:10], body[10:]))
    vies.raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert (await ViesRegister(vies.url, SELLER).ask(GERMAN)).valid
    vies.raw = b"HTTP/1.1 200 OK\r\n\r\n" + body
    assert (await ViesRegister(vies.url, SELLER).ask(GERMAN)).valid


CODES = ["MS_UNAVAILABLE", "GLOBAL_MAX_CONCURRENT_REQ", "MS_MAX_CONCURRENT_REQ", "SERVICE_UNAVAILABLE", "TIMEOUT"]


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("code", [*CODES, "INVALID_INPUT", "INVALID_REQUESTER_INFO", "VAT_BLOCKED", "IP_BLOCKED"])
async def test_an_error_is_no_answer_whatever_its_status(vies: Fake, code: str, status: int) -> None:
    vies.raw = response(status, refused(code))
    with pytest.raises(RegisterSilent) as silent:
        await ViesRegister(vies.url, SELLER).ask(GERMAN)
    assert silent.value.reason == code


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (response(200, {**VALID, "valid": False, "userError": "MS_UNAVAILABLE"}), "MS_UNAVAILABLE"),
        (response(200, refused("SOMETHING_NEW")), "REFUSED"),
        (response(200, {"actionSucceed": False}), "REFUSED"),
        (response(200, {**VALID, "vatNumber": "999999999"}), "GARBAGE"),
        (response(200, {**VALID, "valid": "yes"}), "GARBAGE"),
        (response(200, {**VALID, "valid": None}), "GARBAGE"),
        (response(201, VALID), "GARBAGE"),
        (response(200, []), "GARBAGE"),
        (response(200, None), "GARBAGE"),
        (response(200, b"<html>Maintenance</html>"), "HTTP_200"),
        (response(503, b""), "HTTP_503"),
        (response(302, b"", reason="Found\r\nLocation: http://127.0.0.1:1/"), "HTTP_302"),
        (response(200, b"x" * (MOST_BYTES + 1)), "TOO_LONG"),
        (response(200, VALID)[:-5], "CUT_OFF"),
        (b"", "CUT_OFF"),
        (b"HTTP/1.1 200 OK\r\nContent-", "CUT_OFF"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HttpParserInvalidStatusError"),
    ],
)
async def test_what_is_no_answer_is_taken_for_none(vies: Fake, raw: bytes, reason: str) -> None:
    vies.raw = raw
    with pytest.raises(RegisterSilent) as silent:
        await ViesRegister(vies.url, SELLER).ask(GERMAN)
    assert silent.value.reason == reason or reason.startswith("HttpParser")


async def test_nobody_who_listens_is_no_answer() -> None:
    async with listening() as gone:
        pass
    with pytest.raises(RegisterSilent) as silent:
        await ViesRegister(gone.url, SELLER).ask(GERMAN)
    assert silent.value.reason == "ConnectionRefusedError"


async def test_what_it_says_of_a_company_fits_or_is_cut(vies: Fake) -> None:
    vies.raw = response(200, {**VALID, "name": "x" * 900, "address": 7, "requestIdentifier": ["x"]})
    told = await ViesRegister(vies.url, SELLER).ask(GERMAN)
    assert (len(told.name or ""), told.address, told.consultation_number) == (500, None, None)


# Who is asked


async def test_a_sandbox_looks_at_the_number_itself() -> None:
    register = register_of(Settings())
    assert isinstance(register, LocalRegister)
    good = await register.ask(GERMAN)
    assert good.valid
    assert (good.consultation_number or "").startswith("TEST-")
    assert await register.ask(GERMAN) == good
    assert not (await register.ask("DE136695970")).valid
    for number in NOT_REGISTERED:
        assert await register.ask(number) == Registered(False)
    for number in NEVER_TOLD:
        with pytest.raises(RegisterSilent):
            await register.ask(number)
    with pytest.raises(RegisterSilent):
        await NoVatRegister().ask(GERMAN)


def test_the_commission_is_asked_in_production_and_who_is_named_anywhere() -> None:
    named = register_of(Settings(vies_url="http://127.0.0.1:9/rest-api/", seller_vat_number="FR 40 303 265 045"))
    assert isinstance(named, ViesRegister)
    assert (named.url, named.requester) == ("http://127.0.0.1:9/rest-api/check-vat-number", SELLER)
    production = Settings.model_construct(**{**Settings().model_dump(), "mode": "production"})
    real = register_of(production)
    assert isinstance(real, ViesRegister)
    assert real.url == f"{ADDRESS}/check-vat-number"


@pytest.mark.parametrize("url", ["ftp://vies", "vies.example", "https://vies.example/?a=b", "https://u:p@vies.example"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="an address is an origin and perhaps a path"):
        Settings(vies_url=url)
    with pytest.raises(ValueError, match="not a VAT number"):
        Settings(seller_vat_number="FR00732829320")


# What becomes of it


@dataclass
class Told:
    """A register that answers so, and remembers who asked."""

    what: Registered | Exception | None
    asked: list[str] = field(default_factory=list)

    async def ask(self, vat_number: str) -> Registered:
        self.asked.append(vat_number)
        if self.what is None:
            await asyncio.sleep(60)
            raise AssertionError
        if isinstance(self.what, Exception):
            raise self.what
        return self.what


FIGURES = Figures(vat_check_validity=timedelta(days=10), vat_check_timeout=timedelta(milliseconds=100))
YES = Registered(True, "WAPI1", "Beispiel", "Berlin")


@pytest.fixture
async def db(api: Api) -> AsyncIterator[Db]:
    async with Db(api.database) as made:
        await company(made)
        yield made


async def company(db: Db, vat_number: str | None = GERMAN) -> None:
    """The German private person becomes a company."""
    profiles = table(Profile)
    values = {"kind": ProfileKind.COMPANY, "organization_name": "Beispiel", "vat_number": vat_number}
    await db.note(update(profiles).where(profiles.c.id == FREE.key).values(**values))


async def consultations(db: Db) -> list[Any]:
    return list(await db.rows(select(table(VatConsultation)).order_by(table(VatConsultation).c.id)))


async def test_an_answer_is_kept_with_its_number_and_taken_again_while_it_holds(db: Db) -> None:
    register = Told(YES)
    before = await vat.of_owner(db, FIGURES, FREE.key, day=START.date(), now=START)
    assert before is not None
    assert (before.kind, before.needs_check) == (VatTreatment.ONE_STOP_SHOP, True)
    found = await vat.consult(db, FIGURES, register, FREE.key)
    assert found is not None
    assert (found.valid, found.consultation_number, found.checked_at) == (True, "WAPI1", START)
    again = await vat.consult(db, FIGURES, register, FREE.key, at=START + timedelta(days=9))
    assert again is not None
    assert again.consultation_number == "WAPI1"
    assert register.asked == [GERMAN]
    after = await vat.of_owner(db, FIGURES, FREE.key, day=START.date(), now=START)
    assert after is not None
    assert (after.kind, after.rate_bp, after.needs_check) == (VatTreatment.REVERSE_CHARGE, 0, False)
    (row,) = await consultations(db)
    assert (row.owner_id, row.vat_number, row.name, row.address) == (FREE.key, GERMAN, "Beispiel", "Berlin")


async def test_an_answer_that_is_too_old_is_asked_for_again(db: Db) -> None:
    register = Told(YES)
    await vat.consult(db, FIGURES, register, FREE.key)
    later = START + timedelta(days=10)
    unsure = await vat.of_owner(db, FIGURES, FREE.key, day=later.date(), now=later)
    assert unsure is not None
    assert unsure.needs_check
    await vat.consult(db, FIGURES, register, FREE.key, at=later)
    assert [row.checked_at for row in await consultations(db)] == [START, later]


async def test_an_answer_is_about_one_number(db: Db) -> None:
    register = Told(YES)
    await vat.consult(db, FIGURES, register, FREE.key)
    await company(db, "DE999999995")
    unsure = await vat.of_owner(db, FIGURES, FREE.key, day=START.date(), now=START)
    assert unsure is not None
    assert unsure.needs_check
    register.what = Registered(False)
    await vat.consult(db, FIGURES, register, FREE.key)
    sure = await vat.of_owner(db, FIGURES, FREE.key, day=START.date(), now=START)
    assert sure is not None
    assert (sure.kind, sure.needs_check) == (VatTreatment.ONE_STOP_SHOP, False)
    await company(db)
    assert (await vat.consult(db, FIGURES, register, FREE.key)) is not None
    assert register.asked == [GERMAN, "DE999999995"]


@pytest.mark.parametrize("silence", [RegisterSilent("MS_UNAVAILABLE"), None], ids=["unavailable", "slow"])
async def test_nobody_who_tells_leaves_it_unknown(db: Db, silence: Exception | None) -> None:
    register = Told(silence)
    assert await vat.consult(db, FIGURES, register, FREE.key) is None
    assert await consultations(db) == []
    register.what = YES
    assert (await vat.consult(db, FIGURES, register, FREE.key)) is not None
    assert register.asked == [GERMAN, GERMAN]


async def test_without_a_number_nobody_is_asked(db: Db) -> None:
    register = Told(YES)
    await company(db, None)
    assert await vat.consult(db, FIGURES, register, FREE.key) is None
    assert register.asked == []


async def test_a_lookup_is_a_fact_that_the_customer_reads(db: Db, api: Api) -> None:
    await vat.consult(db, FIGURES, Told(YES), FREE.key)
    event = max(await api.rows(ActivityEvent), key=lambda row: row.id)
    assert (event.kind, event.owner_id, event.subject_id, event.actor_id) == (
        "profile.vat_checked",
        FREE.key,
        FREE.key,
        None,
    )
    assert event.facts == {"vat_number": GERMAN, "valid": True, "consultation_number": "WAPI1"}


async def test_no_connection_is_held_while_vies_thinks(db: Db) -> None:
    class Looking(Told):
        async def ask(self, vat_number: str) -> Registered:
            assert db.database.readings.in_use == 0
            assert db.database.writers.pool.checkedout() == 0  # type: ignore[attr-defined]
            return await super().ask(vat_number)

    assert await vat.consult(db, FIGURES, Looking(YES), FREE.key) is not None


async def test_consultations_are_never_changed_or_deleted(db: Db) -> None:
    await vat.consult(db, FIGURES, Told(YES), FREE.key)
    before = await consultations(db)
    for change in (update(table(VatConsultation)).values(valid=False), delete(table(VatConsultation))):
        with pytest.raises(IntegrityError, match="append-only"):
            await db.note(change)
    assert await consultations(db) == before


async def test_others_are_not_asked_about(db: Db) -> None:
    await vat.consult(db, FIGURES, Told(YES), FREE.key)
    assert await vat.latest(db, FIGURES, OWNER.key, GERMAN, now=START) is None
