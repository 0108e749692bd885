"""The registry of known secrets."""

import html
import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer import secrets_registry
from transfer.secrets_registry import MASK, hide, mask


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets_registry, "_known", set())


def test_masks_a_known_value_everywhere() -> None:
    """Each occurrence goes, the text around it stays."""
    hide("hunter2")
    assert mask("a hunter2, b=hunter2") == f"a {MASK}, b={MASK}"


def test_leaves_other_text_alone() -> None:
    """Text without a secret is returned as it is."""
    hide("hunter2")
    assert mask("hunter3") == "hunter3"


def test_masks_the_longer_of_two() -> None:
    """A secret that begins with another is masked whole, not up to the end of the shorter."""
    hide("hunter2")
    hide("hunter2-and-more")
    assert mask("hunter2-and-more") == MASK


@pytest.mark.parametrize("escape", [quote_plus, html.escape, json.dumps, repr])
def test_masks_escaped_forms(escape: object) -> None:
    """Servers echo a password escaped for a query, a page, JSON or a traceback."""
    secret = "pä ss&<\"'\\word"
    hide(secret)
    assert callable(escape)
    assert "word" not in mask(f"echo {escape(secret)} end")


def test_ignores_very_short_values() -> None:
    """Masking single letters would make every text unreadable."""
    hide("a")
    assert mask("banana") == "banana"


@given(secret=st.text(min_size=4), before=st.text(), after=st.text())
def test_no_known_value_survives(secret: str, before: str, after: str) -> None:
    """Whatever the secret and the text around it, it is not in the result (unless the mask itself forms it)."""
    secrets_registry._known.clear()
    hide(secret)
    masked = mask(before + secret + after)
    assert secret not in masked or MASK[0] in secret
