"""A gateway that runs on this machine, for trying out, tests and benchmarks.

It stands alone (the standard library and lxml): it knows nothing of the clients, models and queue that it judges.
"""

from smsoffice.simulator.dialect import Kind, Outcome
from smsoffice.simulator.endings import ENDINGS
from smsoffice.simulator.faults import Fault
from smsoffice.simulator.server import Simulator
from smsoffice.simulator.store import Accepted

__all__ = ["ENDINGS", "Accepted", "Fault", "Kind", "Outcome", "Simulator"]
