"""Paper-trading sessions: a declared plan is traded on a paper account, and everything that happens is kept."""
