"""PRO-7. Lost access: nobody gets in by asking, and nobody of the staff lets somebody in alone."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import update

from app.settings import Settings
from engine.bind import Bound
from models.access_recovery import (
    AccessRecovery,
    LostAccess,
    NoCodeSent,
    NotVerified,
    RecoveryStatus,
    is_verified,
    recovery_code,
)
from models.activity import ActivityEvent, Author, Record
from models.approval import Approval, ApprovalStatus
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Database, Db
from models.link import Link, LinkKind, link_token
from models.profile import Profile
from models.session import Session
from models.staff import StaffRole
from models.token import ApiToken
from models.two_factor import TwoFactor
from resolvers import access_recovery as acts
from resolvers import staff as members
from schema.global_id import global_id
from tests.api import FREE, OWNER, STAFF, STAFF2, Api, profile_id, serving, unsaved
from tests.database import START
from tests.desk import WHY, Desk
from tests.mails import Box, sent
from tests.test_access import staff

REQUEST = """mutation($input: AccessRecoveryRequestInput!) { accessRecoveryRequest(input: $input) {
  userErrors { code field } } }"""
LIST = """query($after: String) { accessRecoveries(first: 1, after: $after) { next recoveries {
  id email lost status customerEmail verified needsCode phone documents } } }"""
VERIFY = "mutation($token: String!) { emailVerify(input: {token: $token}) { userErrors { code } } }"
KEY = Settings().secret_key


def asking(person: Any = OWNER, lost: str = "TWO_FACTOR", **more: Any) -> dict[str, Any]:
    said = {"email": person.email, "lost": lost, "contact": "+33 1 99 00 12 34", "message": "My telephone is gone"}
    return {"input": {**said, **more}}


async def a_case(api: Api, lost: str = "TWO_FACTOR", person: Any = OWNER, **more: Any) -> str:
    """A request that was looked up; answers its id."""
    answer = await api.ask(REQUEST, asking(person, lost, **more))
    assert answer.data == {"accessRecoveryRequest": {"userErrors": []}}
    async with Db(api.database) as db:
        await acts.look_up(db)
    return global_id("AccessRecovery", max(row.id for row in await api.rows(AccessRecovery)))


async def verified(api: Api, desk: Desk, lost: str = "TWO_FACTOR") -> str:
    """A case whose steps are complete."""
    case = await a_case(api, lost)
    await desk.done("accessRecoveryStepNote", recoveryId=case, step="DOCUMENTS")
    if lost != "EMAIL":
        await desk.done("accessRecoveryCodeSend", recoveryId=case)
        assert (await desk.done("accessRecoveryCodeCheck", recoveryId=case, code=await the_code(api)))["right"]
    return case


async def the_code(api: Api) -> str:
    """As the customer reads it in their mail."""
    (case,) = [row for row in await api.rows(AccessRecovery) if row.code_key]
    return recovery_code(KEY, case.code_key)


def plain(message: EmailMessage) -> str:
    """What a mail says."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def profile(api: Api, person: Any = OWNER) -> Any:
    return next(row for row in await api.rows(Profile) if row.id == person.key)


# Rules


def a_row(lost: LostAccess, **values: Any) -> AccessRecovery:
    said = {"address": "x", "lost": lost, "contact": "x", "message": "x", "ip_address": "", "asked_at": START}
    return AccessRecovery(**{**said, **values})


@pytest.mark.parametrize("lost", LostAccess)
def test_a_request_is_verified_by_who_asks_and_by_a_code(lost: LostAccess) -> None:
    needs = lost is not LostAccess.EMAIL
    for called, documents, code in [(a, b, c) for a in (None, START) for b in (None, START) for c in (None, START)]:
        shown = bool(called or documents) and (bool(code) or not needs)
        assert is_verified(lost, called, documents, code) is shown
        case = a_row(lost, called_at=called, documents_at=documents, code_at=code)
        if not shown:
            with pytest.raises(NotVerified):
                case.remedy("new@example.org" if lost is LostAccess.EMAIL else None)
            with pytest.raises(NotVerified):
                case.finish(Record(Author(), START, START))


def test_a_code_is_guessed_at_a_few_times_in_its_time() -> None:
    case, there, record = a_row(LostAccess.TWO_FACTOR), unsaved(), Record(Author(), START, START)
    case.send_code(record, there, timedelta(hours=1))
    assert case.code_key is not None
    right = recovery_code(KEY, case.code_key)
    late = Record(Author(), START, START + timedelta(hours=1))
    with pytest.raises(NoCodeSent):
        case.check_code(late, there, right, key=KEY, guesses=2)
    wrong = f"{(int(right) + 1) % 10**8:08d}"
    assert not case.check_code(record, there, wrong, key=KEY, guesses=2)
    assert not case.check_code(record, there, wrong, key=KEY, guesses=2)
    with pytest.raises(NoCodeSent):
        case.check_code(record, there, right, key=KEY, guesses=2)
    assert case.code_at is None
    case.send_code(record, there, timedelta(hours=1))
    assert not case.check_code(record, there, right, key=KEY, guesses=2)
    assert case.check_code(record, there, f" {recovery_code(KEY, case.code_key)} ", key=KEY, guesses=2)


def test_a_code_is_eight_digits_of_the_key() -> None:
    key = new_id()
    code = recovery_code(KEY, key)
    assert len(code) == 8
    assert code.isdecimal()
    assert code != recovery_code("another key of thirty-two letters", key)
    assert code != recovery_code(KEY, new_id())


# Asking


async def test_the_answer_is_the_same_whoever_asks(api: Api) -> None:
    """And so is what is done for it: one row, which the worker looks at later."""
    for address in (OWNER.email, "nobody@example.org", "half remembered"):
        answer = await api.ask(REQUEST, asking(email=address))
        assert answer.data == {"accessRecoveryRequest": {"userErrors": []}}
    before = {row.address: row.owner_id for row in await api.rows(AccessRecovery)}
    assert before == dict.fromkeys((OWNER.email, "nobody@example.org", "half remembered"))
    async with Db(api.database) as db:
        await acts.look_up(db)
        await acts.look_up(db)
    after = {row.address: row.owner_id for row in await api.rows(AccessRecovery)}
    assert after == {**before, OWNER.email: OWNER.key}
    told = [row for row in await api.rows(ActivityEvent) if row.kind == "access_recovery.asked"]
    assert [(row.owner_id, row.actor_id) for row in told] == [(OWNER.key, None)]


async def test_what_is_missing_or_too_long_is_refused(api: Api) -> None:
    for name, longest in (("email", 254), ("contact", 200), ("message", 2000)):
        for value, code in ((" ", "REQUIRED"), ("x" * (longest + 1), "INVALID")):
            answer = await api.ask(REQUEST, asking(**{name: value}))
            (error,) = answer.data["accessRecoveryRequest"]["userErrors"]
            assert error == {"code": code, "field": ["input", name]}
    assert await api.rows(AccessRecovery) == []


async def test_asking_is_limited(database: Database, bound: Bound, api: Api) -> None:
    async with serving(database, bound, resets_per_profile=1, anonymous_per_minute=1000) as served:
        codes = []
        for _ in range(2):
            (errors,) = [(await served.ask(REQUEST, asking())).data["accessRecoveryRequest"]["userErrors"]]
            codes += [error["code"] for error in errors]
    assert codes == ["TOO_MANY_ATTEMPTS"]
    assert len(await api.rows(AccessRecovery)) == 1


# Steps


async def test_nothing_is_changed_before_the_request_is_verified(api: Api) -> None:
    desk, case = await Desk.of(api), await a_case(api)
    assert await desk.refused("accessRecoveryChangeAsk", recoveryId=case) == ["CONFLICT"]
    await desk.done("accessRecoveryStepNote", recoveryId=case, step="DOCUMENTS")
    assert await desk.refused("accessRecoveryChangeAsk", recoveryId=case) == ["CONFLICT"]
    await desk.done("accessRecoveryCodeSend", recoveryId=case)
    assert await desk.refused("accessRecoveryChangeAsk", recoveryId=case) == ["CONFLICT"]
    assert await api.rows(Approval) == []


async def test_only_the_number_on_file_is_called(api: Api) -> None:
    desk, case = await Desk.of(api), await a_case(api)
    assert await desk.refused("accessRecoveryStepNote", recoveryId=case, step="CALL") == ["CONFLICT"]
    async with Db(api.database) as db:
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(phone="+33199001234"))
    await desk.done("accessRecoveryStepNote", recoveryId=case, step="CALL")
    shown = (await desk.reads(LIST))["accessRecoveries"]["recoveries"][0]
    assert (shown["phone"], shown["verified"], shown["needsCode"]) == ("+33199001234", False, True)
    assert "manager" in shown["documents"]


async def test_a_wrong_code_counts_and_the_customer_reads_of_it(api: Api) -> None:
    desk, case = await Desk.of(api), await a_case(api)
    await desk.done("accessRecoveryCodeSend", recoveryId=case)
    right = await the_code(api)
    for _ in range(5):
        payload = await desk.done("accessRecoveryCodeCheck", recoveryId=case, code=f"{(int(right) + 1) % 10**8:08d}")
        assert payload["right"] is False
    assert await desk.refused("accessRecoveryCodeCheck", recoveryId=case, code=right) == ["EXPIRED"]
    kinds = [row.kind for row in await api.rows(ActivityEvent)]
    assert kinds.count("access_recovery.code_wrong") == 5


async def test_the_code_is_mailed_and_stands_nowhere_else(api: Api) -> None:
    desk, case = await Desk.of(api), await a_case(api)
    await desk.done("accessRecoveryCodeSend", recoveryId=case)
    box, code = Box(), await the_code(api)
    await sent(api.database, box)
    mails = [plain(each) for each in box.messages if OWNER.email in each["to"]]
    assert [code in mail for mail in mails].count(True) == 1
    for model in (AccessRecovery, ActivityEvent):
        assert not any(code in str(row) for row in await api.rows(model))


async def test_what_was_verified_of_one_profile_is_not_used_for_another(api: Api) -> None:
    desk = await Desk.of(api)
    case = await verified(api, desk)
    assert await desk.refused("accessRecoveryProfile", recoveryId=case, profileId=profile_id(FREE)) == ["CONFLICT"]
    unknown = await a_case(api, email="half remembered")
    for name, more in (("accessRecoveryStepNote", {"step": "DOCUMENTS"}), ("accessRecoveryCodeSend", {})):
        assert await desk.refused(name, recoveryId=unknown, **more) == ["CONFLICT"]
    await desk.done("accessRecoveryProfile", recoveryId=unknown, profileId=profile_id(FREE))
    assert (await api.rows(AccessRecovery))[-1].owner_id == FREE.key


async def test_a_case_is_closed_once_and_then_nothing_is_done_in_it(api: Api) -> None:
    desk = await Desk.of(api)
    for case in (await verified(api, desk), await a_case(api, email="nobody@example.org")):
        await desk.done("accessRecoveryClose", recoveryId=case)
        assert await desk.refused("accessRecoveryClose", recoveryId=case) == ["CONFLICT"]
        assert await desk.refused("accessRecoveryChangeAsk", recoveryId=case) == ["CONFLICT"]


async def test_nobody_recovers_their_own_access(api: Api) -> None:
    desk, case = await Desk.of(api), await a_case(api, person=STAFF)
    for name, more in (
        ("accessRecoveryStepNote", {"step": "DOCUMENTS"}),
        ("accessRecoveryCodeSend", {}),
        ("accessRecoveryChangeAsk", {}),
        ("accessRecoveryClose", {}),
    ):
        assert await desk.refused(name, recoveryId=case, **more) == ["INVALID"]
    (row,) = await api.rows(AccessRecovery)
    assert (row.documents_at, row.code_key, row.status) == (None, None, RecoveryStatus.OPEN)


# The second member


async def test_identity_recovery_cannot_be_driven_by_one_staff_member_alone(api: Api) -> None:
    """Section 14. Whoever asked grants nothing; the second member does, and it is done at once."""
    await api.two_factor(OWNER)
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    case = await verified(api, first)
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=case))["approvalId"]
    assert await first.refused("approvalGrant", approvalId=asked) == ["CONFLICT"]
    assert (await profile(api)).two_factor_since is not None
    await second.done("approvalGrant", approvalId=asked)
    assert (await profile(api)).two_factor_since is None
    assert [row.status for row in await api.rows(Approval)] == [ApprovalStatus.GRANTED]
    assert [row.status for row in await api.rows(AccessRecovery)] == [RecoveryStatus.DONE]
    assert await second.refused("approvalGrant", approvalId=asked) == ["CONFLICT"]


async def test_without_the_second_factor_tokens_and_sessions_end(api: Api) -> None:
    """PRO-5."""
    await api.two_factor(OWNER)
    await api.api_token(OWNER)
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=await verified(api, first)))["approvalId"]
    await second.done("approvalGrant", approvalId=asked)
    assert all(row.ended_at is not None for row in await api.rows(Session) if row.profile_id == OWNER.key)
    assert await api.rows(ApiToken) == []
    assert OWNER.key not in {row.profile_id for row in await api.rows(TwoFactor)}


async def test_the_list_of_networks_is_emptied(api: Api) -> None:
    async with Db(api.database) as db:
        lists = {"ip_allowlist": ["203.0.113.0/24"]}
        await db.note(update(table(Profile)).where(table(Profile).c.id == OWNER.key).values(lists))
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    case = await verified(api, first, "IP_ALLOWLIST")
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=case))["approvalId"]
    await second.done("approvalGrant", approvalId=asked)
    assert (await profile(api)).ip_allowlist == []


async def test_a_new_address_counts_once_its_mail_was_read(api: Api) -> None:
    """PRO-3, PRO-7. The old one is told."""
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    case = await verified(api, first, "EMAIL")
    assert await first.refused("accessRecoveryChangeAsk", recoveryId=case) == ["REQUIRED"]
    new = "new@example.org"
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=case, newEmail=new))["approvalId"]
    await second.done("approvalGrant", approvalId=asked)
    there = await profile(api)
    assert (there.email, there.pending_email) == (OWNER.email, new)
    (link,) = [row for row in await api.rows(Link) if row.kind is LinkKind.EMAIL_CHANGE]
    assert (await api.ask(VERIFY, {"token": link_token(KEY, link.id)})).data == {"emailVerify": {"userErrors": []}}
    assert (await profile(api)).email == new
    box = Box()
    await sent(api.database, box)
    assert {OWNER.email, new} <= {str(each["to"]) for each in box.messages}
    changed = [row for row in await api.rows(ActivityEvent) if row.kind == "profile.email_changed"]
    assert [row.facts["address"] for row in changed] == [OWNER.email]


async def test_an_approval_ends_by_time(api: Api, clock: FrozenClock) -> None:
    await api.two_factor(OWNER)
    desk = await Desk.of(api)
    case = await verified(api, desk)
    asked = (await desk.done("accessRecoveryChangeAsk", recoveryId=case))["approvalId"]
    assert await desk.refused("accessRecoveryChangeAsk", recoveryId=case) == ["CONFLICT"]
    clock.move(timedelta(days=2))
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    assert (await second.reads("{ approvalsWaiting { id } }"))["approvalsWaiting"] == []
    assert await second.refused("approvalGrant", approvalId=asked) == ["EXPIRED"]
    assert await second.refused("approvalRefuse", approvalId=asked) == ["EXPIRED"]
    assert (await profile(api)).two_factor_since is not None
    again = (await first.done("accessRecoveryChangeAsk", recoveryId=case))["approvalId"]
    await second.done("approvalGrant", approvalId=again)


async def test_what_is_refused_is_not_done(api: Api) -> None:
    await api.two_factor(OWNER)
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=await verified(api, first)))["approvalId"]
    (case,) = (await first.reads(LIST))["accessRecoveries"]["recoveries"]
    one = "query($id: ID!) { accessRecovery(recoveryId: $id) { id verified codeAt calledAt documentsAt } }"
    read = (await second.reads(one, id=case["id"]))["accessRecovery"]
    assert (read["id"], read["verified"], read["calledAt"]) == (case["id"], True, None)
    for nothing in ("x", asked, global_id("AccessRecovery", OWNER.key)):
        assert await second.reads(one, id=nothing) == {"accessRecovery": None}
    waiting = "{ approvalsWaiting { id own askedBy reason customerEmail what recoveryId } }"
    shown = {
        "recoveryId": case["id"],
        "id": asked,
        "askedBy": "Sacha",
        "reason": WHY,
        "customerEmail": OWNER.email,
        "what": "TWO_FACTOR_OFF",
    }
    for desk, own in ((first, True), (second, False)):
        assert (await desk.reads(waiting))["approvalsWaiting"] == [{**shown, "own": own}]
    await second.done("approvalRefuse", approvalId=asked)
    assert await second.refused("approvalGrant", approvalId=asked) == ["CONFLICT"]
    assert (await profile(api)).two_factor_since is not None


async def test_a_second_member_needs_the_role_and_so_does_who_asked(api: Api) -> None:
    await api.two_factor(OWNER)
    first = await Desk.of(api)
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=await verified(api, first)))["approvalId"]
    async with Db(api.database) as db:
        await members.remove(db, STAFF2.email, [StaffRole.SUPPORT])
    second = await Desk.of(api, STAFF2)
    assert await second.refused("approvalGrant", approvalId=asked) == ["NOT_FOUND"]
    assert (await second.reads("{ approvalsWaiting { id } }"))["approvalsWaiting"] == []
    async with Db(api.database) as db:
        await members.add(db, STAFF2.email, [StaffRole.SUPPORT])
        await members.remove(db, STAFF.email, [StaffRole.SUPPORT])
    assert await (await Desk.of(api, STAFF2)).refused("approvalGrant", approvalId=asked) == ["CONFLICT"]
    assert (await profile(api)).two_factor_since is not None


async def test_nobody_approves_what_concerns_themselves(api: Api) -> None:
    async with Db(api.database) as db:
        await members.add(db, OWNER.email, [StaffRole.SUPPORT])
    first, customer = await Desk.of(api), await Desk.of(api, OWNER)
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=await verified(api, first)))["approvalId"]
    assert await customer.refused("approvalGrant", approvalId=asked) == ["INVALID"]
    assert (await profile(api)).two_factor_since is not None


async def test_a_closed_case_is_not_carried_out(api: Api) -> None:
    await api.two_factor(OWNER)
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    case = await verified(api, first)
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=case))["approvalId"]
    await first.done("accessRecoveryClose", recoveryId=case)
    assert await second.refused("approvalGrant", approvalId=asked) == ["CONFLICT"]
    assert (await profile(api)).two_factor_since is not None
    assert [row.status for row in await api.rows(Approval)] == [ApprovalStatus.PENDING]


# What the customer learns


async def test_every_step_is_in_the_history_and_mailed(api: Api) -> None:
    await api.two_factor(OWNER)
    first, second = await Desk.of(api), await Desk.of(api, STAFF2)
    asked = (await first.done("accessRecoveryChangeAsk", recoveryId=await verified(api, first)))["approvalId"]
    await second.done("approvalGrant", approvalId=asked)
    document = """{ viewer { activity(first: 20) { nodes { action channel reason ipAddress
      actor { __typename displayName } } } } }"""
    nodes = (await api.ask(document, token=await api.token(OWNER))).data["viewer"]["activity"]["nodes"]
    by_staff = [node for node in nodes if node["channel"] == "SUPPORT"]
    steps = [node["action"] for node in reversed(by_staff)]
    assert steps[:4] == [
        "access_recovery.documented",
        "access_recovery.code_sent",
        "access_recovery.code_confirmed",
        "approval.asked",
    ]
    assert {"approval.granted", "two_factor.disabled"} <= set(steps)
    assert {(node["reason"], node["ipAddress"]) for node in by_staff} == {(WHY, None)}
    names = {node["actor"]["displayName"] for node in by_staff}
    assert ({node["actor"]["__typename"] for node in by_staff}, names) == ({"SupportAgent"}, {"Sacha", "Robin"})
    box = Box()
    await sent(api.database, box)
    mine = [each for each in box.messages if str(each["to"]) == OWNER.email]
    assert len(mine) >= 7
    texts = "".join(map(plain, mine))
    assert "127.0.0.1" not in texts
    assert STAFF.email not in texts


async def test_cases_are_paged_and_for_support_alone(api: Api) -> None:
    first, second = await a_case(api), await a_case(api, person=FREE)
    desk, after, seen = await Desk.of(api), None, []
    for _ in range(2):
        page = (await desk.reads(LIST, after=after))["accessRecoveries"]
        seen += [each["id"] for each in page["recoveries"]]
        after = page["next"]
    assert (seen, after) == ([first, second], None)
    async with Db(api.database) as db:
        await members.remove(db, STAFF.email, [StaffRole.SUPPORT])
    answer = await staff(api, await api.two_factor(STAFF), LIST)
    assert (answer.codes, answer.errors[0]["extensions"]["missing"]) == (["FORBIDDEN"], "SUPPORT")


async def test_old_cases_are_forgotten(api: Api, clock: FrozenClock) -> None:
    await a_case(api)
    clock.move(timedelta(days=91))
    async with Db(api.database) as db:
        await acts.purge(db, Settings())
    assert await api.rows(AccessRecovery) == []
