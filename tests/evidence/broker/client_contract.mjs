// What @stoqey/ib sees of the simulated gateway: it places an order, cancels it, and prints one JSON line.
import { createRequire } from "node:module";

const { IBApi, EventName } = createRequire(`${process.cwd()}/`)("@stoqey/ib");
const ib = new IBApi({ host: "127.0.0.1", port: Number(process.argv[2]), clientId: 3 });
const seen = { statuses: [], errors: [] };
const contract = { symbol: "SPY", secType: "STK", exchange: "SMART", currency: "USD" };
const order = { action: "BUY", totalQuantity: 5, orderType: "LMT", lmtPrice: 400, tif: "DAY", transmit: true };

ib.on(EventName.error, (error, code) => seen.errors.push(code));
ib.on(EventName.nextValidId, (id) => ib.placeOrder((seen.id = id), contract, order));
ib.on(EventName.openOrder, (id, told, open) => (seen.open = [told.symbol, open.lmtPrice, open.totalQuantity]));
ib.on(EventName.orderStatus, (id, status) => {
  if (seen.statuses.at(-1) !== status) seen.statuses.push(status);
  if (status === "Submitted") ib.cancelOrder(id);
  if (status === "Cancelled") ib.disconnect();
});
ib.on(EventName.disconnected, () => {
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
});
setTimeout(() => process.exit(1), 30000);
ib.connect();
