"""TOK-1. The form of secrets, and what a request identifies itself with."""

import base64
import re
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from app.credential import Cookies, Credential, credential
from engine.error import RequestRefused, in_english
from models.secret import ALPHABET, SecretKind, csrf_token, fingerprint, is_well_formed, new_secret

KEY = "the-key-of-these-tests-is-of-no-use"
COOKIES = Cookies(KEY, tls_only=False, origins=frozenset({"https://espace.example"}))
COOKIE = new_secret(SecretKind.COOKIE)
ACCESS = new_secret(SecretKind.ACCESS)


def request(*headers: tuple[str, str]) -> Request:
    """A request of which only the headers matter."""
    sent = [(b"host", b"espace.example"), *((name.encode(), value.encode("latin-1")) for name, value in headers)]
    return Request({"type": "http", "method": "POST", "path": "/graphql", "scheme": "https", "headers": sent})


def of_a_page(secret: str, token: str) -> Request:
    """As a page of ours asks."""
    return request(("cookie", f"espace_session={secret}; espace_csrf={token}"), ("x-csrf-token", token))


# Form


@pytest.mark.parametrize("kind", SecretKind)
def test_a_secret_tells_its_kind_and_carries_256_bits(kind: SecretKind) -> None:
    secret = new_secret(kind)
    assert re.fullmatch(rf"esp_{kind}_[0-9A-Za-z]{{49}}", secret)
    assert len(ALPHABET) ** 43 > 2**256
    assert is_well_formed(secret, kind)
    assert not any(is_well_formed(secret, other) for other in SecretKind if other is not kind)


def test_no_two_secrets_are_alike() -> None:
    bodies = {new_secret(SecretKind.ACCESS) for _ in range(500)}
    assert len(bodies) == 500
    assert {character for body in bodies for character in body.removeprefix("esp_access_")} == set(ALPHABET)


def test_one_wrong_character_anywhere_is_noticed() -> None:
    for place in range(len(ACCESS)):
        for character in "0aZ_-":
            changed = ACCESS[:place] + character + ACCESS[place + 1 :]
            assert is_well_formed(changed, SecretKind.ACCESS) == (changed == ACCESS), changed


def test_the_checksum_covers_the_kind() -> None:
    disguised = ACCESS.replace("access", "refresh")
    assert not is_well_formed(disguised, SecretKind.REFRESH)


def test_nothing_may_stand_around_a_secret() -> None:
    around = ["", " " + ACCESS, ACCESS + "\n", ACCESS[:-1], ACCESS + "0", ACCESS.upper()]
    around += ["esp_access_", "esp_access_" + "é" * 49, "esp_access_" + "\u0661" * 49]
    assert [text for text in around if is_well_formed(text, SecretKind.ACCESS)] == []


def test_a_fingerprint_tells_secrets_apart_and_nothing_about_them() -> None:
    mark = fingerprint(ACCESS)
    assert re.fullmatch("[0-9a-f]{64}", mark)
    assert mark == fingerprint(ACCESS) != fingerprint(COOKIE)
    assert ACCESS[11:20] not in mark


def test_a_csrf_token_belongs_to_one_session_of_one_installation() -> None:
    token = csrf_token(KEY, COOKIE)
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert token == csrf_token(KEY, COOKIE)
    assert len({token, csrf_token(KEY, new_secret(SecretKind.COOKIE)), csrf_token(KEY + "2", COOKIE)}) == 3
    assert token != fingerprint(COOKIE)


# What a request carries


def test_a_bearer_token_is_taken_whatever_the_case_of_its_scheme() -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert credential(request(("authorization", f"{scheme} {ACCESS}")), COOKIES) == Credential(
            ACCESS, SecretKind.ACCESS
        )


def test_nothing_given_is_nobody() -> None:
    assert credential(request(), COOKIES) is None
    assert credential(request(("cookie", "theme=dark")), COOKIES) is None


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        ACCESS,
        f"Basic {ACCESS}",
        f"Bearer {COOKIE}",
        f"Bearer {ACCESS[:-1]}",
        f"Bearer {ACCESS} {ACCESS}",
        f"Bearer {ACCESS},",
        "Bearer é",
    ],
    ids=str.__len__,
)
def test_an_authorization_that_is_no_good_is_refused(given: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        credential(request(("authorization", given)), COOKIES)
    assert (refused.value.status, refused.value.code) == (401, "UNAUTHENTICATED")
    assert ACCESS not in str(refused.value)


def test_two_authorizations_are_refused() -> None:
    twice = ("authorization", f"Bearer {ACCESS}")
    with pytest.raises(RequestRefused) as refused:
        credential(request(twice, twice), COOKIES)
    assert refused.value.status in (400, 401)


@pytest.mark.parametrize("cookie", [COOKIE, "nonsense"], ids=["a good one", "nonsense"])
def test_a_cookie_and_an_authorization_are_refused_whatever_they_are_worth(cookie: str) -> None:
    for given in (f"Bearer {ACCESS}", "Basic eA==", ""):
        both = (("authorization", given), ("cookie", f"espace_session={cookie}"))
        with pytest.raises(RequestRefused) as refused:
            credential(request(*both), COOKIES)
        assert refused.value.status == 400


# API tokens


API = new_secret(SecretKind.API)
OTHER = new_secret(SecretKind.API)


def basic(text: str | bytes, scheme: str = "Basic") -> Request:
    raw = text if isinstance(text, bytes) else text.encode()
    return request(("authorization", f"{scheme} {base64.b64encode(raw).decode()}"))


def test_an_api_token_is_taken_as_a_bearer() -> None:
    for scheme in ("Bearer", "bearer"):
        found = credential(request(("authorization", f"{scheme} {API}")), COOKIES)
        assert found == Credential(API, SecretKind.API)


@pytest.mark.parametrize(
    ("text", "customer"),
    [
        (f"{API}:", None),
        (f"{API} :", None),
        (f"   {API}   :", None),
        (f"{API} customer=owner@example.org:", "owner@example.org"),
        (f"{API}    customer=owner@example.org  :", "owner@example.org"),
        (f"{API} customer=Owner@Example.ORG:", "owner@example.org"),
        (f"{API} customer=éléonore@exemple.fr:", "éléonore@exemple.fr"),
        (f"{API} customer=e\u0301@exemple.fr:", "é@exemple.fr"),
        (f"{API} customer=a=b@example.org:", "a=b@example.org"),
        (f"{API} customer={'x' * 242}@example.org:", f"{'x' * 242}@example.org"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_basic_takes_a_token_as_user_name_and_perhaps_a_customer(text: str, customer: str | None) -> None:
    for scheme in ("Basic", "basic", "BASIC"):
        assert credential(basic(text, scheme), COOKIES) == Credential(API, SecretKind.API, customer)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "::", API, f":{API}", f"{API}:{API}", f"{API}::", f"{API}: ", f"{API}:x", f" : {API}"),
        *(
            f"{API} customer=owner@example.org",
            f"{API} customer=owner@example.org:x",
            f"{API} customer=a:b@example.org:",
        ),
        *(f"x{API}:", f"{API}x:", f"{API[:-1]}:", f"{API.upper()}:", f"{API}{OTHER}:", f"{ACCESS}:", f"{COOKIE}:"),
        *(f"{API}\t:", f"{API}\n:", f"{API}\0:", f"{API}\u00a0customer=a@example.org:", f"\ufeff{API}:"),
        *(f"{API}\uff1a", "owner@example.org:espace-demo-2026", f"customer=owner@example.org {API}:"),
        *(f"{API}:".encode("utf-16"), f"{API} customer=é@example.org:".encode("latin-1"), b"\xff\xfe:", "x" * 5_000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_basic_with_anything_else_is_refused_and_never_challenged(text: str | bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        credential(basic(text), COOKIES)
    assert (refused.value.status, refused.value.code) == (401, "UNAUTHENTICATED")
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    assert API[12:] not in f"{refused.value!r} {refused.value.formatted(in_english)}"


@pytest.mark.parametrize("encoded", ["", " ", "=", "!", "a", "abc", "YQ=", "YQ== YQ==", "YQ==YQ==", "Yé==", "-_-_"])
def test_what_is_no_base64_is_refused(encoded: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        credential(request(("authorization", f"Basic {encoded}")), COOKIES)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "after",
    [
        *(
            "account=Atelier",
            "account=",
            "account=a b",
            "account=a account=b",
            "customer=",
            "customer",
            "customer=owner",
            "customer=@",
            "customer=a@",
            "customer=@b",
        ),
        *("=owner@example.org", "owner@example.org", "Customer=owner@example.org", "customer =owner@example.org"),
        *("customer= owner@example.org", "customer=a@example.org customer=b@example.org", "x"),
        *("customer=a@example.org account=atelier", f"customer={'x' * 243}@example.org", API),
        *(
            "customer=a@exa\0mple.org",
            "customer=a@example.org\t",
            "customer=a@example.org\r\n",
            "customer=\u200ba@b.fr",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_follows_a_token_is_a_customer_or_refused(after: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        credential(basic(f"{API} {after}:"), COOKIES)
    assert (refused.value.status, refused.value.code) == (400, "BAD_REQUEST")
    assert API[12:] not in f"{refused.value!r} {refused.value.formatted(in_english)}"


def test_a_cookie_counts_with_the_token_of_its_own_session_only() -> None:
    right = csrf_token(KEY, COOKIE)
    assert credential(of_a_page(COOKIE, right), COOKIES) == Credential(COOKIE, SecretKind.COOKIE)
    for wrong in ("", right[:-1], right.upper(), fingerprint(COOKIE), csrf_token("another key", COOKIE), "é"):
        assert credential(of_a_page(COOKIE, wrong), COOKIES) is None, wrong
    other = new_secret(SecretKind.COOKIE)
    assert credential(of_a_page(other, right), COOKIES) is None


def test_secrets_of_another_kind_are_no_cookies() -> None:
    for kind in (SecretKind.ACCESS, SecretKind.REFRESH, SecretKind.API):
        secret = new_secret(kind)
        assert credential(of_a_page(secret, csrf_token(KEY, secret)), COOKIES) is None


def test_a_secret_is_not_shown_where_credentials_are_printed() -> None:
    found = credential(of_a_page(COOKIE, csrf_token(KEY, COOKIE)), COOKIES)
    assert found is not None
    assert COOKIE not in f"{found!r} {found}"
    token = credential(basic(f"{API} customer=owner@example.org:"), COOKIES)
    assert API not in f"{token!r} {token}"


def test_what_is_set_is_what_counts() -> None:
    """A browser that sends back what it was given is known again, and no more once it was taken back."""
    response = Response()
    COOKIES.set(response, COOKIE, 60)
    assert sent_back(response) == {"espace_session": COOKIE, "espace_csrf": csrf_token(KEY, COOKIE)}
    response = Response()
    COOKIES.clear(response)
    assert set(sent_back(response).values()) <= {"", '""'}


def sent_back(response: Response) -> dict[str, Any]:
    lines = response.headers.getlist("set-cookie")
    return dict(line.partition(";")[0].split("=", 1) for line in lines)
