"""What others hold a GraphQL server to: the audit suite of `graphql-http`, signed in, over a real server."""

import json
import shutil
import subprocess
from collections import defaultdict

import pytest

from tests.house import ROOT
from tests.server import access_token, running, untested

AUDIT = ROOT / "tests" / "audit.mjs"


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The names of all audits by id, by how they ended: ok, notice, warn or error."""
    node = shutil.which("node")
    if node is None or not (ROOT / "web" / "node_modules" / "graphql-http").is_dir():
        untested("without Node and `npm ci` in web/ nobody audits GraphQL over HTTP")
    with running(tmp_path_factory.mktemp("audit"), rate_limits="off") as server:
        command = [node, str(AUDIT), f"{server.url}/graphql", access_token(server.url)]
        printed = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    by_status: dict[str, dict[str, str]] = defaultdict(dict)
    for finding in json.loads(printed):
        by_status[finding["status"]][finding["id"]] = finding["name"]
    return by_status


VARIABLE_COERCION = {
    "86EE": "SHOULD use a status code of 400 on variable coercion failure when accepting"
    " application/graphql-response+json",
}
"""We answer 422: the request was understood, its values do not fit. So we do to a document that is not valid, of which
the suite says nothing: what it takes for one, it misspells into a syntax error."""


def test_nothing_that_must_be_is_missing(findings: dict[str, dict[str, str]]) -> None:
    assert findings["error"] == {}
    assert len(findings["ok"]) > 50


def test_the_one_recommendation_not_followed_is_400_for_variables_that_do_not_fit(
    findings: dict[str, dict[str, str]],
) -> None:
    assert findings["warn"] == VARIABLE_COERCION
    assert findings["notice"] == {}
