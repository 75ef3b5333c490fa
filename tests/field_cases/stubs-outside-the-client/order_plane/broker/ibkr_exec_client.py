from ib_async import IB
from order_plane.intents.risk import PreTradeRisk


class Client:
    def __init__(self):
        self.ib = IB()
        self.risk = PreTradeRisk()

    def place(self, contract, order):
        if not self.risk.validate(order):
            raise ValueError("refused")
        return self.ib.placeOrder(contract, order)
