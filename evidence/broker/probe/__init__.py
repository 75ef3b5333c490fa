"""The account probe: a paper account, read from the gateway or a dump, as ACCOUNT_CONFIG.json."""
