"""Runs inside Airflow's own Python: creates roles and users in one process instead of one per user.

Reads `[[name, role, password], ...]` as JSON from the file that is its argument.
"""

import json
import sys
from pathlib import Path

from airflow.providers.fab.auth_manager.cli_commands.utils import (  # type: ignore[import-not-found] # not in our venv
    get_application_builder,
)


def main(file: Path) -> None:
    """Create the users of `file`; a fresh database knows the roles Admin and Public only, so roles come first."""
    with get_application_builder() as appbuilder:
        manager = appbuilder.sm
        appbuilder.add_permissions(update_perms=True)
        manager.sync_roles()
        for name, role, password in json.loads(file.read_text()):
            if not manager.add_user(name, name, name, f"{name}@example.com", manager.find_role(role), password):
                sys.exit(f"user {name} was not created")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
