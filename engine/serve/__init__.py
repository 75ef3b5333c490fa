"""A small HTTP service over ledgers: reads them for people and machines, records decisions for CI jobs.

* `settings` - the service file.
* `served` - what is served: the opened ledgers, their decisions in memory, the state of their verification;
  `tiles` - the Merkle tree of one as C2SP tlog-tiles.
* `query` - choosing among decisions; `metrics` - for Prometheus; `verification` - the ledgers', in a thread.
* `http` - routes for machines, limits, headers. `pages` - the pages for a browser.
* `app` - all routes behind the limits; `server` - runs it.
* `writing` - who may post what, what a posted decision must be, and the thread that appends.
* `client` - the other end: `gate evaluate --record-to` posts a decision.

It needs the extra `serve`, but for `client`; nothing outside of this folder imports it but the commands.
"""
