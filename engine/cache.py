"""A bounded memory of what was made from texts."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class LruCache(Generic[T]):
    """What was used last, by what it was made from, within so many entries and bytes."""

    def __init__(self, entries: int, size_bytes: int) -> None:
        self.entries = entries
        self.size_bytes = size_bytes
        self.used_bytes = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> T | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def keep(self, key: Hashable, value: T, size_bytes: int) -> None:
        self._values[key] = value, size_bytes
        self.used_bytes += size_bytes
        while len(self._values) > self.entries or self.used_bytes > self.size_bytes:
            _, (_, freed) = self._values.popitem(last=False)
            self.used_bytes -= freed
