"""The configuration that explains itself is complete and true."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from transfer.config import settings as module
from transfer.config.load import load_settings
from transfer.config.settings import BearerAuth, Endpoint, SessionAuth, Settings
from transfer.config.template import TEMPLATE

KINDS = [model for model in get_args(get_args(module.Auth)[0]) if issubclass(model, BaseModel)]
TABLES: list[type[BaseModel]] = [module.Selection, module.Limits, module.Retry, module.SideLimits, Endpoint, Settings]


def shown(key: str) -> list[str]:
    """Return the values that the template shows for a key, commented out or not."""
    return re.findall(rf"^#? *{key} = (.+)$", TEMPLATE, re.MULTILINE)


def test_is_the_example_in_the_repository() -> None:
    """What ``transfer init`` writes is what the repository shows."""
    example = Path(__file__).parents[2] / "config.example.toml"
    assert example.read_text("utf-8") == TEMPLATE


def test_loads_and_its_secrets_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands it is valid, and complete once the variables that it names exist."""
    path = tmp_path / "transfer.toml"
    path.write_text(TEMPLATE, "utf-8")
    monkeypatch.setenv("SOURCE_PASSWORD", "canary-source")
    monkeypatch.setenv("TARGET_TOKEN", "canary-target")
    settings = load_settings(path, {}, {})
    assert isinstance(settings.source.auth, SessionAuth)
    assert isinstance(settings.target.auth, BearerAuth)
    assert settings.source.auth.password.resolve() == "canary-source"
    assert settings.target.auth.token.resolve() == "canary-target"


def test_changes_nothing_by_itself(tmp_path: Path) -> None:
    """Apart from the two sides everything in it is a default."""
    path = tmp_path / "transfer.toml"
    path.write_text(TEMPLATE, "utf-8")
    settings = load_settings(path, {}, {})
    plain = Settings(source=settings.source, target=settings.target)
    assert settings == plain


@pytest.mark.parametrize("model", [*TABLES, *KINDS], ids=lambda model: model.__name__)
def test_mentions_every_key(model: type[BaseModel]) -> None:
    """No setting exists that the template does not show."""
    sections = re.findall(r"^\[([a-z.]+)\]", TEMPLATE, re.MULTILINE)
    named = {part for section in sections for part in section.split(".")}
    assert [key for key in model.model_fields if not shown(key) and key not in named] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda model: model.__name__)
def test_shows_every_way_to_log_in(kind: type[BaseModel]) -> None:
    """Each kind of login stands there with an example that validates."""
    (name,) = get_args(kind.model_fields["kind"].annotation)
    block = re.search(rf'^(?:#   )?kind = "{name}"\n(?:(?:#   )?[a-z]+ = .+\n)*', TEMPLATE, re.MULTILINE)
    assert block
    kind.model_validate(tomllib.loads(block[0].replace("#   ", "")))


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_defaults_are_true(model: type[BaseModel]) -> None:
    """The value behind each "#" is the default of the settings, or an example that is valid where there is none."""
    for key, field in model.model_fields.items():
        for value in re.findall(rf"^#{key} = (.+)$", TEMPLATE, re.MULTILINE):
            adapter: TypeAdapter[Any] = TypeAdapter(field.annotation or object)
            parsed = adapter.validate_python(tomllib.loads(f"value = {value}")["value"])
            default = field.get_default(call_default_factory=True, validated_data={})
            assert default is None or parsed == default, key


def test_says_where_there_is_no_default() -> None:
    """An example that is not a default says so in the comment above it."""
    for model in TABLES:
        for key, field in model.model_fields.items():
            if field.default is None:
                assert re.search(rf"No default.*\n#{key} = ", TEMPLATE), key
