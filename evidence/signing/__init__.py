"""Signatures: DSSE envelopes, SSHSIG, keys and who may sign what at what time."""
