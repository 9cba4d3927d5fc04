// Runs against a server: INKSTONE_URL, INKSTONE_ADMIN_EMAIL, INKSTONE_ADMIN_PASSWORD.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { ProblemError, createInkstone, isProblem, unwrap } from "../dist/index.js";
import { makePdf, makeZip, openProxy } from "./fixtures.mjs";

const { INKSTONE_URL: url, INKSTONE_ADMIN_EMAIL: email, INKSTONE_ADMIN_PASSWORD: password } = process.env;
const MIB = 1 << 20;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/**
 * A client of a member who is signed in; `at` is where it finds the server. Notes what it sends, and what comes back;
 * `send` may send something else, and give another answer.
 */
async function signedIn({ at = url, send = globalThis.fetch } = {}) {
  const seen = [];
  const fetch = async (request) => {
    const { method, headers } = request;
    const path = new URL(request.url).pathname;
    const one = { method, path, headers: new Headers(headers), status: 0, answer: new Headers() };
    seen.push(one);
    const response = await send(request);
    one.status = response.status;
    one.answer = response.headers;
    return response;
  };
  const site = createInkstone({ url: at, fetch });
  await site.login(email, password);
  seen.length = 0;
  return { site, seen, count: (method) => seen.filter((one) => one.method === method).length };
}

/** A client that reaches the server through a proxy of the test's own. */
async function behindProxy(t) {
  const proxy = await openProxy(url);
  t.after(proxy.close);
  return { proxy, ...(await signedIn({ at: proxy.url })) };
}

/** Notes progress, and checks that it never falls. */
function watchProgress(total) {
  const steps = [];
  const onProgress = (sent, all) => {
    assert.equal(all, total);
    assert.ok(sent > (steps.at(-1) ?? -1), `${sent} after ${steps.at(-1)}`);
    steps.push(sent);
  };
  return { steps, onProgress };
}

/** Checks that the server has the bytes, as one media. */
async function checkStored(media, bytes) {
  const { site } = await signedIn();
  assert.deepEqual([media.bytes, media.sha256], [bytes.length, sha256(bytes)]);
  const list = unwrap(await site.GET("/api/v1/media", { params: { query: { sha256: media.sha256 } } }));
  assert.deepEqual(list.data.map((one) => one.id), [media.id], "uploaded once");
  const path = { id: media.id };
  const original = await site.GET("/api/v1/media/{id}/original", { params: { path }, parseAs: "arrayBuffer" });
  assert.equal(sha256(Buffer.from(unwrap(original))), media.sha256);
}

const quick = { retryDelays: [20, 20, 20, 20] };

test("a small file goes in one request, with what is said of it", async () => {
  const { site, seen } = await signedIn();
  const pdf = makePdf();
  const { steps, onProgress } = watchProgress(pdf.length);
  const media = await site.uploadMedia(new File([pdf], "质量 \"报告\".pdf"), {
    alt: "Ein Bericht\nüber Güte",
    caption: "Below it",
    credit: "Ada",
    tags: ["quality", "two words"],
    audience: "members",
    sourceUrl: "https://www.example.org/report.pdf",
    onProgress,
  });
  assert.deepEqual(seen.map((one) => [one.method, one.path, one.status]), [["POST", "/api/v1/media", 201]]);
  assert.deepEqual(steps, [0, pdf.length]);
  assert.equal(media.kind, "document");
  assert.equal(media.name, "质量 报告.pdf");
  assert.equal(media.alt.replace("\r\n", "\n"), "Ein Bericht\nüber Güte");
  const { caption, credit, tags, audience, source_url } = media;
  assert.deepEqual([caption, credit, tags, audience], ["Below it", "Ada", ["quality", "two words"], "members"]);
  assert.equal(source_url, "https://www.example.org/report.pdf");
  await checkStored(media, pdf);
});

test("bytes and streams are files too, and a name is optional", async () => {
  const { site, count } = await signedIn();
  const pdf = makePdf();
  const chunks = async function* () {
    for (let at = 0; at < pdf.length; at += 7) yield pdf.subarray(at, at + 7);
  };
  const padded = new Uint8Array([1, 2, 3, ...pdf]);
  for (const file of [
    pdf,
    padded.buffer.slice(3),
    new Uint8Array(padded.buffer, 3),
    new DataView(padded.buffer, 3),
    new Blob([pdf]),
    new Blob([pdf]).stream(),
    chunks(),
  ]) {
    const media = await site.uploadMedia(file, { name: "one.pdf" });
    assert.deepEqual([media.sha256, media.name], [sha256(pdf), "one.pdf"]);
  }
  assert.equal(count("PATCH"), 0);
  const nameless = await site.uploadMedia(pdf);
  const inParts = await site.uploadMedia(chunks(), { resumable: true, size: pdf.length });
  for (const media of [nameless, inParts]) assert.equal(media.name, `${media.id.replaceAll("-", "")}.pdf`);
  assert.equal(inParts.sha256, sha256(pdf));
});

test("a file of 20 MB goes in parts, by tus", async () => {
  const { site, seen, count } = await signedIn();
  const zip = makeZip(20 * MIB);
  const { steps, onProgress } = watchProgress(zip.length);
  const addresses = [];
  const said = { name: "noise.zip", alt: "Rauschen, weiß", tags: ["a", "b"], credit: "Ada", audience: "members" };
  const media = await site.uploadMedia(new Blob([zip]), {
    ...said,
    onProgress,
    onUploadUrl: (address) => addresses.push(address),
  });
  const { name, alt, tags, credit, audience } = media;
  assert.deepEqual({ name, alt, tags, credit, audience }, said);
  assert.equal(count("POST"), 1);
  assert.ok(count("PATCH") >= 3, "parts of at most 8 MiB");
  assert.deepEqual(seen.at(-1).path, `/api/v1/media/${media.id}`);
  assert.equal(steps[0], 0);
  assert.equal(steps.at(-1), zip.length);
  assert.equal(addresses.length, 1);
  assert.ok(addresses[0].startsWith(`${url}/api/v1/media/uploads/`));
  await checkStored(media, zip);
});

test("a connection that is cut in the middle of a part is taken up where the server has it", async (t) => {
  const { proxy, site, seen } = await behindProxy(t);
  const zip = makeZip(20 * MIB);
  const { steps, onProgress } = watchProgress(zip.length);
  proxy.cutAfter(9.5 * MIB);
  // The server stores what has arrived when it sees that the connection is closed.
  const media = await site.uploadMedia(new Blob([zip]), { retryDelays: [1_000, 1_000], partBytes: 4 * MIB, onProgress });
  assert.equal(proxy.state.cuts, 1);
  const asked = seen.findIndex((one) => one.method === "HEAD");
  const lost = seen[asked - 1];
  assert.deepEqual([lost.method, lost.status], ["PATCH", 0]);
  const resumed = seen.slice(asked).find((one) => one.method === "PATCH" && one.status === 204);
  const [before, after] = [lost, resumed].map((one) => Number(one.headers.get("upload-offset")));
  assert.ok(after > before, "what has arrived of the part is not sent again");
  assert.ok(steps.includes(after));
  await checkStored(media, zip);
});

test("streams survive a cut too, and are never held as a whole", async (t) => {
  const { proxy, site } = await behindProxy(t);
  const zip = makeZip(12 * MIB);
  const folder = await mkdtemp(join(tmpdir(), "inkstone-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "noise.zip");
  await writeFile(path, zip);
  let read = 0;
  const pieces = async function* () {
    for await (const piece of createReadStream(path)) {
      read += piece.length;
      yield piece;
    }
  };
  let ahead = 0;
  const onProgress = (sent) => (ahead = Math.max(ahead, read - sent));
  proxy.cutAfter(5.2 * MIB);
  const media = await site.uploadMedia(pieces(), { ...quick, size: zip.length, partBytes: MIB, onProgress });
  assert.equal(proxy.state.cuts, 1);
  assert.ok(ahead < 2 * MIB, `${ahead} bytes ahead`);
  await checkStored(media, zip);

  const stream = () => new Blob([zip]).stream();
  proxy.cutAfter(3.3 * MIB);
  const second = await site.uploadMedia(stream(), { ...quick, size: zip.length, name: "second.zip" });
  assert.equal(second.sha256, media.sha256);
  await assert.rejects(site.uploadMedia(stream()), /needs the option size/);
  await assert.rejects(site.uploadMedia(stream(), { size: zip.length + 1 }), /the stream has \d+ bytes/);
  await assert.rejects(site.uploadMedia(stream(), { size: zip.length - 1 }), /the stream has more bytes/);
});

test("an answer that is lost makes no second media", async (t) => {
  const { proxy, site, seen, count } = await behindProxy(t);
  const zip = makeZip(6 * MIB);
  proxy.loseAnswer((_request, answer) => /^upload-media/im.test(answer));
  const media = await site.uploadMedia(zip, quick);
  assert.equal(proxy.state.cuts, 1);
  assert.deepEqual(seen.slice(-3).map((one) => [one.method, one.status]), [["PATCH", 0], ["HEAD", 200], ["GET", 200]]);
  await checkStored(media, zip);

  const pdf = makePdf();
  proxy.loseAnswer((_request, answer) => answer.startsWith("HTTP/1.1 201"));
  const before = count("POST");
  const small = await site.uploadMedia(pdf, quick);
  assert.equal(proxy.state.cuts, 2);
  assert.equal(count("POST"), before + 2);
  assert.equal(seen.at(-1).answer.get("idempotency-replayed"), "true");
  await checkStored(small, pdf);
});

test("an upload goes on after a restart", async () => {
  const zip = makeZip(8 * MIB);
  const controller = new AbortController();
  const first = await signedIn();
  let uploadUrl;
  const stopped = first.site.uploadMedia(new Blob([zip]), {
    alt: "As it was begun",
    partBytes: MIB,
    signal: controller.signal,
    onUploadUrl: (address) => (uploadUrl = address),
    onProgress: (sent) => sent >= 3 * MIB && controller.abort(),
  });
  await assert.rejects(stopped, (error) => error.name === "AbortError");

  const other = await signedIn();
  const { steps, onProgress } = watchProgress(zip.length);
  const sameSize = other.site.uploadMedia(new Blob([zip, "x"]), { uploadUrl });
  await assert.rejects(sameSize, /the upload is of a file of \d+ bytes/);
  const elsewhere = other.site.uploadMedia(zip, { uploadUrl: "https://other.example/files/1" });
  await assert.rejects(elsewhere, /is no address of an upload/);
  const media = await other.site.uploadMedia(new Blob([zip]), { uploadUrl, onProgress });
  assert.ok(steps[0] >= 3 * MIB);
  assert.equal(media.alt, "As it was begun");
  assert.equal(other.count("POST"), 0);
  await checkStored(media, zip);

  // Once more: it has ended, and is the same media.
  const again = await signedIn();
  assert.equal((await again.site.uploadMedia(new Blob([zip]), { uploadUrl })).id, media.id);
  assert.deepEqual(again.seen.map((one) => one.method), ["HEAD", "GET"]);
});

test("an upload that the server has no more begins anew", async () => {
  const { site, seen } = await signedIn();
  const pdf = makePdf();
  const addresses = [];
  const onUploadUrl = (address) => addresses.push(address);
  const uploadUrl = `${url}/api/v1/media/uploads/00000000-0000-7000-8000-000000000000`;
  const media = await site.uploadMedia(pdf, { uploadUrl, onUploadUrl });
  assert.deepEqual(seen.map((one) => one.method), ["HEAD", "POST", "PATCH", "GET"]);
  assert.equal(addresses.length, 1);
  assert.notEqual(addresses[0], uploadUrl);
  await checkStored(media, pdf);
});

test("an abort ends the upload at once, and on the server if that is asked for", async (t) => {
  const { proxy, site, seen } = await behindProxy(t);
  const zip = makeZip(8 * MIB);
  for (const terminateOnAbort of [false, true]) {
    const controller = new AbortController();
    let uploadUrl;
    const stopped = site.uploadMedia(zip, {
      partBytes: MIB,
      terminateOnAbort,
      signal: controller.signal,
      onUploadUrl: (address) => (uploadUrl = address),
      onProgress: (sent) => sent > 2 * MIB && controller.abort(new Error("enough")),
    });
    await assert.rejects(stopped, /enough/);
    assert.equal(seen.at(-1).method, terminateOnAbort ? "DELETE" : "PATCH");
    const path = { id: uploadUrl.split("/").at(-1) };
    const left = await site.GET("/api/v1/media/uploads/{id}", { params: { path } });
    assert.equal(left.response.status, terminateOnAbort ? 404 : 200);
  }
  // While it waits for a stream.
  for (const size of [undefined, MIB, 6 * MIB]) {
    const silent = new ReadableStream({ start: (stream) => stream.enqueue(makePdf()) });
    const reading = site.uploadMedia(silent, { size, signal: AbortSignal.timeout(300) });
    await assert.rejects(reading, { name: "TimeoutError" });
  }
  // Between two tries.
  proxy.state.isMute = true;
  const signal = AbortSignal.timeout(300);
  const began = Date.now();
  const waiting = site.uploadMedia(makePdf(), { signal, resumable: true, requestTimeout: 50, retryDelays: [60_000] });
  await assert.rejects(waiting, (error) => error.name === "TimeoutError");
  assert.ok(Date.now() - began < 5_000);
  const sent = seen.length;
  await assert.rejects(site.uploadMedia(makePdf(), { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(seen.length, sent, "nothing is sent under a signal that has aborted");
});

test("a server that is silent is asked again, and given up after the last try", async (t) => {
  const { proxy, site, count } = await behindProxy(t);
  const zip = makeZip(6 * MIB);
  const options = { ...quick, partBytes: MIB, requestTimeout: 1_500 };
  let isOnce = true;
  const media = await site.uploadMedia(zip, {
    ...options,
    onProgress: (sent) => {
      if (sent < 2 * MIB || !isOnce) return;
      isOnce = false;
      proxy.state.isMute = true;
      setTimeout(() => (proxy.state.isMute = false), 1_000);
    },
  });
  assert.ok(count("HEAD") >= 1);
  await checkStored(media, zip);
  await proxy.close();
  const before = count("POST");
  await assert.rejects(site.uploadMedia(zip, quick), TypeError);
  assert.equal(count("POST"), before + 1 + quick.retryDelays.length);
});

test("a refusal that passes is tried again, when the server says, and another is not", async () => {
  let busy = 2;
  const { site, seen, count } = await signedIn({
    send: (request) =>
      request.url.endsWith("/media") && busy-- > 0
        ? new Response(null, { status: 503, headers: { "retry-after": "1" } })
        : fetch(request),
  });
  const began = Date.now();
  await site.uploadMedia(makePdf(), quick);
  assert.equal(count("POST"), 3);
  assert.ok(Date.now() - began >= 2_000);

  seen.length = 0;
  for (const resumable of [false, true]) {
    const refused = site.uploadMedia(makePdf(), { ...quick, resumable, sourceUrl: "nonsense" });
    await assert.rejects(refused, (error) => error instanceof ProblemError && error.fault("source_url") !== undefined);
  }
  assert.equal(seen.length, 2);
  await assert.rejects(site.uploadMedia(makePdf(), { tags: ["a,b"] }), TypeError);
  await assert.rejects(site.uploadMedia({ name: "harbour.jpg" }), TypeError);
  assert.equal(seen.length, 2);
});

test("a file of a type that is not taken is a problem, in one request and in parts", async (t) => {
  const { proxy, site } = await behindProxy(t);
  const page = () => new Blob([`<!doctype html><p>${Math.random()}</p>`], { type: "application/pdf" });
  for (const resumable of [false, true]) {
    const refused = site.uploadMedia(page(), { resumable, name: "innocent.pdf" });
    await assert.rejects(refused, (error) => isProblem(error, "unsupported_file") && error.status === 415);
  }
  // The answer to the last part is lost: the upload tells it.
  proxy.loseAnswer((_request, answer) => answer.startsWith("HTTP/1.1 415"));
  const late = site.uploadMedia(page(), { ...quick, resumable: true });
  await assert.rejects(late, (error) => error instanceof ProblemError && /none of JPEG/.test(error.message));
  assert.equal(proxy.state.cuts, 1);
});

test("parts carry their checksum, and one that was changed on its way is sent again", async () => {
  let isOnce = true;
  const { site, seen } = await signedIn({
    send: async (request) => {
      if (request.method !== "PATCH" || !isOnce) return fetch(request);
      isOnce = false;
      const bytes = new Uint8Array(await request.arrayBuffer());
      bytes[100] ^= 1;
      const { url, method, headers } = request;
      return fetch(url, { method, headers, body: bytes });
    },
  });
  const zip = makeZip(3 * MIB);
  const media = await site.uploadMedia(zip, { ...quick, resumable: true, checksum: true, partBytes: MIB });
  assert.deepEqual(seen.slice(0, 4).map((one) => [one.method, one.status]), [
    ["POST", 201],
    ["PATCH", 460],
    ["HEAD", 200],
    ["PATCH", 204],
  ]);
  const sums = seen.filter((one) => one.method === "PATCH").map((one) => one.headers.get("upload-checksum"));
  assert.ok(sums.every((sum) => /^sha256 [A-Za-z0-9+/]{43}=$/.test(sum)));
  assert.equal(sums[0], sums[1]);
  await checkStored(media, zip);
});

test("parts are as small as a proxy wants them", async () => {
  const { site, seen } = await signedIn({
    send: async (request) => {
      const bytes = request.method === "PATCH" ? (await request.clone().arrayBuffer()).byteLength : 0;
      return bytes > MIB ? new Response("<h1>413 Request Entity Too Large</h1>", { status: 413 }) : fetch(request);
    },
  });
  const zip = makeZip(6 * MIB);
  const media = await site.uploadMedia(zip, quick);
  assert.equal(seen.filter((one) => one.status === 413).length, 1);
  await checkStored(media, zip);
});

test("a token that ends in the middle of an upload is renewed", async () => {
  for (const resumable of [false, true]) {
    let isOnce = true;
    const { site, count, seen } = await signedIn({
      send: async (request) => {
        const answer = await fetch(request);
        if (!isOnce || !(request.method === "PATCH" || request.url.endsWith("/media"))) return answer;
        isOnce = false;
        return new Response(null, { status: 401 });
      },
    });
    const pdf = makePdf();
    const media = await site.uploadMedia(pdf, { ...quick, resumable });
    assert.equal(seen.filter((one) => one.path.endsWith("/auth/refresh")).length, 1);
    assert.equal(count("HEAD"), resumable ? 1 : 0);
    assert.equal(media.sha256, sha256(pdf));
  }
});

test("an upload is not taken up again for another member", async () => {
  const admin = await signedIn();
  const other = `other-${Date.now().toString(36)}@example.org`;
  unwrap(await admin.site.POST("/api/v1/members", { body: { email: other, password, role: "editor" } }));
  const { site, seen } = await signedIn({
    send: async (request) => {
      if (request.method === "PATCH") await site.login(other, password);
      return fetch(request);
    },
  });
  const uploading = site.uploadMedia(makeZip(6 * MIB), { ...quick, partBytes: MIB });
  await assert.rejects(uploading, { name: "MemberChanged" });
  const sent = seen.filter((one) => one.path.includes("/media"));
  assert.deepEqual(sent.map((one) => [one.method, one.status]), [["POST", 201], ["PATCH", 204]]);
});

test("an API key uploads; one that may not read gets the id", async () => {
  const { site: admin } = await signedIn();
  for (const scopes of [["media:write"], ["media:read", "media:write"]]) {
    const made = unwrap(await admin.POST("/api/v1/api-keys", { body: { name: "uploads", scopes } })).data;
    const script = createInkstone({ url, key: made.key });
    for (const resumable of [false, true]) {
      const pdf = makePdf();
      const media = await script.uploadMedia(pdf, { resumable });
      assert.equal(media.sha256, scopes.length > 1 ? sha256(pdf) : undefined);
      const stored = await admin.GET("/api/v1/media/{id}", { params: { path: { id: media.id } } });
      await checkStored(unwrap(stored).data, pdf);
    }
  }
});

test("further headers go with every request of an upload", async () => {
  const { site, seen } = await signedIn();
  const headers = { "x-request-id": "upload-of-the-test", "accept-language": "zh" };
  await site.uploadMedia(makePdf(), { resumable: true, headers });
  assert.equal(seen.length, 3);
  for (const one of seen) assert.equal(one.answer.get("x-request-id"), "upload-of-the-test");
  const refused = site.uploadMedia(Buffer.from("<p>"), { headers });
  await assert.rejects(refused, (error) => /\p{Script=Han}/u.test(error.message));
});

test("the example of the README works", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, example] = /## Uploading\n[^]*?```ts\n([^]*?)```/.exec(readme);
  const { site } = await signedIn();
  const AsyncFunction = (async () => {}).constructor;
  const zip = makeZip(6 * MIB);
  const bar = { max: 0, value: 0 };
  const store = new Map();
  const localStorage = {
    getItem: (key) => store.get(key) ?? null,
    setItem: (key, value) => store.set(key, value),
    removeItem: (key) => store.delete(key),
  };
  const stop = new EventTarget();
  const names = ["site", "file", "bar", "stopButton", "localStorage", "console"];
  const run = new AsyncFunction(...names, `${example}; return media;`);
  const media = await run(site, new File([zip], "noise.zip"), bar, stop, localStorage, { log: () => {} });
  assert.deepEqual(bar, { max: zip.length, value: zip.length });
  assert.equal(store.size, 0);
  assert.equal(media.alt, "The harbour at dawn");
  await checkStored(media, zip);
});
