"""Trusted documents: known beforehand by the SHA-256 of their text, and named by it instead of being sent."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from engine.error import BAD_REQUEST, PERSISTED_DOCUMENT_NOT_FOUND, RequestRefused
from engine.request import Params

PREFIX = "sha256:"


class TrustedDocuments:
    """The documents by id, `sha256:<hex>` or bare hex. With `only`, no other document is answered.

    ValueError when an id is not that of its document. Requests never add to them.
    """

    def __init__(self, documents: Mapping[str, str], only: bool = False) -> None:
        self.only = only
        self._texts = {name.removeprefix(PREFIX): text for name, text in documents.items()}
        for name, text in self._texts.items():
            if name != digest(text):
                raise ValueError(f"{name} is not the id of its document, which is {PREFIX}{digest(text)}")

    @property
    def texts(self) -> Mapping[str, str]:
        """The documents by their bare ids."""
        return self._texts

    def text_of(self, params: Params) -> str:
        """The document asked for by text, by id, or by both where they agree. Refuses with 400 or 404."""
        apollo = _apollo_id(params)
        if params.query is not None and params.document_id is None and apollo is None and not self.only:
            return params.query
        asked = {name.removeprefix(PREFIX) for name in (params.document_id, apollo) if name is not None}
        if params.query is not None:
            asked.add(digest(params.query))
        if not asked:
            raise _refused("Give a query or a documentId.")
        if len(asked) > 1:
            raise _refused("The id is not that of the document.")
        text = self._texts.get(asked.pop())
        if text is not None:
            return text
        if params.query is None:
            # Apollo's clients know by this very sentence that they are to send the text.
            raise _unknown("There is no such document." if apollo is None else "PersistedQueryNotFound")
        if self.only:
            raise _unknown("Only registered documents are answered.")
        return params.query


def read_manifest(path: Path) -> dict[str, str]:
    """The documents of a JSON file, an object of ids and texts. ValueError when it is not one."""
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
        raise ValueError(f"{path} is not an object of document ids and texts")
    return manifest


def digest(text: str) -> str:
    """The bare id of a document."""
    return hashlib.sha256(text.encode()).hexdigest()


def _apollo_id(params: Params) -> str | None:
    """The id in `extensions.persistedQuery`, as Apollo's clients send it."""
    given = params.extensions.get("persistedQuery")
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("version") != 1 or not isinstance(given.get("sha256Hash"), str):
        raise _refused("extensions.persistedQuery must have a version 1 and a sha256Hash.")
    return str(given["sha256Hash"])


def _refused(message: str) -> RequestRefused:
    return RequestRefused(400, BAD_REQUEST, message)


def _unknown(message: str) -> RequestRefused:
    return RequestRefused(404, PERSISTED_DOCUMENT_NOT_FOUND, message, well_formed=True)
