import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request as sendRequest } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { createInkstone, unwrap } from "#inkstone-client";

export const ADMIN = { email: "admin@localhost", password: "a long pass phrase" };

/** @typedef {{ url: string, stop: () => Promise<void> }} Running */

/**
 * Starts a program, and waits for the line that says where it is.
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} environment
 * @param {RegExp} ready
 * @returns {Promise<Running>}
 */
async function startProgram(program, args, environment, ready) {
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  for await (const line of createInterface(child.stdout)) {
    const url = ready.exec(line)?.[1];
    if (url) {
      child.stdout.resume();
      return { url, stop };
    }
  }
  throw new Error(`${program} has not started`);
}

/**
 * Starts Inkstone with the demo site on a free port.
 * @param {string} binary
 * @param {string} folder
 */
export async function startInkstone(binary, folder) {
  const environment = {
    DATABASE_URL: "",
    INKSTONE_ADMIN_EMAIL: ADMIN.email,
    INKSTONE_ADMIN_PASSWORD: ADMIN.password,
    INKSTONE_MAIL_URL: "file://",
    INKSTONE_TRUSTED_PROXIES: "127.0.0.1",
    INKSTONE_LOG: "warn",
    // A build without optimisations takes long for a password, on a machine that does other things too.
    INKSTONE_REQUEST_TIMEOUT: "60",
  };
  const args = ["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir", folder, "--webhook-allow", "127.0.0.0/8"];
  return startProgram(binary, args, environment, /^Inkstone is ready: (\S+)/);
}

/**
 * Starts the portal on a free port.
 * @param {string} api
 * @param {string[]} [secrets] Those of its webhook.
 */
export async function startPortal(api, secrets = []) {
  const server = fileURLToPath(new URL("../server.mjs", import.meta.url));
  const environment = { INKSTONE_URL: api, PORTAL_PORT: "0", PORTAL_WEBHOOK_SECRETS: secrets.join(" ") };
  return startProgram(process.execPath, [server], environment, /^The portal is ready: (\S+)/);
}

/**
 * Signs the admin in.
 * @param {string} api
 */
export async function logInAdmin(api) {
  const admin = createInkstone({ url: api });
  await admin.login(ADMIN.email, ADMIN.password);
  return admin;
}

/**
 * Tells Inkstone that the site is where a portal is: mails lead there.
 * @param {import("#inkstone-client").Inkstone} admin
 * @param {string} portal
 */
export async function moveSite(admin, portal) {
  unwrap(await admin.PATCH("/api/v1/site", { body: { base_url: portal } }));
}

/**
 * Waits until searches find what was added last.
 * @param {import("#inkstone-client").Inkstone} client
 * @param {string} q
 */
export async function waitForSearch(client, q) {
  for (;;) {
    const { data } = await client.GET("/api/v1/search", { params: { query: { q } } });
    if (data && data.data.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/**
 * A server that passes requests on to another.
 * @typedef {object} Relay
 * @property {string} url
 * @property {string} target Where it leads.
 * @property {boolean} isCut Whether it is as if the target were down.
 * @property {Promise<unknown>} gate Requests wait for it.
 * @property {string[]} seen The requests.
 * @property {string[]} answers Those that were answered, with the status.
 * @property {boolean} isMute Whether it leaves events out.
 * @property {Set<import("node:http").ServerResponse>} streams The open streams of events.
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a relay.
 * @param {string} target
 * @returns {Promise<Relay>}
 */
export async function startRelay(target) {
  const server = createServer((incoming, outgoing) => void relay.gate.then(() => passOn(relay, incoming, outgoing)));
  /** @type {Relay} */
  const relay = {
    url: "", target, isCut: false, gate: Promise.resolve(), seen: [], answers: [], isMute: false, streams: new Set(),
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  relay.url = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
  return relay;
}

/**
 * @param {Relay} relay
 * @param {import("node:http").IncomingMessage} incoming
 * @param {import("node:http").ServerResponse} outgoing
 */
function passOn(relay, incoming, outgoing) {
  const { method, headers, url } = incoming;
  relay.seen.push(`${method} ${url}`);
  if (relay.isCut) return void incoming.socket.destroy();
  const request = sendRequest(relay.target + url, { method, headers }, (answer) => {
    relay.answers.push(`${method} ${url} ${answer.statusCode}`);
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    if (answer.headers["content-type"] !== "text/event-stream") return void answer.pipe(outgoing);
    relay.streams.add(outgoing);
    answer.on("data", (bytes) => relay.isMute || outgoing.write(bytes));
    answer.on("close", () => outgoing.end());
  });
  request.on("error", () => outgoing.destroy());
  outgoing.on("close", () => {
    relay.streams.delete(outgoing);
    request.destroy();
  });
  incoming.pipe(request);
}
