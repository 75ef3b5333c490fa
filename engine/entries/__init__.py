"""What the entries of a ledger say.

* `statement` - the format of a line's payload, for decisions and other kinds (`contracts/entries`).
* `reading` - all entries of a ledger with what they mean, and a decision found among them.

How lines are appended, sealed and stored: ``engine/ledger``; how one is signed: ``evidence/signing/dsse.py``.
"""
