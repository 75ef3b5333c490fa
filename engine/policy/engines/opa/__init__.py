"""The OPA engine: a server that somebody runs, or one that gate starts and stops itself.

``address`` reads ``opa`` and ``opa=URL``, ``client`` talks to a server through opa-python-client, ``server``
asks one that somebody runs and ``managed`` one of gate's own; ``upload`` puts a bundle into a shared server.
"""
