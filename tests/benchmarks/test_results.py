"""What a part hands back becomes a document, a page and a summary."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import plots, results
from benchmarks.part import Bar, Document, Part, Settings, bars, spread_of


def nothing(_settings: Settings) -> Document:
    """Measure nothing."""
    return {}


class Figure:
    """Stands for a figure: what is saved is the file's name."""

    def savefig(self, file: Path, **_: object) -> None:
        """Write the file."""
        file.write_text("a picture")


class Pyplot:
    """Stands for matplotlib's ``pyplot``."""

    def close(self, _figure: Figure) -> None:
        """Do nothing: nothing is kept."""


def table(document: Document) -> list[str]:
    """Return one line."""
    return [f"{document['rows']} rows"]


def plot(_document: Document, _pyplot: Any) -> Figure:
    """Return something that can be saved."""
    return Figure()


PART = Part("small", "A small part.", nothing, table, plot)
DOCUMENT: Document = {
    "rows": 7,
    "bars": [Bar("against the pipe", 1.04, 1.05).document()],
    "machine": {"cpus": 2},
    "versions": {"transfer": "0.1.0"},
    "measured": "today",
}


@pytest.fixture(autouse=True)
def _pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "pyplot", Pyplot)


@pytest.mark.parametrize(
    ("bar", "held"),
    [
        (Bar("at least", 1.05, 1.05), True),
        (Bar("at least", 1.04, 1.05), False),
        (Bar("at most", 150, 150, "most", "MiB"), True),
        (Bar("at most", 151, 150, "most", "MiB"), False),
        (Bar("not measured", None, 150, "most", "MiB"), False),
    ],
)
def test_a_bar_is_held_or_not(bar: Bar, *, held: bool) -> None:
    """The promised number itself keeps the promise; what was not measured does not."""
    assert bar.held is held


def test_bars_survive_their_document() -> None:
    """The summary is made of files, so a bar comes back from JSON as it was."""
    bar = Bar("peak memory", 120.5, 150, "most", "MiB")
    assert bars(json.loads(json.dumps({"bars": [bar.document()]}))) == [bar]


def test_a_spread_is_json() -> None:
    """Parts put spreads into their documents."""
    assert json.loads(json.dumps(spread_of([1, 2, 4]))) == {"median": 2, "lowest": 1, "highest": 4, "runs": 3}


def test_a_part_is_written_as_document_page_and_picture(tmp_path: Path) -> None:
    """All three bear the part's name, and the page shows the picture."""
    results.write(PART, DOCUMENT, tmp_path)
    assert (tmp_path / "small.md").read_text().endswith("![small](small.png)\n")
    assert {file.name for file in tmp_path.iterdir()} == {"small.json", "small.md", "small.png"}
    assert json.loads((tmp_path / "small.json").read_text()) == DOCUMENT


def test_a_page_says_what_was_promised_and_where_it_was_measured(tmp_path: Path) -> None:
    """A number without its machine and versions is worth nothing."""
    results.write(PART, DOCUMENT, tmp_path)
    page = (tmp_path / "small.md").read_text()
    assert "7 rows" in page
    assert "| against the pipe | at least 1.05x | 1.04x | **no** |" in page
    assert "Measured today: cpus 2, transfer 0.1.0." in page


def test_a_quick_run_says_so(tmp_path: Path) -> None:
    """Its numbers must not be taken for the real ones."""
    results.write(PART, {**DOCUMENT, "quick": True}, tmp_path)
    assert "the numbers mean little" in (tmp_path / "small.md").read_text()


def test_each_point_of_a_curve_has_a_line() -> None:
    """A document is to be read and compared; nothing of it changes."""
    document = {"curve": [[0.5, 1e-07], [1, -2.0]], "pair": ["[ 1,", "2 ]"], "three": [1, 2, 3]}
    text = results.as_json(document)
    assert json.loads(text) == document
    assert "\n  [0.5, 1e-07],\n  [1, -2.0]\n" in text


def test_a_quick_run_is_not_judged(tmp_path: Path) -> None:
    """Neither its page nor the summary says that a promise was held or not."""
    results.write(PART, {**DOCUMENT, "quick": True}, tmp_path)
    for lines in ((tmp_path / "small.md").read_text(), "\n".join(results.summarise([PART], tmp_path))):
        assert "| against the pipe | at least 1.05x | 1.04x |\n\nNot judged: quick." in lines
        assert "held" not in lines
        assert "**no**" not in lines


def test_a_summary_of_nothing_is_not_written(tmp_path: Path) -> None:
    """Where nothing was ever measured there is no file."""
    assert results.summarise([PART], tmp_path / "new") == []
    assert not (tmp_path / "new").exists()


def test_without_matplotlib_everything_else_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hours of measuring are not lost for want of a picture, and the message says what to install."""

    def missing() -> Pyplot:
        raise plots.NoPicturesError("no pictures: install [bench]")

    monkeypatch.setattr(plots, "pyplot", missing)
    results.write(PART, DOCUMENT, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"small.json", "small.md"}
    assert "png" not in (tmp_path / "small.md").read_text()
    assert "install [bench]" in capsys.readouterr().out


def test_the_summary_has_all_parts_that_were_ever_measured(tmp_path: Path) -> None:
    """A run of one part keeps the others' results in the summary."""
    results.write(PART, DOCUMENT, tmp_path)
    never = Part("never", "Never measured.", nothing, table, plot)
    results.summarise([never, PART], tmp_path)
    summary = (tmp_path / "summary.md").read_text()
    assert "## [small](small.md)" in summary
    assert "against the pipe" in summary
    assert "never" not in summary
