"""What a client program really does against the simulated gateway: a suite of cases, logs and figures.

``suite`` has the cases, ``runner`` lets a program meet them, ``figures`` computes from the observation logs
what the program did, and ``document`` puts that into ``BROKER_CONFORMANCE.json``.
"""
