"""Notes: a small web service that renders notes written in Markdown."""
