"""Documents in which executors usually differ, one for each reason; all of them as the demo's people ask them."""

from typing import Any, NamedTuple
from uuid import UUID

from app.demo_hosting import ACCOUNT_KEYS, FORGE
from models.sandbox import CLOCK_ID
from schema.global_id import global_id
from tests.api import DELEGATE, OWNER
from tests.fault import Faults, Kind, only

OWNER_ID, DELEGATE_ID = (global_id("Profile", person.key) for person in (OWNER, DELEGATE))
ATELIER, BOUTIQUE = (global_id("Account", ACCOUNT_KEYS[name]) for name in ("atelier", "boutique"))
FORGE_ID, SANDBOX = global_id("Server", FORGE), global_id("Sandbox", CLOCK_ID)
ABSENT = global_id("Account", UUID(int=7))


class Case(NamedTuple):
    """A document, and what to expect of it: the codes of its errors, in order."""

    document: str
    variables: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    codes: tuple[str, ...] = ()
    who: str = "owner with 2 factors"
    faults: Faults | None = None


DEFECT, NOTHING, UNREADABLE, REFUSED, BUSY = (
    Kind.DEFECT,
    Kind.NOTHING,
    Kind.UNREADABLE,
    Kind.REFUSED,
    Kind.BUSY,
)
MERGED = """{ viewer { accounts(first: 2) { nodes { ...A } } ...B accounts(first: 2) { totalCount nodes { status } } } }
  fragment A on Node { id ... on Account { name owner { email } } ... on Profile { email } }
  fragment B on Actor { displayName ... on Profile { accounts(first: 2) { nodes { owner { id kind } name } } } }"""
ALIASES = """{ viewer { a: accounts(first: 1) { nodes { name } } b: accounts(last: 1) { nodes { name } }
  c: accounts(filter: {search: "forge"}) { nodes { name server { name } } totalCount }
  d: accounts(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { name } pageInfo { endCursor } }
  e: accounts(first: 1) { totalCount } f: servers { nodes { accounts(first: 1) { nodes { name } totalCount } } } } }"""
CONDITIONS = """query C($yes: Boolean!, $no: Boolean = false, $maybe: Boolean! = true) { viewer {
  ...F @include(if: $yes) ...G @skip(if: $maybe) ... @include(if: $no) { createdAt }
  ... on Actor @skip(if: $no) { displayName @include(if: $yes) } email @skip(if: $yes) @include(if: $yes)
  accounts(first: 1) @include(if: $maybe) { nodes { name @skip(if: $no) status @include(if: $no) } } } }
  fragment F on Profile { id ...G @skip(if: $no) } fragment G on Node { id ... on Profile { kind } }"""
TYPENAMES = """{ __typename t: __typename viewer { __typename ... on Actor { __typename } accounts(first: 1) {
  __typename edges { __typename node { __typename ... on Node { u: __typename } plan { serviceLevel { __typename } } } }
  pageInfo { __typename } } security { __typename sessions { __typename } } identity { __typename } }
  catalog { __typename plans { __typename prices { __typename } } } rateLimit { __typename } }"""
EMPTY = """{ viewer { accounts(filter: {search: "no such name"}) { nodes { name owner { id } } edges { cursor }
  totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } servers(first: 0) { nodes { name } }
  grantsReceived { nodes { id } edges { node { id } } } activity(filter: {action: "nothing."}) { nodes { id } } } }"""
SIZES = """{ viewer { zero: accounts(first: 0) { nodes { id } edges { cursor } totalCount pageInfo { hasNextPage } }
  count: accounts { totalCount } last: accounts(last: 2) { nodes { name } pageInfo { hasNextPage hasPreviousPage } }
  both: accounts(first: 2) { edges { cursor node { name id } } nodes { id status } } null: accounts(first: null) {
  edges { node { name } } } empty: accounts(last: 0) { pageInfo { startCursor endCursor hasPreviousPage } } } }"""
WRONG_SIZES = """{ viewer { many: accounts(first: 101) { totalCount } less: servers(first: -1) { totalCount }
  two: grantsGiven(first: 1, last: 1) { totalCount } none: activity(first: null, last: 200) { totalCount } } }"""
EVERY = """query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Account { name server { name } }
  ... on Profile { email accounts(first: 1) { nodes { name } } } ... on Server { name configuration { cpu } }
  ... on Actor { displayName } ... on Plan { code } ... on Sandbox { now } } }"""
ACTORS = """{ viewer { activity(first: 40) { nodes { action actor { __typename displayName ... on Profile { email id }
  ... on HiddenActor { h: displayName } ... on SystemActor { s: displayName } ... on Node { id } } subject { __typename
  id ... on Account { name } ... on Session { method } } apiToken { name } changes { name before } } } } }"""
UNION = """{ viewer { subscriptions { nodes { label item { __typename ... on Account { name owner { id } }
  ... on Server { name } ... on Node { id } } plan { code } period periodEnd } } } }"""
DEEP = """{ viewer { accounts(first: 3) { nodes { owner { accounts(first: 2) { nodes { owner { accounts(first: 1) {
  nodes { name plan { prices { period } } } } } } } } } } } }"""
SAME = """query S($id: ID!) { a: node(id: $id) { ...X } b: node(id: $id) { ...X ...Y }
  account(name: "atelier") { ...X ...Y } } fragment X on Account { name viewerCan(action: RENAME) { allowed reason } }
  fragment Y on Account { status plan { id } }"""
ARGUMENTS = """query A($action: AccountAction! = DELETE, $filter: AccountFilter, $field: AccountOrderField = CREATED_AT,
  $first: Int, $name: String! = "atelier") { account(name: $name) { a: viewerCan(action: $action) { allowed }
  b: viewerCan(action: RENAME) { allowed } viewerActions } viewer { accounts(first: $first, filter: $filter,
  orderBy: {field: $field}) { nodes { name } } } catalog { plans(kind: null) { code }
  accountNameAvailable(name: $name) } }"""
DATES = """query D($from: Date, $id: ID) { viewer { activity(first: 3, filter: {subjectId: $id,
  occurred: {from: $from}}) { nodes { occurredAt } totalCount } } }"""
SIBLINGS = """{ viewer { accounts(first: 2) { nodes { name defaultHostname owner { displayName email } } totalCount }
  email security { passwordChangedAt } } catalog { urgentTicketFee { amount } plans { code } } rateLimit { cost } }"""
OTHER_LIST = """query O($ids: [ID!]!, $after: String) { viewer { activity(first: 1) { pageInfo { endCursor } } }
  nodes(ids: $ids) { id ... on Profile { servers { totalCount } accounts(after: $after) { nodes { id } } } } }"""
DENIED = """query D($id: ID!) { node(id: $id) { ... on Profile { email kind locale identity { city }
  grantsGiven { totalCount } } } }"""
QUOTES = """query Q($id: ID!) { node(id: $id) { ... on Profile { a: invoicingDayQuote(day: 5) { ...Q refund { amount } }
  b: invoicingDayQuote(day: 28) { ...Q expiresAt } c: invoicingDayQuote { ...Q token }
  billing { balance { amount } } } } } fragment Q on Quote { balanceAfter { amount } invoicedOn
  blockers { __typename code message } lines { label total { gross { amount } } explanation }
  charge { gross { amount } } }"""
SHARED = """query S($id: ID!) { node(id: $id) { ... on Account { serverStatus { __typename } owner { email } } }
  account(name: "boutique") { owner { email displayName } name } viewer { security { sessions { method } } } }"""

CASES: dict[str, Case] = {
    "an argument that does not fit, of who may not have the field": Case(
        'query ($name: String = "") { server(name: $name) { name } }', {"name": None}, ("BAD_USER_INPUT",), who="nobody"
    ),
    "guards of what is no row, one balance in several quotes": Case(QUOTES, {"id": OWNER_ID}),
    "such guards, asked by somebody who was granted it": Case(QUOTES, {"id": OWNER_ID}, who="delegate with 1 factors"),
    "such guards, below what is denied": Case(
        QUOTES, {"id": OWNER_ID}, ("FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"), who="tech with 2 factors"
    ),
    "merged fields through fragments on interfaces and objects": Case(MERGED),
    "aliases of one relation with other arguments": Case(ALIASES),
    "conditions, all true": Case(CONDITIONS, {"yes": True}),
    "conditions, all false": Case(CONDITIONS, {"yes": False, "maybe": False, "no": True}),
    "typenames everywhere": Case(TYPENAMES),
    "empty lists": Case(EMPTY),
    "sizes of pages": Case(SIZES),
    "wrong sizes of pages": Case(WRONG_SIZES, codes=("BAD_USER_INPUT",)),
    "any object by its id": Case(EVERY, {"ids": [OWNER_ID, ATELIER, FORGE_ID, SANDBOX, DELEGATE_ID]}),
    "the same id twice, and ids of nothing": Case(EVERY, {"ids": [ATELIER, "", ABSENT, ATELIER, "nothing", BOUTIQUE]}),
    "ids of what is no node": Case(EVERY, {"ids": [global_id("ServiceLevel", UUID(int=7)), ATELIER]}),
    "one id for a list of them": Case(EVERY, {"ids": ATELIER}),
    "no ids": Case(EVERY, {"ids": []}),
    "too many ids": Case(EVERY, {"ids": [ATELIER] * 101}, codes=("BAD_USER_INPUT",)),
    "ids as somebody else": Case(EVERY, {"ids": [OWNER_ID, ATELIER, FORGE_ID, SANDBOX]}, who="free with 1 factors"),
    "ids as nobody": Case(EVERY, {"ids": [OWNER_ID, ATELIER, SANDBOX]}, who="nobody"),
    "an id as an Int": Case("{ node(id: 12) { id } }"),
    "actors of each kind": Case(ACTORS, who="customer 1 with 2 factors"),
    "a union": Case(UNION),
    "around in a circle": Case(DEEP),
    "one object on three ways": Case(SAME, {"id": ATELIER}),
    "arguments by default": Case(ARGUMENTS),
    "arguments that are null": Case(ARGUMENTS, {"filter": None, "first": None}),
    "arguments that are given": Case(
        ARGUMENTS,
        {"action": "GRANT", "filter": {"status": "ACTIVE", "search": None}, "field": "NAME", "first": 1, "name": "x"},
    ),
    "null for what has a default and may not be null": Case(ARGUMENTS, {"field": None}, codes=("BAD_USER_INPUT",)),
    "scalars as arguments": Case(DATES, {"from": "2024-02-29", "id": ATELIER}),
    "scalars that are null": Case(DATES, {"from": None, "id": None}),
    "scalars that are absent": Case(DATES),
    "a cursor of another list": Case(
        OTHER_LIST,
        {"ids": [OWNER_ID, ATELIER], "after": "WyJhIl0"},
        codes=("BAD_USER_INPUT",),
    ),
    "denied fields among others": Case(
        DENIED,
        {"id": OWNER_ID},
        codes=("FORBIDDEN", "FORBIDDEN"),
        who="delegate with 1 factors",
    ),
    "denied because of the second factor": Case(
        '{ account(name: "atelier") { name usage { measuredAt } statistics { visits } } }',
        who="tech with 1 factors",
    ),
    "without a session": Case('{ viewer { id } session { id } sandbox { now } account(name: "atelier") { id } }'),
    "a leaf that fails, which may not be null": Case(SIBLINGS, codes=("INTERNAL",), faults=only(Account_name=DEFECT)),
    "a leaf that is null, which may not be": Case(SIBLINGS, codes=("INTERNAL",), faults=only(Account_name=NOTHING)),
    "a leaf that cannot be written": Case(SIBLINGS, codes=("BAD_USER_INPUT",), faults=only(Account_name=UNREADABLE)),
    "a leaf that is refused": Case(SIBLINGS, codes=("BAD_USER_INPUT",), faults=only(Profile_email=REFUSED)),
    "a computed leaf that fails": Case(SIBLINGS, codes=("INTERNAL",), faults=only(Account_defaultHostname=DEFECT)),
    "a batch that is busy for a key": Case(SIBLINGS, codes=("UNAVAILABLE",), faults=only(Catalog_urgentTicketFee=BUSY)),
    "a statement that fails in a list": Case(SIBLINGS, codes=("INTERNAL",), faults=only(Profile_accounts=DEFECT)),
    "a list that fails": Case(SIBLINGS, codes=("INTERNAL",), faults=only(Catalog_plans=DEFECT)),
    "two that fail beside each other": Case(
        SIBLINGS,
        codes=("INTERNAL", "UNAVAILABLE"),
        faults=only(Security_passwordChangedAt=DEFECT, Catalog_urgentTicketFee=BUSY),
    ),
    "several below one that is nulled": Case(
        SIBLINGS,
        codes=("INTERNAL",),
        faults=only(Account_name=DEFECT, Account_defaultHostname=DEFECT, Profile_email=NOTHING),
    ),
    "an item of a list that may not be null": Case(
        "{ viewer { security { sessions { createdAt method } twoFactorEnabled } } }",
        codes=("INTERNAL",),
        faults=only(Session_createdAt=NOTHING),
    ),
    "an object in a list that may be null": Case(
        EVERY, {"ids": [ATELIER, OWNER_ID]}, codes=("INTERNAL", "INTERNAL"), faults=only(Account_name=DEFECT)
    ),
    "a field that may be null": Case(
        "{ viewer { accounts(first: 2) { nodes { statistics { __typename } name } } } }",
        codes=("UNAVAILABLE", "UNAVAILABLE"),
        faults=only(Account_statistics=BUSY),
    ),
    "one that fails while another waits for the same": Case(
        SHARED, {"id": ATELIER}, codes=("INTERNAL",), faults=only(Account_serverStatus=DEFECT)
    ),
    "nothing is left of the answer": Case(
        "{ viewer { id } session { id } }",
        codes=("INTERNAL", "INTERNAL"),
        faults=only(Profile_id=DEFECT, Session_id=DEFECT),
    ),
}
