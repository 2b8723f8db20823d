"""A catalogue in TOML: the one that comes with the service, or a provider's own."""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.catalog import Catalog
from resolvers.catalog import CatalogRefused

SHIPPED = Path(__file__).parent / "catalogue.toml"


@cache
def shipped() -> Catalog:
    """The catalogue that comes with the service."""
    return read(SHIPPED)


def read(path: Path) -> Catalog:
    """The catalogue in a file; raises CatalogRefused with everything that is wrong with it."""
    try:
        return Catalog.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        raise CatalogRefused("\n".join(line for each in error.errors() for line in _lines(each))) from None
    except (OSError, ValueError) as error:
        raise CatalogRefused(f"{path}: {error}") from None


def _lines(error: Any) -> Iterator[str]:
    place = ".".join(str(part) for part in error["loc"])
    for line in str(error["msg"]).removeprefix("Value error, ").split("\n"):
        yield f"{place}: {line}" if place else line
