"""Interactive Brokers: the simulator of its gateway."""
