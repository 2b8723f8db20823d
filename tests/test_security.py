"""The security of a profile, as its owner sees it: factors, sessions, networks."""

from datetime import timedelta

from sqlalchemy import update

from models.clock import FrozenClock
from models.column import table
from models.db import Db
from models.profile import Profile
from schema.global_id import global_id
from tests.api import FREE, OWNER, STAFF, Api

SECURITY = """{ viewer { security {
  id twoFactorEnabled recoveryCodesLeft ipAllowlist pendingEmail passwordChangedAt
  sessions { id current method } } } }"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Security { twoFactorEnabled } } }"


async def test_the_owner_sees_what_guards_the_profile(api: Api) -> None:
    opened = await api.opened(OWNER)
    shown = (await api.ask(SECURITY, token=opened.secret)).data["viewer"]["security"]
    assert shown == {
        "id": global_id("Security", OWNER.key),
        "twoFactorEnabled": False,
        "recoveryCodesLeft": 0,
        "ipAllowlist": [],
        "pendingEmail": None,
        "passwordChangedAt": "2025-10-18T09:00:00Z",
        "sessions": [{"id": global_id("Session", opened.session.id), "current": True, "method": "BEARER"}],
    }
    staff = await api.ask(SECURITY, token=await api.token(STAFF))
    assert staff.data["viewer"]["security"]["twoFactorEnabled"] is True


async def test_a_list_of_networks_is_shown_as_kept(api: Api) -> None:
    token, profiles = await api.token(OWNER), table(Profile)
    networks = ["127.0.0.0/8", "2001:db8::/32"]
    async with Db(api.database) as db:
        await db.note(update(profiles).where(profiles.c.id == OWNER.key).values(ip_allowlist=networks))
    shown = await api.ask("{ viewer { security { ipAllowlist } } }", token=token)
    assert shown.data["viewer"]["security"] == {"ipAllowlist": networks}


async def test_live_sessions_are_listed_the_one_used_last_first_and_no_others(api: Api, clock: FrozenClock) -> None:
    over = await api.opened(OWNER)
    await api.opened(FREE)
    clock.move(timedelta(days=30))
    first = await api.opened(OWNER)
    clock.move(timedelta(days=31))
    second, ended = await api.opened(OWNER), await api.opened(OWNER)
    await api.ask("mutation { sessionDelete(input: {}) { deletedIds } }", token=ended.secret)
    listed = (await api.ask(SECURITY, token=second.secret)).data["viewer"]["security"]["sessions"]
    assert [each["id"] for each in listed] == [global_id("Session", each.session.id) for each in (second, first)]
    assert global_id("Session", over.session.id) not in [each["id"] for each in listed]


async def test_nobody_else_reaches_it(api: Api) -> None:
    id = global_id("Security", OWNER.key)
    assert (await api.ask(NODE, {"id": id}, token=await api.token(OWNER))).data["node"]["id"] == id
    for token in (await api.token(FREE), await api.token(STAFF), None):
        assert (await api.ask(NODE, {"id": id}, token=token)).data["node"] is None
