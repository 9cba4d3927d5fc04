import { ResumableUpload } from "./resumable.js";
import { ProblemError } from "./problem.js";
import { Tries, ask, orAbort } from "./retry.js";
import { openSource, type ByteSource, type MediaFile } from "./sources.js";
import type { components } from "./types.js";

type Media = components["schemas"]["Media"];

/** What is said of a file, and how it is uploaded. */
export interface UploadOptions {
  /** The name of the file; that of a `File` when absent. */
  name?: string;
  /** What a picture shows, for those who do not see it. */
  alt?: string;
  /** The text below it. */
  caption?: string;
  /** Whose work it is. */
  credit?: string;
  /** The address that it was taken from. */
  sourceUrl?: string;
  /** Words to find it by; without commas. */
  tags?: readonly string[];
  /** Whom it is for; `public` when absent. */
  audience?: components["schemas"]["Audience"];
  /** The bytes of a stream. Needed from 5 MiB on. */
  size?: number;
  /** Called with the bytes that the server has, of all: at the beginning, and whenever there are more. */
  onProgress?: (sent: number, total: number) => void;
  /** Ends the upload. What the server has of it can be resumed. */
  signal?: AbortSignal;
  /** Whether the server throws away what it has when `signal` aborts. */
  terminateOnAbort?: boolean;
  /** Whether the file goes in parts; by its size (from 5 MiB on) when absent. */
  resumable?: boolean;
  /** Called with the address of an upload in parts when it has begun: kept, it survives a restart. */
  onUploadUrl?: (url: string) => void;
  /**
   * The address of an upload that was begun earlier, of the same file. It goes on where it has ended, with what was said
   * of the file then; it begins anew if the server has it no more.
   */
  uploadUrl?: string;
  /** Whether each part carries its SHA-256, in a page over https: a part that breaks off is then sent again as a whole. */
  checksum?: boolean;
  /** Most bytes of a part; 8 MiB unless given. Parts are smaller on a slow connection. */
  partBytes?: number;
  /** Milliseconds before each further try, without progress in between; five of them, up to 8 seconds, unless given. */
  retryDelays?: readonly number[];
  /** Milliseconds that a request of an upload in parts may take; 120,000 unless given. */
  requestTimeout?: number;
  /** Further headers of all requests. */
  headers?: HeadersInit;
}

/** What an upload sends its requests by. */
export interface Transport {
  /** Where the server is. */
  url: string;
  /** Signs and sends what `build` makes; again, made anew, if the credential has to be renewed. */
  send: (build: () => Request) => Promise<Response>;
}

/** The size from which a file goes in parts; shorter streams need no `size`. */
const RESUMABLE_MIN_BYTES = 5 << 20;
const RETRY_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];
const REQUEST_TIMEOUT_MS = 120_000;

/** The options of an upload, with those that were not given. */
export type Settings = UploadOptions & Required<Pick<UploadOptions, "retryDelays" | "requestTimeout">>;

export async function uploadMedia(transport: Transport, file: MediaFile, given: UploadOptions = {}): Promise<Media> {
  const { retryDelays = RETRY_DELAYS_MS, requestTimeout = REQUEST_TIMEOUT_MS } = given;
  const options = { ...given, retryDelays, requestTimeout };
  options.signal?.throwIfAborted();
  const metadata = describe(file, options);
  const maxUnknown = options.resumable === false ? Infinity : RESUMABLE_MIN_BYTES;
  const source = await orAbort(openSource(file, options.size, maxUnknown), options.signal);
  try {
    const isLarge = source.size >= RESUMABLE_MIN_BYTES;
    if (!(options.resumable ?? (isLarge || options.uploadUrl !== undefined))) {
      return await uploadAtOnce(transport, source, metadata, options);
    }
    const id = await new ResumableUpload(transport, source, metadata, options).run();
    return await loadMedia(transport, id, options);
  } finally {
    source.close();
  }
}

/** What is said of the file, under the names that the server knows. */
function describe(file: MediaFile, options: UploadOptions): Record<string, string> {
  const { alt, caption, credit, audience, sourceUrl, tags } = options;
  if (tags?.some((tag) => tag.includes(","))) throw new TypeError("a tag has no commas");
  const name = options.name ?? (file instanceof File ? file.name : undefined);
  const texts = { name, alt, caption, credit, audience, source_url: sourceUrl, tags: tags?.join(",") };
  return Object.fromEntries(Object.entries(texts).filter((pair): pair is [string, string] => Boolean(pair[1])));
}

/** Uploads in one request. It acts once, however often it has to be sent. */
async function uploadAtOnce(
  transport: Transport,
  source: ByteSource,
  metadata: Record<string, string>,
  options: Settings,
): Promise<Media> {
  const { signal, onProgress } = options;
  const file = await orAbort(source.read(0, source.size), signal);
  const headers = new Headers(options.headers);
  headers.set("idempotency-key", randomKey());
  const tries = new Tries(options.retryDelays, signal);
  onProgress?.(0, source.size);
  for (;;) {
    const build = (signal: AbortSignal) => {
      const body = toForm(file, metadata);
      return new Request(`${transport.url}/api/v1/media`, { method: "POST", headers, body, signal });
    };
    try {
      const answer = await ask((signal) => transport.send(() => build(signal)), signal, Infinity);
      const { data } = (await answer.json()) as components["schemas"]["Uploaded"];
      if (source.size > 0) onProgress?.(source.size, source.size);
      return data;
    } catch (error) {
      await tries.wait(error);
    }
  }
}

function toForm(file: Blob | Uint8Array, metadata: Record<string, string>): FormData {
  const form = new FormData();
  for (const [name, text] of Object.entries(metadata)) form.append(name, text);
  form.append("file", file instanceof Blob ? file : new Blob([file as BlobPart]), metadata.name ?? "");
  return form;
}

/** A name for a request, for pages over http too, where there is no `crypto.randomUUID`. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function loadMedia(transport: Transport, id: string, settings: Settings): Promise<Media> {
  const { signal, headers = {}, requestTimeout, retryDelays } = settings;
  const tries = new Tries(retryDelays, signal);
  for (;;) {
    const build = (signal: AbortSignal) => new Request(`${transport.url}/api/v1/media/${id}`, { headers, signal });
    try {
      const answer = await ask((signal) => transport.send(() => build(signal)), signal, requestTimeout);
      return ((await answer.json()) as { data: Media }).data;
    } catch (error) {
      // A key that may only write knows the id, as it does after an upload in one request.
      if (error instanceof ProblemError && error.status === 403) return { id } as Media;
      await tries.wait(error);
    }
  }
}
