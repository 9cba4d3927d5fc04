// A receiver of webhooks in Node: `standardwebhooks` of npm verifies `v1`, node:crypto verifies `v1a`.
//
// POST /hooks/{name} records a delivery and answers it, with 204 unless PUT /script/{name} said otherwise.
// GET /received/{name} lists what was recorded. POST /verify says whether a delivery is genuine.
import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { Webhook } from "standardwebhooks";

/** The DER header of an Ed25519 public key (RFC 8410), which is followed by the 32 bytes of the key. */
const DER_HEADER = Buffer.from("302a300506032b6570032100", "hex");

const received = new Map();
const scripts = new Map();

function verifySecret({ body, headers, secret }) {
  new Webhook(secret).verify(body, headers);
}

function verifyPublicKey({ body, headers, public_key }) {
  const raw = Buffer.from(public_key.replace(/^whpk_/, ""), "base64");
  const key = createPublicKey({ key: Buffer.concat([DER_HEADER, raw]), format: "der", type: "spki" });
  const content = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const signatures = headers["webhook-signature"].split(" ").filter((signature) => signature.startsWith("v1a,"));
  if (!signatures.some((signature) => verify(null, content, key, Buffer.from(signature.slice(4), "base64")))) {
    throw new Error("no signature of this key");
  }
}

function tryVerify(delivery) {
  try {
    (delivery.secret ? verifySecret : verifyPublicKey)(delivery);
    return { verified: true, error: null };
  } catch (error) {
    return { verified: false, error: error.message };
  }
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}

function sendJson(response, value) {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function answerDelivery(name, request, body, response) {
  const list = received.get(name) ?? [];
  received.set(name, list);
  list.push({ method: request.method, headers: request.headers, body, at: Date.now() / 1000 });
  const { status = 204, headers = {}, delay = 0 } = scripts.get(name)?.shift() ?? {};
  await setTimeout(delay * 1000);
  response.writeHead(status, headers).end();
}

const server = createServer(async (request, response) => {
  const body = await readBody(request);
  const [, area, name] = request.url.split("/");
  if (area === "hooks") return answerDelivery(name, request, body, response);
  if (area === "received") return sendJson(response, received.get(name) ?? []);
  if (area === "script") scripts.set(name, JSON.parse(body));
  sendJson(response, area === "verify" ? tryVerify(JSON.parse(body)) : {});
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
