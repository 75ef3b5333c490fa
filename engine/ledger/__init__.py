"""The append-only, signed log of decisions: append, seal, prove, verify. It knows no decision's meaning.

* `interface` - what the engine uses; `file_store.FileLedger` - the log in files, `reader.LedgerReader` - the
  same without the private key; `verify.verify` - check everything offline; `evidence_store` - what entries
  refer to.
* `merkle`, `note` - RFC 6962 and C2SP checkpoints; `receipts` - what this user saw last, kept elsewhere.

Formats and the stock tools that check them: docs/ledger.md. POSIX only (flock, directory descriptors), on a
local file system.
"""
