"""PRO-6. From where a profile may be used: the form of networks, who is in them, and what is refused from elsewhere."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.credential import CSRF, SESSION
from app.setting_check import SANDBOX_SECRET
from models.activity import ActivityEvent, Author, Record
from models.network import (
    NotANetwork,
    OutsideProfile,
    SelfLockout,
    TooManyNetworks,
    allowed,
    check_within,
    normal,
    restrict,
)
from models.profile import Profile
from models.secret import csrf_token
from models.session import Session, SessionTransport
from models.token import ApiToken
from tests.api import GRAPHQL, OWNER, PASSWORD, Api, unsaved
from tests.test_refresh import allow

UPDATE = """mutation Restrict($input: IpAllowlistUpdateInput!) { ipAllowlistUpdate(input: $input) {
  userErrors { code message field } query { viewer { id } } } }"""
SIGN_IN = """mutation SignIn($password: String!) { sessionCreate(input: {email: "owner@example.org",
  password: $password, transport: BEARER}) { credentials { accessToken } userErrors { code message field } } }"""
WHO = "{ viewer { id } }"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


# Form


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("192.0.2.7/32", "192.0.2.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:0db8:0000::/48", "2001:db8::/48"),
        ("::/0", "::/0"),
        ("::1", "::1/128"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::FFFF:c000:207", "192.0.2.7/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:192.0.2.7/128", "192.0.2.7/32"),
    ],
)
def test_a_network_has_one_form(text: str, network: str) -> None:
    assert normal(text) == network == normal(network)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "/", "/24", "192.0.2", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/24/24"),
        *("192.0.2.7/24", "2001:db8::1/64", "::ffff:192.0.2.7/120", "10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255"),
        *("010.0.0.1", "10.0.0.1.", "256.0.0.1", "167772161", "0x0a000001", "localhost", "example.org", "*"),
        *("fe80::1%eth0", "fe80::1%eth0/64", "[2001:db8::1]", "2001:db8:::1", "192.0.2.7:80", "192.0.2.0-192.0.2.9"),
        *("192.0.2.0 /24", "192.0.2.1 192.0.2.2", "192.0.2.1,192.0.2.2", "\u0661\u0669.0.2.1", "192.0.2.0/\u0662"),
        *("2001:db8::/129", "192.0.2.7\n192.0.2.8", "1" * 5_000),
    ],
    ids=lambda text: ascii(text[:30]).replace("\\", "/"),
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(NotANetwork):
        normal(text)


# Who is in


@pytest.mark.parametrize(
    ("networks", "address", "is_in"),
    [
        ([], "192.0.2.7", True),
        ([], "", True),
        (["192.0.2.7/32"], "192.0.2.7", True),
        (["192.0.2.7/32"], "192.0.2.8", False),
        (["192.0.2.0/24"], "192.0.2.0", True),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.0", False),
        (["192.0.2.0/24"], "192.0.1.255", False),
        (["198.51.100.0/24", "192.0.2.0/24"], "192.0.2.9", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.9", True),
        (["192.0.2.0/24"], "::ffff:c000:209", True),
        (["192.0.2.0/24"], "::ffff:192.0.3.9", False),
        (["192.0.2.0/24"], "::192.0.2.9", False),
        (["192.0.2.0/24"], "64:ff9b::192.0.2.9", False),
        (["192.0.2.0/24"], "2002:c000:0209::", False),
        (["0.0.0.0/0"], "192.0.2.7", True),
        (["0.0.0.0/0"], "::ffff:192.0.2.7", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "2001:db8::1", True),
        (["::/0"], "192.0.2.7", False),
        (["2001:db8::/32"], "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", True),
        (["2001:db8::/32"], "2001:db9::", False),
        (["2001:db8::1/128"], "2001:0DB8::0001", True),
        (["2001:db8::1/128"], "2001:db8::2", False),
        (["192.0.2.0/24"], "", False),
        (["0.0.0.0/0", "::/0"], "", False),
        (["0.0.0.0/0", "::/0"], "unknown", False),
        (["0.0.0.0/0", "::/0"], "192.0.2.7, 192.0.2.8", False),
    ],
)
def test_an_address_is_in_a_list_or_not(networks: list[str], address: str, is_in: bool) -> None:
    assert allowed(networks, address) is is_in


@pytest.mark.parametrize(
    ("inner", "outer", "outside"),
    [
        (["192.0.2.7/32"], [], None),
        ([], ["192.0.2.0/24"], None),
        (["192.0.2.0/24"], ["192.0.2.0/24"], None),
        (["192.0.2.128/25", "2001:db8::/64"], ["192.0.2.0/24", "2001:db8::/32"], None),
        (["192.0.2.0/23"], ["192.0.2.0/24"], "192.0.2.0/23"),
        (["192.0.2.7/32", "198.51.100.1/32"], ["192.0.2.0/24"], "198.51.100.1/32"),
        (["2001:db8::/32"], ["0.0.0.0/0"], "2001:db8::/32"),
        (["0.0.0.0/0"], ["::/0"], "0.0.0.0/0"),
    ],
)
def test_a_list_is_within_another_or_not(inner: list[str], outer: list[str], outside: str | None) -> None:
    if outside is None:
        check_within(inner, outer)
    else:
        with pytest.raises(OutsideProfile) as refused:
            check_within(inner, outer)
        assert refused.value.network == outside


# Saving


def restricted(networks: list[str], *, address: str = "192.0.2.7", confirmed: bool = False) -> tuple[Profile, Record]:
    profile, record = unsaved(ip_allowlist=["198.51.100.0/24"]), Record(Author(), AT, AT)
    restrict(profile, record, networks, address=address, confirmed=confirmed, most=3)
    return profile, record


def test_a_list_is_kept_without_repeats_and_told() -> None:
    profile, record = restricted(["192.0.2.0/24", "2001:db8::/32", "192.0.2.0/24"])
    assert profile.ip_allowlist == ["192.0.2.0/24", "2001:db8::/32"]
    (event,) = record
    assert event.changes == {"ip_allowlist": [["198.51.100.0/24"], ["192.0.2.0/24", "2001:db8::/32"]]}


@pytest.mark.parametrize("address", ["203.0.113.1", "2001:db8::1", ""])
def test_who_would_shut_themselves_out_has_to_confirm(address: str) -> None:
    with pytest.raises(SelfLockout):
        restricted(["192.0.2.0/24"], address=address)
    profile, _ = restricted(["192.0.2.0/24"], address=address, confirmed=True)
    assert profile.ip_allowlist == ["192.0.2.0/24"]


def test_no_filter_shuts_nobody_out() -> None:
    profile, _ = restricted([], address="")
    assert profile.ip_allowlist == []


def test_a_list_has_an_end_whether_confirmed_or_not() -> None:
    longer = [f"192.0.2.{number}/32" for number in range(4)]
    for confirmed in (False, True):
        with pytest.raises(TooManyNetworks):
            restricted(longer, confirmed=confirmed)
    assert restricted(longer[:3] * 2, address="192.0.2.1")[0].ip_allowlist == longer[:3]


# Over the API


async def saved(api: Api, networks: list[str], *, token: str, **rest: Any) -> list[dict[str, Any]]:
    answer = await api.ask(UPDATE, {"input": {"networks": networks, **rest}}, token=token)
    errors: list[dict[str, Any]] = answer.data["ipAllowlistUpdate"]["userErrors"]
    return errors


async def stored(api: Api) -> list[str]:
    networks: list[str] = next(row.ip_allowlist for row in await api.rows(Profile) if row.id == OWNER.key)
    return networks


async def test_a_list_is_saved_in_its_normal_form(api: Api) -> None:
    token = await api.token(OWNER)
    assert await saved(api, ["127.0.0.1", "::ffff:192.0.2.0/120", "2001:DB8::/32"], token=token) == []
    assert await stored(api) == ["127.0.0.1/32", "192.0.2.0/24", "2001:db8::/32"]
    assert (await api.ask(WHO, token=token)).status == 200
    told = next(row for row in await api.rows(ActivityEvent) if row.kind == "profile.ip_allowlist_changed")
    assert (told.owner_id, told.actor_id) == (OWNER.key, OWNER.key)


async def test_a_lockout_is_refused_at_its_field_unless_confirmed(api: Api) -> None:
    token = await api.token(OWNER)
    (error,) = await saved(api, ["192.0.2.0/24"], token=token)
    assert (error["code"], error["field"]) == ("SELF_LOCKOUT", ["input", "networks"])
    assert await stored(api) == []
    assert await saved(api, ["192.0.2.0/24"], token=token, allowSelfLockout=True) == []
    assert (await api.ask(WHO, token=token)).codes == ["IP_NOT_ALLOWED"]


async def test_fifty_networks_fit(api: Api) -> None:
    token = await api.token(OWNER)
    networks = ["127.0.0.1/32", *(f"192.0.2.{number}/32" for number in range(50))]
    (error,) = await saved(api, networks, token=token)
    assert (error["code"], error["field"]) == ("INVALID", ["input", "networks"])
    assert await saved(api, networks[:50], token=token) == []


async def test_what_is_no_network_is_bad_input(api: Api) -> None:
    for wrong in ("192.0.2.7/24", "nonsense", "", "fe80::1%eth0", 7):
        answer = await api.ask(UPDATE, {"input": {"networks": [wrong]}}, token=await api.token(OWNER))
        assert answer.codes == ["BAD_USER_INPUT"], wrong


# From elsewhere


def sent_from(api: Api, address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api.app, client=(address, 4711)), base_url="http://espace.test"
    )


async def asked(client: httpx.AsyncClient, document: str, variables: Any = None, **headers: str) -> httpx.Response:
    sent = {"accept": GRAPHQL, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await client.post("/graphql", json={"query": document, "variables": variables or {}}, headers=sent)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("192.0.2.7", 200),
        ("::ffff:192.0.2.7", 200),
        ("::ffff:c000:0207", 200),
        ("2001:db8::7", 200),
        ("192.0.3.7", 403),
        ("::ffff:192.0.3.7", 403),
        ("2001:db9::7", 403),
        ("::192.0.2.7", 403),
        ("unix", 403),
    ],
)
async def test_sessions_and_tokens_are_refused_from_elsewhere(api: Api, address: str, status: int) -> None:
    bearer, token = await api.token(OWNER), (await api.api_token(OWNER)).secret
    await allow(api, ["192.0.2.0/24", "2001:db8::/32"])
    async with sent_from(api, address) as client:
        for secret in (bearer, token):
            response = await asked(client, WHO, authorization=f"Bearer {secret}")
            assert response.status_code == status
            codes = [error["extensions"]["code"] for error in response.json().get("errors", [])]
            assert codes == ([] if status == 200 else ["IP_NOT_ALLOWED"])


async def test_a_cookie_is_refused_from_elsewhere_and_counts_again_at_home(api: Api) -> None:
    opened = await api.opened(OWNER, SessionTransport.COOKIE)
    token = csrf_token(SANDBOX_SECRET, opened.secret)
    headers = {"cookie": f"{SESSION}={opened.secret}; {CSRF}={token}", "x_csrf_token": token}
    await allow(api, ["192.0.2.0/24"])
    for address, status in (("198.51.100.1", 403), ("192.0.2.1", 200)):
        async with sent_from(api, address) as client:
            assert (await asked(client, WHO, **headers)).status_code == status


async def test_a_right_password_from_elsewhere_is_answered_as_a_wrong_one(api: Api) -> None:
    await allow(api, ["192.0.2.0/24"])
    async with sent_from(api, "198.51.100.1") as client:
        answers = [
            (await asked(client, SIGN_IN, {"password": password})).json()["data"] for password in (PASSWORD, "wrong")
        ]
    assert answers[0] == answers[1]
    assert [error["code"] for error in answers[0]["sessionCreate"]["userErrors"]] == ["INVALID_CREDENTIALS"]
    assert await api.rows(Session) == []
    async with sent_from(api, "192.0.2.1") as client:
        answer = (await asked(client, SIGN_IN, {"password": PASSWORD})).json()["data"]["sessionCreate"]
    assert answer["userErrors"] == []


async def test_nothing_is_written_of_a_use_from_elsewhere(api: Api) -> None:
    token = (await api.api_token(OWNER)).secret
    await allow(api, ["192.0.2.0/24"])
    assert (await api.ask(WHO, token=token)).codes == ["IP_NOT_ALLOWED"]
    (row,) = await api.rows(ApiToken)
    assert (row.last_used_at, row.last_used_from) == (None, None)
