"""One side of the rig as the contract's server: real, and emptied before each test."""

from uuid import uuid4

from .seed import register_dags
from .side import Side


class RealServer:
    """A deployment of any version; `logins` are kept from test to test, because a server allows only a few a minute."""

    def __init__(self, side: Side, logins: dict[str, str]) -> None:
        self.url = side.url
        self.version = str(side.version)
        self._side = side
        self._logins = logins

    def cookie(self, user: str) -> str:
        """Return the Cookie header of a logged-in user, or `Bearer` and a token."""
        if user not in self._logins:
            side = self._side
            self._logins[user] = f"Bearer {side.token(user)}" if side.version.new else side.log_in(user)
        return self._logins[user]

    def password(self, user: str) -> str:
        """Return the user's password."""
        return self._side.users[user].password

    def list_dag(self, dag_id: str) -> None:
        """Give the DAG a row in table ``dag``."""
        with self._side.connect() as conn:
            register_dags(conn, [dag_id])

    def parse_dag(self, dag_id: str) -> str:
        """Give a DAG of an Airflow 3 that has a row a (next) version, and return its id."""
        version = str(uuid4())
        with self._side.connect() as conn:
            conn.execute(
                "INSERT INTO dag_version (id, version_number, dag_id, bundle_name, created_at, last_updated) SELECT %s,"
                " 1 + coalesce(max(version_number), 0), %s, 'dags-folder', clock_timestamp(), clock_timestamp()"
                " FROM dag_version WHERE dag_id = %s",
                [version, dag_id, dag_id],
            )
        return version

    def expire_sessions(self) -> None:
        """End every login; Airflow 2 only."""
        self._side.expire_sessions()
        self._logins.clear()
