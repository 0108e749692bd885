"""Histories that real Airflow schedulers have made, kept as files and loaded into the databases of the live tests.

    python -m tests.live.histories 2.8.4 3.1.8      makes these versions' files anew, one to five minutes each

Each file in `data` is one whole database as `dump` reads it, gzipped JSON with PostgreSQL's own text of every value.
It came into being like this: the rig boots an Airflow of that version on a PostgreSQL of its own, with scheduler and
triggerer, on Airflow 3 with a DAG processor and the server that tasks report to (`crew`), and LocalExecutor; the DAGs
in `dags/history.py` are the same for all versions; `story` says what happens then: schedules catch up, runs are
triggered with and without a conf, one by a dataset or asset, two are backfilled, tasks are mapped, retried, skipped,
deferred, fail, are cleared and run again, and at its end one run is still running and one queued. Nothing was written
by hand but one thing: the DAG of the unfinished runs was paused in SQL.

The processes were told the host `worker.example` and the account `airflow`, and the folder of the deployment became
/opt/airflow. Accounts, sessions, connections, variables, jobs and the audit log are left out. `features` lists what
every file has, and `test_kept` holds them to it.
"""
