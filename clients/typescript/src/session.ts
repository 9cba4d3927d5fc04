import type { components } from "./types.js";
import type { Fetch } from "./memory.js";
import { ProblemError, toProblem } from "./problem.js";

/** The tokens of a member who is signed in. */
export type Tokens = Pick<components["schemas"]["Session"], "access_token" | "refresh_token"> & {
  /** When the access token ends, in milliseconds since 1970. */
  expires_at: number;
};

/** The member who signed in. */
export type SignedInMember = components["schemas"]["SignedInMember"];

/** How long before its end a token is renewed, in milliseconds. */
const MARGIN = 30_000;

/**
 * The session of a member: it signs requests, and renews its tokens.
 *
 * However many requests need new tokens, one request asks for them: a refresh token is good for one use.
 */
export class Session {
  #renewing: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly send: Fetch,
    private tokens: Tokens | undefined,
    private readonly onTokens: (tokens: Tokens | undefined) => void,
  ) {}

  get isOpen(): boolean {
    return this.tokens !== undefined;
  }

  async login(email: string, password: string): Promise<SignedInMember> {
    const session = await this.#open("login", { email, password });
    this.#keep(toTokens(session));
    return session.member;
  }

  async logout(): Promise<void> {
    const tokens = this.tokens;
    if (!tokens) return;
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

  /** Sends a request under the session's token, and once more under a new one if the token is no longer valid. */
  async sign(request: Request, send: Fetch): Promise<Response> {
    if (this.tokens && this.tokens.expires_at - MARGIN < Date.now()) await this.#renew();
    const tokens = this.tokens;
    if (!tokens) return send(request);
    const again = isRepeatable(request) ? request.clone() : undefined;
    request.headers.set("authorization", `Bearer ${tokens.access_token}`);
    const response = await send(request);
    if (response.status !== 401 || !again) return response;
    // Another request may have renewed the tokens meanwhile.
    if (this.tokens === tokens) await this.#renew();
    if (!this.tokens) return response;
    again.headers.set("authorization", `Bearer ${this.tokens.access_token}`);
    return send(again);
  }

  /** Renews the tokens. Closes the session if it has ended; keeps it if the server cannot be reached. */
  #renew(): Promise<void> {
    const old = this.tokens;
    // Who has signed in or out meanwhile stays so.
    const replace = (tokens: Tokens | undefined) => this.tokens === old && this.#keep(tokens);
    this.#renewing ??= this.#open("refresh", { refresh_token: old?.refresh_token })
      .then((session) => void replace(toTokens(session)))
      .catch((error) => {
        if (!(error instanceof ProblemError) || error.status !== 401) throw error;
        replace(undefined);
      })
      .finally(() => (this.#renewing = undefined));
    return this.#renewing;
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
    this.onTokens(tokens);
  }
}

function toTokens({ access_token, refresh_token, expires_in }: components["schemas"]["Session"]): Tokens {
  return { access_token, refresh_token, expires_at: Date.now() + expires_in * 1000 };
}

/** Whether a request can be kept to be sent again: not the long body of an import. */
function isRepeatable(request: Request): boolean {
  const kind = request.headers.get("content-type") ?? "";
  return request.body === null || kind.startsWith("application/json");
}
