"""Market data: bars, their aggregation from trades, and their quality checks."""
