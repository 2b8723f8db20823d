"""BIL-19. Links to documents: what they open, for how long, and that nobody else can make one."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from models.clock import FrozenClock
from models.column import new_id
from models.document_link import TOKEN_LENGTH, DocumentLink, document_token, read_document_token
from models.profile import Locale
from tests.api import FREE, OWNER, Api

KEY = "k" * 32
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ASK = "{ viewer { contracts { id version title documentUrl } } }"


def link(**values: object) -> DocumentLink:
    made = {"contract_id": new_id(), "reader_id": new_id(), "locale": Locale.FR, "expires_at": NOW, **values}
    return DocumentLink(**made)  # type: ignore[arg-type]


def test_a_link_says_what_it_was_made_of() -> None:
    for locale in Locale:
        made = link(locale=locale)
        token = document_token(KEY, made)
        assert len(token) == TOKEN_LENGTH
        assert read_document_token(KEY, token, NOW - timedelta(seconds=1)) == made


def test_a_link_ends() -> None:
    token = document_token(KEY, link())
    assert read_document_token(KEY, token, NOW) is None
    assert read_document_token(KEY, token, NOW + timedelta(days=1)) is None


def test_another_key_opens_nothing() -> None:
    assert read_document_token("l" * 32, document_token(KEY, link()), NOW - timedelta(seconds=1)) is None


def test_no_bit_of_a_link_can_be_changed() -> None:
    token = document_token(KEY, link())
    raw = base64.urlsafe_b64decode(token)
    for place in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[place // 8] ^= 1 << place % 8
        forged = base64.urlsafe_b64encode(changed).decode()
        assert read_document_token(KEY, forged, NOW - timedelta(days=1)) is None, place


@pytest.mark.parametrize("token", ["", "x", "A" * TOKEN_LENGTH, "é" * TOKEN_LENGTH, "=" * TOKEN_LENGTH, "+" * 76])
def test_nonsense_opens_nothing(token: str) -> None:
    assert read_document_token(KEY, token, NOW) is None


# The route


async def addresses(api: Api, language: str = "fr") -> list[str]:
    token = await api.token(OWNER if language == "fr" else FREE)
    return [each["documentUrl"] for each in (await api.ask(ASK, token=token)).data["viewer"]["contracts"]]


async def test_a_document_is_read_as_text_in_the_readers_language(api: Api) -> None:
    for language, title in (("fr", "# Contrat d’hébergement"), ("en", "# Hosting contract")):
        url = (await addresses(api, language))[0]
        assert url.startswith("http://127.0.0.1:8000/documents/")
        answer = await api.client.get(url.removeprefix("http://127.0.0.1:8000"))
        assert answer.status_code == 200
        assert answer.text.strip().startswith(title)
        headers = answer.headers
        assert headers["content-type"] == "text/markdown; charset=utf-8"
        assert headers["content-disposition"] == f'attachment; filename="contract-2020-03.{language}.md"'
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert headers["cache-control"] == "private, no-store"


async def test_a_link_works_for_ten_minutes_of_real_time(api: Api, clock: FrozenClock) -> None:
    path = (await addresses(api))[0].removeprefix("http://127.0.0.1:8000")
    document = 'mutation { sandboxClockAdvance(input: {to: "2027-11-22T09:00:00Z"}) { userErrors { code } } }'
    assert (await api.ask(document, token=await api.token(OWNER))).status == 200
    clock.move(timedelta(minutes=10) - timedelta(seconds=1))
    assert (await api.client.get(path)).status_code == 200
    clock.move(timedelta(seconds=1))
    late = await api.client.get(path)
    assert (late.status_code, late.text) == (404, "not found\n")
    assert late.headers["x-content-type-options"] == "nosniff"


async def test_what_was_not_sealed_here_or_leads_nowhere_is_not_found(api: Api) -> None:
    path = (await addresses(api))[0].removeprefix("http://127.0.0.1:8000")
    soon = api.database.clock.now() + timedelta(minutes=5)
    key = "only-for-trying-out-espace-in-a-sandbox"
    gone = document_token(key, link(expires_at=soon))
    wrong = [path[:-1], path + "A", path.swapcase(), "/documents/", f"/documents/{gone}", f"{path}/x"]
    assert {(await api.client.get(each)).status_code for each in wrong} == {404}
    assert (await api.client.post(path)).status_code == 405


async def test_a_link_is_of_its_reader_and_contract(api: Api) -> None:
    assert len({*await addresses(api), *await addresses(api, "en")}) == 4
