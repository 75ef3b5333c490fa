"""Everything that looks at the user's workspace: safe reading, collectors, signatures. Judges nothing."""
