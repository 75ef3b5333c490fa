"""Decisions and policy bundles as documents of Gemara, OpenSSF's model for governance data."""
