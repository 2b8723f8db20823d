"""A witness of what identity does: it sends secrets, remembers those that are handed out, and looks for both."""

import base64
import json
import re
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import FrameType
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from sqlalchemy import select

from models.db import Db
from models.secret import fingerprint
from models.tables import metadata
from tests.api import Answer, Api
from tests.mails import Box, sent

NAMES = "(password|passphrase|code|token|secret|challenge(id)?|credential|otp|pin)s?$"
"""How fields are called that hold a secret; an id that is none ends otherwise."""
TAKES, SHOWS = re.compile(NAMES, re.IGNORECASE), re.compile(f"{NAMES}|uri$|svg$", re.IGNORECASE)
OF_PROVIDERS = {"cardToken", "oneTimeToken", "clientSecret"}
"""BIL-9. Made by a payment provider, good with it alone, and kept here as long as a payment or a card needs it."""
NO_SECRETS = {"postalCode", "quoteToken"} | OF_PROVIDERS
IN_EVERY_PAYLOAD = {"userErrors", "query"}
LINK = re.compile("esp_link_[0-9A-Za-z]{49}")
IN_PLACE = re.compile("_hash$|_mark$|[.]sealed_")
"""The columns that hold something in place of a secret."""
CHAINS = {
    "document_series.last_hash",
    "invoice.hash",
    "invoice.previous_hash",
    "ledger_seal.hash",
    "ledger_seal.previous_hash",
}
"""Columns that hold links of hash chains. A link follows from what is on record, and stands in two places by design."""
OURS = {"app", "engine", "models", "resolvers", "schema"}
Place = tuple[str, str]
"""A mutation, and a field of what it takes or answers."""


# What the schema takes and shows


def takes_secrets(schema: GraphQLSchema) -> set[Place]:
    """Every field of an input of a mutation that holds a secret."""
    assert schema.mutation_type is not None
    return {
        (name, taken)
        for name, mutation in schema.mutation_type.fields.items()
        for argument in mutation.args.values()
        for taken in _inputs(get_named_type(argument.type))
        if TAKES.search(taken) and taken not in NO_SECRETS
    }


def shows_secrets(schema: GraphQLSchema) -> set[Place]:
    """Every field of a payload, outside the graph, that holds a secret."""
    assert schema.mutation_type is not None
    return {
        (name, shown)
        for name, mutation in schema.mutation_type.fields.items()
        for shown in _outputs(get_named_type(mutation.type))
        if SHOWS.search(shown) and shown not in OF_PROVIDERS
    }


def _inputs(kind: Any, above: frozenset[str] = frozenset()) -> Iterator[str]:
    if isinstance(kind, GraphQLInputObjectType) and kind.name not in above:
        for name, inner in kind.fields.items():
            yield name
            yield from _inputs(get_named_type(inner.type), above | {kind.name})


def _outputs(kind: Any) -> Iterator[str]:
    for name, inner in _own(kind):
        if is_leaf_type(get_named_type(inner.type)):
            yield name
        yield from _outputs(get_named_type(inner.type))


def _own(kind: Any) -> Iterator[tuple[str, Any]]:
    """The fields of what is answered once; what is in the graph can be asked for again, and is not among them."""
    if isinstance(kind, GraphQLObjectType) and all(each.name != "Node" for each in kind.interfaces):
        yield from ((name, inner) for name, inner in kind.fields.items() if name not in IN_EVERY_PAYLOAD)


def document(schema: GraphQLSchema, name: str) -> str:
    """A mutation with all that it answers, and what the graph says of the caller then."""
    assert schema.mutation_type is not None
    mutation = schema.mutation_type.fields[name]
    kind = get_named_type(mutation.args["input"].type).name
    answers = f"userErrors {{ code message field }} {_selected(get_named_type(mutation.type))}"
    around = "query { viewer { id email displayName activity { nodes { action summary changes { name } } } } }"
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {answers} {around} }} }}"


def _selected(kind: Any) -> str:
    fields = {name: get_named_type(inner.type) for name, inner in _own(kind)}
    return " ".join(
        name if is_leaf_type(inner) else f"{name} {{ {_selected(inner) or 'id'} }}" for name, inner in fields.items()
    )


# What a secret looks like elsewhere


def forms(value: str) -> set[str]:
    """A secret as it is, and as it may be written down."""
    last = value.rpartition("_")[2]
    return {
        value,
        value.replace("-", ""),
        last if len(last) > 20 else value,
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode()[: len(value.encode()) // 3 * 3]).decode(),
        value.encode().hex(),
    }


def marks(value: str) -> set[str]:
    """What identifies a secret to whoever has it: outside the database nobody needs that."""
    return {fingerprint(value), fingerprint(value.replace("-", ""))}


def holds(text: str, needle: str) -> bool:
    """Whether it is there; six digits of a longer number are not a code."""
    found = needle in text and re.search(f"(?<![0-9A-Za-z]){re.escape(needle)}(?![0-9A-Za-z])", text)
    return bool(found)


def readable(message: EmailMessage) -> str:
    """All of a mail: headers, text and page."""
    parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *parts])


def handed_out(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The secrets in a payload, with the names of their fields."""
    if isinstance(value, dict):
        for key in value.keys() - IN_EVERY_PAYLOAD:
            yield from handed_out(value[key], key)
    elif isinstance(value, list):
        for each in value:
            yield from handed_out(each, name)
    elif isinstance(value, str) and SHOWS.search(name):
        yield name, value


# The witness


@dataclass
class Witness:
    """Acts through the API, and knows each secret that went either way."""

    api: Api
    schema: GraphQLSchema
    box: Box = field(default_factory=Box)
    sent: dict[str, str] = field(default_factory=dict)
    """Each secret that was sent and not made by the service, and what it is."""
    made: dict[str, str] = field(default_factory=dict)
    """Each secret that the service made, and what it is."""
    born: dict[str, int] = field(default_factory=dict)
    """In which answer, or mail, a secret of the service was seen: there alone it belongs."""
    held: dict[str, str] = field(default_factory=dict)
    """What the database holds in place of secrets, and in which column."""
    answers: list[str] = field(default_factory=list)
    accepted: set[Place] = field(default_factory=set)
    refused: set[Place] = field(default_factory=set)
    shown: set[Place] = field(default_factory=set)

    @property
    def secrets(self) -> dict[str, str]:
        return {**self.sent, **self.made}

    async def act(self, name: str, token: str | None = None, /, **given: Any) -> dict[str, Any]:
        """Call a mutation; its payload, empty where it was refused altogether."""
        planted = {(name, taken) for taken in given} & takes_secrets(self.schema)
        for _, taken in planted:
            self.plant(given[taken], f"{name}.{taken}")
        answer = await self.ask(document(self.schema, name), {"input": given}, token=token)
        payload: dict[str, Any] = (answer.body.get("data") or {}).get(name) or {}
        done = bool(payload) and not payload["userErrors"]
        (self.accepted if done else self.refused).update(planted)
        for shown, value in handed_out(payload):
            self.shown.add((name, shown))
            self.learn(value, f"{name}.{shown}", len(self.answers) - 1)
        return payload

    async def ask(self, query: str, variables: Any = None, **rest: Any) -> Answer:
        """Any request; what comes back is kept, and each is nobody's but for its headers."""
        answer = await self.api.ask(query, variables, **rest)
        self.answers.append(f"{answer.headers} {answer.text}")
        for name, value in self.api.client.cookies.items():
            self.learn(value, name, len(self.answers) - 1)
        self.api.client.cookies.clear()
        return answer

    def plant(self, secret: str, what: str) -> str:
        if secret not in self.made:
            self.sent.setdefault(secret, what)
        return secret

    def learn(self, secret: str, what: str, where: int) -> None:
        assert secret not in self.made, f"{what} is handed out a second time"
        self.made[secret], self.born[secret] = what, where

    async def link(self) -> str:
        """Send the mails that are due; the token of the newest link."""
        before, token = len(self.box.messages), ""
        await sent(self.api.database, self.box)
        for number, message in enumerate(self.box.messages[before:], before):
            for token in sorted(set(LINK.findall(readable(message)))):
                self.learn(token, "a link", number)
        return token

    def leaks(self, text: str, *, hashes: bool = True, own: Container[str] = ()) -> list[str]:
        """What a text says that it should not; hashes are at home in columns of their own, if any."""
        needles = {
            (what, needle)
            for secret, what in self.secrets.items()
            if secret not in own
            for needle in forms(secret) | (marks(secret) if hashes else set())
        }
        held = {(what, each) for each, what in self.held.items()} if hashes else set()
        return sorted({what for what, needle in needles | held if holds(text, needle)})

    def told(self) -> dict[str, list[str]]:
        """Answers and mails that hold a secret which they did not bring."""
        found = {}
        for number, text in enumerate(self.answers):
            own = {each for each, where in self.born.items() if where == number and self.made[each] != "a link"}
            found[f"answer {number}"] = self.leaks(text, own=own)
        for number, message in enumerate(self.box.messages):
            own = {each for each, where in self.born.items() if where == number and self.made[each] == "a link"}
            found[f"mail {number}"] = self.leaks(readable(message), own=own)
        return {place: what for place, what in found.items() if what}

    async def stored(self) -> dict[str, str]:
        """Every column of the database as it is, by table and name; notes what is held in place of secrets."""
        async with Db(self.api.database) as db:
            rows = {each: await db.rows(select(each)) for each in metadata.sorted_tables}
        columns = {
            f"{each.name}.{column.name}": [str(row._mapping[column]) for row in found]
            for each, found in rows.items()
            for column in each.c
        }
        assert columns.keys() >= CHAINS
        self.held |= {
            value: name
            for name, values in columns.items()
            if IN_PLACE.search(name) and name not in CHAINS
            for value in values
            if value != "None"
        }
        return {name: "\n".join(values) for name, values in columns.items()}


@contextmanager
def reprs() -> Iterator[set[tuple[str, str]]]:
    """The repr of every object of ours that our functions hold, and of what they raise, with the name of its type."""
    seen: set[tuple[str, str]] = set()

    def note(value: Any) -> None:
        ours = type(value).__module__.partition(".")[0] in OURS or isinstance(value, BaseException)
        if ours and not isinstance(value, type | StopIteration):  # What a coroutine answers ends it as an exception.
            seen.update((type(value).__name__, said(value)) for said in (repr, str))

    def within(frame: FrameType, event: str, found: Any) -> Any:
        if event == "exception":
            note(found[1])
        elif event == "return":
            for value in frame.f_locals.values():
                for each in value if isinstance(value, list | tuple) else (value,):
                    note(each)
        return within

    def called(frame: FrameType, event: str, found: Any) -> Any:
        ours = frame.f_globals.get("__name__", "").partition(".")[0] in OURS - {"engine"}
        frame.f_trace_lines = not ours
        return within if ours and not frame.f_code.co_name.startswith("__") else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        yield seen
    finally:
        sys.settrace(before)
