"""A TWS or IB Gateway on the loopback interface, for tests: deterministic for a seed, with faults on demand.

``core.Simulator`` is the gateway without a socket, ``server.Server`` the one with it.
"""

from .core import Simulator
from .scenario import Scenario, parse_scenario, read_scenario
from .server import Server
from .wire import Observation, Output

__all__ = ["Observation", "Output", "Scenario", "Server", "Simulator", "parse_scenario", "read_scenario"]
