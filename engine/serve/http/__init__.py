"""HTTP: routes for machines, limits, headers, and the service's description of itself."""
