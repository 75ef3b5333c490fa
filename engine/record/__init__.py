"""Compliance records: everything that proves one recorded decision, in a file or directory of its own.

* `archive` - the container: a tar archive that is written in exactly one way, or a directory.
* `contents` - what lies in a record, its manifest and the digest of what its verifier must trust.
* `export` - from the ledger to a record; `page` and `VERIFY.md` - what people read in it.
* `attach` - documents added to a recorded decision.
* `verify` - checks a record with nothing but its digest of trust; `logged` - the steps about the log,
  `signed` - about what people signed; `trusted` - whose keys may have signed entries.
* `report` - what the commands print.

The format, for those who check it with other tools: docs/records.md.
"""
