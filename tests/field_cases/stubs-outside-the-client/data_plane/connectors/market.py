class MarketClient:
    async def connect(self): ...

    async def subscribe(self, contract): ...

    def health(self):
        return {"connected": True}
