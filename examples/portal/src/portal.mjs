import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { FreshAnswers } from "./answers.mjs";
import { createClient, loadFrame, reader } from "./api.mjs";
import { EventStreams } from "./events.mjs";
import { Kept } from "./kept.mjs";
import { readCookies, readForm, readReader, Refusal, refuseOtherSites, securityHeaders, sendBody } from "./http.mjs";
import { showOldAddress } from "./pages/article.mjs";
import { explainError, showNotFound } from "./pages/errors.mjs";
import { renderPage } from "./pages/layout.mjs";
import { findRoute } from "./routes.mjs";
import { FormTokens, newId, Sessions } from "./sessions.mjs";
import { forgetTouched } from "./webhook.mjs";

/** @typedef {import("node:http").IncomingMessage} IncomingMessage */
/** @typedef {import("node:http").ServerResponse} ServerResponse */
/** @typedef {import("./html.mjs").Html} Html */

/**
 * What a handler knows of its request.
 * @typedef {object} Context
 * @property {string} path
 * @property {Record<string, string>} params What stands in the path.
 * @property {URLSearchParams} query
 * @property {URLSearchParams} form What was sent; empty for GET.
 * @property {IncomingMessage} request
 * @property {import("./settings.mjs").Settings} settings
 * @property {import("./api.mjs").Client} visitors Sends requests that are the same for everybody.
 * @property {import("./api.mjs").Client} client Sends requests as the member, if one is signed in.
 * @property {import("./api.mjs").Frame | undefined} frame Missing if Inkstone could not be reached.
 * @property {import("./sessions.mjs").Session | undefined} session
 * @property {Sessions} sessions
 * @property {string} formToken For the hidden field of each form.
 * @property {(task: () => Promise<unknown>) => void} later Does something that the answer does not wait for.
 * @property {EventStreams} streams
 * @property {(type: string) => void} forget Forgets the answers that an event of the webhook touches.
 */

/**
 * What a handler answers. `undefined` is a page that does not exist.
 * @typedef {object} Answer
 * @property {number} [status]
 * @property {Page} [page]
 * @property {string} [redirect] A path of the portal; 303 unless `status` says otherwise.
 * @property {string | Buffer} [body] In place of a page.
 * @property {ReadableStream<Uint8Array> | null} [stream] In place of a page: what another server answers.
 * @property {Record<string, string>} [headers]
 * @property {import("./sessions.mjs").Session | null} [session] A session that begins, or `null` for one that ends.
 */

/**
 * @typedef {object} Page
 * @property {string} title
 * @property {Html} main
 * @property {string} [description]
 * @property {string} [canonical] Its path, without what does not change the content.
 * @property {string} [image]
 * @property {string} [query] What was searched for.
 * @property {string} [section] The slug of the root category.
 * @property {boolean} [isLive] Whether it has a list that changes while it is open.
 * @property {boolean} [isPrivate] Whether it is a form or of a member: nobody keeps it, search engines leave it out.
 */

/** @typedef {Context & { frame: import("./api.mjs").Frame }} FullContext */
/** @typedef {(context: FullContext) => Promise<Answer | undefined>} Handler */

/**
 * Makes the listener of an HTTP server. Without a webhook, it asks Inkstone at each request whether an answer has changed.
 * @param {import("./settings.mjs").Settings} settings
 * @param {AbortSignal} closing Ends the streams of events.
 */
export function createPortal(settings, closing) {
  const answers = new FreshAnswers();
  const hasWebhook = settings.webhookKeys.length > 0;
  const visitors = createClient(settings.api, { remember: 1000, ...(hasWebhook && { answers }) });
  const frameClient = createClient(settings.api);
  const shared = {
    settings,
    visitors,
    answers,
    frame: new Kept(() => loadFrame(frameClient)),
    streams: new EventStreams(closing),
    sessions: new Sessions(settings.api),
    formTokens: new FormTokens(),
    security: securityHeaders(settings),
    cookieNames: cookieNames(settings.isSecure),
  };
  return (/** @type {IncomingMessage} */ request, /** @type {ServerResponse} */ response) => {
    reader.run(readReader(request), () => answerRequest(shared, request, response)).catch((error) => {
      console.error(error);
      response.destroy();
    });
  };
}

/** @typedef {{ settings: import("./settings.mjs").Settings, visitors: import("./api.mjs").Client, answers: FreshAnswers, frame: Kept<import("./api.mjs").Frame>, streams: EventStreams, sessions: Sessions, formTokens: FormTokens, security: Record<string, string>, cookieNames: { session: string, form: string } }} Shared */

/**
 * @param {Shared} shared
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
async function answerRequest(shared, request, response) {
  const cookies = readCookies(request);
  const context = beginContext(shared, request, cookies);
  /** @type {Answer} */
  let answer;
  try {
    const found = await handleRequest(shared, context);
    if (!found) context.frame ??= await shared.frame.get();
    answer = found ?? showNotFound(context);
  } catch (error) {
    answer = explainError(context, error);
  }
  const headers = { ...shared.security, ...answerCookies(shared, context, answer, cookies), ...answer.headers };
  await sendAnswer(context, response, answer, headers);
}

/**
 * @param {Shared} shared
 * @param {IncomingMessage} request
 * @param {Map<string, string>} cookies
 * @returns {Context & { formCookie: string }}
 */
function beginContext({ settings, visitors, answers, frame, streams, sessions, formTokens, cookieNames }, request, cookies) {
  const target = request.url ?? "/";
  const url = target.startsWith("/") ? new URL(`http://portal${target}`) : new URL("http://portal/");
  const session = sessions.find(cookies.get(cookieNames.session));
  const formCookie = session?.id ?? cookies.get(cookieNames.form) ?? newId();
  return {
    path: url.pathname,
    params: {},
    query: url.searchParams,
    form: new URLSearchParams(),
    request,
    settings,
    visitors,
    client: session?.client ?? visitors,
    frame: frame.peek(),
    session,
    sessions,
    formCookie,
    formToken: formTokens.make(formCookie),
    later: (task) => void task().catch((error) => console.error(error)),
    streams,
    forget: (type) => forgetTouched(answers, frame, type),
  };
}

/**
 * @param {Shared} shared
 * @param {Context & { formCookie: string }} context
 */
async function handleRequest({ frame, formTokens }, context) {
  const { request, path } = context;
  const route = findRoute(request.method ?? "GET", path);
  if (!route) return showOldAddress(await loadFull(frame, context));
  context.params = route.params;
  if (route.isForm) {
    refuseOtherSites(request);
    context.form = await readForm(request);
    if (!formTokens.isOf(context.formCookie, context.form.get("form_token"))) {
      throw new Refusal(403, "页面已过期，请返回上一页，刷新后重新提交。");
    }
  }
  if (route.isPlain) return route.handle(/** @type {FullContext} */ (context));
  return route.handle(await loadFull(frame, context));
}

/**
 * Adds to a context what stands around each page.
 * @param {Kept<import("./api.mjs").Frame>} frame
 * @param {Context} context
 * @returns {Promise<FullContext>}
 */
async function loadFull(frame, context) {
  context.frame = await frame.get();
  return { ...context, frame: context.frame };
}

/**
 * Names the cookies. Over https nothing else can set one with the prefix `__Host-`.
 * @param {boolean} isSecure
 */
function cookieNames(isSecure) {
  const prefix = isSecure ? "__Host-" : "";
  return { session: `${prefix}portal_session`, form: `${prefix}portal_form` };
}

/**
 * @param {Shared} shared
 * @param {Context & { formCookie: string }} context
 * @param {Answer} answer
 * @param {Map<string, string>} cookies
 * @returns {Record<string, string[]>}
 */
function answerCookies({ settings, cookieNames: names }, context, answer, cookies) {
  const rest = `; Path=/; HttpOnly; SameSite=Lax${settings.isSecure ? "; Secure" : ""}`;
  const set = [];
  if (answer.session) set.push(`${names.session}=${answer.session.id}; Max-Age=2592000${rest}`);
  // A browser that shows a session which has ended may forget it.
  else if (answer.session === null || (cookies.has(names.session) && !context.session)) {
    set.push(`${names.session}=; Max-Age=0${rest}`);
  }
  const hasForm = answer.page?.isPrivate && !context.session;
  if (hasForm && !cookies.has(names.form)) set.push(`${names.form}=${context.formCookie}${rest}`);
  return set.length > 0 ? { "Set-Cookie": set } : {};
}

/**
 * @param {Context} context
 * @param {ServerResponse} response
 * @param {Answer} answer
 * @param {Record<string, string | string[]>} headers
 */
async function sendAnswer(context, response, answer, headers) {
  if (answer.redirect !== undefined) {
    response.writeHead(answer.status ?? 303, { "Cache-Control": "no-store", ...headers, Location: answer.redirect }).end();
    return;
  }
  const { page, stream } = answer;
  const status = answer.status ?? 200;
  if (stream !== undefined) return sendStream(context, response, { status, headers, stream });
  if (!page) {
    sendBody(context.request, response, { status, headers, body: answer.body ?? "" });
    return;
  }
  const isKept = status === 200 && !page.isPrivate;
  const pageHeaders = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": isKept ? "private, no-cache" : "no-store",
    // The addresses that mails lead to hold tokens.
    ...(page.isPrivate && { "Referrer-Policy": "same-origin" }),
  };
  sendBody(context.request, response, { status, headers: { ...headers, ...pageHeaders }, body: renderPage(context, page).text });
}

/**
 * @param {Context} context
 * @param {ServerResponse} response
 * @param {{ status: number, headers: Record<string, string | string[]>, stream: ReadableStream<Uint8Array> | null }} answer
 */
async function sendStream({ request }, response, { status, headers, stream }) {
  response.writeHead(status, headers);
  if (stream === null) {
    response.end();
  } else if (request.method === "HEAD") {
    await stream.cancel();
    response.end();
  } else {
    // A reader who has seen enough of a film hangs up.
    const ignoreHangup = (/** @type {Error & { code?: string }} */ error) => {
      if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
    };
    await pipeline(Readable.fromWeb(/** @type {any} */ (stream)), response).catch(ignoreHangup);
  }
}
