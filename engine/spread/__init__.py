"""Work split among processes of this machine or of a Dask cluster; results come in one order.

* `interface` - what can be split (`Job`), what splits it (`Spread`), and errors on their way back.
* `processes` - this process, or several of this machine; `cluster` - a Dask cluster, and `worker` - what
  runs there; `pace` - how fast it goes, for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...evidence.base.errors import UsageError
from .interface import Spread
from .processes import Processes, usual


@contextmanager
def spread_over(jobs: int | None, cluster: str | None) -> Iterator[Spread]:
    """So many processes of this machine, by default one for each core; or the cluster at an address.

    Raises UsageError: both are named; and as `Cluster` on entering.
    """
    if cluster is None:
        yield Processes(jobs or usual())
        return
    if jobs is not None:
        what = "--jobs is about processes of this machine, and the work is for a cluster"
        raise UsageError(what, remedy="give one of them")
    from .cluster import Cluster

    with Cluster(cluster) as found:
        yield found
