import createFetchClient, { type Client } from "openapi-fetch";

import { rememberAnswers, type Fetch } from "./memory.js";
import { ProblemError, unwrap } from "./problem.js";
import { Session, type SignedInMember, type Tokens } from "./session.js";
import type { components, paths } from "./types.js";
import { uploadMedia, type Transport, type UploadOptions } from "./upload.js";
import { MemberChanged } from "./retry.js";
import type { MediaFile } from "./sources.js";

export { ProblemError, unwrap, type Fault, type Problem } from "./problem.js";
export type { SignedInMember, Tokens } from "./session.js";
export type { MediaFile } from "./sources.js";
export type { UploadOptions } from "./upload.js";
export type { components, paths } from "./types.js";

/** The schemas of the document: `Schemas["Article"]`. */
export type Schemas = components["schemas"];

type Page = { data: unknown[]; page: Schemas["PageInfo"] };
type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;
type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Query } } } ? Query : never;

/** The paths of lists that are cut into pages. */
export type ListPath = {
  [Path in keyof paths]: Answer<Path> extends Page ? ("cursor" extends keyof NonNullable<Query<Path>> ? Path : never) : never;
}[keyof paths];

/** What a list has. */
export type Item<Path extends ListPath> = Answer<Path> extends { data: (infer One)[] } ? One : never;

export interface Options {
  /** Where the server is, like `https://news.example`; without it, where the page comes from. */
  url?: string;
  /** An API key, for scripts. */
  key?: string;
  /** The tokens of an earlier session, as `onTokens` has given them. */
  tokens?: Tokens | undefined;
  /** Called with new tokens, to be stored, and with `undefined` when the session has ended. */
  onTokens?: (tokens: Tokens | undefined) => void;
  /**
   * Reads the tokens where `onTokens` has stored them. Tabs, or processes, that share a session need it: a refresh token
   * is good for one use, and another tab may have used it.
   */
  loadTokens?: () => Tokens | undefined | Promise<Tokens | undefined>;
  /** Answers that are kept for the next 304; 200 unless given, 0 for none. */
  remember?: number;
  /** Bytes of the answers that are kept, together; 8 MiB unless given. */
  rememberBytes?: number;
  /** In place of the platform's own. */
  fetch?: Fetch;
}

/** A client of one server: `GET`, `POST` … of openapi-fetch, typed by the document, and what stands below. */
export interface Inkstone extends Client<paths> {
  /** Signs a member in; from then on requests are theirs. */
  login(email: string, password: string): Promise<SignedInMember>;
  /** Ends the session. */
  logout(): Promise<void>;
  /** Takes over a session that was opened elsewhere: the answer to a login, or tokens as `onTokens` has given them. */
  adoptSession(session: Tokens | Schemas["Session"]): void;
  /** Whether a member is signed in. */
  readonly isSignedIn: boolean;
  /** All things of a list, page after page, by cursor: each once, whatever is added meanwhile. */
  walk<Path extends ListPath>(
    path: Path,
    query?: Omit<NonNullable<Query<Path>>, "cursor" | "page">,
    init?: { headers?: HeadersInit; signal?: AbortSignal },
  ): AsyncGenerator<Item<Path>, void>;
  /**
   * Uploads a picture or a file: a small one in one request, a larger one in parts, which survives lost connections.
   *
   * An API key that may not read media gets their `id` only.
   */
  uploadMedia(file: MediaFile, options?: UploadOptions): Promise<Schemas["Media"]>;
}

/** Makes a client. */
export function createInkstone(options: Options = {}): Inkstone {
  const url = (options.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
  const plain: Fetch = options.fetch ?? ((request) => globalThis.fetch(request));
  const { remember = 200, rememberBytes = 8 << 20 } = options;
  const remembering = remember === 0 ? plain : rememberAnswers(plain, remember, rememberBytes);
  const store = { save: options.onTokens ?? (() => {}), load: options.loadTokens };
  const session = new Session(url, plain, options.tokens, store);
  const send = (request: Request, rebuild?: () => Request) => {
    // A request with a credential of its own is sent as it is, and its answer is nobody else's.
    if (request.headers.has("authorization")) return plain(request);
    if (options.key === undefined) return session.sign(request, remembering, rebuild);
    request.headers.set("authorization", `Bearer ${options.key}`);
    return remembering(request);
  };
  // Lists go by commas, the form in which the server writes them itself.
  const querySerializer = { array: { style: "form", explode: false } } as const;
  const client = createFetchClient<paths>({ baseUrl: url, fetch: (request) => send(request), querySerializer });
  client.use({ onRequest: ({ params }) => refuseLostSegments(params.path) });

  async function* walk(path: string, query: Record<string, unknown> = {}, init: object = {}) {
    const get = client.GET as unknown as (path: string, init: unknown) => Promise<{ data?: Page; error?: unknown; response: Response }>;
    let cursor: string | undefined;
    do {
      const page: Page = unwrap(await get(path, { ...init, params: { query: { page_size: 100, ...query, cursor } } }));
      yield* page.data;
      cursor = page.page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** Sends the requests of one upload: all of them for the member who began it. */
  const openTransport = (): Transport => {
    const { owner } = session;
    return {
      url,
      send: async (build) => {
        if (session.owner !== owner) throw new MemberChanged("Another member has signed in; the upload is not theirs.");
        return send(build(), build);
      },
    };
  };

  return Object.assign(Object.create(null, { isSignedIn: { get: () => session.isOpen, enumerable: true } }), client, {
    login: session.login.bind(session),
    logout: session.logout.bind(session),
    adoptSession: session.adopt.bind(session),
    walk,
    uploadMedia: (file: MediaFile, options?: UploadOptions) => uploadMedia(openTransport(), file, options),
  }) as Inkstone;
}

/** Fails for an id that is no segment of a path: a URL loses it, and is then that of another resource. */
function refuseLostSegments(path: Record<string, unknown> = {}): void {
  for (const [name, value] of Object.entries(path)) {
    if (["", ".", ".."].includes(String(value))) throw new TypeError(`${JSON.stringify(value)} is no ${name}`);
  }
}

/** Whether `error` is a refusal with this code: `catch (error) { if (isProblem(error, "version_mismatch")) … }`. */
export function isProblem(error: unknown, code: string): error is ProblemError {
  return error instanceof ProblemError && error.code === code;
}
