"""What authors of policies ask about a bundle: checks, tests, coverage, differences, schemas."""
