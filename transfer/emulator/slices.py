"""Which runs a GET asks for, and what is wrong with how it does."""

from typing import Final

from aiohttp import web

from transfer.emulator.refusal import Refusal, crash

_BIGINT_MAX: Final = 2**63 - 1


def slice_of(request: web.Request) -> tuple[int, int] | Refusal:
    """Return offset and limit; whatever is wrong with them is a 500 on the server."""
    numbers: list[int] = []
    for name, default in (("offset", "0"), ("limit", "10")):
        text = request.query.get(name, default)
        if name == "offset" and not text:
            text = default
        try:
            number = int(text)
        except ValueError as error:
            return crash("ValueError", str(error))
        refusal = _out_of_range(name, number)
        if refusal:
            return refusal
        numbers.append(number)
    return numbers[0], numbers[1]


def asked(request: web.Request) -> dict[str, str]:
    """Return the parameters that the plugin passes on."""
    return {key: request.query[key] for key in ("dag_id", "limit", "offset") if key in request.query}


def _out_of_range(name: str, number: int) -> Refusal | None:
    if number > _BIGINT_MAX:
        said = "(psycopg2.errors.NumericValueOutOfRange) bigint out of range\n"
    elif number < 0:
        kind = "InvalidRowCountInLimitClause" if name == "limit" else "InvalidRowCountInResultOffsetClause"
        said = f"(psycopg2.errors.{kind}) {name.upper()} must not be negative\n"
    else:
        return None
    return crash("sqlalchemy.exc.DataError", said)
