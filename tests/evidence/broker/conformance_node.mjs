// The tasks "orders" and "shutdown" of `gate ibkr conformance`, with @stoqey/ib.
import { createRequire } from "node:module";

const { IBApi, EventName } = createRequire(`${process.cwd()}/`)("@stoqey/ib");
const { GATE_IBKR_HOST: host, GATE_IBKR_PORT, GATE_IBKR_CLIENT_ID, GATE_IBKR_ACCOUNT: account, GATE_IBKR_TASK: task } = process.env;
const ib = new IBApi({ host, port: Number(GATE_IBKR_PORT), clientId: Number(GATE_IBKR_CLIENT_ID) });
const open = new Map();
let next;

function place(symbol, limit) {
  const contract = { symbol, secType: "STK", exchange: "SMART", currency: "USD" };
  const kind = limit === undefined ? { orderType: "MKT" } : { orderType: "LMT", lmtPrice: limit };
  ib.placeOrder(next, contract, { action: "BUY", totalQuantity: 10, tif: "DAY", transmit: true, account, ...kind });
  open.set(next++, symbol);
}

ib.on(EventName.managedAccounts, (accounts) => accounts.split(",").includes(account) || process.exit(3));
ib.once(EventName.nextValidId, (id) => {
  next = id;
  place("SPY", task === "shutdown" ? 1 : undefined);
  if (task === "shutdown") place("QQQ", 1);
});
ib.on(EventName.orderStatus, (id, status) => {
  const symbol = open.get(id);
  if (status === "Submitted" && symbol === "QQQ" && task === "orders") ib.cancelOrder(id);
  if (!["Filled", "Cancelled"].includes(status) || !open.delete(id)) return;
  if (symbol === "SPY" && task === "orders") place("QQQ", 1);
  else if (open.size === 0) ib.disconnect();
});
ib.on(EventName.disconnected, () => process.exit(0));
ib.on(EventName.error, () => {});
process.on("SIGTERM", () => [...open.keys()].forEach((id) => ib.cancelOrder(id)));
setTimeout(() => process.exit(1), 30000);
ib.connect();
