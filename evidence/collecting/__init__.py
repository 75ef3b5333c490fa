"""From collectors to evidence: interface, registry, plug-ins, runner, cache, subject, provenance."""
