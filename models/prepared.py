"""Statements compiled once for one dialect: the text for the driver, its values in order, and what its rows mean.

SQLAlchemy's own types convert, as they do when it runs the statement itself; what is left out is finding all that anew
each time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Dialect, Enum, Float, Numeric, SelectBase, Uuid
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]
KEPT = 4_096
"""Values of one column that are not made again, and readers of columns that remember theirs."""
DOUBLE, DECIMAL = 701, 1700
"""What PostgreSQL calls the types of numbers: SQLAlchemy asks which of them it got."""


class Slot(NamedTuple):
    """One value that the driver is given: that of the parameter `name`, or where there is no name a fixed one."""

    name: str | None
    bind: Convert | None
    fixed: Any


@dataclass(frozen=True, slots=True)
class Prepared:
    """A select as the driver takes it."""

    text: str
    slots: tuple[Slot, ...]
    """The values of `text`, in its order."""
    readers: tuple[Convert | None, ...]
    """For each column what makes its value of the driver's, where that is not the value already."""
    converted: tuple[tuple[int, Convert], ...]
    """The places of those columns that have one."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that have to be given, in the order of the text."""
        return tuple(slot.name for slot in self.slots if slot.name is not None)

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """What the driver is given. Raises KeyError where a parameter is missing."""
        values = []
        for name, bind, fixed in self.slots:
            if name is None:
                values.append(fixed)
            else:
                values.append(parameters[name] if bind is None else bind(parameters[name]))
        return values

    def rows(self, raw: Sequence[Any]) -> Sequence[Any]:
        """What the driver answered, as SQLAlchemy would tell it: tuples, or the driver's rows where they are that."""
        if not self.converted or not raw:
            return raw
        # By columns: each is converted in one go, without Python's steps for each row.
        columns: list[Any] = list(zip(*raw, strict=True))
        for place, read in self.converted:
            columns[place] = map(read, columns[place])
        return list(zip(*columns, strict=True))


def compiled(select: SelectBase, dialect: Dialect) -> Prepared:
    """`select` for the database behind `dialect`. Its text must not depend on values: lists are arrays."""
    made = select.compile(dialect=dialect)
    if not isinstance(made, SQLCompiler):
        raise TypeError("only a select can be compiled to text with values")
    binds = {made.bind_names[bind]: bind for bind in made.bind_names}
    for bind in binds.values():
        if bind.callable is not None or (bind.required and bind in made.post_compile_params):
            raise TypeError(f"the text would depend on the value of {bind.key}")
    state = made.construct_expanded_state({bind.key: None for bind in binds.values() if bind.required})
    processors: dict[str, Any] = {**made._bind_processors, **state.processors}
    slots = tuple(
        _slot(name, binds.get(name), processors.get(name), state.parameters.get(name))
        for name in state.positiontup or ()
    )
    readers = tuple(_reader(column.type, dialect) for column in made._result_columns)
    converted = tuple((place, read) for place, read in enumerate(readers) if read is not None)
    return Prepared(state.statement, slots, readers, converted)


def _slot(name: str, bind: BindParameter[Any] | None, processor: Any, value: Any) -> Slot:
    if bind is not None and bind.required:
        return Slot(bind.key, processor, None)
    return Slot(None, None, value if processor is None else processor(value))


def _reader(kind: Any, dialect: Dialect) -> Convert | None:
    number = None
    if isinstance(kind, Numeric):
        number = DOUBLE if isinstance(kind, Float) else DECIMAL
    reader: Convert | None = kind._cached_result_processor(dialect, number)
    # Ids and states come again and again: to look one up costs a tenth of making it.
    return _remembering(reader) if reader is not None and isinstance(kind, Enum | Uuid) else reader


@lru_cache(maxsize=KEPT)
def _remembering(reader: Convert) -> Convert:
    """A reader that does not make a value again. There is one for each column, whatever statements read it."""
    return lru_cache(maxsize=KEPT)(reader)
