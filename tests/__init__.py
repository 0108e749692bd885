"""The tests, beside the package and of the same shape; `live` needs a real Airflow."""
