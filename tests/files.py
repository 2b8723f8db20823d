"""Files in tests: small ones of each type that are taken, and how they are sent."""

import io
import struct
import zipfile
import zlib
from typing import Any

from httpx import Response

from tests.api import OWNER, Api
from tests.tickets import digest

CREATE = """mutation Announce($input: UploadCreateInput!) { uploadCreate(input: $input) {
  target { uploadId url headers { name value } expiresAt } userErrors { code field message } } }"""
TEXT = b"Un journal,\nen UTF-8.\n"
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\x01\x02" * 20 + b"\xff\xd9"
PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer << >>\n%%EOF\n"
WEBP = b"RIFF" + struct.pack("<L", 12) + b"WEBPVP8L" + b"\x00" * 0 + b"\x00\x00\x00\x00"


def png(*extra: bytes) -> bytes:
    """One pixel; `extra` are chunks between the first and the last."""
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def archive(**entries: bytes) -> bytes:
    """A ZIP with these entries."""
    return archive_of(entries)


def archive_of(entries: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in dict(entries).items():
            target.writestr(name, content)
    return made.getvalue()


PNG, ZIP = png(), archive(log=b"a line\n")
GOOD = {
    "application/pdf": PDF,
    "application/zip": ZIP,
    "image/gif": GIF,
    "image/jpeg": JPEG,
    "image/png": PNG,
    "image/webp": WEBP,
    "text/plain": TEXT,
}


async def announced(api: Api, content: bytes = PNG, person: Any = OWNER, **values: Any) -> Any:
    """What announcing a file answers."""
    given = {
        "filename": "pixel.png",
        "contentType": "image/png",
        "byteSize": len(content),
        "sha256": digest(content),
        **values,
    }
    token = given.pop("token", None) or await api.token(person)
    return (await api.ask(CREATE, {"input": given}, token=token)).data["uploadCreate"]


async def sent(api: Api, target: Any, content: Any = PNG, **headers: str) -> Response:
    """What PUT answers; the address is one of the public address, which the tests' client is not."""
    given = {each["name"].lower(): each["value"] for each in target["headers"]}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.client.put(path_of(target["url"]), content=content, headers=given)


def path_of(url: str) -> str:
    """The path of an address."""
    return "/" + url.split("/", 3)[3]


async def uploaded(api: Api, content: bytes = PNG, person: Any = OWNER, **values: Any) -> str:
    """The id of a file that was sent."""
    target = (await announced(api, content, person, **values))["target"]
    response = await sent(api, target, content)
    assert response.status_code == 204, response.text
    return str(target["uploadId"])
