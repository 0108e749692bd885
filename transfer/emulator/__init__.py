"""An embedded Starship server: the behaviour of Airflow 2.4 to 3.1 as it was measured, and faults on demand."""

from transfer.emulator.capacity import MEASURED, Cost, ServiceTimes
from transfer.emulator.columns import VERSIONS, tables_of
from transfer.emulator.compare import Difference, compare
from transfer.emulator.database import MYSQL, POSTGRESQL, SQLITE, Database
from transfer.emulator.door import Header, Open, User
from transfer.emulator.faults import Answer, Faults, Reset, Rule, Stall, Truncate, web_page
from transfer.emulator.history import History, WritableHistory
from transfer.emulator.login import LoginForm
from transfer.emulator.logs import LogFiles
from transfer.emulator.marks import Proof
from transfer.emulator.pages import Broken, broken
from transfer.emulator.proof import ProofHistory
from transfer.emulator.serve import serve
from transfer.emulator.server import Behaviour, Emulator, Exchange
from transfer.emulator.shape import Shape
from transfer.emulator.synthetic import SyntheticHistory
from transfer.emulator.table import TableHistory
from transfer.emulator.tokens import TokenRoute

__all__ = [
    "MEASURED",
    "MYSQL",
    "POSTGRESQL",
    "SQLITE",
    "VERSIONS",
    "Answer",
    "Behaviour",
    "Broken",
    "Cost",
    "Database",
    "Difference",
    "Emulator",
    "Exchange",
    "Faults",
    "Header",
    "History",
    "LogFiles",
    "LoginForm",
    "Open",
    "Proof",
    "ProofHistory",
    "Reset",
    "Rule",
    "ServiceTimes",
    "Shape",
    "Stall",
    "SyntheticHistory",
    "TableHistory",
    "TokenRoute",
    "Truncate",
    "User",
    "WritableHistory",
    "broken",
    "compare",
    "serve",
    "tables_of",
    "web_page",
]
