"""Commands for those who watch: notifications and metrics."""
