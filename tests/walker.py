"""A walker of schemas: from a number, a document that is valid, its variables, and which operation is meant.

It knows nothing but the schema and the conventions of Relay. Under one response key of a merged selection set stands
one field with the same arguments and type, whatever fragments it comes through (`Scope`), so that fields always merge.
What it writes is bounded so that a service which counts depth, fields and points lets it pass.
"""

from collections.abc import Collection, Mapping
from functools import cached_property
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
)
from graphql.utilities import do_types_overlap

from tests.arguments import Arguments, Supply
from tests.scope import Bounds, Chosen, Fragment, Place, Request, Scope, Uses

LIST_SIZE = 5
TYPENAME = "__typename"
TOTAL = "totalCount"
ITEMS = ("edges", "nodes")


def signature(field: GraphQLField) -> str:
    """The types of a field and of its arguments: what is written for one has to suit what it merges with."""
    given = ", ".join(f"{name}: {argument.type}" for name, argument in field.args.items())
    return f"({given}): {field.type}" if given else str(field.type)


class Walker:
    """Walks one schema; `roots` are the root fields it may use, None for all."""

    def __init__(
        self,
        schema: GraphQLSchema,
        supply: Supply | None = None,
        *,
        roots: Collection[str] | None = None,
        kinds: tuple[OperationType, ...] = (OperationType.QUERY,),
        bounds: Bounds | None = None,
    ) -> None:
        self.schema = schema
        self.supply = supply or Supply()
        self.roots = roots
        self.kinds = kinds
        self.bounds = bounds or Bounds()
        self._conditions: dict[str, list[GraphQLNamedType]] = {}

    def request(self, seed: int) -> Request:
        """The document of this number."""
        return Walk(self, Random(seed)).request()

    def mutation(self, seed: int, name: str, given: Mapping[str, Any]) -> Request:
        """A mutation that is given this input, and what a number makes of its payload."""
        return Walk(self, Random(seed)).mutation(name, given)

    @cached_property
    def composite(self) -> list[GraphQLNamedType]:
        kinds = [kind for name, kind in sorted(self.schema.type_map.items()) if not name.startswith("__")]
        return [kind for kind in kinds if is_composite_type(kind)]

    def conditions(self, parent: Any) -> list[GraphQLNamedType]:
        """The types that a fragment may be on, where the parent is this type."""
        if parent.name not in self._conditions:
            self._conditions[parent.name] = [
                kind
                for kind in self.composite
                if do_types_overlap(self.schema, parent, kind)  # type: ignore[arg-type]
            ]
        return self._conditions[parent.name]

    def fields(self, parent: Any) -> Mapping[str, GraphQLField]:
        """The fields of a type that may be chosen."""
        if isinstance(parent, GraphQLUnionType):
            return {}
        found: Mapping[str, GraphQLField] = parent.fields
        is_root = parent in (self.schema.query_type, self.schema.mutation_type)
        return {name: each for name, each in found.items() if not is_root or self.roots is None or name in self.roots}


class Walk:
    """One document in the making."""

    def __init__(self, walker: Walker, random: Random) -> None:
        self.walker = walker
        self.random = random
        self.bounds = walker.bounds
        self.arguments = Arguments(random, walker.supply)
        self.fragments: dict[str, Fragment] = {}
        self.spread: dict[str, None] = {}
        self.selections = self.points = self.aliases = 0

    def request(self) -> Request:
        """Operations, one of which is meant, and the fragments that they use."""
        names = [f"Q{number}" for number in range(1, self.random.choice((1, 1, 1, 1, 2, 3)) + 1)]
        share = self.bounds.selections // len(names)
        made = {name: self._operation(name, share * number) for number, name in enumerate(names, start=1)}
        meant = self.random.choice(names)
        text = [written for written, _ in made.values()]
        used = dict.fromkeys(name for _, uses in made.values() for name in uses.fragments)
        text += [self.fragments[name].text for name in used]
        if len(names) == 1 and self.random.random() < 0.3:  # Alone, it needs no name.
            text[0] = text[0].replace(" Q1", "", 1)
            text[0] = text[0].removeprefix("query ") if text[0].startswith("query {") else text[0]
            names = []
        variables = {name: self.arguments.variables[name] for name in made[meant][1].variables}
        sent = {name: each.value for name, each in variables.items() if each.sent}
        return Request("\n".join(text), sent, meant if names and (names[1:] or self.random.random() < 0.5) else None)

    def mutation(self, name: str, given: Mapping[str, Any]) -> Request:
        """One mutation with its input in a variable."""
        root: Any = self.walker.schema.mutation_type
        field: GraphQLField = root.fields[name]
        uses = self._begun()
        body = self._selection(get_named_type(field.type), Scope(), Place(depth=2), self.bounds.selections)
        variables = ", ".join([f"$input: {field.args['input'].type}", *self._declared(uses)])
        text = [f"mutation M({variables}) {{ {name}(input: $input) {body} }}"]
        text += [self.fragments[each].text for each in uses.fragments]
        sent = {each: there.value for each in uses.variables if (there := self.arguments.variables[each]).sent}
        return Request("\n".join(text), {**sent, "input": dict(given)}, None)

    def _operation(self, name: str, until: int) -> tuple[str, Uses]:
        kind = self.random.choice(self.walker.kinds)
        root = self.walker.schema.get_root_type(kind)
        uses = self._begun()
        body = self._selection(root, Scope(), Place(), until)
        variables = ", ".join(self._declared(uses))
        return f"{kind.value} {name}{f'({variables})' if variables else ''} {body}", uses

    def _declared(self, uses: Uses) -> list[str]:
        declared = ((each, self.arguments.variables[each]) for each in uses.variables)
        return [f"${each}: {there.declared}{there.default}" for each, there in declared]

    def _begun(self) -> Uses:
        """Begin a definition: what is written from here on is its."""
        uses = Uses()
        self.arguments.used, self.spread = uses.variables, uses.fragments
        return uses

    def _selection(self, parent: Any, scope: Scope, place: Place, until: int) -> str:
        """Some selections, in braces; `until` so many have been made in the whole document."""
        self.points += place.items
        parts: list[str] = []
        for _ in range(self.random.choice((1, 2, 2, 3, 3, 4, 5, 7))):
            if self.selections < until or not parts:
                self.selections += 1
                parts += filter(None, [self._one(parent, scope, place, until)])
        return "{ " + " ".join(parts or [self._typename(scope)]) + " }"

    def _one(self, parent: Any, scope: Scope, place: Place, until: int) -> str:
        roll = self.random.random() * (0.3 if is_abstract_type(parent) else 1)
        if roll < 0.12:
            return self._inline(parent, scope, place, until)
        if roll < 0.22:
            return self._spread(parent, scope, place, until)
        if roll < 0.25:
            return self._typename(scope)
        return self._again(parent, scope, place, until) if roll < 0.3 else self._field(parent, scope, place, until)

    def _typename(self, scope: Scope) -> str:
        alias = self._alias() if self.random.random() < 0.3 else ""
        scope[alias or TYPENAME] = Chosen(TYPENAME, "", "String!", Scope())
        return f"{alias}: {TYPENAME}" if alias else TYPENAME

    def _alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def _field(self, parent: Any, scope: Scope, place: Place, until: int) -> str:
        """A field with its arguments; under an alias where its name is taken, and now and then for nothing."""
        fields = self.walker.fields(parent)
        deeper = [name for name, each in fields.items() if is_composite_type(get_named_type(each.type))]
        names = [name for name in fields if name not in deeper]
        if deeper and self._may_go_deeper(place, until) and (not names or self.random.random() < 0.55):
            names = deeper
        if not names:
            return self._typename(scope)
        name = self.random.choice(names)
        field = fields[name]
        arguments, page = self.arguments.of_field(field, self.bounds.items // place.items)
        chosen = Chosen(name, arguments, signature(field), Scope(), page)
        key = name if Scope.fits(scope, Scope({name: chosen})) and self.random.random() < 0.8 else self._alias()
        label = name if key == name else f"{key}: {name}"
        below = scope.setdefault(key, chosen).below
        return f"{label}{arguments}{self.arguments.condition()}{self._below(name, field, below, place, page, until)}"

    def _may_go_deeper(self, place: Place, until: int) -> bool:
        bounds = self.bounds
        return place.depth < bounds.depth and self.selections < until and self.points + place.items < bounds.points

    def _below(self, name: str, field: GraphQLField, scope: Scope, place: Place, page: int | None, until: int) -> str:
        inner: Any = get_named_type(field.type)
        if not is_composite_type(inner):
            self.points += 20 * place.items if name == TOTAL else 0
            return ""
        times = 1
        if is_list_type(get_nullable_type(field.type)):
            times = place.page if place.page is not None and name in ITEMS else LIST_SIZE
        asked = self.arguments.drawn if field.args else None
        there = Place(place.depth + 1, max(1, place.items * times), page, asked)
        return " " + self._selection(inner, scope, there, until)

    def _again(self, parent: Any, scope: Scope, place: Place, until: int) -> str:
        """A field that is there already, under the same key: what is selected below is merged."""
        fields = self.walker.fields(parent)
        there = [
            (key, each)
            for key, each in scope.items()
            if each.name in fields and signature(fields[each.name]) == each.type
        ]
        leaves = [(key, each) for key, each in there if not is_composite_type(get_named_type(fields[each.name].type))]
        choice = there if self._may_go_deeper(place, until) else leaves
        if not choice:
            return self._typename(scope)
        key, each = self.random.choice(choice)
        label = each.name if key == each.name else f"{key}: {each.name}"
        again = self._below(each.name, fields[each.name], each.below, place, each.page, until)
        return f"{label}{each.arguments}{self.arguments.condition()}{again}"

    def _inline(self, parent: Any, scope: Scope, place: Place, until: int) -> str:
        kind = self._condition(parent, place) if self.random.random() < 0.85 else None
        written = f" on {kind.name}" if kind else ""
        return f"...{written}{self.arguments.condition()} {self._selection(kind or parent, scope, place, until)}"

    def _condition(self, parent: Any, place: Place) -> GraphQLNamedType:
        """What a fragment is on: mostly an object that may be there, else anything that is allowed."""
        possible = self.walker.schema.get_possible_types(parent) if is_abstract_type(parent) else [parent]
        if asked := [kind for kind in possible if kind.name == place.asked and self.random.random() < 0.6]:
            return asked[0]
        return self.random.choice(possible if self.random.random() < 0.6 else self.walker.conditions(parent))

    def _spread(self, parent: Any, scope: Scope, place: Place, until: int) -> str:
        """A named fragment, one that is there already or a new one; nothing where it does not fit in."""
        kinds = self.walker.conditions(parent)
        known = [
            each
            for each in self.fragments.values()
            if each.on in kinds
            and each.items >= place.items
            and place.depth + each.scope.height <= self.bounds.depth
            and self.points + each.points <= self.bounds.points
        ]
        if known and self.random.random() < 0.5:
            fragment = self.random.choice(known)
            self.points += fragment.points
        else:
            fragment = self._fragment(self._condition(parent, place), place, until)
        if not scope.fits(fragment.scope):
            return ""
        scope.take(fragment.scope)
        self.arguments.used |= fragment.uses.variables
        self.spread |= {**fragment.uses.fragments, fragment.name: None}
        return f"...{fragment.name}{self.arguments.condition()}"

    def _fragment(self, kind: GraphQLNamedType, place: Place, until: int) -> Fragment:
        outer, points, scope = (self.arguments.used, self.spread), self.points, Scope()
        uses = self._begun()
        body = self._selection(kind, scope, place, until)
        self.arguments.used, self.spread = outer
        name = f"F{len(self.fragments) + 1}"
        text = f"fragment {name} on {kind.name} {body}"
        made = Fragment(name, kind, text, scope, uses, place.items, self.points - points)
        self.fragments[name] = made
        return made
