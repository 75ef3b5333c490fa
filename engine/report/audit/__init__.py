"""The audit report: one typed model of a decision, as Markdown, HTML, PDF and the go-live document."""
