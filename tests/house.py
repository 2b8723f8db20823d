"""The house rules that no ready-made linter knows. `python -m tests.house` prints `file:line: message` for each breach.

A lint is a function of a path and a source; its docstring says which pain prompted it.
"""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Finding(NamedTuple):
    line: int
    message: str


Lint = Callable[[str, str], Iterator[Finding]]

MIGRATIONS = "models/migrations/"
CONNECTING = ("models/db.py", "models/reading.py")
"""What reaches the database."""
FUNCTION_LIMIT = 40
FILE_LIMIT = 300
TEST_FILE_LIMIT = 600


# What the lints share


@lru_cache(maxsize=4)
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


@lru_cache(maxsize=4)
def nodes(source: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(source)))


@lru_cache(maxsize=4)
def imported(source: str) -> dict[str, str]:
    """What each imported name stands for: `from time import time as t` gives `t` → `time.time`."""
    names: dict[str, str] = {}
    for node in nodes(source):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.AST, source: str) -> str:
    """The full name behind an expression such as `dt.datetime.now`; empty where there is none."""
    if isinstance(node, ast.Name):
        return imported(source).get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, source)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def last_name(node: ast.expr) -> str:
    """`raises` for `pytest.raises`, whatever stands before the dot."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# Time


CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
}
STOPWATCHES = {f"time.{name}{unit}" for name in ("monotonic", "perf_counter", "process_time") for unit in ("", "_ns")}


def no_machine_clock(path: str, source: str) -> Iterator[Finding]:
    """One rule that reads the machine's clock ignores the sandbox's, and a story told in tests stops being one."""
    if path == "models/clock.py" or path.startswith("tests/"):
        return
    forbidden = CLOCKS if path.startswith(("engine/", "app/", "bench/")) else CLOCKS | STOPWATCHES
    for node in nodes(source):
        if isinstance(node, ast.Name | ast.Attribute) and (name := dotted(node, source)) in forbidden:
            yield Finding(node.lineno, f"{name} reads the machine's clock: take a clock")


# Layers


def no_async_rule(path: str, source: str) -> Iterator[Finding]:
    """A rule that awaits can be interleaved with another and decide on what is no longer true."""
    if not path.startswith("models/") or path.startswith(MIGRATIONS) or path in CONNECTING:
        return
    for node in nodes(source):
        if isinstance(node, ast.AsyncFunctionDef):
            yield Finding(
                node.lineno, f"{node.name} is async: rules work on loaded rows, only what reaches the database awaits"
            )


def no_postponed_annotations(path: str, source: str) -> Iterator[Finding]:
    """Tables and GraphQL types are made from annotations; postponed, they are strings that resolve wrongly or late."""
    if not path.startswith(("models/", "resolvers/", "schema/")):
        return
    for node in nodes(source):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield Finding(node.lineno, "annotations are read at run time here: no __future__ import")


def no_relay_module(path: str, source: str) -> Iterator[Finding]:
    """Strawberry's relay resolves nodes and pages on its own, past the permission gate and the planner."""
    for node in nodes(source):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [dotted(node, source)] if isinstance(node.value, ast.Name) else []
        if isinstance(node, ast.stmt | ast.expr) and any(
            name == "strawberry.relay" or name.startswith("strawberry.relay.") for name in names
        ):
            yield Finding(node.lineno, "strawberry.relay is not used: connections and nodes are ours")


# Size and names


VAGUE = {"services", "repositories", "utils", "core", "common", "helpers", "managers"}


def no_vague_name(path: str, source: str) -> Iterator[Finding]:
    """A drawer with no noun on it collects what nobody wanted to place, and is where everything is then searched."""
    for part in PurePosixPath(path).parts:
        if part.partition(".")[0].lower() in VAGUE:
            yield Finding(1, f"{part} names no noun: put its content with the noun it serves")


def no_filled_init(path: str, source: str) -> Iterator[Finding]:
    """A re-export hides where a thing lives, and importing one noun then imports all of them, in a circle."""
    if PurePosixPath(path).name == "__init__.py" and source:
        yield Finding(1, "__init__.py is not empty")


LAYOUT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
Position = tuple[int, int]


def is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return is_text(node.left) and is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def prose(source: str) -> Iterator[tuple[Position, Position]]:
    """From where to where docstrings and descriptions go."""
    lines = source.splitlines()

    def column(line: int, offset: int) -> int:
        """Syntax trees count bytes; tokens count characters."""
        return len(lines[line - 1].encode()[:offset].decode())

    for node in nodes(source):
        docstring = isinstance(node, ast.Expr) and is_text(node.value)
        description = (
            isinstance(node, ast.keyword) and node.arg in ("description", "deprecation_reason") and is_text(node.value)
        )
        if isinstance(node, ast.Expr | ast.keyword) and (docstring or description):
            end = node.end_lineno or node.lineno
            yield (
                (node.lineno, column(node.lineno, node.col_offset)),
                (end, column(end, node.end_col_offset or 0)),
            )


@lru_cache(maxsize=4)
def code_lines(source: str) -> frozenset[int]:
    """The lines that hold code: not blank, not comment, not docstring, not description."""
    spans = list(prose(source))
    beside_prose = {line for start, end in spans for line in range(start[0], end[0] + 1)}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in LAYOUT or any(start <= token.start and token.end <= end for start, end in spans):
            continue
        if token.string in {",", "(", ")"} and token.start[0] in beside_prose:
            continue
        lines.update(range(token.start[0], token.end[0] + 1))
    return frozenset(lines)


def no_overgrown_code(path: str, source: str) -> Iterator[Finding]:
    """A long file is several nouns and a long function several rules; the second one is never found nor tested."""
    if path.startswith(MIGRATIONS):
        return
    limit = TEST_FILE_LIMIT if path.startswith("tests/") else FILE_LIMIT
    code = code_lines(source)
    if len(code) >= limit:
        yield Finding(1, f"{len(code)} lines of code, {limit} is too many: split by sub-noun")
    for node in nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = len(code.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
            if size > FUNCTION_LIMIT:
                yield Finding(node.lineno, f"{node.name} has {size} lines, {FUNCTION_LIMIT} are enough")


# Truth


def does_nothing(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in body
    )


def no_silent_except(path: str, source: str) -> Iterator[Finding]:
    """A swallowed error is money that was not posted, found by the customer."""
    for node in nodes(source):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield Finding(node.lineno, "bare except: name what is expected")
            elif does_nothing(node.body):
                yield Finding(node.lineno, "an except that does nothing: handle it, or let it rise")
        elif isinstance(node, ast.Call) and last_name(node.func) == "suppress":
            hidden = {last_name(argument) for argument in node.args}
            if not hidden.isdisjoint({"Exception", "BaseException"}):
                yield Finding(node.lineno, "suppress(Exception) hides everything: name what is expected")


def no_float(path: str, source: str) -> Iterator[Finding]:
    """0.1 + 0.2: money is whole cents, rates are whole points or decimals."""
    if not path.startswith("models/"):
        return
    for node in nodes(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield Finding(node.lineno, f"{node.value!r} is a float: cents are integers, rates are decimals")
        elif isinstance(node, ast.Call) and dotted(node.func, source) == "float":
            yield Finding(node.lineno, "float() in a rule: cents are integers, rates are decimals")


def is_assembled(node: ast.expr) -> bool:
    """Whether a value is written into the text: an f-string, `%`, `+` or `.format`."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) or is_assembled(node.left) or not is_text(node.right)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def no_assembled_sql(path: str, source: str) -> Iterator[Finding]:
    """SQL with a value written into it is an injection waiting for its value; values are bound."""
    if path.startswith(MIGRATIONS) or path in ("models/db.py", "models/sqlite.py"):
        return
    for node in nodes(source):
        if isinstance(node, ast.Call) and last_name(node.func) in ("text", "exec_driver_sql"):
            statements = node.args[:1] + [word.value for word in node.keywords if word.arg in ("text", "statement")]
            if any(is_assembled(statement) for statement in statements):
                yield Finding(node.lineno, "SQL assembled from values: bind them")


def no_idle_test(path: str, source: str) -> Iterator[Finding]:
    """A test that asserts nothing is green on the day the rule is gone."""
    if not path.startswith("tests/"):
        return
    for node in nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            asserting = any(asserts(inner) for inner in ast.walk(node))
            if not asserting:
                yield Finding(node.lineno, f"{node.name} asserts nothing")


def asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = last_name(node.func).lstrip("_")
        return name in ("raises", "warns") or name.startswith(("assert", "expect", "check"))
    return isinstance(node, ast.Assert)


# Any text


# Brackets and backslashes keep this file from finding itself.
REGISTRY = re.compile(r"registry\.npmjs\.(org|com)|registry\.yarnpkg\.com|pypi\.(python\.)?org|pythonhosted\.org")
MACHINE_PATH = re.compile(r"(?<![\w.])/(roo[t]\b|(home|Users|work|tmp)/\w)")
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|X{3}|NotImplemented[E]rror)\b")
PINNED = {"requirements.lock", "package-lock.json"}


def matches(pattern: re.Pattern[str], source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), start=1):
        if found := pattern.search(line):
            yield number, found.group()


def no_outside_address(path: str, source: str) -> Iterator[Finding]:
    """A lock that names a registry fails behind a mirror; a path of someone's machine fails on every other one."""
    for line, found in matches(REGISTRY, source):
        yield Finding(line, f"names a package registry, {found}")
    for line, found in matches(MACHINE_PATH, source):
        yield Finding(line, f"names a path of one machine, {found}")


def no_unfinished_work(path: str, source: str) -> Iterator[Finding]:
    """A note to do it later is read by no one later; what is not done is not there."""
    if PurePosixPath(path).name in PINNED:  # Hashes may spell anything.
        return
    for line, found in matches(UNFINISHED, source):
        yield Finding(line, f"{found}: finish it or take it out")


# The run


TEXT_LINTS: tuple[Lint, ...] = (no_vague_name, no_filled_init, no_outside_address, no_unfinished_work)
PYTHON_LINTS: tuple[Lint, ...] = (
    no_machine_clock,
    no_async_rule,
    no_postponed_annotations,
    no_relay_module,
    no_overgrown_code,
    no_silent_except,
    no_float,
    no_assembled_sql,
    no_idle_test,
)


def findings(path: str, source: str) -> list[Finding]:
    """Every breach in one file, in order."""
    lints = TEXT_LINTS
    if path.endswith(".py"):
        try:
            parsed(source)
        except SyntaxError as error:
            return [Finding(error.lineno or 1, f"does not parse: {error.msg}")]
        lints += PYTHON_LINTS
    return sorted(finding for lint in lints for finding in lint(path, source))


def files() -> list[str]:
    """What git tracks or would track; every file, less what is installed or built, where there is no git."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return sorted(walked())
    return sorted(filter(None, listing.stdout.decode().split("\0"))) or sorted(walked())


def walked() -> Iterator[str]:
    left_out = {"__pycache__", "build", "dist", "mutants", "node_modules", "var"}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in left_out and (name[0] != "." or name == ".ci")]
        for name in names:
            yield (Path(folder) / name).relative_to(ROOT).as_posix()


def main() -> int:
    failed = False
    for path in files():
        try:
            source = (ROOT / path).read_text("utf-8")
        except (
            FileNotFoundError,
            IsADirectoryError,
            UnicodeDecodeError,
        ):  # Deleted, a link to a folder, or not a text.
            continue
        for finding in findings(path, source):
            failed = True
            print(f"{path}:{finding.line}: {finding.message}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
