// tus-js-client, on which Uppy too is built: resumable uploads of a client that knows nothing of Inkstone.
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import * as tus from "tus-js-client";
import { check, equal, token, unique, url } from "./check";

const endpoint = `${url}/api/v1/media/uploads`;
const headers = { Authorization: `Bearer ${token}` };
const MIB = 1 << 20;

// The types of the package leave out its storage for node.
type FileStorage = new (path: string) => tus.UrlStorage;
const { FileUrlStorage } = tus as unknown as { FileUrlStorage: FileStorage };
const folder = await mkdtemp(join(tmpdir(), "inkstone-"));
const storage = () => new FileUrlStorage(join(folder, "uploads.json"));

/** A file that the server takes, unlike every other: what it looks at is the beginning. */
const makeFile = (bytes: number) =>
  Buffer.concat([Buffer.from("%PDF-1.4\n% "), randomBytes(bytes), Buffer.from("\n%%EOF\n")]);

interface Run {
  options?: Partial<tus.UploadOptions>;
  /** Pauses after so many bytes. */
  pauseAfter?: number;
  /** Resumes what an earlier run has left. */
  resumes?: boolean;
  terminates?: boolean;
}

/** The requests of a run, and how it ended: with the last answer, or paused. */
interface Outcome {
  upload: tus.Upload;
  requests: string[];
  offsets: number[];
  last?: tus.HttpResponse;
}

function run(file: Buffer, how: Run): Promise<Outcome> {
  const { options = {}, pauseAfter = Infinity, resumes = false, terminates = false } = how;
  const requests: string[] = [];
  const offsets: number[] = [];
  return new Promise((resolve, reject) => {
    let isPaused = false;
    const upload: tus.Upload = new tus.Upload(file, {
      endpoint,
      headers,
      urlStorage: storage(),
      retryDelays: [100, 500, 1000],
      metadata: { filename: "noise.pdf", filetype: "application/pdf" },
      onBeforeRequest: (request) => void requests.push(request.getMethod()),
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "HEAD") offsets.push(Number(response.getHeader("Upload-Offset")));
      },
      onProgress: (sent) => {
        if (sent < pauseAfter || isPaused) return;
        isPaused = true;
        upload.abort(terminates).then(() => resolve({ upload, requests, offsets }), reject);
      },
      onSuccess: ({ lastResponse }) => resolve({ upload, requests, offsets, last: lastResponse }),
      onError: reject,
      ...options,
    });
    const begin = async () => {
      if (resumes) {
        const [previous] = await upload.findPreviousUploads();
        check(previous, "the upload before is known");
        upload.resumeFromPreviousUpload(previous);
      }
      upload.start();
    };
    begin().catch(reject);
  });
}

/** Checks that the upload has become media with the bytes of the file. */
async function checkMedia({ last }: Outcome, file: Buffer): Promise<Record<string, unknown>> {
  const path = last?.getHeader("Upload-Media");
  check(path, "the last answer names the media");
  const { data } = (await (await fetch(url + path, { headers })).json()) as { data: Record<string, unknown> };
  equal(data.sha256, createHash("sha256").update(file).digest("hex"), "the bytes");
  return data;
}

try {
  // In one part, and in several, with what is said of the file.
  for (const chunkSize of [Infinity, 2 * MIB]) {
    const file = makeFile(5 * MIB);
    const said = { alt: unique("alt"), tags: "a,b", audience: "members" };
    const metadata = { filename: "质量.pdf", filetype: "application/pdf", ...said };
    const whole = await run(file, { options: { chunkSize, metadata } });
    equal(whole.requests, ["POST", ...Array(chunkSize === Infinity ? 1 : 3).fill("PATCH")], "the requests");
    const media = await checkMedia(whole, file);
    const kept = [media.name, media.alt, media.audience, media.tags];
    equal(kept, ["质量.pdf", said.alt, "members", ["a", "b"]], "what is said of it");
  }

  // The first bytes with the creation.
  const early = makeFile(3 * MIB);
  for (const [chunkSize, requests] of [[Infinity, ["POST"]], [MIB, ["POST", "PATCH", "PATCH", "PATCH"]]] as const) {
    const outcome = await run(early, { options: { uploadDataDuringCreation: true, chunkSize } });
    equal(outcome.requests, requests, "the requests");
    await checkMedia(outcome, early);
  }

  // Paused in the middle of a part, and resumed by another object, as after a reload.
  for (const chunkSize of [Infinity, 4 * MIB]) {
    // So much is still on its way when the client, which looks ten times a second, sees that it has sent 9 MiB.
    const file = makeFile(160 * MIB);
    const paused = await run(file, { options: { chunkSize }, pauseAfter: 9 * MIB });
    check(paused.last === undefined, "the upload has not ended");
    // The server stores what has arrived when it sees that the connection is closed.
    await setTimeout(1000);
    const resumed = await run(file, { options: { chunkSize, removeFingerprintOnSuccess: true }, resumes: true });
    equal(resumed.requests[0], "HEAD", "the first request of a resumed upload");
    check(!resumed.requests.includes("POST"), "a resumed upload is not created again");
    check(resumed.offsets[0]! > 0, `the upload went on at ${resumed.offsets[0]}`);
    equal(resumed.upload.url, paused.upload.url, "the address");
    await checkMedia(resumed, file);
    // It has ended: asked for once more, it names its media.
    const ended = await run(file, { options: { uploadUrl: resumed.upload.url } });
    equal(ended.requests, ["HEAD"], "the requests for an upload that has ended");
    await checkMedia(ended, file);
  }

  // Terminated while it runs, and after a pause.
  const given = makeFile(12 * MIB);
  const terminated = await run(given, { options: { chunkSize: MIB }, pauseAfter: 5 * MIB, terminates: true });
  const left = await run(given, { options: { chunkSize: MIB }, pauseAfter: 5 * MIB });
  await tus.Upload.terminate(left.upload.url!, { headers });
  for (const { upload } of [terminated, left]) {
    equal((await fetch(upload.url!, { method: "HEAD", headers })).status, 404, "the status of what was ended");
  }

  // A file that is not taken: the problem is the answer to its last part.
  const refused = await run(Buffer.from(`<p>${unique("page")}</p>`), {}).then(
    () => undefined,
    (error: tus.DetailedError) => error.originalResponse,
  );
  equal(refused?.getStatus(), 415, "the status of a refused file");
  equal(JSON.parse(refused!.getBody()).code, "unsupported_file", "its code");
} finally {
  await rm(folder, { recursive: true, maxRetries: 5 });
}
