"""Stands before the real package on the path: a provider without the modules that hold the plugin."""


def get_provider_info() -> dict[str, str]:
    """Return what Airflow asks every provider package for."""
    return {"package-name": "astronomer-starship", "name": "Starship (hidden)", "description": "hidden by the test rig"}
