"""A TWS or IB Gateway on the loopback interface, for tests: deterministic for a seed, with faults on demand.

``core.Simulator`` is the gateway without a socket, ``server.Server`` the one with it.
"""
