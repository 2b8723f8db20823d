import pytest

from engine.media import GRAPHQL, HTML, JSON, is_json, negotiated

API = (JSON, GRAPHQL)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ('application/json; charset="UTF-8"', JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/graphql-response+json;q=0.8, application/json;q=0.9", JSON),
        ("application/graphql-response+json, */*", GRAPHQL),
        ("text/html, */*;q=0.8", JSON),
        ("text/event-stream, multipart/mixed, application/graphql-response+json", GRAPHQL),
    ],
)
def test_the_answer_is_of_the_type_most_wanted(accept: str, chosen: str) -> None:
    assert negotiated(accept, API) == chosen


def test_of_two_types_wanted_alike_the_first_named_wins() -> None:
    assert negotiated("application/graphql-response+json, application/json", API) == GRAPHQL
    assert negotiated("application/json, application/graphql-response+json", API) == JSON


def test_the_most_specific_range_speaks_for_a_type() -> None:
    assert negotiated("application/json;q=0.1, application/*;q=0.9", API) == GRAPHQL
    assert negotiated("application/*;q=0.1, */*", (JSON, HTML)) == HTML
    assert negotiated("application/json, application/json;charset=utf-8;q=0.1, */*;q=0.5", API) == GRAPHQL


def test_a_weight_of_nothing_excludes() -> None:
    assert negotiated("application/json;q=0, */*", API) == GRAPHQL
    assert negotiated("*/*;q=0", API) is None
    assert negotiated("application/json;q=0.000", API) is None


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/xml, text/*", "application/json; charset=utf-16", "json", "*", "*/json", "/", ";q=1"],
)
def test_nothing_is_chosen_where_nothing_is_acceptable(accept: str) -> None:
    assert negotiated(accept, API) is None


@pytest.mark.parametrize(
    "malformed",
    [
        "application/json;q=nan",
        "application/json;q=",
        "application/json;q=-1",
        "application/json;q",
        '"',
        "a b/c",
        ",,;",
    ],
)
def test_a_malformed_range_is_passed_over(malformed: str) -> None:
    assert negotiated(malformed, API) is None
    assert negotiated(f"application/graphql-response+json, {malformed}", API) == GRAPHQL


def test_the_loose_weights_of_old_clients_are_understood() -> None:
    assert negotiated("text/html, image/gif, *; q=.2, */*; q=.2", (GRAPHQL,)) == GRAPHQL
    assert negotiated("application/json;q=1.5, application/graphql-response+json", API) == JSON


def test_what_stands_in_quotes_separates_nothing() -> None:
    assert negotiated('text/plain; note="a, application/json; \\", application/json"', API) is None
    assert negotiated('text/plain; note="a\\\\", application/json', API) == JSON


def test_no_one_reads_a_header_without_end() -> None:
    assert negotiated("text/plain, " * 100 + "application/json", API) == JSON
    assert negotiated("text/plain, " * 5_000 + "application/json", API) is None


def test_a_browser_that_navigates_wants_a_page() -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert negotiated(browser, (JSON, GRAPHQL, HTML)) == HTML
    assert negotiated("*/*", (JSON, GRAPHQL, HTML)) == JSON


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"; v=1;',
    ],
)
def test_json_in_utf_8_is_read(content_type: str) -> None:
    assert is_json(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json, application/json",
        "application/jsonp",
        "application/json-patch+json",
        "application/graphql",
        "text/plain; application/json",
        "text/plain; a=application/json",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset",
        "application / json",
        "multipart/form-data; boundary=x",
    ],
)
def test_nothing_else_is_read(content_type: str) -> None:
    assert not is_json(content_type)
