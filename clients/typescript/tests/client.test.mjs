// Runs against a server with the demo site: INKSTONE_URL, INKSTONE_ADMIN_EMAIL, INKSTONE_ADMIN_PASSWORD.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ProblemError, createInkstone, isProblem, unwrap } from "../dist/index.js";

const { INKSTONE_URL: url, INKSTONE_ADMIN_EMAIL: email, INKSTONE_ADMIN_PASSWORD: password } = process.env;
const unique = (word) => `${word}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

/** A fetch that notes the requests, and lets a test change the answers. */
function spy(change = (_request, response) => response) {
  const seen = [];
  const fetch = async (request) => {
    const kept = { method: request.method, url: request.url, headers: new Headers(request.headers) };
    const response = await change(request, await globalThis.fetch(request));
    seen.push({ ...kept, status: response.status });
    return response;
  };
  return { seen, fetch };
}

async function signedIn(options = {}) {
  const site = createInkstone({ url, ...options });
  await site.login(email, password);
  return site;
}

test("a walk sees each article once, in its order, with the picked keys", async () => {
  const site = createInkstone({ url });
  const titles = [];
  const ids = new Set();
  const query = { fields: ["title", "slug"], sort: ["title", "-published_at"], page_size: 3 };
  for await (const card of site.walk("/api/v1/articles", query)) {
    titles.push(card.title);
    ids.add(card.id);
  }
  const counted = unwrap(await site.GET("/api/v1/articles", { params: { query: { count: true } } }));
  assert.equal(ids.size, counted.page.total);
  assert.equal(titles.length, ids.size);
  assert.deepEqual(titles, titles.toSorted((a, b) => (Buffer.from(a) < Buffer.from(b) ? -1 : 1)));
});

test("what has not changed is not sent again", async () => {
  const { seen, fetch } = spy();
  const site = createInkstone({ url, fetch });
  const get = async () => unwrap(await site.GET("/api/v1/categories"));
  const first = await get();
  assert.deepEqual(await get(), first);
  assert.deepEqual(await get(), first);
  assert.deepEqual(seen.map((one) => one.status), [200, 304, 304]);
  const forgetful = spy();
  const other = createInkstone({ url, fetch: forgetful.fetch, remember: 0 });
  await other.GET("/api/v1/categories");
  await other.GET("/api/v1/categories");
  assert.deepEqual(forgetful.seen.map((one) => one.status), [200, 200]);
});

test("only the answers that were asked for last are kept", async () => {
  const { seen, fetch } = spy();
  const site = createInkstone({ url, fetch, remember: 2 });
  const ask = (page) => site.GET("/api/v1/articles", { params: { query: { page, page_size: 1 } } });
  for (const page of [1, 2, 1, 3, 1, 2]) await ask(page);
  assert.deepEqual(seen.map((one) => one.status), [200, 200, 304, 200, 304, 200]);
});

test("what is kept is bounded by its size", async () => {
  const size = (await (await fetch(`${url}/api/v1/categories`)).arrayBuffer()).byteLength;
  for (const [rememberBytes, statuses] of [
    [size, [200, 304, 200, 200]],
    [size - 1, [200, 200, 200, 200]],
  ]) {
    const { seen, fetch } = spy();
    const site = createInkstone({ url, fetch, rememberBytes });
    for (const path of ["/api/v1/categories", "/api/v1/categories", "/api/v1/site", "/api/v1/categories"]) {
      await site.GET(path);
    }
    assert.deepEqual(seen.map((one) => one.status), statuses);
  }
});

test("the pages of a walk are not kept", async () => {
  const { seen, fetch } = spy();
  const site = createInkstone({ url, fetch });
  for (const _ of [1, 2]) {
    for await (const card of site.walk("/api/v1/articles", { page_size: 5 })) assert.ok(card.id);
  }
  const rest = Array(seen.length / 2 - 1).fill(200);
  assert.deepEqual(seen.map((one) => one.status), [200, ...rest, 304, ...rest]);
});

test("an id that a URL loses is refused before anything is sent", async () => {
  const { seen, fetch } = spy();
  const site = createInkstone({ url, fetch });
  for (const id of [".", "..", ""]) {
    await assert.rejects(site.GET("/api/v1/articles/{id}", { params: { path: { id } } }), TypeError);
    await assert.rejects(site.DELETE("/api/v1/articles/{id}", { params: { path: { id } } }), TypeError);
  }
  assert.equal(seen.length, 0);
});

test("a refusal is a typed problem with its faults", async () => {
  const site = await signedIn();
  const invalid = site.POST("/api/v1/articles", { body: { title: "x".repeat(301), category: "none" } });
  await assert.rejects(invalid.then(unwrap), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 422);
    assert.equal(error.fault("/title").code, "too_long");
    assert.equal(error.fault("/nothing"), undefined);
    return true;
  });
  const missing = site.GET("/api/v1/articles/{id}", { params: { path: { id: unique("none") } } });
  await assert.rejects(missing.then(unwrap), (error) => isProblem(error, "not_found") && error.faults.length === 0);
});

test("a failure without a problem document has the status as its code", async () => {
  const fetch = async () => new Response("<h1>Bad Gateway</h1>", { status: 502, headers: { "retry-after": "7" } });
  const site = createInkstone({ url, fetch });
  const failed = site.GET("/api/v1/site").then(unwrap);
  await assert.rejects(failed, (error) => isProblem(error, "http_502") && error.retryAfter === 7);
});

test("a change of a version that was changed meanwhile is refused", async () => {
  const site = await signedIn();
  const created = await site.POST("/api/v1/articles", { body: { title: unique("Two editors"), extra: { a: 1 } } });
  const path = { id: unwrap(created).data.id };
  const header = { "If-Match": created.response.headers.get("etag") };
  const change = (title) => site.PATCH("/api/v1/articles/{id}", { params: { path, header }, body: { title } });
  assert.equal(unwrap(await change("One")).data.version, 2);
  const late = change("Other").then(unwrap);
  await assert.rejects(late, (error) => isProblem(error, "version_mismatch") && error.problem.current_version === 2);
});

test("many requests with an ended token renew it once, and all are answered", async () => {
  let stored;
  await signedIn({ onTokens: (tokens) => (stored = tokens) });
  const { seen, fetch } = spy();
  const ended = { ...stored, access_token: "ended" };
  const site = createInkstone({ url, fetch, tokens: ended, onTokens: (tokens) => (stored = tokens) });
  const title = unique("Once");
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => site.GET("/api/v1/members/me")),
    site.POST("/api/v1/articles", { body: { title } }),
  ]);
  assert.deepEqual(answers.map((one) => one.response.status), [...Array(8).fill(200), 201]);
  assert.equal(seen.filter((one) => one.url.endsWith("/auth/refresh")).length, 1);
  assert.notEqual(stored.refresh_token, ended.refresh_token);
  assert.equal(answers[8].data.data.title, title, "the body is sent again too");
});

test("a token is renewed before it ends", async () => {
  let stored;
  await signedIn({ onTokens: (tokens) => (stored = tokens) });
  const { seen, fetch } = spy();
  const site = createInkstone({ url, fetch, tokens: { ...stored, expires_at: Date.now() + 1000 } });
  await Promise.all([site.GET("/api/v1/members/me"), site.GET("/api/v1/members/me")]);
  assert.deepEqual(seen.map((one) => one.status), [200, 200, 200], "no 401 in between");
});

test("a session that has ended is closed, and one that cannot be renewed now is kept", async () => {
  let stored = "untouched";
  const tokens = { access_token: "ended", refresh_token: "inkr_ended", expires_at: Date.now() + 600_000 };
  const site = createInkstone({ url, tokens, onTokens: (tokens) => (stored = tokens) });
  assert.equal((await site.GET("/api/v1/members/me")).response.status, 401);
  assert.equal(stored, undefined);
  assert.equal(site.isSignedIn, false);
  const away = spy((request, response) =>
    request.url.endsWith("/auth/refresh") ? new Response(null, { status: 503 }) : response,
  );
  const other = createInkstone({ url, tokens, fetch: away.fetch });
  await assert.rejects(other.GET("/api/v1/members/me"), (error) => error.status === 503);
  assert.equal(other.isSignedIn, true);
});

test("signing out ends the session on the server", async () => {
  let stored;
  const site = await signedIn({ onTokens: (tokens) => (stored = tokens ?? stored) });
  const { access_token } = stored;
  await site.logout();
  assert.equal(site.isSignedIn, false);
  const headers = { Authorization: `Bearer ${access_token}` };
  assert.equal((await fetch(`${url}/api/v1/members/me`, { headers })).status, 401);
});

test("who signs out while the tokens are renewed stays signed out", async () => {
  let stored;
  await signedIn({ onTokens: (tokens) => (stored = tokens) });
  let site;
  const { fetch } = spy(async (request, response) => {
    if (request.url.endsWith("/auth/refresh")) await site.logout();
    return response;
  });
  site = createInkstone({ url, fetch, tokens: { ...stored, expires_at: 0 }, onTokens: (tokens) => (stored = tokens) });
  await site.GET("/api/v1/members/me");
  assert.equal(site.isSignedIn, false);
  assert.equal(stored, undefined);
});

/** Tabs that share a store of tokens. */
function openTabs(number, tokens, fetches = []) {
  const store = { tokens };
  const options = { url, onTokens: (tokens) => (store.tokens = tokens), loadTokens: async () => store.tokens };
  const tabs = Array.from({ length: number }, (_, at) => createInkstone({ ...options, tokens, fetch: fetches[at] }));
  return { store, tabs };
}

const storedTokens = async () => {
  let stored;
  await signedIn({ onTokens: (tokens) => (stored = tokens) });
  return stored;
};

test("tabs with one stored session do not end it for each other", async () => {
  const spies = [spy(), spy()];
  const { store, tabs } = openTabs(2, { ...(await storedTokens()), expires_at: 0 }, spies.map((one) => one.fetch));
  for (const tab of [...tabs, ...tabs]) {
    assert.equal((await tab.GET("/api/v1/members/me")).response.status, 200);
    assert.ok(tab.isSignedIn);
  }
  const refreshed = spies.map(({ seen }) => seen.filter((one) => one.url.endsWith("/auth/refresh")).length);
  assert.deepEqual(refreshed, [1, 0]);
  store.tokens = { ...store.tokens, access_token: "ended" };
  await tabs[0].logout();
  await tabs[1].GET("/api/v1/members/me");
  assert.equal(tabs[1].isSignedIn, false, "who signs out does so in all tabs");
});

test("tabs that renew at once take turns where there are locks", async () => {
  let turn = Promise.resolve();
  const locks = { request: (_name, work) => (turn = turn.then(work)) };
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  try {
    const spies = Array.from({ length: 4 }, () => spy());
    const { tabs } = openTabs(4, { ...(await storedTokens()), expires_at: 0 }, spies.map((one) => one.fetch));
    const answers = await Promise.all(tabs.map((tab) => tab.GET("/api/v1/members/me")));
    assert.deepEqual(answers.map((one) => one.response.status), [200, 200, 200, 200]);
    const refreshed = spies.flatMap(({ seen }) => seen.filter((one) => one.url.endsWith("/auth/refresh")));
    assert.equal(refreshed.length, 1);
  } finally {
    delete globalThis.navigator;
  }
});

test("a tab that loses the race for new tokens reads the store again", async () => {
  const tokens = await storedTokens();
  const { store, tabs } = openTabs(1, { ...tokens, expires_at: 0 });
  await tabs[0].GET("/api/v1/members/me");
  const loads = [tokens, store.tokens];
  const late = spy((request, response) =>
    request.url.endsWith("/auth/refresh") ? new Response(null, { status: 401 }) : response,
  );
  const ended = { ...tokens, access_token: "ended" };
  const site = createInkstone({ url, tokens: ended, fetch: late.fetch, loadTokens: () => loads.shift() });
  assert.equal((await site.GET("/api/v1/members/me")).response.status, 200);
  assert.deepEqual(late.seen.map((one) => one.status), [401, 401, 200]);
});

test("a request of one member is never sent again for another", async () => {
  const other = `${unique("other")}@example.org`;
  const admin = await signedIn();
  unwrap(await admin.POST("/api/v1/members", { body: { email: other, password, role: "editor" } }));
  let site;
  const { seen, fetch } = spy(async (request, response) => {
    if (request.method !== "POST" || !request.url.endsWith("/articles")) return response;
    await site.login(other, password);
    return new Response(null, { status: 401 });
  });
  site = await signedIn({ fetch });
  const refused = await site.POST("/api/v1/articles", { body: { title: unique("Not theirs") } });
  assert.equal(refused.response.status, 401);
  assert.equal(seen.filter((one) => one.url.endsWith("/articles")).length, 1);
  assert.equal(unwrap(await site.GET("/api/v1/members/me")).data.email, other);

  // The other member has signed in in another tab.
  let theirs;
  await createInkstone({ url, onTokens: (tokens) => (theirs = tokens) }).login(other, password);
  const ended = { ...(await storedTokens()), access_token: "ended" };
  const tab = createInkstone({ url, tokens: ended, loadTokens: () => theirs });
  assert.equal((await tab.POST("/api/v1/articles", { body: { title: unique("Not theirs") } })).response.status, 401);
  assert.equal(unwrap(await tab.GET("/api/v1/members/me")).data.email, other);
});

test("a token that cannot be renewed early is used while it is valid", async () => {
  const tokens = await storedTokens();
  const { fetch } = spy((request, response) =>
    request.url.endsWith("/auth/refresh") ? new Response(null, { status: 503 }) : response,
  );
  const early = createInkstone({ url, fetch, tokens: { ...tokens, expires_at: Date.now() + 20_000 } });
  assert.equal((await early.GET("/api/v1/members/me")).response.status, 200);
  const late = createInkstone({ url, fetch, tokens: { ...tokens, expires_at: Date.now() - 1 } });
  await assert.rejects(late.GET("/api/v1/members/me"), (error) => error.status === 503);
});

test("an API key signs every request", async () => {
  const admin = await signedIn();
  const made = await admin.POST("/api/v1/api-keys", { body: { name: "trial", scopes: ["articles:read"] } });
  const script = createInkstone({ url, key: unwrap(made).data.key });
  unwrap(await script.GET("/api/v1/articles", { params: { query: { status: ["draft", "archived"] } } }));
});

test("a session that was opened elsewhere is taken over, and renewed", async () => {
  const headers = { "content-type": "application/json" };
  const login = { method: "POST", headers, body: JSON.stringify({ email, password }) };
  const { data: session } = await (await fetch(`${url}/api/v1/auth/login`, login)).json();
  let stored;
  const site = createInkstone({ url, onTokens: (tokens) => (stored = tokens) });
  assert.equal(site.isSignedIn, false);
  site.adoptSession(session);
  assert.ok(site.isSignedIn);
  assert.equal(unwrap(await site.GET("/api/v1/members/me")).data.email, email);
  assert.equal(stored.refresh_token, session.refresh_token);
  const { seen, fetch: spied } = spy();
  const other = createInkstone({ url, fetch: spied, onTokens: (tokens) => (stored = tokens) });
  other.adoptSession({ ...stored, access_token: "ended" });
  assert.equal(unwrap(await other.GET("/api/v1/members/me")).data.email, email);
  assert.deepEqual(seen.map((one) => one.status), [401, 200, 200]);
  assert.notEqual(stored.refresh_token, session.refresh_token);
});

test("a request has its own headers, and its own credential if it brings one", async () => {
  const { seen, fetch } = spy();
  const site = await signedIn({ fetch });
  const id = unique("request");
  const answer = await site.GET("/api/v1/categories", { headers: { "X-Request-Id": id } });
  assert.equal(answer.response.headers.get("x-request-id"), id);
  for await (const card of site.walk("/api/v1/articles", {}, { headers: { "X-Request-Id": id } })) assert.ok(card.id);
  assert.ok(seen.slice(2).every((one) => one.headers.get("x-request-id") === id));

  const made = await site.POST("/api/v1/api-keys", { body: { name: "own", scopes: ["articles:read"] } });
  const headers = { Authorization: `Bearer ${unwrap(made).data.key}` };
  seen.length = 0;
  for (const init of [{ headers }, { headers }, {}, {}]) unwrap(await site.GET("/api/v1/articles", init));
  const areOwn = seen.map((one) => one.headers.get("authorization") === headers.Authorization);
  assert.deepEqual(areOwn, [true, true, false, false]);
  assert.ok(seen.slice(0, 2).every((one) => one.status === 200), "answers under a credential of its own are not kept");
  const refused = await site.GET("/api/v1/members/me", { headers: { Authorization: "Bearer nonsense" } });
  assert.equal(refused.response.status, 401);
  assert.ok(site.isSignedIn, "the session is untouched");
});
