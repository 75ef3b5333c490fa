"""What others are told about a ledger: notifications about changes, and metrics. Judges nothing."""
