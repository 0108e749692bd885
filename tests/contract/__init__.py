"""What every Starship server must do, written once and run against the emulator and against real Airflow.

Each module holds the tests of one subject as a class; a subclass named ``Test...`` beside a ``server`` fixture runs it.
"""

import pytest

pytest.register_assert_rewrite(
    "contract.access",
    "contract.access3",
    "contract.logs",
    "contract.opaque",
    "contract.paging",
    "contract.reading",
    "contract.reading3",
    "contract.refusing",
    "contract.refusing3",
    "contract.removing",
    "contract.removing3",
    "contract.writing",
    "contract.writing3",
    "contract.xcoms",
)
