"""docs/permissions.md, from the matrix's table: `python -m tests.matrix.print` shows it, `--write` writes it."""

import sys
from collections.abc import Iterator

from graphql import GraphQLSchema

from schema.root import build
from tests.house import ROOT
from tests.matrix import calls, document, table
from tests.matrix.disputed import DISPUTED
from tests.matrix.table import OPEN_WHILE_SUSPENDED, OPEN_WHILE_UNVERIFIED, Call, Rule

PAGE = ROOT / "docs" / "permissions.md"
INTRODUCTION = """\
# Permissions

Who may read and who may call what. `python -m tests.matrix.print --write` writes this page from the table that tests
compare the service with, for every kind of caller, field, mutation and object. The schema at `/schema.graphql` says the
same beside each field.

An owner may do everything with what is their own, and grant permissions to others: on everything they own
(*overall*), on an account, on a server. `TECHNICAL_ACCOUNT` is every permission on every account, `TECHNICAL_SERVER`
every permission on every server. What a caller may not know of is not found; what they see and may not read is null,
with an error `FORBIDDEN` that names the permission that is missing. A grant that asks for two factors counts in
sessions that passed them, and for API tokens.

An API token may what its profile may, or less where it is narrowed; *in a session* is what no token may. Whoever has
not confirmed their address reads what is their own, and may call what says *unverified*. While the caller or the owner
is suspended, only what says *suspended* may be called.
"""
PARTIES = {
    "grantee": "whoever holds a grant of the owner",
    "granter": "whoever the owner holds a grant of",
    "viewer": "every caller with a session",
    "recipient": "whoever it is offered to",
}


def sentence(rule: Rule) -> str:
    """Who passes, in words."""
    if rule.public:
        return "anybody, without a session"
    if rule.anybody_who_sees:
        return "whoever sees it"
    listed = [
        *_listed(rule.overall, table.OVERALL, ""),
        *_listed(rule.account, table.ACCOUNT, " on the account"),
        *_listed(rule.server, table.SERVER, " on the server"),
    ]
    ways = [*(["the owner"] if rule.owner else []), *(PARTIES[party] for party in rule.parties), *listed]
    *others, last = ways
    return "; ".join([f"{', '.join(others)} or {last}" if others else last, *_conditions(rule)])


def _listed(names: frozenset[str], every: tuple[str, ...], where: str) -> list[str]:
    if names == set(every):
        return [f"any permission{where}" if where else "any overall permission"]
    return [f"`{name}`{where}" for name in every if name in names]


def _conditions(rule: Rule) -> Iterator[str]:
    if rule.interactive:
        yield "in a session"
    if rule.two_factor:
        yield "with two factors"


def types(schema: GraphQLSchema) -> Iterator[str]:
    """For each type who sees it, and who reads which of its fields."""
    there = document.coordinates(schema)
    for kind in dict.fromkeys(name.partition(".")[0] for name in table.FIELDS):
        fields = [name for name in table.FIELDS if name in there and name.startswith(f"{kind}.")]
        if not fields:
            continue
        yield f"\n### {kind}\n"
        if kind in table.GATES:
            yield f"Seen by {sentence(table.GATES[kind])}.{_mark(fields)}\n"
        yield "| fields | who may read them |"
        yield "| --- | --- |"
        rules = dict.fromkeys(table.FIELDS[name] for name in fields)
        for rule in sorted(rules, key=lambda each: not each.anybody_who_sees):
            names = ", ".join(f"`{name.partition('.')[2]}`" for name in fields if table.FIELDS[name] == rule)
            yield f"| {names} | {sentence(rule)} |"


def _mark(names: list[str]) -> str:
    """Stars that lead to what is not decided."""
    found = [index for index, each in enumerate(noted(), start=1) if not each[0].isdisjoint(names)]
    return "".join(f" [{index}]" for index in found)


def noted() -> list[tuple[frozenset[str], str]]:
    """What the table says otherwise than the service does, where it says it of a field or a mutation."""
    known = table.FIELDS.keys() | table.MUTATIONS.keys()
    return [(each.names, each.reason) for each in DISPUTED if each.names <= known]


def mutations(schema: GraphQLSchema) -> Iterator[str]:
    """For each mutation who may call it, and when."""
    yield "| mutation | about | who may call it | also while |"
    yield "| --- | --- | --- | --- |"
    for name in calls.mutations(schema):
        call = table.MUTATIONS[name]
        yield f"| `{name}`{_mark([name])} | {_about(call)} | {_who(call)} | {', '.join(_also(name, call))} |"


def _who(call: Call) -> str:
    if call.about == "viewer" and call.rule.owner:
        return "; ".join(["whoever is signed in", *_conditions(call.rule)])
    return "every caller with a session" if call.rule.anybody_who_sees else sentence(call.rule)


def _about(call: Call) -> str:
    about = "oneself" if call.about == "viewer" else call.about
    return f"{about}, {call.further}" if call.further else about if not call.rule.public else ""


def _also(name: str, call: Call) -> Iterator[str]:
    if call.rule.public or name in OPEN_WHILE_UNVERIFIED:
        yield "unverified"
    if call.rule.public or name in OPEN_WHILE_SUSPENDED:
        yield "suspended"


def page(schema: GraphQLSchema) -> str:
    """The whole page, of what is there."""
    notes = [f"{index}. {reason[0].upper()}{reason[1:]}." for index, (_, reason) in enumerate(noted(), start=1)]
    undecided = ["\n## Not decided\n", *notes] if notes else []
    parts = ["## Reading", *types(schema), "\n## Calling\n", *mutations(schema), *undecided]
    return INTRODUCTION + "\n" + "\n".join(parts) + "\n"


def not_there(schema: GraphQLSchema) -> list[str]:
    """What the table knows already, and the schema does not have yet."""
    there = {*document.coordinates(schema), *calls.mutations(schema)}
    return [name for name in (*table.FIELDS, *table.MUTATIONS) if name not in there]


def main() -> None:
    schema = build().graphql
    if "--write" in sys.argv:
        PAGE.write_text(page(schema), "utf-8")
    else:
        print(page(schema))
    print("Not there yet:", ", ".join(not_there(schema)) or "nothing", file=sys.stderr)


if __name__ == "__main__":
    main()
