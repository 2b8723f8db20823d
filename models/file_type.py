"""TIC-1. Whether a file is what it was announced as: from its first byte to its last, so that it is nothing else too.

What is looked at is bounded, whatever the file says of itself; nothing is unpacked.
"""

import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO

MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<svg", b"<script", b"<?xml", b"<iframe", b"<!--")
"""What some programs show as a page, whatever it is called."""
SNIFFED = 1_024
CHUNK = 2**16
END_OF_ZIP, DIRECTORY_OF_ZIP = struct.Struct("<4s4H2LH"), 2**20
MOST_ENTRIES, MOST_UNPACKED, MOST_RATIO = 1_000, 200 * 2**20, 200


class NotOfThisType(Exception):
    """TIC-1. The file is something else, or something else as well."""


def check_type(content_type: str, file: BinaryIO, size: int) -> None:
    """TIC-1. Raises NotOfThisType unless the whole of a file is of this type."""
    check = FILE_TYPES.get(content_type)
    try:
        good = check is not None and check(file, size)
    except (struct.error, OSError, ValueError, EOFError, zipfile.BadZipFile, RuntimeError):
        good = False
    if not good:
        raise NotOfThisType


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(max(0, at))
    return file.read(length)


def _is_png(file: BinaryIO, size: int) -> bool:
    """Chunk by chunk, up to the end chunk, after which there is nothing."""
    if _read(file, 0, 8) != b"\x89PNG\r\n\x1a\n":
        return False
    at, first = 8, True
    while at + 12 <= size:
        length, kind = struct.unpack(">L4s", _read(file, at, 8))
        if first and (kind, length) != (b"IHDR", 13):
            return False
        at, first = at + 12 + length, False
        if kind == b"IEND":
            return bool(at == size and length == 0)
    return False


def _is_jpeg(file: BinaryIO, size: int) -> bool:
    return _read(file, 0, 3) == b"\xff\xd8\xff" and _read(file, size - 2, 2) == b"\xff\xd9" and _is_bare(file, size)


def _is_gif(file: BinaryIO, size: int) -> bool:
    good = size > 13 and _read(file, 0, 6) in (b"GIF87a", b"GIF89a") and _read(file, size - 1, 1) == b";"
    return good and _is_bare(file, size)


def _is_webp(file: BinaryIO, size: int) -> bool:
    riff, length, kind = struct.unpack("<4sL4s", _read(file, 0, 12))
    return bool(riff == b"RIFF" and kind == b"WEBP" and length + 8 == size)


def _is_pdf(file: BinaryIO, size: int) -> bool:
    if _read(file, 0, 5) != b"%PDF-" or _is_archive(file, size):
        return False
    return _read(file, size - SNIFFED, SNIFFED).rstrip(b"\r\n\0 ").endswith(b"%%EOF")


def _is_text(file: BinaryIO, size: int) -> bool:
    """UTF-8 without orders to machines, that no program takes for a page."""
    text = _read(file, 0, size)
    text.decode("utf-8")
    if text.translate(None, bytes((*range(9, 11), 13, 27, *range(32, 256)))):
        return False
    return not text[:SNIFFED].removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(MARKUP)


def _is_zip(file: BinaryIO, size: int) -> bool:
    """An archive from its first byte to its last, whose entries stay where they are unpacked, and do not burst."""
    start = _read(file, 0, 4)
    end = _read(file, size - END_OF_ZIP.size, END_OF_ZIP.size)
    mark, _, _, here, entries, length, offset, comment = END_OF_ZIP.unpack(end)
    if mark != b"PK\x05\x06" or comment or start != (b"PK\x03\x04" if entries else mark):
        return False
    if here != entries or entries > MOST_ENTRIES or length > DIRECTORY_OF_ZIP:
        return False
    if offset + length + END_OF_ZIP.size != size:
        return False
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        names = archive.infolist()
    packed = sum(each.compress_size for each in names)
    unpacked = sum(each.file_size for each in names)
    bursts = unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(packed, CHUNK)
    return len(names) == entries and not bursts and all(_stays(each.filename) for each in names)


def _stays(name: str) -> bool:
    """Whether an entry is unpacked below where the archive is."""
    path = PurePosixPath(name.replace("\\", "/"))
    return bool(name) and name.isprintable() and not path.is_absolute() and ".." not in path.parts and ":" not in name


def _is_bare(file: BinaryIO, size: int) -> bool:
    """Whether it is a picture alone: no archive behind it, no page before it."""
    head = _read(file, 0, SNIFFED).lower()
    return not _is_archive(file, size) and not any(mark in head for mark in MARKUP)


def _is_archive(file: BinaryIO, size: int) -> bool:
    """Whether programs that unpack would find an archive: they look for its end in the last 64 KiB."""
    most = CHUNK + END_OF_ZIP.size
    return b"PK\x05\x06" in _read(file, size - most, most)


FILE_TYPES: Mapping[str, Callable[[BinaryIO, int], bool]] = {
    "application/pdf": _is_pdf,
    "application/zip": _is_zip,
    "image/gif": _is_gif,
    "image/jpeg": _is_jpeg,
    "image/png": _is_png,
    "image/webp": _is_webp,
    "text/plain": _is_text,
}
"""The types that can be checked."""
