"""Pictures need matplotlib, and say so."""

import importlib

import pytest

from benchmarks import plots


def test_a_missing_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra, and is no traceback."""

    def missing(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(plots.NoPicturesError, match=r"\[bench\]"):
        plots.pyplot()
