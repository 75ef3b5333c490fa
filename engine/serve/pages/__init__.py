"""Pages for people with a browser: without scripts, cookies or anything from elsewhere.

* `visits` - from a request to the page that answers it.
* `views` - pages as HTML, from values alone; `html` - templates, words and links; `rows` - decisions listed.
* `impacts` - results of `gate policy impact`; `pushing` - the route for bundles, whose results they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from ..served import Served


def routes(served: Served) -> list[BaseRoute]:
    """The pages' routes; they come last, after those for machines (``/api``, ``/tlog``, ``/metrics`` …)."""
    from .visits import Visits

    return Visits(served).routes()
