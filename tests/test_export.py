"""PRO-10. The export: asked for with the password, made by the worker, complete, without secrets, for its owner."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from app.gateways.upload_folder import UploadFolder
from app.settings import Settings
from engine.bind import Bound
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Db
from models.export import SECRETS, Export, ExportStatus
from models.file_link import FileLink, file_token, read_file_token
from models.profile import Profile
from models.tables import metadata
from models.upload import StoredFile
from resolvers import export, upload
from resolvers.export import PARTS
from tests.api import DELEGATE, FREE, OWNER, PASSWORD, Api, serving
from tests.cycle import alone, open_account, pay
from tests.database import START
from tests.mails import sent
from tests.test_clockwork import mails

ASK = """mutation Ask($password: String!) { dataExport(input: {currentPassword: $password}) {
  export { id status downloadUrl expiresAt } userErrors { code field } } }"""
SEEN = "query Seen($id: ID!) { node(id: $id) { ... on Export { status downloadUrl expiresAt } } }"
WITHHELD = {
    "account_name": "the names of accounts, which are there",
    "access_recovery": "what somebody asked who could not sign in: whose it is, is what has to be found out",
    "approval": "what the staff asks of each other; what comes of it is in the history",
    "staff_role": "of those who work for the provider",
    "bank_transfer": "what the bank told: what came of it is a payment",
    "bank_transfer_candidate": "guesses of whose it is",
    "challenge": "minutes of a sign-in",
    "erasure": "of those who are gone",
    "idempotency_key": "hashes of what was asked",
    "kept_intent": "hashes of what was asked",
    "recovery_code": "hashes of secrets",
}
"""Tables that speak of profiles and are not in the archive, and why."""


@pytest.fixture
def store(tmp_path: Path) -> UploadFolder:
    return UploadFolder(tmp_path / "files")


async def ask(api: Api, person: Any = OWNER, password: str = PASSWORD) -> Any:
    answered = await api.ask(ASK, {"password": password}, token=await api.token(person))
    return answered.data["dataExport"]


async def made(api: Api, store: Any) -> None:
    async with Db(api.database) as db:
        await export.make(db, Settings(), store)


def opened(store: UploadFolder, key: Any) -> dict[str, Any]:
    """The archive: each of its files, read."""
    file = store.open(key)
    assert file is not None
    with file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


async def test_it_is_asked_for_made_and_downloaded_by_its_owner(api: Api, store: UploadFolder) -> None:
    await alone(api)
    await pay(api, 100_000)
    await open_account(api, "shop", "small")
    payload = await ask(api)
    assert payload["userErrors"] == []
    assert payload["export"] | {"id": ""} == {"id": "", "status": "RUNNING", "downloadUrl": None, "expiresAt": None}
    await made(api, store)
    (row,) = await api.rows(Export)
    assert (row.owner_id, row.status, row.expires_at) == (OWNER.key, ExportStatus.READY, START + timedelta(days=7))
    found = opened(store, row.id)
    assert [each["email"] for each in found["profile.json"]] == [OWNER.email]
    assert "shop" in {each["name"] for each in found["account.json"]}
    assert {each["owner_id"] for each in found["activity_event.json"]} == {str(OWNER.key)}
    assert "account.opened" in {each["kind"] for each in found["activity_event.json"]}
    assert {each["owner_id"] for each in found["permission_grant.json"]} == {str(OWNER.key)}
    assert found["journal_entry.json"][0]["amount_cents"] is not None
    assert set(found) == {part.name for part in PARTS}
    (told,) = await mails(api, "data_export_ready")
    assert told["bytes"] == row.byte_size
    assert {outcome.defect for outcome in await sent(api.database)} == {None}


async def test_nothing_that_is_secret_or_of_others_is_in_it(api: Api, store: UploadFolder) -> None:
    await api.api_token(OWNER)
    await ask(api, FREE)
    await made(api, store)
    (row,) = await api.rows(Export)
    found = opened(store, row.id)
    text = json.dumps(found)
    assert OWNER.email not in text
    assert DELEGATE.email not in text
    for rows in found.values():
        for each in rows:
            assert not SECRETS & each.keys()
    (mine,) = [each for each in await api.rows(Profile) if each.id == FREE.key]
    assert mine.password_hash not in text


def test_every_table_that_speaks_of_profiles_is_in_it_or_says_why_not() -> None:
    there = {part.rows.name for part in PARTS}
    naming = {
        name
        for name, rows in metadata.tables.items()
        if {"owner_id", "profile_id", "grantee_id"} & {column.name for column in rows.columns}
    }
    assert naming - there <= WITHHELD.keys()
    assert not there & WITHHELD.keys()


def test_columns_that_are_secret_are_known_by_their_names() -> None:
    """What is not shown in a log is not shown here either, addresses aside."""
    for part in PARTS:
        for column in part.shown:
            assert not any(word in column.name for word in ("hash", "sealed", "secret")) or column.name in (
                "hash",
                "previous_hash",
            ), f"{part.rows.name}.{column.name}"


async def test_one_at_a_time_and_only_with_the_password(api: Api) -> None:
    assert [(each["code"], each["field"]) for each in (await ask(api, password="wrong"))["userErrors"]] == [
        ("INVALID_CREDENTIALS", ["input", "currentPassword"])
    ]
    assert (await ask(api))["userErrors"] == []
    assert [each["code"] for each in (await ask(api))["userErrors"]] == ["CONFLICT"]
    secret = (await api.api_token(OWNER)).secret
    assert (await api.ask(ASK, {"password": PASSWORD}, token=secret)).codes == ["FORBIDDEN"]
    assert len(await api.rows(Export)) == 1


async def test_its_link_is_for_the_session_that_asked_and_for_minutes(
    api: Api, bound: Bound, clock: FrozenClock, store: UploadFolder
) -> None:
    async with serving(api.database, bound, rate_limits=False, upload_folder=store.folder) as api:
        await check_link(api, clock, store)


async def check_link(api: Api, clock: FrozenClock, store: UploadFolder) -> None:
    key = (await ask(api))["export"]["id"]
    await made(api, store)
    mine, other = await api.token(OWNER), await api.token(OWNER)
    address = (await api.ask(SEEN, {"id": key}, token=mine)).data["node"]["downloadUrl"]
    path = "/exports/" + address.rpartition("/")[2]
    answered = await api.client.get(path, headers={"authorization": f"Bearer {mine}"})
    assert (answered.status_code, answered.headers["content-type"]) == (200, "application/zip")
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["content-disposition"].startswith('attachment; filename="export.zip"')
    assert "profile.json" in zipfile.ZipFile(io.BytesIO(answered.content)).namelist()
    for headers in ({"authorization": f"Bearer {other}"}, {}):
        assert (await api.client.get(path, headers=headers)).status_code == 404
    assert (await api.ask(SEEN, {"id": key}, token=await api.token(DELEGATE))).data["node"] is None
    secret = (await api.api_token(OWNER)).secret
    assert (await api.ask(SEEN, {"id": key}, token=secret)).data["node"]["downloadUrl"] is None
    clock.move(timedelta(minutes=10))
    assert (await api.client.get(path, headers={"authorization": f"Bearer {mine}"})).status_code == 404


async def test_it_is_removed_after_a_week_with_its_bytes(api: Api, clock: FrozenClock, store: UploadFolder) -> None:
    await ask(api)
    await made(api, store)
    (row,) = await api.rows(Export)
    async with Db(api.database) as db:
        await export.purge(db)
        await upload.sweep(db, store)
    assert opened(store, row.id)
    clock.move(timedelta(days=7, hours=2))
    async with Db(api.database) as db:
        await export.purge(db)
        await upload.sweep(db, store)
    assert (await api.rows(Export), await api.rows(StoredFile)) == ([], [])
    assert store.open(row.id) is None


class Broken:
    """A store without room."""

    def begin(self, key: Any) -> Any:
        raise OSError("no space left")


async def test_what_cannot_be_made_is_tried_again_and_given_up_at_last(api: Api, clock: FrozenClock) -> None:
    await ask(api)
    for attempt in range(1, 4):
        with pytest.raises(OSError, match="no space"):
            await made(api, Broken())
        (row,) = await api.rows(Export)
        assert row.attempts == attempt
        assert (row.status is ExportStatus.FAILED) is (attempt == 3)
        await made(api, Broken())  # Somebody has it, or nobody wants it any more.
        clock.move(timedelta(minutes=31))
    assert len(await mails(api, "data_export_failed")) == 1
    assert (await ask(api))["userErrors"] == []


async def test_nothing_is_kept_of_whoever_is_deleted_meanwhile(
    api: Api, store: UploadFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PRO-10, PRO-13. The sweep was there before its last bytes came."""
    await ask(api)
    archived = export._archived

    async def overtaken(db: Db, *given: Any) -> int:
        size = await archived(db, *given)
        assert kept(store)
        await db.note(delete(table(Export)))
        await db.note(delete(table(StoredFile)))
        return size

    monkeypatch.setattr("resolvers.export._archived", overtaken)
    await made(api, store)
    assert kept(store) == []


def kept(store: UploadFolder) -> list[Path]:
    return [each for each in store.folder.rglob("*") if each.is_file()]


async def test_one_a_day(api: Api, clock: FrozenClock, store: UploadFolder) -> None:
    """Each may be as large as all the files that somebody sent."""
    await ask(api)
    await made(api, store)
    assert [each["code"] for each in (await ask(api))["userErrors"]] == ["CONFLICT"]
    clock.move(timedelta(days=1, minutes=1))
    assert (await ask(api))["userErrors"] == []


def test_a_link_is_good_for_its_purpose_its_bearer_and_its_time() -> None:
    link = FileLink(new_id(), uuid4(), START + timedelta(minutes=1))
    token = file_token("key", "export", link)
    assert read_file_token("key", "export", token, START) == link
    assert read_file_token("key", "export", token, START + timedelta(minutes=1)) is None
    assert read_file_token("key", "attachment", token, START) is None
    assert read_file_token("other", "export", token, START) is None
    for broken in (token[:-1], token + "A", token[:-1] + "é", ("B" if token[0] == "A" else "A") + token[1:], ""):
        assert read_file_token("key", "export", broken, START) is None
    assert table(Export).name == "data_export"
