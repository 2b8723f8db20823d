"""The staff's desk in tests: what people of the staff ask for there."""

from typing import Any

from tests.api import STAFF, Api
from tests.test_access import staff

WHY = "The customer called"
PLAIN = "userErrors { code field }"
FIELDS = {
    "accessRecoveryCodeCheck": f"right {PLAIN}",
    "accessRecoveryChangeAsk": f"approvalId {PLAIN}",
    "customerOpen": f"customer {{ email name status balance {{ amount }} }} {PLAIN}",
}


SAYS_WHY = {"ticketAnswer", "ticketAssign", "ticketNoteAdd", "ticketOpenFor"}
"""Mutations whose reason is `why`."""


class Desk:
    """What one member of the staff does, in a session that passed two factors."""

    def __init__(self, api: Api, token: str) -> None:
        self.api, self.token = api, token

    @classmethod
    async def of(cls, api: Api, person: Any = STAFF) -> "Desk":
        return cls(api, await api.two_factor(person))

    async def does(self, name: str, **input: Any) -> dict[str, Any]:
        """The payload of a mutation; a reason is given where none is."""
        kind = name[0].upper() + name[1:]
        fields = FIELDS.get(name, f"changed {PLAIN}")
        document = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {fields} }} }}"
        answer = await staff(
            self.api, self.token, document, {"input": {"why" if name in SAYS_WHY else "reason": WHY, **input}}
        )
        payload: dict[str, Any] = answer.data[name]
        return payload

    async def done(self, name: str, **input: Any) -> dict[str, Any]:
        """The same, where nothing stands in its way."""
        payload = await self.does(name, **input)
        assert payload["userErrors"] == []
        return payload

    async def refused(self, name: str, **input: Any) -> list[str]:
        """The codes of what stands in its way."""
        return [error["code"] for error in (await self.does(name, **input))["userErrors"]]

    async def reads(self, document: str, **variables: Any) -> Any:
        return (await staff(self.api, self.token, document, variables)).data
