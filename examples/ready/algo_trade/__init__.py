"""A small mean-variance equity strategy: signals, weights, risk limits, execution."""
