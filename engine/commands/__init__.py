"""The command groups: arguments, exit codes and printing; everything else is in ``engine/service.py``."""
