"""ACC-8, ACC-9. Offers: to whom, who sees what of them, how they end, and what waits for an answer meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.settings import Settings
from engine.bind import Bound
from models.account import Account, AccountAction, AccountStatus, obstacle_to
from models.activity import ActivityEvent, Author, Record
from models.column import new_id, table
from models.db import Db
from models.link import Link, LinkKind, link_token
from models.mail import SandboxMail
from models.obstacle import GoesWithServer, TransferPending
from models.permission import AccountPermission, OverallPermission
from models.profile import EMAIL_CHANGE_ASKED, Profile
from models.server import Server
from models.setting import Figures
from models.transfer import (
    AnsweredBefore,
    InvalidRecipient,
    Transfer,
    TransferMode,
    TransferStatus,
    new_transfer,
)
from schema.global_id import global_id, key_of
from tests.api import DELEGATE, FREE, OWNER, STAFF, TECH, Api, profile_id, serving, unsaved
from tests.cycle import move
from tests.database import START
from tests.granting import a_grant
from tests.hosting import ATELIER, BOUTIQUE, HOBBY, account
from tests.mails import Box, sent, told_with_link
from tests.opening import codes
from tests.test_contract_acceptance import ACCEPT as SIGN
from tests.test_contract_acceptance import CONTRACTS, VERIFY
from tests.test_deletion import remove
from tests.transferring import (
    ACCEPT,
    CANCEL,
    DECLINE,
    LATER,
    LISTED,
    accept,
    cancel,
    changed,
    decline,
    offered,
    recipient_quote,
    row,
    sender_quote,
    start,
)
from tests.transferring import (
    START as BEGIN,
)

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
PARTIES = """query ($id: ID!) { node(id: $id) { ... on Transfer { item { ... on Account { id name owner { id } } }
  sender { __typename displayName } recipient { __typename displayName } viewerActions
  accept: viewerCan(action: ACCEPT) { allowed reason message } } } }"""
CAN = """query ($id: ID!) { node(id: $id) { ... on Account { viewerActions pendingTransfer { id }
  transfer: viewerCan(action: TRANSFER) { allowed message remedy }
  delete: viewerCan(action: DELETE) { allowed message remedy } deletionPreview { blockers { code } } } } }"""
DELETE = """mutation ($id: ID!, $name: String!) { accountDelete(input: {accountId: $id, confirmation: $name}) {
  userErrors { __typename code message } } }"""
RENAME = """mutation ($id: ID!) { accountRename(input: {accountId: $id, name: "taken-over", confirmation: "hobby"}) {
  userErrors { code } } }"""
REGISTER = """mutation ($input: ProfileRegisterInput!) { profileRegister(input: $input) { userErrors { code } } }"""
STRANGER = "stranger@example.org"


def record() -> Record:
    return Record(Author(), START, START)


def parties(**values: Any) -> tuple[Account, Profile, Profile]:
    account = Account(owner_id=OWNER.key, name="shop", created_at=START, **values)
    return account, unsaved(OWNER), unsaved(FREE)


# The verbs


def test_what_is_offered_stays_as_it_is_until_that_is_answered() -> None:
    item, sender, recipient = parties()
    told = record()
    transfer = new_transfer(told, item, sender, recipient, TransferMode.BILL_AT_ACCEPTANCE, Figures())
    assert (item.transfer_id, item.owner_id) == (transfer.id, OWNER.key)
    assert transfer.expires_at.date().isoformat() == "2026-12-22"
    verbs: list[Callable[[], Any]] = [
        lambda: item.delete(told, "shop"),
        lambda: item.change_plan(told, new_id()),
        lambda: item.offer(told, new_id(), "x"),
    ]
    for verb in verbs:
        with pytest.raises(TransferPending):
            verb()
    item.rename(told, "other", "shop", Figures())


def test_an_offer_is_answered_once() -> None:
    item, sender, recipient = parties()
    transfer = new_transfer(record(), item, sender, recipient, TransferMode.KEEP_END_DATE, Figures())
    named = {"sender": "a@example.org", "recipient": "b@example.org"}
    transfer.decline(record(), named)
    assert (transfer.status, transfer.closed_at) == (TransferStatus.DECLINED, START)
    for verb in (transfer.cancel, transfer.decline, transfer.lapse):
        with pytest.raises(AnsweredBefore):
            verb(record(), named)
    with pytest.raises(AnsweredBefore):
        transfer.accept(record(), 0, named)


def test_nobody_is_handed_what_is_their_own_or_anything_while_they_are_suspended() -> None:
    item, sender, recipient = parties()
    recipient.suspended_at = START
    for taker in (sender, recipient, unsaved(TECH, deleted_at=START)):
        with pytest.raises(InvalidRecipient):
            new_transfer(record(), item, sender, taker, TransferMode.KEEP_END_DATE, Figures())
    assert item.transfer_id is None


def test_an_account_on_a_server_goes_with_that_only() -> None:
    item, sender, recipient = parties(server_id=new_id())
    with pytest.raises(GoesWithServer):
        new_transfer(record(), item, sender, recipient, TransferMode.KEEP_END_DATE, Figures())
    for status in AccountStatus:
        refused = obstacle_to(AccountAction.TRANSFER, status)
        assert (refused is None) == (status is AccountStatus.ACTIVE)


def test_a_server_goes_with_its_accounts_and_each_side_has_a_fact_of_it() -> None:
    told = record()
    server = Server(owner_id=OWNER.key, name="anvil", plan_id=new_id(), created_at=START)
    hosted = Account(owner_id=OWNER.key, name="there", server_id=server.id, created_at=START)
    server.hand_over(told, FREE.key, [hosted])
    assert (server.owner_id, hosted.owner_id) == (FREE.key, FREE.key)
    assert [(each.kind, each.owner_id) for each in told] == [
        ("server.handed_over", OWNER.key),
        ("server.taken_over", FREE.key),
        ("account.handed_over", OWNER.key),
        ("account.taken_over", FREE.key),
    ]


# Starting


async def test_an_offer_waits_for_its_recipient_and_the_owner_stays_owner(api: Api) -> None:
    payload = await start(api, HOBBY, person=FREE, to=OWNER)
    assert payload["userErrors"] == []
    shown = payload["transfer"]
    assert (shown["status"], shown["mode"], shown["closedAt"]) == ("PENDING", "BILL_AT_ACCEPTANCE", None)
    assert shown["expiresAt"] == "2026-12-22T09:00:00Z"
    assert (shown["recipient"], shown["viewerActions"]) == ({"displayName": OWNER.email}, ["CANCEL"])
    assert shown["senderRefund"] == {"amount": "0.00"}
    hobby = await account(api, "hobby")
    assert (hobby.owner_id, hobby.transfer_id) == (FREE.key, key_of(shown["id"], "Transfer"))


async def test_the_same_key_offers_once(api: Api) -> None:
    values = {"quoteToken": (await sender_quote(api, HOBBY, person=FREE))["token"], "idempotencyKey": str(uuid4())}
    first = await start(api, HOBBY, person=FREE, to=OWNER, **values)
    assert await start(api, HOBBY, person=FREE, to=OWNER, **values) == first
    assert len(await api.rows(Transfer)) == 1
    assert codes(await start(api, HOBBY, person=FREE, to=TECH, **values)) == ["IDEMPOTENCY_KEY_REUSED"]


@pytest.mark.parametrize(
    ("to", "values"), [(FREE, {}), (OWNER, {"suspended_at": START, "suspension_reason": "INACTIVITY"})]
)
async def test_neither_oneself_nor_who_is_suspended_is_a_recipient(api: Api, to: Any, values: dict[str, Any]) -> None:
    if values:
        await changed(api, Profile, to.key, **values)
    payload = await start(api, HOBBY, person=FREE, to=to)
    assert codes(payload) == ["INVALID_RECIPIENT"]
    assert payload["userErrors"][0]["field"] == ["input", "recipientEmail"]
    assert await api.rows(Transfer) == []


async def test_one_offer_at_a_time(api: Api) -> None:
    token = (await sender_quote(api, HOBBY, person=FREE))["token"]
    await offered(api, HOBBY, person=FREE, to=OWNER)
    payload = await start(api, HOBBY, person=FREE, to=TECH, quoteToken=token)
    assert codes(payload) == ["TRANSFER_PENDING"]
    assert payload["userErrors"][0]["__typename"] == "ConflictError"


async def test_only_the_owner_offers_and_only_accounts_and_servers(api: Api) -> None:
    await a_grant(api, DELEGATE, *OverallPermission)
    given = {"recipientEmail": TECH.email, "mode": LATER, "quoteToken": "none", "idempotencyKey": str(uuid4())}
    delegate = await api.ask(BEGIN, {"input": {**given, "itemId": ATELIER}}, token=await api.token(DELEGATE))
    assert delegate.codes == ["FORBIDDEN"]
    for item in (profile_id(OWNER), HOBBY, global_id("Account", new_id()), "garbage"):
        answer = await api.ask(BEGIN, {"input": {**given, "itemId": item}}, token=await api.token(OWNER))
        assert codes(answer.data["transferStart"]) == ["NOT_FOUND"], item
    assert await api.rows(Transfer) == []


async def test_offers_are_counted_since_each_may_send_a_mail(api: Api, bound: Bound) -> None:
    """LIM-1. With what is granted, to one address and in all."""
    async with serving(api.database, bound, grants_per_address=2) as counted:
        for _ in range(2):
            await cancel(counted, await offered(counted, HOBBY, person=FREE, to=OWNER), FREE)
        assert codes(await start(counted, HOBBY, person=FREE, to=OWNER)) == ["TOO_MANY_ATTEMPTS"]
        await offered(counted, HOBBY, person=FREE, to=TECH)


# Who sees what


async def test_the_parties_see_each_other_and_what_is_offered_while_it_waits(api: Api) -> None:
    await a_grant(api, DELEGATE, accounts={})  # Nobody else's.
    mine = key_of(HOBBY, "Account")
    transfer, token = await offered(api, HOBBY, person=FREE, to=OWNER), await api.token(OWNER)
    seen = (await api.ask(PARTIES, {"id": transfer}, token=token)).data["node"]
    assert seen["item"] == {"id": HOBBY, "name": "hobby", "owner": {"id": profile_id(FREE)}}
    assert seen["sender"] == {"__typename": "Profile", "displayName": FREE.email}
    assert seen["viewerActions"] == ["ACCEPT", "DECLINE"]
    for hidden in ("usage { diskUsedBytes }", "grants(first: 1) { totalCount }", "deletionPreview { confirmation }"):
        asked = f"query ($id: ID!) {{ node(id: $id) {{ ... on Account {{ {hidden} }} }} }}"
        assert (await api.ask(asked, {"id": HOBBY}, token=token)).codes == ["FORBIDDEN"], hidden
    assert (await api.ask(RENAME, {"id": HOBBY}, token=token)).codes == ["FORBIDDEN"]
    await decline(api, transfer, OWNER)
    after = (await api.ask(PARTIES, {"id": transfer}, token=token)).data["node"]
    assert (after["item"], after["viewerActions"]) == (None, [])
    assert after["sender"] == {"__typename": "HiddenActor", "displayName": "Quelqu’un"}
    assert after["accept"]["reason"] == "STATE"
    assert (await api.ask(NODE, {"id": HOBBY}, token=token)).data["node"] is None
    assert (await account(api, "hobby")).id == mine


async def test_others_see_nothing_of_it(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    for person in (DELEGATE, TECH, STAFF):
        token = await api.token(person)
        found = (await api.ask(NODE, {"id": transfer}, token=token)).data["node"]
        assert (found is not None) == (person is DELEGATE), "who has BILLING of the recipient knows of it"
        for document in (CANCEL, DECLINE):
            answer = await api.ask(document, {"id": transfer}, token=token)
            refused = (
                answer.codes == ["FORBIDDEN"]
                if person is DELEGATE
                else codes(next(iter(answer.data.values()))) == ["NOT_FOUND"]
            )
            assert refused
    assert (await api.ask(NODE, {"id": transfer})).data["node"] is None


async def test_each_side_does_what_is_its_own(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    given = {"input": {"transferId": transfer, "quoteToken": "none", "idempotencyKey": str(uuid4())}}
    for document, variables, person in (
        (CANCEL, {"id": transfer}, OWNER),
        (DECLINE, {"id": transfer}, FREE),
        (ACCEPT, given, FREE),
    ):
        answer = await api.ask(document, variables, token=await api.token(person))
        assert answer.codes == ["FORBIDDEN"]
        assert answer.errors[0]["extensions"]["reason"] == "OWNER_ONLY"
    assert (await row(api, transfer)).status is TransferStatus.PENDING


async def test_tokens_do_not_accept_and_narrowed_ones_do_not_know(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    whole = (await api.api_token(OWNER)).secret
    given = {"input": {"transferId": transfer, "quoteToken": "none", "idempotencyKey": str(uuid4())}}
    answer = await api.ask(ACCEPT, given, token=whole)
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["extensions"]["reason"] == "TOKEN_SCOPE"
    assert (await api.ask(NODE, {"id": transfer}, token=whole)).data["node"] is not None
    for narrowing in ({"only_owner_id": OWNER.key}, {"only_account_id": key_of(ATELIER, "Account")}):
        secret = (await api.api_token(OWNER, **narrowing)).secret
        for key in (transfer, HOBBY, profile_id(FREE)):
            assert (await api.ask(NODE, {"id": key}, token=secret)).data["node"] is None, narrowing
        answer = await api.ask(DECLINE, {"id": transfer}, token=secret)
        assert codes(answer.data["transferDecline"]) == ["NOT_FOUND"]


async def test_a_list_has_what_was_sent_and_received(api: Api) -> None:
    first = await offered(api, HOBBY, person=FREE, to=OWNER)
    await decline(api, first, OWNER)
    second = await offered(api, BOUTIQUE, to=TECH)
    token = await api.token(OWNER)

    async def listed(**wanted: Any) -> list[str]:
        answer = await api.ask(LISTED, {"filter": wanted}, token=token)
        found = answer.data["viewer"]["transfers"]
        assert found["totalCount"] == len(found["nodes"])
        return [each["id"] for each in found["nodes"]]

    assert await listed() == [second, first]
    assert await listed(direction="SENT") == [second]
    assert await listed(direction="RECEIVED") == [first]
    assert await listed(status=["PENDING"]) == [second]
    assert await listed(status=["DECLINED", "ACCEPTED"], direction="SENT") == []
    assert await listed(status=[]) == []


async def test_clients_are_told_what_can_be_done_meanwhile(api: Api) -> None:
    transfer = await offered(api, BOUTIQUE, to=TECH)
    shown = (await api.ask(CAN, {"id": BOUTIQUE}, token=await api.token(OWNER))).data["node"]
    assert shown["viewerActions"] == ["RENAME", "GRANT", "OPEN_TICKET"]
    assert shown["pendingTransfer"] == {"id": transfer}
    assert not shown["transfer"]["allowed"]
    assert shown["delete"]["remedy"] == "Annulez d’abord le transfert."
    assert [each["code"] for each in shown["deletionPreview"]["blockers"]] == ["TRANSFER_PENDING"]
    refused = await api.ask(DELETE, {"id": BOUTIQUE, "name": "boutique"}, token=await api.token(OWNER))
    assert codes(refused.data["accountDelete"]) == ["TRANSFER_PENDING"]
    await cancel(api, transfer)
    shown = (await api.ask(CAN, {"id": BOUTIQUE}, token=await api.token(OWNER))).data["node"]
    assert shown["viewerActions"] == ["RENAME", "CHANGE_PLAN", "TRANSFER", "DELETE", "GRANT", "OPEN_TICKET"]
    assert shown["pendingTransfer"] is None


# Ends


@pytest.mark.parametrize(("ended", "status"), [(cancel, "CANCELLED"), (decline, "DECLINED")])
async def test_an_offer_that_is_withdrawn_or_declined_changes_nothing_else(api: Api, ended: Any, status: str) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    person = FREE if ended is cancel else OWNER
    payload = await ended(api, transfer, person)
    assert (payload["userErrors"], payload["transfer"]["status"]) == ([], status)
    hobby = await account(api, "hobby")
    assert (hobby.owner_id, hobby.transfer_id) == (FREE.key, None)
    assert codes(await ended(api, transfer, person)) == ["CONFLICT"]
    assert codes(await accept(api, transfer, OWNER, quoteToken="none")) == ["CONFLICT"]
    await offered(api, HOBBY, person=FREE, to=OWNER)


async def test_an_offer_lapses_after_thirty_days_and_both_are_told(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    await move(api, "2026-12-22T08:59:59Z")
    assert (await row(api, transfer)).status is TransferStatus.PENDING
    await move(api, "2026-12-22T09:00:00Z")
    found = await row(api, transfer)
    assert (found.status, found.closed_at) == (TransferStatus.EXPIRED, found.expires_at)
    assert (await account(api, "hobby")).transfer_id is None
    (lapsed,) = [each for each in await api.rows(ActivityEvent) if each.kind == "transfer.expired"]
    assert set(lapsed.facts["reader_ids"]) == {str(FREE.key), str(OWNER.key)}
    assert codes(await accept(api, transfer, OWNER, quoteToken="none")) == ["CONFLICT"]


async def test_who_is_suspended_may_still_cancel_and_decline(api: Api) -> None:
    for ended, person in ((cancel, FREE), (decline, OWNER)):
        transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
        suspended = {"suspended_at": START, "suspension_reason": "INACTIVITY", "deletion_at": START}
        await changed(api, Profile, person.key, **suspended)
        assert (await ended(api, transfer, person))["userErrors"] == []
        await changed(api, Profile, person.key, **dict.fromkeys(suspended))


async def test_what_is_renamed_meanwhile_is_taken_over_by_its_new_name(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    await changed(api, Account, key_of(HOBBY, "Account"), name="pastime")
    payload = await accept(api, transfer, OWNER)
    assert payload["userErrors"] == []
    assert payload["transfer"]["item"]["name"] == "pastime"


async def test_what_is_gone_is_not_shown_any_more(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    await cancel(api, transfer, FREE)
    async with Db(api.database) as db:
        await db.note(table(Account).delete().where(table(Account).c.id == key_of(HOBBY, "Account")))
    shown = (await api.ask(PARTIES, {"id": transfer}, token=await api.token(FREE))).data["node"]
    assert shown["item"] is None


# ACC-9. Whoever has no profile


async def test_an_address_without_a_profile_is_invited_and_takes_over_what_waited(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=STRANGER)
    (link,) = [each for each in await api.rows(Link) if each.kind == "INVITATION"]
    box = Box()
    await sent(api.database, box)
    (mail,) = [each for each in box.messages if each["To"] == STRANGER]
    assert "sign-up?token=" in mail.as_string().replace("=\n", "")
    (stub,) = [each for each in await api.rows(Profile) if each.email == STRANGER]
    assert stub.invited_at is not None
    given = {
        "email": STRANGER,
        "password": "marmot ladder vinegar quilt",
        "acceptTerms": True,
        "invitationToken": link_token(Settings().secret_key, link.id),
    }
    assert codes((await api.ask(REGISTER, {"input": given})).data["profileRegister"]) == []

    class Stranger:
        key, email = stub.id, STRANGER

    assert codes(await accept(api, transfer, Stranger)) == ["CONTRACT_PENDING"]
    token = await api.token(Stranger)
    for each in (await api.ask(CONTRACTS, token=token)).data["viewer"]["contracts"]:
        await api.ask(SIGN, {"id": each["id"]}, token=token)
    assert (await accept(api, transfer, Stranger))["userErrors"] == []
    assert (await account(api, "hobby")).owner_id == stub.id


async def test_who_takes_the_address_is_offered_what_waited_for_it(api: Api) -> None:
    """ACC-9. What they had offered to it themselves is withdrawn: it would be their own."""
    theirs = await offered(api, HOBBY, person=FREE, to=STRANGER)
    own = await offered(api, BOUTIQUE, to=STRANGER)
    await a_change_of_address(api, OWNER, STRANGER)
    assert [each.email for each in await api.rows(Profile)].count(STRANGER) == 1
    assert (await row(api, own)).status is TransferStatus.CANCELLED
    assert (await account(api, "boutique")).transfer_id is None
    assert (await row(api, theirs)).recipient_id == OWNER.key
    assert (await accept(api, theirs, OWNER))["userErrors"] == []


async def a_change_of_address(api: Api, person: Any, address: str) -> None:
    """The link of the mail that confirms another address is followed."""
    await changed(api, Profile, person.key, pending_email=address)
    link = await told_with_link(api.database, EMAIL_CHANGE_ASKED, LinkKind.EMAIL_CHANGE, person, address)
    secret = link_token(Settings().secret_key, link.id)
    answer = await api.ask(VERIFY, {"token": secret})
    assert codes(answer.data["emailVerify"]) == []


async def test_an_address_that_is_not_confirmed_waits(api: Api) -> None:
    """Whoever signed up with somebody else's address sees nothing of what is offered to that."""
    await changed(api, Profile, TECH.key, email_verified_at=None)
    transfer = await offered(api, HOBBY, person=FREE, to=TECH)
    token = await api.token(TECH)
    assert (await api.ask(NODE, {"id": transfer}, token=token)).data["node"] is None
    assert (await api.ask(NODE, {"id": HOBBY}, token=token)).data["node"] is None
    answer = await api.ask(DECLINE, {"id": transfer}, token=token)
    assert codes(answer.data["transferDecline"]) == ["NOT_FOUND"]
    await changed(api, Profile, TECH.key, email_verified_at=START)
    assert (await recipient_quote(api, transfer, TECH))["token"]


async def test_an_offer_follows_its_recipient_to_another_address(api: Api) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=OWNER)
    await changed(api, Profile, OWNER.key, email="moved@example.org")
    assert (await accept(api, transfer, OWNER))["userErrors"] == []


async def test_taking_back_a_grant_leaves_whoever_is_offered_something_invited(api: Api) -> None:
    """PER-7. The profile that waits to be set up stays while anything waits for it."""
    await offered(api, HOBBY, person=FREE, to=STRANGER)
    saved = await api.ask(
        """mutation ($input: PermissionGrantSaveInput!) { permissionGrantSave(input: $input) {
          grant { id } userErrors { code } } }""",
        {"input": {"email": STRANGER, "overall": ["BILLING"]}},
        token=await api.token(OWNER),
    )
    key = saved.data["permissionGrantSave"]["grant"]["id"]
    revoked = await api.ask(
        "mutation ($id: ID!) { permissionGrantRevoke(input: {grantId: $id}) { userErrors { code } } }",
        {"id": key},
        token=await api.token(OWNER),
    )
    assert codes(revoked.data["permissionGrantRevoke"]) == []
    assert [each.email for each in await api.rows(Profile)].count(STRANGER) == 1


# Mails


async def test_each_step_is_told_to_whom_it_concerns_in_their_language(api: Api) -> None:
    await a_grant(api, TECH, owner=FREE, accounts={key_of(HOBBY, "Account"): [AccountPermission.SITES]})
    await cancel(api, await offered(api, HOBBY, person=FREE, to=OWNER), FREE)
    await decline(api, await offered(api, HOBBY, person=FREE, to=OWNER), OWNER)
    assert (await accept(api, await offered(api, HOBBY, person=FREE, to=OWNER), OWNER))["userErrors"] == []
    await sent(api.database)
    told = sorted((each.template, each.owner_id) for each in await api.rows(SandboxMail) if "sign" not in each.template)
    wanted = [
        *[("transfer_started", FREE.key)] * 3,
        *[("transfer_offered", OWNER.key)] * 3,
        ("transfer_cancelled", OWNER.key),
        ("transfer_declined", FREE.key),
        ("transfer_accepted", FREE.key),
        ("transfer_accepted", OWNER.key),
        ("grant_ended", TECH.key),
    ]
    assert [each for each in told if each[0].startswith(("transfer", "grant_ended"))] == sorted(wanted)
    subjects = {(each.template, each.owner_id): each.subject for each in await api.rows(SandboxMail)}
    assert "hobby a été transféré" in subjects["transfer_accepted", OWNER.key]
    assert "hobby was handed over" in subjects["transfer_accepted", FREE.key]


# PRO-9, PRO-13. Whoever is deleted


@pytest.mark.parametrize("person", [FREE, TECH])
async def test_nobody_is_deleted_while_an_offer_waits(api: Api, person: Any) -> None:
    """Of neither side."""
    transfer = await offered(api, HOBBY, person=FREE, to=TECH)
    (refused,) = (await remove(api, person))["userErrors"]
    assert (refused["code"], refused["message"]) == ("CONFLICT", "A transfer waits for an answer.")
    await cancel(api, transfer, FREE)
    assert codes(await remove(api, person)) == []


@pytest.mark.parametrize(("person", "status"), [(FREE, "CANCELLED"), (TECH, "DECLINED")])
async def test_by_the_clock_an_offer_ends_with_who_is_deleted(api: Api, person: Any, status: str) -> None:
    transfer = await offered(api, HOBBY, person=FREE, to=TECH)
    at = START + timedelta(days=5)
    suspended = {"suspended_at": START, "suspension_reason": "TERMS_VIOLATION", "deletion_at": at}
    await changed(api, Profile, person.key, **suspended)
    await move(api, "2026-11-28T09:00:00Z")
    found = await row(api, transfer)
    assert (found.status.value, found.closed_at) == (status, at)
    gone = next(each for each in await api.rows(Profile) if each.id == person.key)
    assert gone.deleted_at is not None
    if person is TECH:
        assert (await account(api, "hobby")).transfer_id is None
