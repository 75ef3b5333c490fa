"""The TWS socket protocol: frames, and what clients send in them."""
