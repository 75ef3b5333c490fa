"""JSON Schemas of the workspace: what they say, where their references lead, whether they are contracts."""
