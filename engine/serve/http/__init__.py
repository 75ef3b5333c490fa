"""HTTP: routes, limits, headers, the service's description of itself, and the server."""
