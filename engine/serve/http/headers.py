"""Headers of every answer, in one place."""

from __future__ import annotations

from typing import Final

DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of everything that is no page."""
REPORT_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Of a report in HTML, which brings its own style and no script: a sandbox, in which it is of no origin."""

ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
}
"""Of every answer. `content-security-policy` and `cache-control` are added where a route sets none."""
OTHERWISE: Final = {"content-security-policy": DATA_POLICY, "cache-control": "no-store"}
SECURE: Final = {"strict-transport-security": "max-age=31536000"}
"""Over TLS."""
UNCHANGING: Final = {"cache-control": "public, max-age=31536000, immutable"}
"""Of what never changes, such as a full tile."""
