"""The versions of Airflow that the rig can start, and what differs between them for it."""

from dataclasses import dataclass

VERSIONS = ("2.4.3", "2.6.3", "2.8.4", "2.9.3", "2.10.5", "2.11.2", "3.1.8")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """An Airflow version; versions compare as numbers do, `Version.of("2.9.3") < Version.of("2.10.5")`."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def of(cls, text: str) -> "Version":
        """Return the version that is written `text`."""
        return cls(*map(int, text.split(".")))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def python(self) -> str:
        """The Python that the pins of this version were taken from."""
        return "3.10" if self < Version(2, 7) else "3.11"

    @property
    def pins(self) -> str:
        """The name of the file with its packages, without its ending."""
        return f"af-{self}"

    @property
    def migrate(self) -> tuple[str, str]:
        """The command that gives an empty database its tables; before 2.7 `airflow db migrate` is not there yet."""
        return ("db", "init" if self < Version(2, 7) else "migrate")

    @property
    def new(self) -> bool:
        """Whether it is an Airflow 3: one API server with tokens, users of the simple auth manager, other columns."""
        return self >= Version(3, 0)
