"""Which environment variables are worth carrying over."""

import pytest

from transfer.engine.configuration.compare import Mark
from transfer.engine.configuration.environ import choose, compare_environments, is_own
from transfer.engine.configuration.plan import Choice


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("PATH", True),
        ("LC_ALL", True),
        ("KUBERNETES_PORT_443_TCP_ADDR", True),
        ("MY_SERVICE_HOST", True),
        ("AIRFLOW__CORE__FERNET_KEY", True),
        ("AIRFLOW__CORE__FERNET_KEY_CMD", True),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", True),
        ("AIRFLOW__CELERY__BROKER_URL", True),
        ("AIRFLOW_VAR_PATH", False),
        ("AIRFLOW_CONN_DB", False),
        ("AIRFLOW__CORE__PARALLELISM", False),
        ("AIRFLOW__SMTP__SMTP_PASSWORD", False),
        ("HTTPS_PROXY", False),
        ("path", False),
    ],
)
def test_what_belongs_to_a_deployment(name: str, own: bool) -> None:  # noqa: FBT001  a column of the table above
    """What makes a deployment this one stays; its settings, variables and connections do not."""
    assert is_own(name) is own


def test_both_sides() -> None:
    """Variables are compared by name and value, their own are left out."""
    here = {"SAME": "1", "OTHER": "1", "HERE": "1", "PATH": "a"}
    there = {"SAME": "1", "OTHER": "2", "THERE": "1", "PATH": "b"}
    assert compare_environments(here, there) == {
        "HERE": Mark.MISSING,
        "OTHER": Mark.DIFFERS,
        "SAME": Mark.SAME,
        "THERE": Mark.ONLY_TARGET,
    }


@pytest.mark.parametrize(
    ("names", "everything", "taken", "own"),
    [
        (("*",), False, {"A", "B"}, ("HOME",)),
        (("*",), True, {"A", "B", "C", "HOME"}, ()),
        (("HO*",), False, set(), ("HOME",)),
        (("HOME", "A"), False, {"A", "HOME"}, ()),
    ],
)
def test_what_a_file_gets(
    names: tuple[str, ...],
    everything: bool,  # noqa: FBT001  a column of the table above
    taken: set[str],
    own: tuple[str, ...],
) -> None:
    """What the target lacks or has otherwise; own ones only by their full name, or with everything."""
    source = {"A": "1", "B": "1", "C": "1", "HOME": "x"}
    chosen = choose(source, {"B": "2", "C": "1"}, Choice((), names), everything=everything)
    assert (set(chosen.values), chosen.own) == (taken, own)
