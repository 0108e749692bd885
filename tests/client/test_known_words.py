"""What is repeated of an error that may hold a secret."""

import json

import pytest

from transfer.client.base import Request
from transfer.client.known_words import NOTHING, known_words
from transfer.client.status import RULES
from transfer.errors import ConflictError, InvalidRowError, LostAnswerError, TransientError, UnexpectedAnswerError

from .test_status import verdict

CANARY = "s3cret"
POST = Request("POST", "/api/starship/connections", "write", body=b"{}", writes=True, private=True)
GET = Request("GET", "/api/starship/connections", "connections", private=True)


def said(message: str, status: int, request: Request = POST) -> Exception:
    """Return the error that an answer of Starship becomes."""
    error = verdict(request, status, json.dumps({"error": "Unknown Error", "error_message": message}))
    assert error is not None
    assert CANARY not in str(error) + repr(vars(error))
    return error


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("IntegrityError('(psycopg2.errors.UniqueViolation) Key (key)=(s3cret) already exists", "it exists already"),
        ('(psycopg2.errors.InvalidTextRepresentation) invalid: "s3cret"\nLINE 1: s3cret', "a value is of another kind"),
        ("s3cret", NOTHING),
        ("", NOTHING),
    ],
)
def test_only_our_own_words(text: str, ours: str) -> None:
    """What is known is said in our words, the rest not at all."""
    found = known_words(text)
    assert found.startswith(ours)
    assert CANARY not in found


def test_no_rule_repeats_a_private_answer() -> None:
    """Whatever the status is."""
    for status in range(200, 600):
        for kind in ("application/json", "text/html", ""):
            error = verdict(POST, status, f'{{"error": "{CANARY}", "detail": "{CANARY}"}}', kind)
            assert error is None or CANARY not in str(error)
    assert len(RULES) > 1


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("(psycopg2.errors.UniqueViolation) s3cret", 409, ConflictError),
        ("Encountered non-JSON in `extra` field for connection 's3cret'.", 500, InvalidRowError),
        ("something s3cret", 500, LostAnswerError),
    ],
)
def test_the_error_says_what_to_do(message: str, status: int, kind: type[Exception]) -> None:
    """The class of the error does not depend on how much of it is repeated."""
    assert type(said(message, status)) is kind


def test_a_list_that_cannot_be_decrypted() -> None:
    """To ask again is of no use then; any other 500 to a read is tried again."""
    undecryptable = "\nTraceback: cryptography.fernet.InvalidToken"
    assert type(said(undecryptable, 500, GET)) is UnexpectedAnswerError
    assert type(said(f"{CANARY}", 500, GET)) is TransientError
