"""An embedded Starship server: Airflow 2.11's behaviour, to the letter of what was measured, and faults on demand."""

from transfer.emulator.capacity import MEASURED, Cost, ServiceTimes
from transfer.emulator.compare import Difference, compare
from transfer.emulator.door import Header, Open, TokenRoute, User
from transfer.emulator.faults import Answer, Faults, Reset, Rule, Stall, Truncate, web_page
from transfer.emulator.history import History, WritableHistory
from transfer.emulator.login import LoginForm
from transfer.emulator.marks import Proof
from transfer.emulator.proof import ProofHistory
from transfer.emulator.serve import serve
from transfer.emulator.server import Behaviour, Emulator, Exchange
from transfer.emulator.shape import Shape
from transfer.emulator.synthetic import SyntheticHistory
from transfer.emulator.table import TableHistory

__all__ = [
    "MEASURED",
    "Answer",
    "Behaviour",
    "Cost",
    "Difference",
    "Emulator",
    "Exchange",
    "Faults",
    "Header",
    "History",
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
    "compare",
    "serve",
    "web_page",
]
