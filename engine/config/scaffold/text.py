"""The file that ``gate init`` writes; the braces are filled in."""

from __future__ import annotations

TEMPLATE = """\
# Settings of gate, the policy-as-code gate. Every setting is optional; what is commented out shows a default
# or an example. Reference: gate docs configuration

version: 1

# Name of the system that is judged; the directory's name if absent.
# name: my-system

# What is judged: directories, files or globs. Their content digest identifies what a decision is about;
# evidence files do not belong here.
{subject}

# Where each collector finds its evidence; `gate docs` has a page for each, here are a few.
{evidence}

# How old a collector's evidence may be, whatever the policies allow: s, m, h or d.
# freshness:
#   tests: 7d
#   account: 12h

# How much is read before it is refused (gate docs limits). What is wider than usual, every decision says.
# limits:
#   file_bytes: 67108864
#   collector_seconds: 120

# Who may sign in which role: principals of the allowed_signers file.
# roles:
#   risk_officer: [risk@example.com]
#   cto: [cto@example.com]
#   lead_trader: [trader@example.com]
# allowed_signers: trust/allowed_signers

# The policy bundle: the shipped one if absent. Pin it by revision and digest (the JSON of a decision has
# both).
# policy:
#   bundle: policies
#   version: "1.1.0"
#   digest: "0000000000000000000000000000000000000000000000000000000000000000"

# Where decisions are recorded. Whether to commit that directory: gate docs configuration.
{ledger}
#   origin: gate.local/my-system

# Judge as of a fixed time instead of the time of the run; every decision says so.
# effective_time: "2025-11-07T12:00:00Z"

# Changed dependencies between stages; every decision says so.
# stages:
#   stage5: {{depends_on: [stage3]}}
"""
