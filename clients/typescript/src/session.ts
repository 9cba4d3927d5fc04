import type { components } from "./types.js";
import type { Fetch } from "./memory.js";
import { ProblemError, toProblem } from "./problem.js";

/** The tokens of a member who is signed in. */
export type Tokens = Pick<components["schemas"]["Session"], "access_token" | "refresh_token"> & {
  /** When the access token ends, in milliseconds since 1970. */
  expires_at: number;
  /** Whose tokens they are. */
  member_id?: string;
};

/** The member who signed in. */
export type SignedInMember = components["schemas"]["SignedInMember"];

/** Where tokens are kept. Tabs can share one place. */
export interface Store {
  /** Keeps new tokens, or, with `undefined`, that the session has ended. */
  save: (tokens: Tokens | undefined) => void;
  /** Reads what is kept now: another tab may have renewed the tokens. */
  load: (() => Tokens | undefined | Promise<Tokens | undefined>) | undefined;
}

/** How long before its end a token is renewed, in milliseconds. */
const MARGIN = 30_000;

/**
 * The session of a member: it signs requests, and renews its tokens.
 *
 * However many requests need new tokens, one request asks for them: a refresh token is good for one use. Tabs that share
 * a store take turns, where the browser has locks, and read the store before they renew what another tab has renewed.
 */
export class Session {
  #renewing: Promise<void> | undefined;
  /** Changes with the member: what was sent for one is never sent again for another. */
  #owner = Symbol();

  constructor(
    private readonly url: string,
    private readonly send: Fetch,
    private tokens: Tokens | undefined,
    private readonly store: Store,
  ) {}

  get isOpen(): boolean {
    return this.tokens !== undefined;
  }

  /** Changes when another member signs in or out. */
  get owner(): symbol {
    return this.#owner;
  }

  /** Takes over a session that was opened elsewhere. */
  adopt(session: Tokens | components["schemas"]["Session"]): void {
    const tokens = "expires_in" in session ? toTokens(session) : session;
    if (tokens.member_id === undefined || tokens.member_id !== this.tokens?.member_id) this.#owner = Symbol();
    this.#keep(tokens);
  }

  async login(email: string, password: string): Promise<SignedInMember> {
    const session = await this.#open("login", { email, password });
    this.#owner = Symbol();
    this.#keep(toTokens(session));
    return session.member;
  }

  async logout(): Promise<void> {
    const tokens = this.tokens;
    if (!tokens) return;
    this.#owner = Symbol();
    this.#keep(undefined);
    let response = await this.#logOut(tokens.access_token);
    if (response.status === 401) {
      // An expired token cannot end the session; a new one can.
      const session = await this.#open("refresh", { refresh_token: tokens.refresh_token }).catch((error) => {
        if (!(error instanceof ProblemError) || error.status !== 401) throw error;
      });
      if (!session) return;
      response = await this.#logOut(session.access_token);
    }
    if (!response.ok) throw new ProblemError(toProblem(undefined, response), response);
  }

  #logOut(token: string): Promise<Response> {
    const headers = { Authorization: `Bearer ${token}` };
    return this.send(new Request(`${this.url}/api/v1/auth/logout`, { method: "POST", headers }));
  }

  /**
   * Sends a request under the session's token, and once more under a new one if the token is no longer valid: a copy of
   * it, or what `rebuild` makes.
   */
  async sign(request: Request, send: Fetch, rebuild?: () => Request): Promise<Response> {
    const owner = this.#owner;
    const first = this.tokens;
    if (first && first.expires_at - MARGIN < Date.now()) {
      // A token that is still valid will do, if it cannot be renewed now.
      await this.#renew().catch((error) => {
        if (first.expires_at <= Date.now()) throw error;
      });
    }
    // Another member may have signed in meanwhile; the request is not theirs.
    const tokens = this.#owner === owner ? this.tokens : this.tokens && first;
    if (!tokens) return send(request);
    const copy = !rebuild && isRepeatable(request) ? request.clone() : undefined;
    request.headers.set("authorization", `Bearer ${tokens.access_token}`);
    const response = await send(request);
    if (response.status !== 401 || !(copy || rebuild) || this.#owner !== owner) return response;
    // Another request may have renewed the tokens meanwhile.
    if (this.tokens === tokens) await this.#renew();
    if (!this.tokens || this.#owner !== owner) return response;
    const again = copy ?? rebuild!();
    again.headers.set("authorization", `Bearer ${this.tokens.access_token}`);
    return send(again);
  }

  /** Renews the tokens. Closes the session if it has ended; keeps it if the server cannot be reached. */
  #renew(): Promise<void> {
    const locks = this.store.load && globalThis.navigator?.locks;
    const renew = () => this.#renewAlone();
    this.#renewing ??= Promise.resolve(locks ? locks.request(`inkstone ${this.url}`, renew) : renew()).finally(
      () => (this.#renewing = undefined),
    );
    return this.#renewing;
  }

  async #renewAlone(): Promise<void> {
    const adopted = await this.#adoptStored();
    const old = this.tokens;
    if (!old || (adopted && old.expires_at - MARGIN > Date.now())) return;
    // Who has signed in or out meanwhile stays so.
    const replace = (tokens: Tokens | undefined) => this.tokens === old && this.#keep(tokens);
    try {
      replace(toTokens(await this.#open("refresh", { refresh_token: old.refresh_token })));
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 401) throw error;
      // Another tab was faster, if there are other tokens now.
      if (this.tokens === old && !(await this.#adoptStored())) replace(undefined);
    }
  }

  /** Takes the tokens of the store, if another tab has put others there. Returns whether it has. */
  async #adoptStored(): Promise<boolean> {
    const { load } = this.store;
    const old = this.tokens;
    if (!load || !old) return false;
    const stored = await load();
    if (this.tokens !== old || stored?.refresh_token === old.refresh_token) return false;
    // Tokens that do not say whose they are may be anybody's.
    if (stored?.member_id === undefined || stored.member_id !== old.member_id) this.#owner = Symbol();
    if (stored) this.tokens = stored;
    else this.#keep(undefined);
    return true;
  }

  async #open(operation: string, body: unknown): Promise<components["schemas"]["Session"]> {
    const request = new Request(`${this.url}/api/v1/auth/${operation}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const response = await this.send(request);
    const answer = await response.json().catch(() => undefined);
    if (!response.ok) throw new ProblemError(toProblem(answer, response), response);
    return answer.data;
  }

  #keep(tokens: Tokens | undefined) {
    this.tokens = tokens;
    this.store.save(tokens);
  }
}

function toTokens({ access_token, refresh_token, expires_in, member }: components["schemas"]["Session"]): Tokens {
  return { access_token, refresh_token, expires_at: Date.now() + expires_in * 1000, member_id: member.id };
}

/** Whether a request can be kept to be sent again: not the long body of an import. */
function isRepeatable(request: Request): boolean {
  const kind = request.headers.get("content-type") ?? "";
  return request.body === null || kind.startsWith("application/json");
}
