import { createServer } from "node:http";

import { createPortal } from "./src/portal.mjs";
import { readSettings } from "./src/settings.mjs";

const settings = readSettings(process.env);
const closing = new AbortController();
const server = createServer({ requestTimeout: 15_000 }, createPortal(settings, closing.signal));

server.listen(settings.port, settings.host, () => {
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  console.log(`The portal is ready: http://${host}:${address.port}`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
    closing.abort();
  });
}
