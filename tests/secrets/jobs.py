"""Configurations with a secret in every place that can hold one."""

import json
import sys
from pathlib import Path

from .canaries import COMMANDED, HEADER

SESSION = '{ kind = "session", username = "admin", password = { env = "CANARY_PASSWORD" } }'
BEARER = '{ kind = "bearer", token = { env = "CANARY_TOKEN" } }'
BASIC = '{ kind = "basic", username = "admin", password = { env = "CANARY_PASSWORD" } }'


def by_command(folder: Path) -> str:
    """Return an auth whose key is printed by a program, which reads it from a file of the user."""
    (folder / "own").mkdir(exist_ok=True)
    (folder / "own" / "key").write_text(COMMANDED, encoding="utf-8")
    program = [sys.executable, "-c", f"print(open({str(folder / 'own' / 'key')!r}).read())"]
    return f'{{ kind = "api_key", key = {{ command = {json.dumps(program)} }} }}'


def write_config(
    folder: Path, source: str, target: str, *, auth: str, other: str = SESSION, seconds: float = 5
) -> Path:
    """Write the configuration of a job and return its path."""
    headers = f'headers = {{ X-Api-Key = "{HEADER}" }}'
    quick = f"connect_timeout = {seconds}\nread_timeout = {seconds}"
    path = folder / "own.toml"
    path.write_text(
        f"state_dir = {json.dumps(str(folder / 'state'))}\n"
        f"[source]\nurl = {json.dumps(source)}\nauth = {auth}\n{headers}\n{quick}\n"
        f"[target]\nurl = {json.dumps(target)}\nauth = {other}\n{headers}\n{quick}\n"
        "[retry]\nattempts = 2\nwait_initial = 0.01\nwait_max = 0.01\nretry_after_max = 0.01\n"
        "[limits]\nmemory_bytes = 65536\n",
        encoding="utf-8",
    )
    return path


def own_files(folder: Path) -> list[Path]:
    """Return what the user wrote, secrets and all."""
    return [folder / "own.toml", folder / "own" / "key"]
