"""From target weights to orders: intents, pacing, brokers."""
