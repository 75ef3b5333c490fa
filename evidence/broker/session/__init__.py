"""Paper-trading sessions: a declared plan is traded on a paper account, and everything of it is kept."""
