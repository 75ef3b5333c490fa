"""Commands of people: sign-offs, waivers, and the keys of a ledger."""
