"""Documents that somebody would write to keep a server busy, and what each is to be answered.

Most stand just under one limit, where they cost the most; the others fill what a document may hold.
"""

from collections.abc import Iterator
from typing import NamedTuple

from engine.error import INVALID_DOCUMENT, SYNTAX

BYTES = 16_384
READY = "READY"

SDL = """
directive @tag(name: String) repeatable on FIELD | QUERY | FRAGMENT_DEFINITION | FRAGMENT_SPREAD | INLINE_FRAGMENT

interface Node { id: ID! }
union Subject = Account | Profile | Ticket
enum Kind { SMALL LARGE }
scalar Day

type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]
  viewer: Profile
  account(name: String!): Account
  accounts(filter: Filter, first: Int, last: Int, after: String): AccountConnection
  catalog: Catalog
  search(text: String, days: [Day!], kinds: [Kind!], numbers: [Int!]): [Subject!]
}
type Mutation { signIn(input: SignIn!): SignInPayload }
type Subscription { accountChanged(id: ID!): Account ticketChanged(id: ID!): Ticket }

type Profile implements Node {
  id: ID! email: String displayName: String createdAt: String parent: Profile
  accounts(filter: Filter, first: Int, last: Int, after: String): AccountConnection!
  tickets(first: Int = 10, last: Int): TicketConnection
}
type Account implements Node { id: ID! name: String disk(unit: String): Int plan: Plan owner: Profile }
type Ticket implements Node { id: ID! number: Int subject: String about: Subject messages: [Message!]! }
type Message { id: ID! text: String author: Profile }
type Plan { id: ID! name: String prices: [Money!]! }
type Money { amount: String currency: String }
type Catalog { plans: [Plan!]! }
type PageInfo { hasNextPage: Boolean endCursor: String }
type AccountConnection { edges: [AccountEdge!]! nodes: [Account!]! pageInfo: PageInfo! totalCount: Int! }
type AccountEdge { cursor: String! node: Account! }
type TicketConnection { edges: [TicketEdge!]! nodes: [Ticket!]! pageInfo: PageInfo! totalCount: Int! }
type TicketEdge { cursor: String! node: Ticket! }
type SignInPayload { viewer: Profile query: Query }

input SignIn { email: String! password: String! remember: Boolean }
input Filter { name: String kind: Kind number: Int any: [Filter!] none: Filter }
"""


class Hostile(NamedTuple):
    name: str
    text: str
    answer: str
    """READY, the code of the refusal, or the limit that it names."""


def corpus() -> list[Hostile]:
    """All of them. None is longer than the limit, but for those that try that."""
    families = (texts, nestings, fragments, broken_fragments, repeats, floods, literals, mistakes, operations)
    return [
        Hostile(name, text, answer) for family in (*families, introspections, pages) for name, answer, text in family()
    ]


Family = Iterator[tuple[str, str, str]]


def many(count: int, pattern: str) -> str:
    """The pattern so many times, each `#` in it the number of the time."""
    return " ".join(pattern.replace("#", str(number)) for number in range(count))


def full(pattern: str, start: str = "", end: str = "") -> str:
    """As often the pattern as there is room for."""
    return start + pattern * ((BYTES - len(start) - len(end)) // len(pattern)) + end


def viewer(selections: str) -> str:
    return "{viewer{" + selections + "}}"


def texts() -> Family:
    """What is hard to read."""
    yield "nothing", SYNTAX, ""
    yield "spaces", SYNTAX, full(" ")
    yield "commas", SYNTAX, full(",")
    yield "line ends", SYNTAX, full("\r\n")
    yield "byte order marks", SYNTAX, full("\ufeff")[: BYTES // 3]
    yield "a byte order mark before a query", READY, "\ufeff{ viewer { id } }"
    yield "spaces before what is no token", SYNTAX, full(" ", end="?")
    yield "spaces between braces", READY, full(" ", "{viewer{id}", "}")
    yield "one comment", SYNTAX, full("x", "#")
    yield "comments", "tokens", full("#\n")
    yield "comments within the limit", READY, "{viewer{id}" + "#\n" * 1_990 + "}"
    yield "no end of a string", SYNTAX, full("x", '{account(name:"')
    yield "no end of any string", SYNTAX, full('"x\n', "{")
    yield "no end of a block string", SYNTAX, full("x\n", '{account(name:"""')
    yield "block string quotes", "tokens", full('"""', "{")
    yield "empty strings", "tokens", full('""', "{account(name:")
    yield "quotes in a block string", SYNTAX, full('\\"""', '{account(name:"""')
    yield "two quotes in a block string", SYNTAX, full('"" ', '{account(name:"""')
    yield "backslashes", SYNTAX, full("\\", '{account(name:"')
    yield "escapes", READY, full("\\u0041", '{account(name:"', '"){id}}')
    yield "minus signs", SYNTAX, full("-", "{")
    yield "dots", "spreads", full(".", "{")
    yield "two dots", SYNTAX, full(".. ", "{")
    yield "spreads of nothing", "spreads", full("...", "{")
    yield "punctuation", "tokens", full("$!&|:=")
    yield "names", "tokens", full("a ")
    yield "one name", INVALID_DOCUMENT, full("a", "{", "}")
    yield "letters that are no names", SYNTAX, full("é", "{viewer{")[: BYTES // 2]
    yield "emoji in a string", READY, '{account(name:"' + "🙂" * 4_000 + '"){id}}'
    yield "half of a letter", SYNTAX, '{account(name:"\ud800"){id}}'
    yield "control characters", SYNTAX, full("\x00")
    yield "a byte too much", "bytes", " " * BYTES + "x"
    yield "more bytes than letters", "bytes", "é" * (BYTES - 10)
    yield "far too many bytes", "bytes", "{" * 2**17


def nestings() -> Family:
    """What is deep."""
    yield "opening braces", "nesting", full("{")
    yield "opening brackets", "nesting", full("[", "{account(name:")
    yield "opening parentheses", "nesting", full("(", "{account")
    yield "closing braces", SYNTAX, full("}")[:1_990]
    yield "fields in fields", "nesting", "{viewer{" + "parent{" * 500 + "id" + "}" * 502
    yield "fields in fields within the brackets", "depth", "{viewer{" + "parent{" * 40 + "id" + "}" * 42
    yield "fields in fields within the depth", READY, "{viewer{" + "parent{" * 18 + "id" + "}" * 20
    yield "types in types", READY, "{viewer{" + "...{" * 46 + "id" + "}" * 48
    yield "lists in lists", READY, "{search(days:" + "[" * 45 + "1" + "]" * 45 + "){__typename}}"
    yield "objects in objects", READY, "{accounts(filter:" + "{none:" * 45 + "{}" + "}" * 45 + "){totalCount}}"
    yield "fields through fragments", "depth", "{viewer{...F0}}" + chain(39, "parent{...G}")


def chain(count: int, body: str) -> str:
    """Fragments on Profile, each with the body, in which G is the next of them."""
    links = [f"fragment F{i} on Profile{{{body.replace('G', f'F{i + 1}')}}}" for i in range(count)]
    return " ".join([*links, f"fragment F{count} on Profile{{id}}"])


def ladder(count: int, steps: int) -> str:
    """Fragments on Profile, each of which spreads the next ones."""
    links = [f"fragment F{i} on Profile{{id {next_ones(i, count, steps)}}}" for i in range(count)]
    return " ".join(links)


def next_ones(number: int, count: int, steps: int) -> str:
    return " ".join(f"...F{following}" for following in range(number + 1, min(number + 1 + steps, count)))


def fragments() -> Family:
    """What grows when fragments are followed."""
    start = viewer("...F0")
    yield "a chain", READY, start + chain(39, "...G")
    yield "a long chain", "fragments", start + chain(100, "...G")
    yield "a chain that doubles", READY, start + chain(39, "...G ...G")
    yield "a chain that doubles in types", READY, start + chain(39, "...{...G} ...{...G}")
    yield "a chain that goes deep in types", "comparisons", start + chain(20, "...{" * 10 + "...G" + "}" * 10)
    yield "a chain that doubles in aliases", "aliases", start + chain(17, "a:parent{...G} b:parent{...G}")
    yield "a chain that doubles in fields", "depth", start + chain(17, "parent{...G} accounts{nodes{owner{...G}}}")
    yield "a chain in many fields", "selections", viewer(many(99, "a#:parent{...F0}")) + chain(39, "...G ...G")
    yield "a chain that doubles in one field", READY, start + chain(17, "parent{...G} parent{...G}")
    yield "a chain of pages", "cost", start + chain(6, "accounts(first:9){nodes{owner{...G}}}")
    yield "fragments that spread the next six", "comparisons", start + ladder(40, 6)
    yield "fragments side by side", READY, viewer(many(40, "...F#")) + many(40, "fragment F# on Profile{id email}")
    yield "one fragment over and over", READY, "{viewer{" + "...F0 " * 250 + "}}fragment F0 on Profile{id email}"
    below = "fragment F0 on Profile{id email createdAt parent{id email}}"
    yield "one fragment in many fields", READY, viewer(many(90, "a#:parent{...F0 id}")) + below


def broken_fragments() -> Family:
    """What leads in circles or nowhere."""
    start = viewer("...F0")
    yield "a fragment in itself", INVALID_DOCUMENT, start + "fragment F0 on Profile{id ...F0}"
    yield "two fragments in each other", INVALID_DOCUMENT, start + many(2, "fragment F# on Profile{...F0 ...F1}")
    yield "a fragment in its own field", "depth", start + "fragment F0 on Profile{parent{...F0}}"
    yield "a fragment in its own fields", "depth", start + "fragment F0 on Profile{a:parent{...F0} b:parent{...F0}}"
    yield "fragments in a ring", INVALID_DOCUMENT, start + chain(38, "...G") + "fragment F39 on Profile{...F0}"
    yield "fragments that are not there", INVALID_DOCUMENT, viewer(many(250, "...F#"))
    yield "fragments that are not used", INVALID_DOCUMENT, "{viewer{id}}" + many(40, "fragment F# on Profile{id email}")
    yield "fragments of one name", INVALID_DOCUMENT, start + "fragment F0 on Profile{id}" * 200
    yield "fragments on unknown types", INVALID_DOCUMENT, viewer(many(40, "...F#")) + many(40, "fragment F# on T#{id}")
    yield "fragments on scalars", INVALID_DOCUMENT, viewer(many(40, "...F#")) + many(40, "fragment F# on String{id}")


def repeats() -> Family:
    """What validation compares pair by pair."""
    yield "a field over and over", "repeats", viewer("id " * 1_900)
    yield "a field within the limit", READY, viewer("id " * 70)
    yield "an object over and over", "repeats", "{" + "viewer{id} " * 450 + "}"
    yield "an object within the limit", READY, "{" + "viewer{id} " * 49 + "}"
    yield "an object in types", "repeats", "{" + "...{viewer{id}} " * 200 + "}"
    yield "an object in fragments", READY, "{" + many(40, "...F#") + "}" + many(40, "fragment F# on Query{viewer{id}}")
    two = many(2, "fragment F# on Profile{id email}")
    yield "an object with fragments", "repeats", "{" + "viewer{...F0 ...F1} " * 120 + "}" + two
    yield "objects that double", READY, viewer(doubled(4))
    yield "objects that double further", "repeats", viewer(doubled(6))
    yield "objects of other types", READY, "{search{" + "...on Account{id name} ...on Ticket{id} " * 30 + "}}"
    about = "...on Account{a:owner{id email}} ...on Ticket{a:about{...on Profile{id email}}} "
    yield "objects below other types", READY, "{search{" + about * 24 + "}}"
    yield "fields that conflict", INVALID_DOCUMENT, viewer("a:id a:email " * 30)
    yield "arguments that are compared", READY, "{" + ("search(numbers:[" + "1 " * 30 + "]){__typename} ") * 45 + "}"


def doubled(levels: int) -> str:
    return f"parent{{{doubled(levels - 1)}}} " * 2 if levels else "id"


def floods() -> Family:
    """What is much of the same."""
    yield "aliases", "aliases", viewer(many(600, "a#:id"))
    yield "aliases within the limit", READY, viewer(many(100, "a#:id"))
    yield "aliases of objects", READY, "{" + many(100, "a#:viewer{id email displayName createdAt}") + "}"
    guesses = many(101, 'a#:signIn(input:{password:"#"}){query{__typename}}')
    yield "aliases of guesses", "mutations", "mutation{" + guesses + "}"
    yield "a long alias", READY, "{viewer{" + "a" * 16_000 + ":id}}"
    yield "directives nobody knows", INVALID_DOCUMENT, "{viewer" + many(100, "@a#") + "{id}}"
    yield "too many directives", "directives", full("@a", "{viewer", "{id}}")
    yield "one directive", INVALID_DOCUMENT, "{viewer" + "@include(if:true)" * 100 + "{id}}"
    yield "directives that may repeat", READY, "{viewer" + '@tag(name:"a")' * 100 + "{id}}"
    yield "directives on the operation", READY, "query" + "@tag" * 100 + "{viewer{id}}"
    declared, used = many(200, "$v#:Int!"), many(200, "$v#")
    yield "variables", READY, f"query({declared}){{search(numbers:[{used}]){{__typename}}}}"
    yield "variables nobody uses", INVALID_DOCUMENT, "query(" + many(400, "$v#:Int") + "){viewer{id}}"
    yield "variables nobody declares", INVALID_DOCUMENT, "{search(numbers:[" + many(900, "$v#") + "]){__typename}}"
    yield "variables of unknown types", INVALID_DOCUMENT, "query(" + many(400, "$v#:T#") + "){viewer{id}}"
    yield "names of types", READY, viewer("__typename " * 70)


def literals() -> Family:
    """What is long to check and longer to print."""
    yield "a string", READY, full("x", '{account(name:"', '"){id}}')
    yield "a block string", READY, full("x", '{account(name:"""', '"""){id}}')
    yield "a block string of lines", READY, full("\n x", '{account(name:"""', '"""){id}}')
    yield "a string that is no number", INVALID_DOCUMENT, full("x", '{search(numbers:"', '"){__typename}}')
    yield "a number", INVALID_DOCUMENT, full("9", "{search(numbers:", "){__typename}}")
    yield "a number of items", INVALID_DOCUMENT, full("9", "{accounts(first:", "){totalCount}}")
    yield "a fraction", INVALID_DOCUMENT, full("9", "{search(numbers:0.", "){__typename}}")
    yield "a list", READY, "{search(numbers:[" + many(1_980, "#") + "]){__typename}}"
    yield "a list of strings", READY, "{search(days:[" + many(1_500, '"#"') + "]){__typename}}"
    yield "a list of the wrong kind", INVALID_DOCUMENT, "{search(numbers:[" + many(1_500, '"#"') + "]){__typename}}"
    yield "a list of unknown values", INVALID_DOCUMENT, "{search(kinds:[" + many(1_900, "A#") + "]){__typename}}"
    yield "a list of objects", READY, "{accounts(filter:{any:[" + '{name:"a"}' * 390 + "]}){totalCount}}"
    wrong = "{name:1 x:2}" * 240
    yield "a list of wrong objects", INVALID_DOCUMENT, "{accounts(filter:{any:[" + wrong + "]}){totalCount}}"
    yield "an object nobody knows", INVALID_DOCUMENT, "{accounts(filter:{" + many(600, 'f#:"#"') + "}){totalCount}}"
    yield "an object of one name", INVALID_DOCUMENT, "{accounts(filter:{" + 'name:"a" ' * 600 + "}){totalCount}}"
    yield "a default", READY, "query($f:Filter={any:[" + '{name:"a"}' * 390 + "]}){accounts(filter:$f){totalCount}}"


def mistakes() -> Family:
    """What has much to be said against it."""
    yield "unknown fields", INVALID_DOCUMENT, viewer(many(990, "f#"))
    yield "unknown fields with fields", INVALID_DOCUMENT, viewer(many(400, "f#{id}"))
    yield "fields that are nearly known", INVALID_DOCUMENT, viewer(many(600, "displayName#"))
    yield "unknown arguments", INVALID_DOCUMENT, "{account(" + many(600, 'name#:"a"') + "){id}}"
    yield "one argument", INVALID_DOCUMENT, "{account(" + 'name:"a" ' * 600 + "){id}}"
    yield "arguments that are missing", INVALID_DOCUMENT, "{" + many(100, "a#:account{id}") + "}"
    yield "unknown types", INVALID_DOCUMENT, viewer(many(60, "...on T#{id}"))
    yield "types that cannot be", INVALID_DOCUMENT, viewer("...on Ticket{number} " * 60)
    yield "objects without fields", INVALID_DOCUMENT, "{" + many(100, "a#:viewer") + "}"
    yield "scalars with fields", INVALID_DOCUMENT, viewer(many(100, "a#:id{id}"))
    yield "selections of nothing", SYNTAX, "{viewer{}}"
    yield "definitions of types", INVALID_DOCUMENT, "{viewer{id}}" + many(240, "type T#{a:Int}")
    yield "extensions of types", INVALID_DOCUMENT, "{viewer{id}}" + many(240, "extend type Query{a#:Int}")


def operations() -> Family:
    """What counts once an operation."""
    yield "operations", "operations", many(240, "query Q#{viewer{id}}")
    shared = many(3, "fragment F# on Query{viewer{id email parent{id email}}}")
    yield "operations that share fragments", READY, many(20, "query Q#{...F0 ...F1 ...F2}") + shared
    yield "operations that share a chain", READY, many(20, "query Q#{viewer{...F0}}") + chain(39, "...G")
    yield "operations without a name", INVALID_DOCUMENT, "{viewer{id}}" * 20
    yield "operations of one name", INVALID_DOCUMENT, "query Q{viewer{id}}" * 20
    everything = many(100, 'a#:accountChanged(id:"#"){id}')
    yield "subscriptions to everything", INVALID_DOCUMENT, "subscription{" + everything + "}"
    spread = many(2, 'fragment F# on Subscription{a#:ticketChanged(id:"#"){id}}')
    yield "subscriptions through fragments", INVALID_DOCUMENT, many(20, "subscription S#{...F0 ...F1}") + spread
    several = many(20, "query Q#($a:String!,$b:Int){account(name:$a){...F} accounts(first:$b){totalCount}}")
    yield "variables in every operation", READY, several + "fragment F on Account{disk(unit:$a)}"


def introspections() -> Family:
    """What the schema tells about itself, over and over."""
    yield "types of fields of types", "introspection", "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"
    links = many(2, "fragment F# on __Type{fields{type{...F#+}}}").replace("F0+", "F1").replace("F1+", "F2")
    end = "fragment F2 on __Type{fields{name}}"
    yield "types of fields through fragments", "introspection", "{__schema{types{...F0}}}" + links + end
    yield "names of all fields", "aliases", "{__schema{types{fields{" + many(600, "a#:name") + "}}}}"
    types = many(99, "a#:type{name}")
    yield "names of all fields' types", "introspection", "{__schema{types{fields{" + types + "}}}}"
    yield "all types again", "introspection", "{" + many(99, "a#:__schema{types{name fields{name}}}") + "}"
    yield "one type again", READY, "{" + many(99, 'a#:__type(name:"Profile"){fields{args{name}}}') + "}"
    yield "types of lists of types", "depth", "{__schema{types{" + "ofType{" * 20 + "name" + "}" * 23
    names = many(99, "a#:name")
    yield "possible types of interfaces", READY, "{__schema{types{interfaces{possibleTypes{" + names + "}}}}}"


def pages() -> Family:
    """What is much once it is executed."""
    yield "pages in pages", "cost", "{viewer{accounts(first:100){nodes{owner{accounts(first:100){nodes{id}}}}}}}"
    yield "pages beside pages", "cost", viewer(many(99, "a#:accounts(last:100){edges{node{id}}}"))
    yield (
        "pages of lists",
        "values",
        "{viewer{tickets(first:100){nodes{" + many(20, "a#:messages{id text " + many(2, "b#:text ") + "}") + "}}}}",
    )
    small = "...on Account{owner{a:accounts(first:1){nodes{id}}}}"
    large = "...on Profile{a:accounts(first:100){nodes{" + many(60, "b#:owner{id}") + "}}}"
    yield "a page behind another", "cost", "{search{" + small + large + "}}"
    yield "objects by id", READY, "{nodes(ids:[" + many(1_900, '"#"') + "]){id}}"
    plans = many(13, "b#:plan{id}")
    again = f"nodes(ids:[{'1 ' * 100}]){{...on Account{{{plans}}}}}"
    yield "objects by id again", "cost", "{a:" + again + " b:" + again + " c:" + again + " d:" + again + "}"
    pages = many(20, "a#:accounts(first:$n){nodes{owner{accounts(first:$n){nodes{id}}}}}")
    yield "pages as variables say", READY, "query($n:Int){viewer{" + pages + "}}"
