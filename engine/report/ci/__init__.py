"""A decision for CI systems: JUnit, SARIF, GitHub, GitLab and TAP."""
