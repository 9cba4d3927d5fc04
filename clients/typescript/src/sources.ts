/** A file to upload: bytes, or a stream of them, which is read once. */
export type MediaFile = Blob | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** The bytes of a file. */
export interface ByteSource {
  readonly size: number;
  /** Reads the bytes from `from` up to `to`. A stream cannot go back: `from` never falls. */
  read(from: number, to: number): Promise<Blob | Uint8Array>;
  /** Lets go of a stream. One that is silent is let go of when it says something. */
  close(): void;
}

/**
 * Opens a file. A stream of unknown size is read into memory, at most `maxUnknown` bytes of it.
 *
 * Throws a `TypeError` for a longer stream: the server wants to know the size before the first byte.
 */
export async function openSource(file: MediaFile, size: number | undefined, maxUnknown: number): Promise<ByteSource> {
  if (file instanceof Blob) return fromParts(file.size, (from, to) => file.slice(from, to));
  if (file instanceof ArrayBuffer) return fromBytes(new Uint8Array(file));
  if (ArrayBuffer.isView(file)) return fromBytes(new Uint8Array(file.buffer, file.byteOffset, file.byteLength));
  const isStream = file instanceof ReadableStream;
  if (!isStream && !(Symbol.asyncIterator in file)) throw new TypeError("a file is a Blob, bytes, or a stream");
  const chunks = isStream ? readChunks(file) : file[Symbol.asyncIterator]();
  if (size !== undefined) return new StreamSource(chunks, size);
  return fromBytes(await collect(chunks, maxUnknown));
}

function fromParts(size: number, read: (from: number, to: number) => Blob | Uint8Array): ByteSource {
  return { size, read: async (from, to) => read(from, to), close: () => {} };
}

function fromBytes(bytes: Uint8Array): ByteSource {
  return fromParts(bytes.byteLength, (from, to) => bytes.subarray(from, to));
}

/** The chunks of a stream, for browsers in which a stream is not iterable. */
async function* readChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

async function collect(chunks: AsyncIterator<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const held: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await chunks.next();
    if (done) return concat(held, bytes);
    held.push(value);
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await chunks.return?.();
      throw new TypeError(`a stream of more than ${maxBytes} bytes needs the option size`);
    }
  }
}

function concat(chunks: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** A stream of known size. It holds what was read and may be asked for again: a part of an upload. */
class StreamSource implements ByteSource {
  #held: Uint8Array = new Uint8Array();
  /** The place of the first byte that is held. */
  #start = 0;

  constructor(
    private readonly chunks: AsyncIterator<Uint8Array>,
    readonly size: number,
  ) {}

  async read(from: number, to: number): Promise<Uint8Array> {
    if (from < this.#start) throw new TypeError(`a stream cannot go back to byte ${from}`);
    this.#drop(from);
    const more: Uint8Array[] = [];
    let end = this.#start + this.#held.byteLength;
    // Of the last part one chunk more is asked for: a stream that is longer than announced is refused.
    for (let isOpen = true; isOpen && (end < to || to === this.size) && end <= this.size; ) {
      const { done, value } = await this.chunks.next();
      isOpen = !done;
      if (done) break;
      end += value.byteLength;
      if (end > from) more.push(value);
      else this.#start = end;
    }
    this.#held = concat([this.#held, ...more], end - this.#start);
    this.#drop(from);
    const found = end < to ? end : "more";
    if (found !== "more" || end > this.size) throw new TypeError(`the stream has ${found} bytes, not ${this.size}`);
    return this.#held.subarray(0, to - from);
  }

  /** Forgets what comes before `from`. */
  #drop(from: number) {
    const gone = Math.min(from - this.#start, this.#held.byteLength);
    this.#held = this.#held.subarray(gone);
    this.#start += gone;
  }

  close(): void {
    this.chunks.return?.().catch(() => {});
  }
}
