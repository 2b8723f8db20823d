"""The screens that are asked of everybody: what a customer opens all day."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.population import Visitor


@dataclass(frozen=True)
class Screen:
    """A document with its variables. `name` is also where a hand-written endpoint would have it."""

    name: str
    title: str
    document: str
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return orjson.dumps({"query": self.document, "variables": self.variables})


TINY = "{ viewer { id } }"
DASHBOARD = """query {
  viewer {
    id displayName
    accounts(first: 50) { nodes {
      id name status location createdAt viewerIsOwner viewerPermissions
      plan { code name }
      subscription { status periodEnd renews }
      grants(first: 3) { nodes { id overall requiresTwoFactor grantee { email } } }
    } }
  }
}"""
EVENT = "id action occurredAt channel ipAddress actor { displayName }"
ACTIVITY = f"query ($after: String) {{ viewer {{ activity(first: 50, after: $after) {{ nodes {{ {EVENT} }} }} }} }}"
GRANTS = """query {
  viewer { grantsGiven(first: 50) { nodes {
    id createdAt requiresTwoFactor overall grantee { id email } accounts { account { name } permissions }
  } } }
}"""


def screens(visitor: Visitor) -> list[Screen]:
    """What this visitor opens."""
    return [
        Screen("tiny", "who is signed in", TINY),
        Screen("dashboard", "50 accounts, their plans and grants", DASHBOARD),
        Screen("activity", "50 events, 15,000 deep", ACTIVITY, {"after": visitor.after}),
        Screen("grants", "20 grants on 160 accounts", GRANTS),
    ]
