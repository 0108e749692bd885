"""Runs inside Airflow's own Python: creates roles and users in one process instead of one per user.

Reads `[[name, role, password], ...]` as JSON from the file that is its argument. It has to run on Python 3.10, too, and
nothing that it imports is there when it is type-checked.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

BUILDERS = (
    "airflow.providers.fab.auth_manager.cli_commands.utils",  # from 2.9
    "airflow.auth.managers.fab.cli_commands.utils",  # 2.8
    "airflow.utils.cli_app_builder",  # 2.6 and 2.7
)
"""Where the versions of Airflow keep `get_application_builder`."""


def main(file: Path) -> None:
    """Create the users of `file`; a fresh database knows the roles Admin and Public only, so roles come first."""
    for module in BUILDERS:
        try:
            found = importlib.import_module(module)
        except ImportError:
            continue
        with found.get_application_builder() as builder:
            return create(builder, file)
    return create(importlib.import_module("airflow.www.app").cached_app().appbuilder, file)  # before 2.6


def create(builder: Any, file: Path) -> None:
    """Create roles and users."""
    manager = builder.sm
    builder.add_permissions(update_perms=True)
    manager.sync_roles()
    for name, role, password in json.loads(file.read_text()):
        if not manager.add_user(name, name, name, f"{name}@example.com", manager.find_role(role), password):
            sys.exit(f"user {name} was not created")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
