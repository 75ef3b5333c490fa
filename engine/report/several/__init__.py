"""Several decisions: their history, their figures over time, and what differs between two."""
