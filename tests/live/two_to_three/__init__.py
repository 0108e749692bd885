"""What an Airflow 3 makes of a history that was moved into it from Airflow 2: data, pages, scheduler."""
