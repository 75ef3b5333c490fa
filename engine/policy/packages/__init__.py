"""Policy bundles as files: archives, their signatures, and where they are kept."""
