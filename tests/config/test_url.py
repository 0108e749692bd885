"""What people paste as the address of a deployment."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transfer.config.url import normalise_url


@pytest.mark.parametrize(
    ("pasted", "base"),
    [
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("  https://airflow.example.com/home\n", "https://airflow.example.com"),
        ("https://airflow.example.com/home?status=active&tags=x", "https://airflow.example.com"),
        ("https://airflow.example.com/login/?next=%2Fhome", "https://airflow.example.com"),
        ("https://airflow.example.com/auth/login?next=/", "https://airflow.example.com"),
        ("https://airflow.example.com/dags/etl/grid?dag_run_id=a#b", "https://airflow.example.com"),
        ("https://airflow.example.com/dags/home/graph", "https://airflow.example.com"),
        ("https://airflow.example.com/taskinstance/list/?_flt_3_dag_id=a", "https://airflow.example.com"),
        ("https://airflow.example.com/variable/list/", "https://airflow.example.com"),
        ("https://airflow.example.com/api/starship/info", "https://airflow.example.com"),
        ("https://airflow.example.com/api/v1/dags", "https://airflow.example.com"),
        ("https://airflow.example.com/starship", "https://airflow.example.com"),
        ("https://host/airflow/home", "https://host/airflow"),
        ("https://host//airflow//", "https://host/airflow"),
        ("https://host/api/airflow", "https://host/api/airflow"),
        ("https://Org.astronomer.run/dAbC123/home?orgId=x", "https://org.astronomer.run/dAbC123"),
        ("https://deployments.base.io/star-1234/airflow/dags/x/grid", "https://deployments.base.io/star-1234/airflow"),
        ("HTTPS://HOST:443/", "https://host"),
        ("http://host:80", "http://host"),
        ("http://host:443", "http://host:443"),
        ("http://airflow_web:08080", "http://airflow_web:8080"),
        ("http://[::1]:8080/home", "http://[::1]:8080"),
        ("http://[2001:DB8:0::1]", "http://[2001:db8::1]"),
        ("https://münchen.example/ä", "https://xn--mnchen-3ya.example/%C3%A4"),
    ],
)
def test_finds_the_base(pasted: str, base: str) -> None:
    """The deployment's own path is kept; pages, query, fragment and default port go."""
    assert normalise_url(pasted) == base


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("", "must start with https"),
        ("airflow.example.com", "must start with https"),
        ("localhost:8080/home", "must start with https"),
        ("ftp://host", "must start with https"),
        ("postgresql+psycopg://host/db", "must start with https"),
        ("https://", "names no host"),
        ("https:///home", "names no host"),
        ("https://user:hunter2@host", "credentials do not belong"),
        ("https://user@host", "credentials do not belong"),
        ("https://user:hunter2/x@host", "credentials do not belong"),
        ("https://user:123?hunter2@host", "credentials do not belong"),
        ("https://a b", "must not contain spaces"),
        ("https://ho\tst", "must not contain spaces"),
        ("https://host/\x00", "must not contain spaces"),
        ("https:\\\\host", "must not contain spaces"),
        ("<https://host>", "must not contain spaces"),
        ("https://host:0", "port must be"),
        ("https://host:99999", "port must be"),
        ("https://host:hunter2", "port must be"),
        ("https://a..b", "host is not valid"),
        ("https://hunter2%40host", "host is not valid"),
        ("https://[::1", "host is not valid"),
        ("https://[hunter2]", "host is not valid"),
        ("https://[fe80::1%25eth0]", "host is not valid"),
        ("https://cloud.astronomer.io/cl1/deployments", "Astro's own console"),
    ],
)
def test_refuses(pasted: str, reason: str) -> None:
    """The message says what is wrong without repeating any of the text."""
    with pytest.raises(ValueError, match=reason) as caught:
        normalise_url(pasted)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None or "hunter2" not in str(caught.value.__context__)


paths = st.lists(
    st.sampled_from(
        ["home", "login", "dags", "api", "v1", "starship", "airflow", "a.b", "ä", "%20", "variable", "list", ""]
    )
)
urls = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "HTTPS", "https"]),
    st.sampled_from(["Host", "[::1]", "a.b-c", "straße.de", "user:pw@host", "10.0.0.1"]),
    st.sampled_from(["", ":", ":80", ":443", ":8080", ":x"]),
    paths.map(lambda parts: "/" + "/".join(parts)),
    st.sampled_from(["", "?next=/home", "#x", "/"]),
)


@given(text=urls | st.text() | st.text().map("https://{}".format))
@example("https://host/home/home")
@example("https://host/api/home")
def test_is_idempotent_and_free_of_credentials(text: str) -> None:
    """An address that is accepted stays as it is the second time, and never holds user or password."""
    try:
        base = normalise_url(text)
    except ValueError:
        return
    assert normalise_url(base) == base
    assert "@" not in base
    assert base.isascii()
    assert not base.endswith("/")
