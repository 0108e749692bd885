"""Real Airflow, Starship and PostgreSQL, started for the tests and gone after them."""
