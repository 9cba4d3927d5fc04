// What the tests of uploads need: files that the server takes, and a connection that breaks.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { crc32 } from "node:zlib";

/** A small PDF, unlike every other. */
export function makePdf() {
  return Buffer.from(`%PDF-1.4\n% ${randomBytes(16).toString("hex")}\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n`);
}

/** A valid ZIP archive of about `bytes` bytes, unlike every other: one stored entry of random bytes. */
export function makeZip(bytes) {
  const name = Buffer.from("noise.bin");
  const content = randomBytes(bytes);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(bytes, 14);
  fields.writeUInt32LE(bytes, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, name]);
  const central = Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), fields, Buffer.alloc(14), name]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + bytes, 16);
  return Buffer.concat([local, content, central, end]);
}

/**
 * A proxy before the server at `url`. `cutAfter(n)` cuts the connection once `n` further bytes have gone to the server;
 * `loseAnswer(test)` cuts the next connection whose answer begins and whose request passes `test`, after the server has
 * answered; `isMute` swallows what clients send.
 */
export async function openProxy(url) {
  const { hostname, port } = new URL(url);
  const state = { cuts: 0, isMute: false, left: Infinity, losing: undefined };
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const cut = () => (client.destroy(), upstream.destroy());
    let asked = "";
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", () => (sockets.delete(socket), cut()));
    }
    client.on("data", (chunk) => {
      if (state.isMute) return;
      // Chunks of a body may look like anything; heads of requests come in chunks of their own.
      if (/^[A-Z]+ \//.test(chunk.subarray(0, 16).toString("latin1"))) asked = chunk.toString("latin1");
      if (chunk.length < state.left) {
        state.left -= chunk.length;
        if (!upstream.write(chunk)) (client.pause(), upstream.once("drain", () => client.resume()));
        return;
      }
      upstream.write(chunk.subarray(0, state.left), cut);
      client.pause();
      state.left = Infinity;
      state.cuts += 1;
    });
    upstream.on("data", (chunk) => {
      if (!state.losing?.(asked, chunk.toString("latin1"))) return client.write(chunk);
      state.losing = undefined;
      state.cuts += 1;
      cut();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    cutAfter: (bytes) => (state.left = bytes),
    loseAnswer: (test) => (state.losing = test),
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
