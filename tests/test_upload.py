"""TIC-1. Files: announced, sent once, checked from the first byte to the last, attached once, read by whoever may."""

import asyncio
import io
import struct
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.attachment import disposition
from app.gateways.upload_folder import UploadFolder
from app.passwords import HashingPool
from engine.bind import Bound
from models.attachment import Attachment, AttachmentLink, attachment_token
from models.clock import FrozenClock
from models.column import new_id, table
from models.db import Database, Db
from models.file_type import FILE_TYPES, NotOfThisType, check_type
from models.session import SessionTransport
from models.setting import Figures
from models.ticket import Ticket
from models.upload import NO_NAME, StoredFile, Upload, read_upload_token, safe_name, upload_token
from resolvers import upload as acts
from schema.global_id import global_id
from tests.api import DELEGATE, FREE, OWNER, Api, serving
from tests.database import Databases
from tests.files import (
    GIF,
    GOOD,
    JPEG,
    PDF,
    PNG,
    TEXT,
    ZIP,
    announced,
    archive,
    archive_of,
    chunk,
    path_of,
    png,
    sent,
    uploaded,
)
from tests.granting import a_grant
from tests.seeding import seeded
from tests.tickets import DESK, a_ticket, desk, digest, opened, replied, seen, supporting

KEY = "k" * 32


@pytest.fixture
async def api(
    databases: Databases, database: Database, bound: Bound, hashing: HashingPool, tmp_path: Path
) -> AsyncIterator[Api]:
    """The application, with a folder of the test's own."""
    await seeded(databases, database, hashing)
    folder = {"upload_folder": tmp_path / "uploads", "upload_seconds": 3, "upload_bytes": 100_000}
    async with serving(database, bound, rate_limits=False, **folder) as served:
        yield served


def kept(tmp_path: Path) -> list[Path]:
    """Every file in the folder."""
    return sorted(path for path in (tmp_path / "uploads").rglob("*") if path.is_file())


# What is in a file


@pytest.mark.parametrize("content_type", sorted(FILE_TYPES))
def test_a_file_is_of_its_type_and_of_no_other(content_type: str) -> None:
    content = GOOD[content_type]
    check_type(content_type, io.BytesIO(content), len(content))
    as_text = {"text/plain"} if content_type == "application/pdf" else set()  # Small ones are text as well.
    for other in FILE_TYPES.keys() - {content_type} - as_text:
        with pytest.raises(NotOfThisType):
            check_type(other, io.BytesIO(content), len(content))
    assert set(GOOD) == set(FILE_TYPES) == set(Figures().upload_types)


def zip_with(name: str) -> bytes:
    return archive_of({name: b"x"})


def bomb() -> bytes:
    """A hundred megabytes of nothing in a hundred kilobytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target, target.open("zeros", "w") as entry:
        for _ in range(100):
            entry.write(b"\0" * 2**20)
    return made.getvalue()


def crowded() -> bytes:
    return archive_of({str(number): b"" for number in range(1_001)})


def end_that_lies() -> bytes:
    """An end record that claims another number of entries than there are."""
    return ZIP[:-22] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, *struct.unpack("<2L", ZIP[-10:-2]), 0)


HOSTILE: dict[str, tuple[str, bytes]] = {
    "a page that is called a picture": ("image/png", b"<!doctype html><script>alert(1)</script>"),
    "a picture that is called another": ("image/png", JPEG),
    "a drawing that is called text": ("text/plain", b"\xef\xbb\xbf \n<svg xmlns='x' onload='alert(1)'/>"),
    "a page that is called text": ("text/plain", b"\n\n<HTML><body>"),
    "a program that is called text": ("text/plain", b"\x7fELF\x02\x01\x01\0\0"),
    "text that is not UTF-8": ("text/plain", "été".encode("latin-1")),
    "a program that is called an archive": ("application/zip", b"MZ\x90\0" + b"\0" * 60),
    "an archive behind a picture": ("image/png", PNG + ZIP),
    "an archive behind another picture": ("image/gif", GIF[:-1] + ZIP + b";"),
    "an archive behind a photograph": ("image/jpeg", JPEG[:-2] + ZIP + b"\xff\xd9"),
    "an archive behind a document": ("application/pdf", PDF + ZIP + b"\n%%EOF\n"),
    "a script in a picture": ("image/gif", GIF[:13] + b"<script>alert(1)</script>" + GIF[13:]),
    "a script in a photograph": ("image/jpeg", JPEG[:20] + b"<SCRIPT>alert(1)" + JPEG[20:]),
    "bytes after a picture": ("image/png", PNG + b"\0"),
    "a picture that was cut": ("image/png", PNG[:-4]),
    "a chunk that is longer than the picture": (
        "image/png",
        PNG[:8] + struct.pack(">L4s", 2**32 - 1, b"IHDR") + PNG[16:],
    ),
    "a document behind something else": ("application/pdf", b"GIF89a\n" + PDF),
    "a document without an end": ("application/pdf", PDF[:-6]),
    "an archive behind a program": ("application/zip", b"#!/bin/sh\nrm -rf ~\n" + ZIP),
    "an archive with a comment": ("application/zip", ZIP[:-2] + b"\x06\0<html>"),
    "an archive that leaves its folder": ("application/zip", zip_with("../../etc/cron.d/job")),
    "an archive with a path from the root": ("application/zip", zip_with("/etc/passwd")),
    "an archive with a path of another system": ("application/zip", zip_with("..\\..\\boot.ini")),
    "an archive with a drive": ("application/zip", zip_with("C:evil")),
    "an archive with an order in a name": ("application/zip", zip_with("evil\u202ecod.exe")),
    "an archive that bursts": ("application/zip", bomb()),
    "an archive of more than people look at": ("application/zip", crowded()),
    "an archive that lies about its entries": ("application/zip", end_that_lies()),
    "a sound that is called a picture": ("image/webp", GOOD["image/webp"].replace(b"WEBP", b"WAVE")),
    "a picture with a tail": ("image/webp", GOOD["image/webp"] + b"PK"),
    "nothing but a beginning": ("image/gif", b"GIF89a;"),
    "one byte": ("application/zip", b"P"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_something_else_is_known(case: str) -> None:
    content_type, content = HOSTILE[case]
    with pytest.raises(NotOfThisType):
        check_type(content_type, io.BytesIO(content), len(content))


def test_pictures_with_parts_between_are_pictures() -> None:
    content = png(chunk(b"tEXt", b"Comment\0by hand"), chunk(b"pHYs", b"\0" * 9))
    check_type("image/png", io.BytesIO(content), len(content))


# What files are called

NAMES = {
    "../../etc/passwd": "passwd",
    "C:\\Windows\\system32\\cmd.exe": "cmd.exe",
    "report\r\nSet-Cookie: a=b.pdf": "reportSet-Cookie ab.pdf",
    "invoice\u202efdp.exe": "invoicefdp.exe",
    'a"; filename="b.html': "a filename=b.html",
    "....//....//": NO_NAME,
    "": NO_NAME,
    " . ": NO_NAME,
    "\0\x07": NO_NAME,
    "con.txt": "_con.txt",
    "NUL": "_NUL",
    "été 2026.png": "été 2026.png",
    "e\u0301te\u0301.png": "été.png",
    "x" * 300 + ".tar": "x" * 196 + ".tar",
    ".htaccess": "htaccess",
    "日本.txt": "日本.txt",
    "%2e%2e%2fetc": "2e2e2fetc",
    "<script>.png": "script.png",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_mended(name: str) -> None:
    mended = safe_name(name)
    assert mended == NAMES[name].replace("Set-Cookie ab", "Set-Cookie a=b").replace("filename=b", "filename=b")
    assert safe_name(mended) == mended
    header = disposition(mended)
    assert header.isascii()
    assert header.startswith("attachment; ")
    assert not {"\r", "\n", "\0", "/", "\\"} & set(header.partition("filename*=")[0])
    assert header.count('"') == 2


def test_an_address_cannot_be_made_up() -> None:
    key = new_id()
    good = upload_token(KEY, key)
    assert read_upload_token(KEY, good) == key
    other = upload_token("o" * 32, key)
    wrong = [good[:-1], good + "A", good.swapcase(), other, "", "A" * 43, "é" * 43, good[:-1] + "\n"]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    wrong += [good[:-1] + each for each in last if each != good[-1]]
    assert [each for each in wrong if read_upload_token(KEY, each) is not None] == []


# Announcing


async def test_a_file_is_announced_sent_attached_and_read(api: Api, tmp_path: Path) -> None:
    target = (await announced(api, filename="../Été\r\n.png"))["target"]
    assert target["headers"] == [{"name": "Content-Type", "value": "image/png"}]
    assert (await sent(api, target)).status_code == 204
    (path,) = kept(tmp_path)
    assert path.read_bytes() == PNG
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    token = await api.token()
    ticket = await a_ticket(api, token=token, uploadIds=[target["uploadId"]])
    (file,) = (await seen(api, ticket, token=token))["messages"]["nodes"][0]["attachments"]
    assert (file["filename"], file["contentType"], file["byteSize"]) == ("Été.png", "image/png", len(PNG))
    response = await api.client.get(path_of(file["url"]), headers={"authorization": f"Bearer {token}"})
    assert (response.status_code, response.content) == (200, PNG)
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["cache-control"] == "private, no-store"
    told = response.headers["content-disposition"]
    assert told == "attachment; filename=\"_t_.png\"; filename*=UTF-8''%C3%89t%C3%A9.png"
    assert await api.rows(Upload) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"contentType": "image/svg+xml"}, "contentType"),
        ({"contentType": "text/html"}, "contentType"),
        ({"contentType": "text/plain; charset=utf-8"}, "contentType"),
        ({"contentType": ""}, "contentType"),
        ({"byteSize": 0}, "byteSize"),
        ({"byteSize": -1}, "byteSize"),
        ({"byteSize": 100_001}, "byteSize"),
        ({"byteSize": 2**31 - 1}, "byteSize"),
        ({"sha256": digest(PNG).upper()}, "sha256"),
        ({"sha256": "abc"}, "sha256"),
        ({"sha256": ""}, "sha256"),
    ],
)
async def test_what_is_not_taken_is_not_announced(api: Api, values: Any, field: str) -> None:
    answered = await announced(api, **values)
    (error,) = answered["userErrors"]
    assert (error["code"], error["field"], answered["target"]) == ("UPLOAD_REJECTED", ["input", field], None)
    assert await api.rows(Upload) == []


async def test_there_is_a_limit_of_what_waits_and_of_all_together(api: Api) -> None:
    token = await api.token()
    for _ in range(Figures().uploads_waiting):
        assert (await announced(api, token=token))["userErrors"] == []
    assert [each["code"] for each in (await announced(api, token=token))["userErrors"]] == ["UPLOAD_REJECTED"]
    assert (await announced(api, person=FREE))["userErrors"] == []
    async with Db(api.database) as db:
        await db.note(update(table(Upload)).where(table(Upload).c.owner_id == FREE.key).values(byte_size=500 * 2**20))
    assert [each["code"] for each in (await announced(api, person=FREE))["userErrors"]] == ["UPLOAD_REJECTED"]


# Sending


@pytest.mark.parametrize(
    "case", ["a page that is called a picture", "an archive behind a picture", "an archive that bursts"]
)
async def test_what_is_something_else_is_refused_and_not_kept(api: Api, tmp_path: Path, case: str) -> None:
    content_type, content = HOSTILE[case]
    if len(content) > 100_000:
        content = content[:100_000]
    target = (await announced(api, content, contentType=content_type))["target"]
    assert (await sent(api, target, content)).status_code == 422
    assert kept(tmp_path) == []
    assert (await sent(api, target, content)).status_code == 404
    (error,) = (await opened(api, uploadIds=[target["uploadId"]]))["userErrors"]
    assert (error["code"], error["field"]) == ("UPLOAD_REJECTED", ["input", "uploadIds"])


async def test_an_address_works_once(api: Api, tmp_path: Path) -> None:
    target = (await announced(api))["target"]
    answers = await asyncio.gather(*(sent(api, target) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [204] + [404] * 7
    assert (await sent(api, target)).status_code == 404
    assert len(kept(tmp_path)) == 1


async def in_pieces(content: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_what_differs_from_what_was_announced_is_refused(api: Api, tmp_path: Path) -> None:
    other = png(chunk(b"tEXt", b"a\0b"))
    same_size = bytes([*PNG[:-1], PNG[-1] ^ 1])
    for content, headers, status in (
        (PNG + b"x", {}, 413),
        (in_pieces(PNG + b"more"), {}, 413),
        (other, {}, 413),
        (PNG[:-1], {}, 422),
        (same_size, {}, 422),
        (PNG, {"content_type": "text/html"}, 415),
        (PNG, {"content_encoding": "gzip"}, 415),
    ):
        target = (await announced(api))["target"]
        assert (await sent(api, target, content, **headers)).status_code == status, (status, headers)
    assert kept(tmp_path) == []


async def test_a_file_may_come_in_pieces_and_without_a_length(api: Api, tmp_path: Path) -> None:
    target = (await announced(api))["target"]
    assert (await sent(api, target, in_pieces(PNG))).status_code == 204
    assert kept(tmp_path)[0].read_bytes() == PNG


async def test_what_did_not_arrive_as_a_whole_may_be_sent_again(api: Api, tmp_path: Path) -> None:
    target = (await announced(api))["target"]
    assert (await sent(api, target, in_pieces(PNG[:-3]))).status_code == 408
    assert kept(tmp_path) == []
    assert (await sent(api, target)).status_code == 204


async def test_who_is_too_slow_is_told_and_may_try_again(api: Api, tmp_path: Path) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield PNG[:5]
        await asyncio.sleep(30)

    target = (await announced(api))["target"]
    assert (await sent(api, target, slowly())).status_code == 408
    assert kept(tmp_path) == []
    assert (await sent(api, target)).status_code == 204


async def test_nobody_keeps_others_from_sending(api: Api) -> None:
    """Of one profile some files arrive at once; the others are told to wait, and their addresses stay good."""
    release = asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield PNG[:5]
        await release.wait()
        yield PNG[5:]

    targets = [(await announced(api))["target"] for _ in range(acts.AT_ONCE + 1)]
    arriving = [asyncio.create_task(sent(api, target, held())) for target in targets[:-1]]
    async with asyncio.timeout(20):
        while [row.state.value for row in await api.rows(Upload)].count("RECEIVING") < acts.AT_ONCE:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    busy = await sent(api, targets[-1])
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
    assert (await sent(api, (await announced(api, person=FREE))["target"])).status_code == 204
    release.set()
    assert [each.status_code for each in await asyncio.gather(*arriving)] == [204] * acts.AT_ONCE
    assert (await sent(api, targets[-1])).status_code == 204


async def test_an_address_ends_in_real_time(api: Api, clock: FrozenClock) -> None:
    target = (await announced(api))["target"]
    clock.move(Figures().upload_lifetime)
    assert (await sent(api, target)).status_code == 404


async def test_whatever_is_no_address_is_not_found(api: Api) -> None:
    target = (await announced(api))["target"]
    path = path_of(target["url"])
    for wrong in (path[:-1], path + "A", "/uploads/x", "/uploads/" + "A" * 43, path + "/../x"):
        assert (await api.client.put(wrong, content=PNG)).status_code in (404, 405), wrong
    for method in ("GET", "POST", "DELETE", "PATCH"):
        assert (await api.client.request(method, path)).status_code == 405


# Attaching


async def test_only_ones_own_unused_whole_files_in_time_are_attached(api: Api, clock: FrozenClock) -> None:
    ticket, token = await a_ticket(api), await api.token()
    theirs, used = await uploaded(api, person=FREE), await uploaded(api)
    assert (await replied(api, ticket, uploadIds=[used]))["userErrors"] == []
    unsent = (await announced(api))["target"]["uploadId"]
    late, mine = await uploaded(api), await uploaded(api)
    async with Db(api.database) as db:
        ended = {"expires_at": api.database.clock.now()}
        rows = [row for row in await api.rows(Upload) if global_id("Upload", row.id) == late]
        await db.note(update(table(Upload)).where(table(Upload).c.id == rows[0].id).values(**ended))
    before = await api.rows(Attachment)
    for wrong in (
        [theirs],
        [used],
        [unsent],
        [late],
        [mine, mine],
        [mine, theirs],
        ["nothing"],
        [ticket],
        [global_id("Upload", new_id())],
        [mine] * 11,
    ):
        (error,) = (await replied(api, ticket, token=token, uploadIds=wrong))["userErrors"]
        assert (error["code"], error["field"]) == ("UPLOAD_REJECTED", ["input", "uploadIds"]), wrong
    assert await api.rows(Attachment) == before
    assert (await replied(api, ticket, token=token, uploadIds=[mine]))["userErrors"] == []


async def test_files_are_in_the_order_in_which_they_were_attached(api: Api) -> None:
    ids = [await uploaded(api, filename=f"{number}.png") for number in (3, 1, 2)]
    ticket = await a_ticket(api, uploadIds=ids)
    shown = (await seen(api, ticket))["messages"]["nodes"][0]["attachments"]
    assert [each["filename"] for each in shown] == ["3.png", "1.png", "2.png"]


# Reading


async def test_a_link_is_for_whoever_asked_for_it(api: Api, clock: FrozenClock) -> None:
    ticket = await a_ticket(api, uploadIds=[await uploaded(api)])
    mine, other = await api.token(), await api.token()
    scripts = (await api.api_token(OWNER)).secret
    delegate = await api.token(DELEGATE)
    (file,) = (await seen(api, ticket, token=mine))["messages"]["nodes"][0]["attachments"]
    path = path_of(file["url"])

    async def status(path: str, token: str | None) -> int:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return (await api.client.get(path, headers=headers)).status_code

    assert await status(path, mine) == 200
    for token in (None, other, scripts, delegate, await api.token(FREE), await supporting(api), "nothing"):
        assert await status(path, token) == 404
    (theirs,) = (await seen(api, ticket, token=delegate))["messages"]["nodes"][0]["attachments"]
    assert await status(path_of(theirs["url"]), delegate) == 200
    await a_grant(api, DELEGATE)
    assert await status(path_of(theirs["url"]), delegate) == 404
    wrong = [path[:-1], path[:-2] + "AA", path + "A", "/attachments/x", path.swapcase()]
    assert [await status(each, mine) for each in wrong] == [404] * len(wrong)
    clock.move(Figures().attachment_link_lifetime)
    assert await status(path, mine) == 404


async def test_a_browser_follows_its_link_with_its_cookie(api: Api) -> None:
    session = await api.opened(OWNER, SessionTransport.COOKIE)
    ticket = await a_ticket(api, uploadIds=[await uploaded(api)])
    (row,) = [row for row in await api.rows(Attachment) if row.byte_size == len(PNG)]
    host = api.app.state.host
    link = AttachmentLink(row.id, session.session.id, api.database.clock.now() + timedelta(minutes=5))
    path = f"/attachments/{attachment_token(host.settings.secret_key, link)}"
    cookie = f"{host.cookies.session}={session.secret}"
    assert (await api.client.get(path, headers={"cookie": cookie})).content == PNG
    assert (await api.client.get(path, headers={"cookie": f"{host.cookies.session}=x"})).status_code == 404
    assert (await seen(api, ticket))["messages"]["nodes"][0]["attachments"][0]["filename"] == "pixel.png"


async def test_the_support_team_reads_files_through_its_own_link(api: Api) -> None:
    answered = await opened(api, uploadIds=[await uploaded(api)])
    secret = await supporting(api)
    shown = await desk(api, DESK, secret, number=answered["ticket"]["number"])
    path = path_of(shown["messages"][0]["files"][0]["url"])
    assert (await api.client.get(path, headers={"authorization": f"Bearer {secret}"})).content == PNG
    other = await supporting(api)
    for token in (other, await api.token()):
        assert (await api.client.get(path, headers={"authorization": f"Bearer {token}"})).status_code == 404


# Forgetting


async def test_what_nobody_attaches_is_forgotten_and_what_is_attached_stays(
    api: Api, clock: FrozenClock, tmp_path: Path
) -> None:
    ticket = await a_ticket(api, uploadIds=[await uploaded(api)])
    await uploaded(api)
    store = UploadFolder(tmp_path / "uploads")
    assert len(kept(tmp_path)) == 2
    clock.move(timedelta(hours=3))
    async with Db(api.database) as db:
        await acts.purge(db)
        await acts.sweep(db, store)
    assert (len(kept(tmp_path)), len(await api.rows(Upload)), len(await api.rows(StoredFile))) == (1, 0, 1)
    assert (await seen(api, ticket))["messages"]["nodes"][0]["attachments"]
    async with Db(api.database) as db:  # PRO-9. What goes with its profile leaves no file behind.
        await db.note(delete(table(Ticket)))
        await acts.sweep(db, store)
    assert (kept(tmp_path), await api.rows(StoredFile)) == ([], [])


def test_what_was_never_finished_is_deleted_with_its_file(tmp_path: Path) -> None:
    store, key = UploadFolder(tmp_path), new_id()
    incoming = store.begin(key)
    incoming.write(TEXT)
    assert store.open(key) is None
    store.delete(key)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    incoming.drop()
    again = store.begin(key)
    again.write(TEXT)
    again.keep()
    with store.open(key) or io.BytesIO() as file:
        assert file.read() == TEXT


def test_a_type_that_cannot_be_checked_cannot_be_allowed() -> None:
    with pytest.raises(ValueError, match="cannot be checked"):
        Figures(upload_types=("image/png", "image/svg+xml"))
    assert archive(a=b"1") != ZIP
