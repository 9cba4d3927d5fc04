import { ProblemError } from "#inkstone-client";

import { html } from "../html.mjs";
import { Refusal } from "../http.mjs";
import { withQuery } from "./links.mjs";

/** @typedef {import("../portal.mjs").Context} Context */
/** @typedef {import("../portal.mjs").Answer} Answer */

/**
 * Makes the page of an address that leads nowhere.
 * @param {Context} context
 * @returns {Answer}
 */
export function showNotFound({ session, path }) {
  // Inkstone does not tell visitors of notices for members.
  const hint = !session && path.startsWith("/notices/");
  const login = withQuery("/login", { next: path });
  return errorPage(404, "没有找到这个页面", html`<p>它可能已被删除，或者地址有误。您可以在上方搜索，或者回到<a href="/">首页</a>。</p>
    ${hint && html`<p>如果这是给会员的通知，请先<a href="${login}">登录</a>。</p>`}`);
}

/**
 * Makes the answer to a request that failed.
 * @param {Context} context
 * @param {unknown} error
 * @returns {Answer}
 */
export function explainError(context, error) {
  if (error instanceof Refusal) return errorPage(error.status, "无法完成", html`<p>${error.message}</p>`);
  if (error instanceof ProblemError && error.status < 500) return explainProblem(context, error);
  console.error(error);
  if (!isUnreachable(error)) return errorPage(500, "出错了", html`<p>页面出了问题，请稍后再试，或者回到<a href="/">首页</a>。</p>`);
  const answer = errorPage(503, "暂时无法访问", html`<p>网站正在维护，请稍后刷新页面。</p>`);
  const seconds = error instanceof ProblemError ? error.retryAfter : undefined;
  return { ...answer, headers: { "Retry-After": String(seconds ?? 10) } };
}

/**
 * @param {Context} context
 * @param {ProblemError} error
 */
function explainProblem(context, error) {
  if (error.status === 404) return showNotFound(context);
  if (error.status === 401) return { redirect: withQuery("/login", { next: context.path }), session: null };
  if (error.status === 429) {
    const answer = errorPage(429, "请稍候", html`<p>${error.message}</p>`);
    return { ...answer, headers: { "Retry-After": String(error.retryAfter ?? 60) } };
  }
  if (error.status === 403) return errorPage(403, "无权访问", html`<p>${error.message}</p>`);
  return errorPage(400, "地址有误", html`<p>${error.message}</p><p><a href="${context.path}">回到第一页</a></p>`);
}

/**
 * Returns whether Inkstone, or what lies between, could not answer.
 * @param {unknown} error
 */
function isUnreachable(error) {
  if (error instanceof ProblemError || error instanceof SyntaxError) return true;
  const isFetch = error instanceof TypeError && error.cause !== undefined;
  return isFetch || (error instanceof DOMException && ["TimeoutError", "AbortError"].includes(error.name));
}

/**
 * @param {number} status
 * @param {string} title
 * @param {import("../html.mjs").Html} content
 * @returns {Answer}
 */
function errorPage(status, title, content) {
  const main = html`<div class="narrow error"><p class="error-status" aria-hidden="true">${status}</p><h1>${title}</h1>${content}</div>`;
  return { status, page: { title, main } };
}
