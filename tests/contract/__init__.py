"""What every Starship server must do, written once and run against the emulator and against real Airflow.

Each module holds the tests of one subject as a class; a subclass named ``Test...`` beside a ``server`` fixture runs it.
"""

import pytest

pytest.register_assert_rewrite(
    "contract.access", "contract.reading", "contract.refusing", "contract.removing", "contract.writing"
)
