import { isProblem } from "#inkstone-client";

import { loadProfile } from "../api.mjs";
import { html } from "../html.mjs";
import { EMAIL, formPage, readFaults, readFields, renderForm } from "./forms.mjs";
import { localPath, withQuery } from "./links.mjs";

/** What was done before somebody came here. */
const DONE = Object.freeze(
  /** @type {Record<string, string>} */ ({
    confirm: "注册申请已收到。请查收邮件，点击其中的链接确认邮箱，然后登录。",
    registered: "注册成功，请登录。",
    confirmed: "邮箱已确认，请登录。",
    resent: "如果这个邮箱还在等待确认，确认邮件已重新发送。",
    forgot: "如果这个邮箱有账号，重设密码的邮件已发送，请查收。",
    reset: "新密码已生效，请登录。",
    bye: "您已退出登录。",
  }),
);

/** @type {import("../portal.mjs").Handler} */
export async function showLogin(context) {
  return renderLogin(context, { next: context.query.get("next") ?? "" });
}

/** @type {import("../portal.mjs").Handler} */
export async function logIn(context) {
  const { email, next } = readFields(context.form, ["email", "next"]);
  try {
    const session = await context.sessions.logIn(email, context.form.get("password") ?? "");
    const { profile } = await loadProfile(session.client);
    const path = localPath(next);
    const redirect = profile.profile_missing.length > 0 ? withQuery("/account", { done: "welcome", next: path }) : path;
    return { redirect, session };
  } catch (error) {
    const faults = readFaults(error);
    // Inkstone's own sentence names an operation of the API.
    if (isProblem(error, "invalid_credentials")) faults.message = "邮箱或密码错误，或者这个邮箱还没有确认。";
    return renderLogin(context, { email, next }, faults);
  }
}

/** @type {import("../portal.mjs").Handler} */
export async function logOut({ session, sessions }) {
  // It ends here even if Inkstone cannot be reached; there it ends by its time.
  await (session && sessions.logOut(session).catch((error) => console.error(error)));
  return { redirect: "/login?done=bye", session: null };
}

/**
 * @param {import("../portal.mjs").Context} context
 * @param {{ email?: string, next: string }} values
 * @param {import("./forms.mjs").FormFaults} [faults]
 */
function renderLogin({ formToken, query }, { email = "", next }, faults) {
  const form = renderForm({
    action: "/login",
    token: formToken,
    fields: [
      { ...EMAIL, autocomplete: "username" },
      { name: "password", label: "密码", type: "password", autocomplete: "current-password", required: true, maxlength: 1024 },
    ],
    submit: "登录",
    values: { email },
    hidden: { next },
    faults,
  });
  const content = html`${form}
    <ul class="links">
      <li><a href="/register">会员注册</a></li>
      <li><a href="/forgot-password">找回密码</a></li>
      <li><a href="/resend-confirmation">没有收到确认邮件？</a></li>
    </ul>`;
  return formPage("会员登录", content, { done: DONE[query.get("done") ?? ""], faults });
}
