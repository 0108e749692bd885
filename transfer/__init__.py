"""Move the whole history of one Apache Airflow deployment into another, over HTTP."""

__version__ = "0.1.0"
