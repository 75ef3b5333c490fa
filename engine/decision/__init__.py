"""The decision as a document, and as the statement that the ledger signs."""
