import { ProblemError } from "./problem.js";
import { NoAnswer, Tries, ask, orAbort } from "./retry.js";
import type { ByteSource } from "./sources.js";
import type { Transport, Settings } from "./upload.js";

/** The path of uploads that arrive in parts. */
const UPLOADS = "/api/v1/media/uploads";
/** Bytes of the first part. */
const FIRST_PART_BYTES = 1 << 20;
/** Least bytes of a part on a connection that is slow or breaks. */
const MIN_PART_BYTES = 64 << 10;
/** Most bytes of a part; as many are held in memory of a stream. */
const MAX_PART_BYTES = 8 << 20;
/** A part that took less than this is followed by one of twice its size, in milliseconds. */
const FAST_PART_MS = 1_000;
/** A part that took longer than this is followed by one of half its size, in milliseconds. */
const SLOW_PART_MS = 4_000;
/** How long an abort waits for the upload's end on the server, in milliseconds. */
const TERMINATE_TIMEOUT_MS = 5_000;

/** Where an upload stands. */
interface UploadState {
  offset: number;
  /** The media that it has become. */
  media: string | undefined;
}

/** An upload by tus 1.0: created, sent part by part, and taken up again where the server has it after a failure. */
export class ResumableUpload {
  readonly #signal: AbortSignal | undefined;
  readonly #tries: Tries;
  readonly #timeout: number;
  #maxPart: number;
  #partBytes: number;
  #url: string | undefined;
  /** Whether the server has been asked for the upload, which the caller names. */
  #isKnown = false;
  #reported = -1;

  constructor(
    private readonly transport: Transport,
    private readonly source: ByteSource,
    private readonly metadata: Record<string, string>,
    private readonly options: Settings,
  ) {
    const { signal, partBytes, retryDelays, requestTimeout, uploadUrl } = options;
    this.#signal = signal;
    this.#tries = new Tries(retryDelays, signal);
    this.#timeout = requestTimeout;
    this.#maxPart = Math.max(1, partBytes ?? MAX_PART_BYTES);
    this.#partBytes = Math.min(FIRST_PART_BYTES, this.#maxPart);
    this.#url = uploadUrl === undefined ? undefined : this.#ownUrl(uploadUrl);
  }

  /** Uploads. Returns the id of the media. */
  async run(): Promise<string> {
    try {
      return await this.#run();
    } catch (error) {
      if (this.#signal?.aborted && this.options.terminateOnAbort) await this.#terminate();
      throw error;
    }
  }

  async #run(): Promise<string> {
    let state: UploadState | undefined;
    for (;;) {
      try {
        state ??= await this.#find();
        this.#report(state.offset);
        if (state.media) return state.media;
        const { offset } = state;
        state = await this.#sendPart(offset);
        const hasMoved = state.media !== undefined || state.offset > offset;
        if (!hasMoved) throw new NoAnswer(new Error("the server takes no more of the file"));
      } catch (error) {
        await this.#tries.wait(error);
        state = undefined;
      }
    }
  }

  /** Asks the server where the upload stands. Begins one if there is none, or none any more. */
  async #find(): Promise<UploadState> {
    if (this.#url === undefined) return this.#create();
    try {
      const answer = await this.#ask("HEAD", this.#url);
      this.#isKnown = true;
      const length = Number(answer.headers.get("upload-length"));
      const { size } = this.source;
      if (length !== size) throw new TypeError(`the upload is of a file of ${length} bytes, not ${size}`);
      return readState(answer);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status >= 500) throw error;
      if (!this.#isKnown && [404, 410].includes(error.status)) return this.#create();
      // An answer to HEAD does not say what is wrong.
      return readState(await this.#ask("GET", this.#url));
    }
  }

  async #create(): Promise<UploadState> {
    const encoder = new TextEncoder();
    const pairs = Object.entries(this.metadata).map(([key, value]) => `${key} ${toBase64(encoder.encode(value))}`);
    const headers: Record<string, string> = { "upload-length": String(this.source.size) };
    if (pairs.length > 0) headers["upload-metadata"] = pairs.join(",");
    const answer = await this.#ask("POST", this.transport.url + UPLOADS, headers);
    this.#url = this.#ownUrl(answer.headers.get("location") ?? "");
    this.#isKnown = true;
    this.options.onUploadUrl?.(this.#url);
    return readState(answer);
  }

  /** Sends the part at `offset`, and chooses the size of the next by the time that it took. */
  async #sendPart(offset: number): Promise<UploadState> {
    const end = Math.min(offset + this.#partBytes, this.source.size);
    const part = await orAbort(this.source.read(offset, end), this.#signal);
    const headers: Record<string, string> = {
      "content-type": "application/offset+octet-stream",
      "upload-offset": String(offset),
    };
    if (this.options.checksum) headers["upload-checksum"] = `sha256 ${await digest(part)}`;
    const began = Date.now();
    try {
      const state = readState(await this.#ask("PATCH", this.#url!, headers, part));
      const took = Date.now() - began;
      this.#resizePart(took < FAST_PART_MS ? 2 : took > SLOW_PART_MS ? 0.5 : 1);
      return state;
    } catch (error) {
      if (error instanceof NoAnswer) this.#resizePart(0.5);
      // A proxy takes no bodies of this size, which is no problem of the server's.
      const isTooLong = error instanceof ProblemError && error.code === "http_413" && end - offset > MIN_PART_BYTES;
      if (!isTooLong) throw error;
      this.#maxPart = Math.max(MIN_PART_BYTES, Math.floor((end - offset) / 2));
      this.#resizePart(0.5);
      throw new NoAnswer(error);
    }
  }

  #resizePart(factor: number) {
    const bytes = Math.max(MIN_PART_BYTES, Math.floor(this.#partBytes * factor));
    this.#partBytes = Math.min(this.#maxPart, bytes);
  }

  #report(offset: number) {
    if (offset <= this.#reported) return;
    this.#reported = offset;
    this.#tries.succeed();
    this.options.onProgress?.(offset, this.source.size);
  }

  async #terminate(): Promise<void> {
    if (this.#url === undefined) return;
    const request = (signal: AbortSignal) => this.#request("DELETE", this.#url!, {}, undefined, signal);
    // The server forgets the upload by itself after two days.
    await ask((signal) => this.transport.send(() => request(signal)), undefined, TERMINATE_TIMEOUT_MS).catch(() => {});
  }

  #ask(method: string, url: string, headers: Record<string, string> = {}, body?: Blob | Uint8Array): Promise<Response> {
    const request = (signal: AbortSignal) => this.#request(method, url, headers, body, signal);
    return ask((signal) => this.transport.send(() => request(signal)), this.#signal, this.#timeout);
  }

  #request(
    method: string,
    url: string,
    own: Record<string, string>,
    body: Blob | Uint8Array | undefined,
    signal: AbortSignal,
  ): Request {
    const headers = new Headers(this.options.headers);
    for (const [name, value] of Object.entries({ "tus-resumable": "1.0.0", ...own })) headers.set(name, value);
    return new Request(url, { method, headers, signal, body: (body ?? null) as BodyInit | null });
  }

  /** The address of an upload below the client's own: what signs its requests goes to no other server. */
  #ownUrl(address: string): string {
    const id = /\/media\/uploads\/([0-9a-f-]{36})$/i.exec(address)?.[1];
    if (id === undefined) throw new TypeError(`${JSON.stringify(address)} is no address of an upload`);
    return `${this.transport.url}${UPLOADS}/${id}`;
  }
}

function readState({ headers }: Response): UploadState {
  const offset = Number(headers.get("upload-offset") ?? NaN);
  if (!Number.isSafeInteger(offset)) throw new TypeError("the server does not say where the upload stands");
  return { offset, media: headers.get("upload-media")?.split("/").at(-1) };
}

async function digest(part: Blob | Uint8Array): Promise<string> {
  const bytes = part instanceof Blob ? await part.arrayBuffer() : part;
  return toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)));
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
