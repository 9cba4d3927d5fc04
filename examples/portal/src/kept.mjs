/** Milliseconds for which a value is given without asking again: Inkstone's own answers say `s-maxage=60`. */
const FRESH = 60_000;
/** Milliseconds for which an older value is given while a new one is loaded: `stale-while-revalidate=300`. */
const USABLE = 360_000;

/**
 * Keeps one value that every page needs. Loads it once, however many ask.
 * @template T
 */
export class Kept {
  /** @type {T | undefined} */
  #value;
  #loadedAt = -Infinity;
  /** @type {Promise<T> | undefined} */
  #loading;
  #load;

  /** @param {() => Promise<T>} load */
  constructor(load) {
    this.#load = load;
  }

  /**
   * Returns the value.
   * @returns {Promise<T>}
   */
  async get() {
    const age = performance.now() - this.#loadedAt;
    if (this.#value !== undefined && age < FRESH) return this.#value;
    const loading = this.#reload();
    if (this.#value === undefined || age > USABLE) return loading;
    loading.catch(() => {});
    return this.#value;
  }

  /** Makes the next `get` wait for a new value. A load that has begun may return an old one, and is not kept. */
  forget() {
    this.#loadedAt = -Infinity;
    this.#loading = undefined;
  }

  /** Returns the last value, however old. */
  peek() {
    return this.#value;
  }

  #reload() {
    if (this.#loading) return this.#loading;
    const loading = this.#load()
      .then((value) => {
        if (this.#loading !== loading) return value;
        this.#value = value;
        this.#loadedAt = performance.now();
        return value;
      })
      .finally(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    this.#loading = loading;
    return loading;
  }
}
