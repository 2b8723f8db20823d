"""Alerts in tests: what a reader sees of them, and which steps were told when."""

from typing import Any

from models.alert import Alert, AlertKind
from models.mail import SandboxMail
from models.service import ServiceCredential, ServiceScope
from tests.api import OWNER, Api, profile_id
from tests.mails import sent
from tests.test_access import credential, staff
from tests.test_clockwork import mails

ALERTS = """query Alerts($id: ID!) { node(id: $id) { ... on Profile { alerts { nodes {
  id kind status title body remindedAt expiresAt consequence closedAt
  subject { __typename ... on Node { id } } } } } } }"""


async def shown(api: Api, by: Any = OWNER, of: Any = OWNER) -> list[Any]:
    """The alerts of a profile, as a reader sees them."""
    answer = await api.ask(ALERTS, {"id": profile_id(of)}, token=await api.token(by))
    nodes: list[Any] = answer.data["node"]["alerts"]["nodes"]
    return nodes


async def kinds(api: Api, by: Any = OWNER, of: Any = OWNER) -> list[str]:
    """Which kinds of them."""
    return sorted(each["kind"] for each in await shown(api, by, of))


async def states(api: Api, kind: AlertKind) -> list[str]:
    """What became of the alerts of a kind, in the order of their opening."""
    rows = sorted(await api.rows(Alert), key=lambda row: (row.opened_at, row.id))
    return [row.status.value for row in rows if row.kind is kind]


async def steps(api: Api, kind: AlertKind) -> list[tuple[str, str]]:
    """Which steps were told, and on which day: each once, to however many."""
    told = {
        (each["step"], each["at"].isoformat(), each["at"].date().isoformat())
        for each in await mails(api, f"alert_{kind.lower()}")
    }
    return [(step, day) for step, _, day in sorted(told, key=lambda each: each[1])]


async def read(api: Api, template: str) -> dict[Any, str]:
    """Send what waits; who got a mail of this template, and what it said last."""
    assert {outcome.defect for outcome in await sent(api.database)} <= {None}
    rows = sorted(await api.rows(SandboxMail), key=lambda row: row.sent_at)
    return {row.owner_id: f"{row.subject}\n{row.text}" for row in rows if row.template == template}


async def service(api: Api, scope: ServiceScope, document: str, **given: Any) -> Any:
    """What the mutation of a service answers, called with a new credential."""
    count = len(await api.rows(ServiceCredential))
    secret = await credential(api, scope, name=f"service{count}")
    (payload,) = (await staff(api, secret, document, {"input": given})).data.values()
    return payload
