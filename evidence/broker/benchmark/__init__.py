"""How long an order takes on this machine: without a broker's delays, and with those of a scenario."""
