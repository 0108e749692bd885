"""The explained configuration that ``transfer init`` writes."""

from importlib.resources import files
from typing import Final

TEMPLATE: Final = files("transfer.config").joinpath("template.toml").read_text(encoding="utf-8")
"""TOML with every key, its default and its meaning; loads as it stands."""
