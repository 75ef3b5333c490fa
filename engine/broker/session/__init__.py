"""A paper session's files and the mock baseline in the workspace, and what is printed about them."""
