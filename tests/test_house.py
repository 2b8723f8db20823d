"""Every house rule, with one snippet that it catches and one that it lets pass."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests import house

NOUN = "models/invoice.py"
LONG_FUNCTION = "def total():\n" + "    pass\n" * 40
LONG_FILE = "x = 1\n" * 300

CAUGHT: list[tuple[house.Lint, str, str]] = [
    (house.no_machine_clock, NOUN, "from datetime import datetime\ndatetime.now()"),
    (house.no_machine_clock, NOUN, "import datetime as dt\ndt.date.today()"),
    (house.no_machine_clock, NOUN, "from datetime import datetime as d\nField(default_factory=d.utcnow)"),
    (house.no_machine_clock, "app/worker.py", "from time import time\ntime()"),
    (house.no_machine_clock, "resolvers/invoice.py", "import time\ntime.monotonic()"),
    (house.no_async_rule, NOUN, "async def issue(invoice): ..."),
    (house.no_postponed_annotations, NOUN, "from __future__ import annotations"),
    (house.no_relay_module, "schema/invoice.py", "from strawberry import relay"),
    (house.no_relay_module, "schema/invoice.py", "from strawberry.relay import Node"),
    (house.no_relay_module, "schema/invoice.py", "import strawberry\nclass Invoice(strawberry.relay.Node): ..."),
    (house.no_vague_name, "models/utils.py", ""),
    (house.no_vague_name, "app/services/mail.py", ""),
    (house.no_filled_init, "models/__init__.py", "from models.invoice import Invoice"),
    (house.no_overgrown_code, NOUN, LONG_FUNCTION),
    (house.no_overgrown_code, NOUN, LONG_FILE),
    (house.no_overgrown_code, "tests/test_invoice.py", LONG_FILE * 2),
    (house.no_silent_except, NOUN, "try:\n    pay()\nexcept ValueError:\n    pass"),
    (house.no_silent_except, NOUN, "try:\n    pay()\nexcept:\n    raise"),
    (house.no_silent_except, NOUN, "from contextlib import suppress\nwith suppress(Exception):\n    pay()"),
    (house.no_float, NOUN, "rate = 0.2"),
    (house.no_float, NOUN, "rate = float(given)"),
    (house.no_assembled_sql, "resolvers/invoice.py", "text(f'select * from {table}')"),
    (house.no_assembled_sql, "resolvers/invoice.py", "sa.text('select %s' % name)"),
    (house.no_assembled_sql, "resolvers/invoice.py", "text('select ' + name)"),
    (house.no_assembled_sql, "app/cli.py", "connection.exec_driver_sql('drop {}'.format(table))"),
    (house.no_idle_test, "tests/test_invoice.py", "def test_total():\n    total()"),
    (house.no_outside_address, "docs/guide.md", ".".join(["https://registry", "npmjs", "org"])),
    (house.no_outside_address, "requirements.lock", ".".join(["--index-url https://pypi", "org/simple"])),
    (house.no_outside_address, "Makefile", "/".join(["cd ", "home", "someone"])),
    (house.no_outside_address, "docs/guide.md", "/".join(["(", "root)"])),
    (house.no_unfinished_work, NOUN, "# TO" + "DO: round"),
    (house.no_unfinished_work, NOUN, "raise NotImplemented" + "Error"),
]

LET_PASS: list[tuple[house.Lint, str, str]] = [
    (house.no_machine_clock, NOUN, "def issue(invoice, clock):\n    invoice.issued_at = clock.now()"),
    (house.no_machine_clock, "models/clock.py", "from datetime import datetime\ndatetime.now()"),
    (house.no_machine_clock, "engine/plan.py", "import time\ntime.perf_counter()"),
    (house.no_async_rule, NOUN, "def issue(invoice): ..."),
    (house.no_async_rule, "models/db.py", "async def read(): ..."),
    (house.no_async_rule, "models/reading.py", "async def read(): ..."),
    (house.no_postponed_annotations, "engine/plan.py", "from __future__ import annotations"),
    (house.no_relay_module, "schema/invoice.py", "import strawberry\nfrom schema.connection import Connection"),
    (house.no_vague_name, "models/score.py", ""),
    (house.no_filled_init, "models/__init__.py", ""),
    (house.no_overgrown_code, NOUN, "def total():\n" + "    pass\n" * 39),
    (house.no_overgrown_code, NOUN, "# Why.\n\n" * 300 + LONG_FILE[6:]),
    (house.no_overgrown_code, "tests/test_invoice.py", LONG_FILE),
    (house.no_silent_except, NOUN, "try:\n    pay()\nexcept ValueError as error:\n    raise Unpaid from error"),
    (house.no_silent_except, NOUN, "from contextlib import suppress\nwith suppress(KeyError):\n    pay()"),
    (house.no_float, NOUN, "rate = Decimal('0.2')"),
    (house.no_float, "bench/__main__.py", "pause = 0.2"),
    (house.no_assembled_sql, "resolvers/invoice.py", "text('select :a' ' from b').bindparams(a=f'{a}')"),
    (house.no_assembled_sql, "models/migrations/0001.py", "text(f'select * from {table}')"),
    (house.no_idle_test, "tests/test_invoice.py", "def test_total():\n    assert total() == 1"),
    (
        house.no_idle_test,
        "tests/test_invoice.py",
        "def test_total():\n    with pytest.raises(Unpaid):\n        total()",
    ),
    (house.no_idle_test, "tests/test_invoice.py", "async def test_total():\n    await expect_total(1)"),
    (house.no_outside_address, "docs/guide.md", "http://127.0.0.1:8000/home/page and ./work/file, app/root.py"),
    (house.no_unfinished_work, NOUN, "# A BIC such as BNPAFRPPXXX ends in three letters."),
]


@pytest.mark.parametrize(("lint", "path", "source"), CAUGHT)
def test_a_breach_is_caught(lint: house.Lint, path: str, source: str) -> None:
    assert list(lint(path, source))


@pytest.mark.parametrize(("lint", "path", "source"), LET_PASS)
def test_good_code_passes(lint: house.Lint, path: str, source: str) -> None:
    assert list(lint(path, source)) == []


@pytest.mark.parametrize("lint", house.TEXT_LINTS + house.PYTHON_LINTS)
def test_every_rule_has_both_examples_and_a_reason(lint: house.Lint) -> None:
    assert lint in [caught for caught, _, _ in CAUGHT]
    assert lint in [passed for passed, _, _ in LET_PASS]
    assert lint.__doc__


def test_descriptions_and_docstrings_are_not_code() -> None:
    source = '''
        """What a client sees."""

        class Invoice:
            """An invoice.

            Never changes.
            """

            number: str = field(
                description="“Nº” in the "
                "order of issue",
            )
            total: int = field(description=("é"), default=0)  # in cents
            """Sum of lines."""
    '''
    numbered = dedent(source).splitlines()
    assert [numbered[line - 1].strip() for line in sorted(house.code_lines(dedent(source)))] == [
        "class Invoice:",
        "number: str = field(",
        ")",
        'total: int = field(description=("é"), default=0)  # in cents',
    ]


def test_a_file_that_does_not_parse_is_a_finding() -> None:
    assert house.findings(NOUN, "x = 1\ndef") == [house.Finding(2, "does not parse: invalid syntax")]


def test_findings_come_in_the_order_of_lines() -> None:
    found = house.findings(NOUN, "rate = 0.2\n\n\nasync def issue(): ...\n\n\nfee = 0.1\n")
    assert [finding.line for finding in found] == [1, 4, 7]


def test_a_run_prints_each_finding_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / NOUN).write_text("vat = 0.2\n")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    assert house.main() == 1
    assert capsys.readouterr().out == f"{NOUN}:1: 0.2 is a float: cents are integers, rates are decimals\n"
    (tmp_path / NOUN).write_text("vat = 20\n")
    assert house.main() == 0
