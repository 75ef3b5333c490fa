"""gate.yaml: its settings, errors about it in words, and a commented first version."""
