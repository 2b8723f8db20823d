"""What the documentation says of the settings, from the settings themselves."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from app.settings import PREFIX, Settings


def settings_table() -> str:
    """Every setting with its default and meaning, as a table in Markdown."""
    head = "| setting | default | meaning |\n| --- | --- | --- |\n"
    return head + "".join(f"| `{name}` | {default} | {meaning} |\n" for name, default, meaning in rows())


def rows() -> Iterator[tuple[str, str, str]]:
    """(name, default, meaning) of every setting; those of a group bear its name first."""
    for name, setting in Settings.model_fields.items():
        full, default, meaning = PREFIX + name.upper(), setting.default, setting.description or ""
        if is_dataclass(default) and not isinstance(default, type):
            for part in fields(default):
                yield f"{full}__{part.name.upper()}", shown(getattr(default, part.name)), meaning
        else:
            yield full, shown(default), meaning


def shown(value: Any) -> str:
    """A default as one would write it."""
    match value:
        case None | ():
            return "none"
        case tuple():
            return f"`{','.join(map(str, value))}`"
        case bool():
            return "`true`" if value else "`false`"
        case timedelta():
            return f"`{int(value.total_seconds())}` seconds"
        case Enum():
            return f"`{value.value}`"
        case _:
            return f"`{value}`"
