import json
from pathlib import Path
from typing import Any

import pytest

from engine.error import BAD_REQUEST, PERSISTED_DOCUMENT_NOT_FOUND, RequestRefused
from engine.request import Params
from engine.trusted import TrustedDocuments, digest, read_manifest

ME = "{ me }"
YOU = "{ you }"
STORE = {digest(ME): ME}


def asking(query: str | None = None, document_id: str | None = None, persisted: Any = None) -> Params:
    return Params(query, document_id, None, {}, {"persistedQuery": persisted} if persisted is not None else {})


def apollo(name: str) -> dict[str, Any]:
    return {"version": 1, "sha256Hash": name}


def expect_refusal(store: TrustedDocuments, params: Params, status: int, code: str, message: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        store.text_of(params)
    assert (caught.value.status, caught.value.code, caught.value.message) == (status, code, message)


def test_an_id_is_the_sha_256_of_the_text() -> None:
    assert digest("é") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"


@pytest.mark.parametrize("only", [False, True])
@pytest.mark.parametrize(
    "params",
    [
        asking(document_id=digest(ME)),
        asking(document_id=f"sha256:{digest(ME)}"),
        asking(persisted=apollo(digest(ME))),
        asking(document_id=f"sha256:{digest(ME)}", persisted=apollo(digest(ME))),
        asking(query=ME, document_id=digest(ME)),
        asking(query=ME, persisted=apollo(digest(ME))),
        asking(query=ME),
    ],
)
def test_a_trusted_document_is_had_by_its_id_or_its_text(params: Params, only: bool) -> None:
    assert TrustedDocuments(STORE, only).text_of(params) == ME


@pytest.mark.parametrize("name", [digest(YOU), f"sha256:{digest(YOU)}", digest(ME).upper(), f"md5:{digest(ME)}", "x"])
def test_an_unknown_id_is_not_found(name: str) -> None:
    store = TrustedDocuments(STORE)
    expect_refusal(store, asking(document_id=name), 404, PERSISTED_DOCUMENT_NOT_FOUND, "There is no such document.")


def test_an_apollo_client_is_told_in_its_own_words() -> None:
    asked = asking(persisted=apollo(digest(YOU)))
    expect_refusal(TrustedDocuments(STORE), asked, 404, PERSISTED_DOCUMENT_NOT_FOUND, "PersistedQueryNotFound")


def test_an_id_beside_a_text_never_registers_it() -> None:
    store = TrustedDocuments(STORE)
    assert store.text_of(asking(query=YOU, document_id=digest(YOU))) == YOU
    expect_refusal(
        store, asking(document_id=digest(YOU)), 404, PERSISTED_DOCUMENT_NOT_FOUND, "There is no such document."
    )


@pytest.mark.parametrize(
    "params",
    [
        asking(query=YOU, document_id=digest(ME)),
        asking(query=YOU, persisted=apollo(digest(ME))),
        asking(document_id=digest(ME), persisted=apollo(digest(YOU))),
        asking(query=ME, document_id=digest(ME), persisted=apollo(digest(YOU))),
    ],
)
def test_ids_and_text_must_agree(params: Params) -> None:
    expect_refusal(TrustedDocuments(STORE), params, 400, BAD_REQUEST, "The id is not that of the document.")


def test_a_store_that_answers_only_its_own_refuses_every_other_text() -> None:
    message = "Only registered documents are answered."
    store = TrustedDocuments(STORE, only=True)
    expect_refusal(store, asking(query=YOU), 404, PERSISTED_DOCUMENT_NOT_FOUND, message)
    expect_refusal(store, asking(query=YOU, document_id=digest(YOU)), 404, PERSISTED_DOCUMENT_NOT_FOUND, message)
    assert TrustedDocuments(STORE, only=False).text_of(asking(query=YOU)) == YOU


def test_nothing_asked_is_refused() -> None:
    expect_refusal(TrustedDocuments(STORE), asking(), 400, BAD_REQUEST, "Give a query or a documentId.")


@pytest.mark.parametrize(
    "persisted",
    [
        "x",
        [],
        {},
        {"version": 2, "sha256Hash": "x"},
        {"version": 1},
        {"version": 1, "sha256Hash": 7},
        {"sha256Hash": "x"},
    ],
)
def test_a_malformed_extension_is_refused(persisted: object) -> None:
    message = "extensions.persistedQuery must have a version 1 and a sha256Hash."
    expect_refusal(TrustedDocuments(STORE), asking(query=ME, persisted=persisted), 400, BAD_REQUEST, message)


@pytest.mark.parametrize("name", [digest(YOU), f"sha256:{digest(YOU)}", f"md5:{digest(ME)}", "me", ""])
def test_a_store_with_a_wrong_id_is_not_made(name: str) -> None:
    with pytest.raises(ValueError, match=f"is not the id of its document, which is sha256:{digest(ME)}"):
        TrustedDocuments({name: ME})


def test_a_manifest_is_an_object_of_ids_and_texts(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({f"sha256:{digest(ME)}": ME, digest(YOU): YOU}), "utf-8")
    store = TrustedDocuments(read_manifest(path), only=True)
    assert store.text_of(asking(document_id=digest(YOU))) == YOU


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b"{", b"\xff"])
def test_anything_else_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "documents.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"documents\.json is not"):
        read_manifest(path)
