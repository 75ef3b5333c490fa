"""The commands of ``gate ibkr``."""

from __future__ import annotations

from ..options import command_group
from .account import import_account, probe_account
from .benchmark import benchmark
from .conformance import conformance
from .kill_switches import kill_switches
from .rollback_drill import rollback_drill
from .session import paper_session
from .sign import sign
from .simulate import scenario, simulate

app = command_group(
    "ibkr", "Simulate Interactive Brokers' gateway, test clients against it, and record broker evidence."
)
app.command("simulate")(simulate)
app.command("scenario")(scenario)
app.command("conformance")(conformance)
app.command("probe")(probe_account)
app.command("import-account")(import_account)
app.command("paper-session")(paper_session)
app.command("benchmark")(benchmark)
app.command("rollback-drill")(rollback_drill)
app.command("kill-switches")(kill_switches)
app.command("sign")(sign)
