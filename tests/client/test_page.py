"""Pages of rows taken apart: nothing lost, nothing doubled, nothing taken for a row that is none."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.client.base import Request
from transfer.client.body import SpooledBody
from transfer.client.page import StarshipPage
from transfer.errors import UnexpectedAnswerError
from transfer.kinds import DAG_RUNS, TASK_INSTANCES

REQUEST = Request("GET", "/x", "task_instances 0+5", dag_id="d")

Write = Callable[[Any], str]

WRITERS: list[Write] = [
    lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    json.dumps,
    lambda value: json.dumps(value, indent=4),
    lambda value: json.dumps(value, indent=0, sort_keys=True) + "\n",
]
TRICKY = st.sampled_from(["},{", "}, {", '"}],"', "\\", '\\"},{\\"', "]}", '{"', "[", "é😀", '}]\n,"dag_run_count":7}'])
TEXTS = st.lists(TRICKY | st.text(max_size=4), max_size=6).map("".join)
LEAVES = st.none() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXTS
NESTED = st.lists(LEAVES, max_size=2) | st.dictionaries(TEXTS, LEAVES, max_size=2)
VALUES = LEAVES | NESTED | st.lists(NESTED, max_size=2)
ROWS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=8)


def page_of(text: str | bytes) -> StarshipPage:
    """Return a page with this document."""
    body = SpooledBody(1_000_000)
    body.write(text.encode() if isinstance(text, str) else text)
    return StarshipPage("source", TASK_INSTANCES, REQUEST, body)


async def lists_of(page: StarshipPage, chunk: int) -> list[list[Any]]:
    """Return the lists of rows of a page."""
    return [rows async for rows in page.rows(chunk)]


@given(ROWS, st.integers(1, 400), st.sampled_from(WRITERS), st.booleans())
async def test_all_rows_in_order(rows: list[Any], chunk: int, write: Write, count_first: bool) -> None:  # noqa: FBT001  drawn by hypothesis
    """However rows, format, key order and chunks are, the rows are those of the document."""
    envelope = {"task_instances": rows, "dag_run_count": 3}
    page = page_of(write(dict(reversed(envelope.items())) if count_first else envelope))
    for _ in range(2):
        assert [row for some in await lists_of(page, chunk) for row in some] == rows
    assert page.run_count == 3
    page.close()


@given(ROWS, st.integers(1, 400), st.sampled_from(WRITERS), st.data())
async def test_a_cut_page_is_never_whole(rows: list[Any], chunk: int, write: Write, data: st.DataObject) -> None:
    """Wherever a document is cut off, reading it fails instead of giving fewer rows."""
    text = write({"dag_run_count": 3, "task_instances": rows}).rstrip().encode()
    page = page_of(text[: data.draw(st.integers(0, len(text) - 1))])
    with pytest.raises(UnexpectedAnswerError):
        await lists_of(page, chunk)
    page.close()


@pytest.mark.parametrize(
    "text",
    [
        '{"dag_runs": []}',
        '{"task_instances": [1]}',
        '{"task_instances": [{}, [{}]]}',
        '{"task_instances": [{}]} trailing',
        '{"task_instances": [{}],}',
        '{"task_instances": [{},]}',
        '{"task_instances": {}}',
        '{"error": "x"}',
        "[]",
        "<html>",
        '{"dag_run_count": 1e5, "task_instances": []}',
        '{"task_instances": [{"a": }]}',
        b'{"task_instances": [{"a": "\xff"}]}',
    ],
)
async def test_another_document_is_refused(text: str | bytes) -> None:
    """Anything but the envelope with a list of rows is an unexpected answer that names the request."""
    page = page_of(text)
    with pytest.raises(UnexpectedAnswerError, match="task_instances 0"):
        await lists_of(page, 100)
    page.close()


async def test_lists_are_about_as_long_as_asked() -> None:
    """A page of many rows comes in lists of roughly the chunk, not all at once and not one by one."""
    rows = [{"task_id": f"t{number}", "note": "},{"} for number in range(1000)]
    page = page_of(json.dumps({"dag_run_count": 9, "task_instances": rows}))
    sizes = [len(json.dumps(some)) for some in await lists_of(page, 5_000)]
    assert max(sizes) < 10_200
    assert len(sizes) <= page.size / 5_000 + 1
    page.close()


@pytest.mark.parametrize("odd", ["NaN", "-Infinity", '"\\ud800"'])
async def test_what_orjson_refuses_is_read(odd: str) -> None:
    """NaN, infinity and lone surrogates, which Python servers send, cost time but no row."""
    text = '{"dag_run_count":3,"task_instances":[' + ",".join(f'{{"n":{n},"odd":{odd}}}' for n in range(100)) + "]}"
    page = page_of(text)
    found = await lists_of(page, 200)
    assert [row["n"] for rows in found for row in rows] == list(range(100))
    assert len(found) > 5
    page.close()


async def test_a_row_full_of_false_cuts_is_read() -> None:
    """A row that is larger than a chunk and full of places that look like its end comes whole."""
    rows = [{"note": "},{" * 5000}, {"note": [{}, {}] * 500}]
    page = page_of(json.dumps({"dag_run_count": 3, "task_instances": rows}))
    assert [row for some in await lists_of(page, 100) for row in some] == rows
    page.close()


def test_a_page_knows_its_kind_and_size() -> None:
    """Kind and size are known before anything is read."""
    page = page_of("{}")
    assert (page.kind, page.size, page.run_count) == (TASK_INSTANCES, 2, None)
    assert page.kind is not DAG_RUNS
    page.close()
