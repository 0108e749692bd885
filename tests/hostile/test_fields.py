"""Whatever stands in a field that is used, the answer is refused as a whole or the field is harmless."""

from pathlib import Path
from typing import Any

import pytest

from .deployment import Asked, Reply, as_json
from .fields import ODD, TABLE, Field
from .running import ending


@pytest.mark.parametrize("field", TABLE, ids=str)
def test_a_field_that_is_something_else(tmp_path: Path, field: Field) -> None:
    """Each odd value in the field ends the job as the table says."""
    found = {}
    for odd, value in ODD.items():

        def script(asked: Asked, honest: Any, value: object = value) -> Reply | None:
            hit = (asked.method, asked.route) == ("GET", field.route)
            return as_json(field.put(honest, value)) if hit else None

        folder = tmp_path / odd
        folder.mkdir()
        found[odd] = ending(folder, script)
    assert found == {odd: field.outcome(odd) for odd in ODD}
