"""Server text is made safe: no secrets, no control characters, short, and still saying what is wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.redact import redact, redact_url
from transfer.secrets_registry import hide

CANARY = "canary-s3cr3t"

UNIQUE = (
    "IntegrityError('(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint"
    ' "dag_run_key"\\nDETAIL:  Key (dag_id, run_id)=(d1, r1) already exists.\\n\')'
)
ECHOES = [
    json.dumps({"error": "Integrity Error", "error_message": UNIQUE, "kwargs": {"password": CANARY}}),
    json.dumps({"error": "E", "error_message": "bad\nTraceback (most recent call last):\n " + CANARY}),
    json.dumps({"error": "E", "error_message": f"boom\n[SQL: INSERT INTO x ('{CANARY}')]\n[parameters: {{}}]"}),
    json.dumps({"error": "E", "error_message": f"null value\\nDETAIL:  Failing row contains (1, {CANARY})."}),
    json.dumps({"detail": [{"type": "x", "msg": "Field required", "input": {"extra": CANARY}}]}),
    json.dumps({"rows": [{"extra": CANARY}]}),
    f'{{"error": "E", "kwargs": {{"rows": ["{CANARY}',
    f'Unknown Error in kwargs_fn - kwargs={{"login": "{CANARY}"}}',
]
SECRETS = [
    f"Authorization: Bearer {CANARY}",
    f"authorization=Basic {CANARY}",
    f"sent bearer {CANARY} there",
    f"Set-Cookie: session={CANARY}; Path=/",
    f"connect to postgresql+psycopg2://airflow:{CANARY}@db:5432/x failed",
    f"password={CANARY}&x=1",
    f'"password": "{CANARY} and more {CANARY}"',
    f'{{\\"fernet_key\\": \\"{CANARY}\\"}}',
    f"api_key: '{CANARY}'",
    f"Key (token)=({CANARY}) already exists",
    f"<p>client_secret = {CANARY}</p>",
    f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.x",
]


@pytest.mark.parametrize("text", ECHOES + SECRETS)
def test_no_secret_passes(text: str) -> None:
    """Neither the echo of a request nor anything that looks like a secret is kept."""
    assert CANARY not in redact(text)
    assert "canary" not in redact(text)


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    """A value that was read as a secret is masked even where nothing tells that it is one."""
    hide("hunter2-hunter2")
    assert redact("the value hunter2-hunter2 is odd") == "the value *** is odd"
    assert redact("the value hunter2\x1b[1m-hunter2 is odd") == "the value *** is odd"


def test_the_reason_of_a_conflict_is_kept() -> None:
    """Of Starship's error stays what it is and which key it is about."""
    assert redact(ECHOES[0]) == (
        "Integrity Error: (psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint"
        ' "dag_run_key" DETAIL: Key (dag_id, run_id)=(d1, r1) already exists.'
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"error": "RuntimeError(\'Missing required key: dag_id\')"}', "Missing required key: dag_id"),
        ('{"error": "Unknown Error", "error_message": "A\\nTraceback (most recent call last)"}', "Unknown Error: A"),
        ('{"detail":"Not authenticated"}', "Not authenticated"),
        (ECHOES[4], "Field required"),
        ("<html><head><title>413</title><style>b{}</style></head><p>Too&nbsp;large</p>", "413: Too large"),
        ("<!doctype html><title>429</title><h1>429</h1><p>5 per 40 second</p>", "429 429 5 per 40 second"),
        ("a < b and\tb >\n c", "a < b and b > c"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07text\u202e\x00", "red text"),
        ("", ""),
    ],
)
def test_what_was_meant_is_kept(text: str, said: str) -> None:
    """Of JSON, pages and plain text the sentence is kept that says what is wrong."""
    assert redact(text) == said


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")), st.integers(0, 500))
def test_any_text_becomes_one_printable_line(text: str, limit: int) -> None:
    """Whatever comes in, one line of printable characters comes out, no longer than asked."""
    said = redact(text, limit)
    assert said.isprintable()
    assert len(said) <= max(limit, 1)
    said.encode()


MARKUP = ['{"error', '"kwargs": ', '":"', "<script>", "<", "://", "@", "password=", "\\", '"', "'", "\x1b[", "eyJ", "("]


@given(st.lists(st.sampled_from(MARKUP) | st.text(max_size=3), max_size=60).map("".join))
def test_broken_markup_raises_nothing(text: str) -> None:
    """Halves of JSON, HTML and escape sequences are taken like any text."""
    assert redact(text).isprintable()
    assert redact_url(text).isprintable()


@given(st.dictionaries(st.text(max_size=5), st.just(CANARY)), st.text(alphabet=st.characters(exclude_characters="c")))
def test_an_echo_never_passes_even_when_cut(echo: dict[str, str], message: str) -> None:
    """What stands in kwargs is dropped, wherever the body was cut off."""
    text = json.dumps({"error": "E", "error_message": message, "kwargs": {"rows": [echo]}})
    for end in range(0, len(text), 7):
        assert CANARY not in redact(text[:end])


@pytest.mark.parametrize("unit", ["http://", "password", "<", '"error":"', "(", "\x1b]", "eyJ-", "a=", " \\"])
def test_long_hostile_text_is_handled(unit: str) -> None:
    """Text made to slow down patterns is handled within the time limit of a test."""
    assert len(redact(unit * 100_000)) <= 400


def test_a_url_keeps_only_where_it_leads() -> None:
    """User, password, query and fragment of a URL are dropped."""
    assert redact_url(f"https://u:{CANARY}@host:8080/a/b?token={CANARY}#x") == "https://host:8080/a/b"
    assert redact_url("http://[oops") == "(not a URL)"
