"""What others hold a GraphQL server to: the audit suite of `graphql-http`, signed in, over a real server."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from tests.api import OWNER, PASSWORD
from tests.house import ROOT
from tests.server import Server, running, untested

AUDIT = ROOT / "tests" / "audit.mjs"
SIGN_IN = """mutation SignIn($email: EmailAddress!, $password: String!) {
  sessionCreate(input: { email: $email, password: $password, transport: BEARER }) { credentials { accessToken } } }"""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The names of all audits by id, by how they ended: ok, notice, warn or error."""
    node = shutil.which("node")
    if node is None or not (ROOT / "web" / "node_modules" / "graphql-http").is_dir():
        untested("without Node and `npm ci` in web/ nobody audits GraphQL over HTTP")
    with running(tmp_path_factory.mktemp("audit"), rate_limits="off") as server:
        command = [node, str(AUDIT), f"{server.url}/graphql", token(server)]
        printed = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    by_status: dict[str, dict[str, str]] = defaultdict(dict)
    for finding in json.loads(printed):
        by_status[finding["status"]][finding["id"]] = finding["name"]
    return by_status


def token(server: Server) -> str:
    variables = {"email": OWNER.email, "password": PASSWORD}
    answer = httpx.post(f"{server.url}/graphql", json={"query": SIGN_IN, "variables": variables})
    access_token: str = answer.json()["data"]["sessionCreate"]["credentials"]["accessToken"]
    return access_token


def test_x(findings):
    import pprint
    pprint.pprint(dict(findings)); assert 0
