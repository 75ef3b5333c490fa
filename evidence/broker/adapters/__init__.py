"""The client libraries behind the broker port: one of them, named explicitly and imported when it is used."""
