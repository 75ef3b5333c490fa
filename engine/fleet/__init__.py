"""Many ledgers seen together: who may go live, what blocks, what expires, how verdicts develop.

* `settings` - the operator's file that names the ledgers.
* `reading` - ask every ledger; one that cannot be read is named and hides no other.
* `standing`, `history`, `trend` - what is asked, and how it is printed.
"""
