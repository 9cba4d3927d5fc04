import { isProblem } from "#inkstone-client";

import { changePassword, loadProfile, updateProfile } from "../api.mjs";
import { html } from "../html.mjs";
import { formPage, NEW_PASSWORD, readFaults, readFields, renderForm } from "./forms.mjs";
import { localPath, withQuery } from "./links.mjs";

/** @typedef {import("../portal.mjs").FullContext} FullContext */
/** @typedef {import("../portal.mjs").Handler} Handler */
/** @typedef {import("./forms.mjs").Field} Field */
/** @typedef {import("./forms.mjs").FormFaults} FormFaults */

/** @type {Field[]} */
const FIELDS = [
  { name: "display_name", label: "昵称", autocomplete: "nickname", maxlength: 100 },
  { name: "phone", label: "电话", type: "tel", autocomplete: "tel", maxlength: 40 },
  { name: "organisation", label: "单位", autocomplete: "organization", maxlength: 200 },
  { name: "title", label: "职务", autocomplete: "organization-title", maxlength: 100 },
  { name: "bio", label: "简介", type: "textarea", maxlength: 2000 },
];
const NAMES = /** @type {const} */ (["display_name", "phone", "organisation", "title", "bio"]);

const DONE = Object.freeze(
  /** @type {Record<string, string>} */ ({
    welcome: "欢迎！请完善您的信息。",
    saved: "已保存。",
    password: "密码已修改，其他设备上的登录已结束。",
  }),
);

/** @type {Handler} */
export async function showProfile(context) {
  const { session, query, path } = context;
  if (!session) return { redirect: withQuery("/login", { next: path }) };
  const { profile, etag } = await loadProfile(session.client);
  const hidden = { etag, next: query.get("next") ?? "" };
  return renderProfile(context, { values: profile, missing: profile.profile_missing, email: profile.email, hidden });
}

/** @type {Handler} */
export async function saveProfile(context) {
  const { session, sessions, form, path } = context;
  if (!session) return { redirect: withQuery("/login", { next: path }) };
  const { etag, next } = readFields(form, ["etag", "next"]);
  const values = readFields(form, [...NAMES]);
  try {
    const profile = await updateProfile(session.client, etag, values);
    sessions.rename(session, profile.display_name || profile.email);
    return { redirect: next && profile.profile_missing.length === 0 ? localPath(next) : "/account?done=saved" };
  } catch (error) {
    const faults = readFaults(error);
    const current = await loadProfile(session.client);
    const { email, profile_missing: missing } = current.profile;
    // After a change elsewhere the form has what is stored now, and its ETag.
    const isStale = isProblem(error, "version_mismatch");
    const hidden = { etag: isStale ? current.etag : etag, next };
    if (isStale) faults.message = "您的信息已在别处修改。下面是现在的内容，请重新填写后保存。";
    return renderProfile(context, { values: isStale ? current.profile : values, missing, email, hidden, faults });
  }
}

/**
 * @param {FullContext} context
 * @param {{ values: Record<(typeof NAMES)[number], string>, missing: string[], email: string, hidden: Record<string, string>, faults?: FormFaults }} state
 */
function renderProfile({ formToken, query }, { values, missing, email, hidden, faults }) {
  const labels = FIELDS.filter(({ name }) => missing.includes(name)).map(({ label }) => label);
  const fields = FIELDS.map((field) => ({ ...field, required: missing.includes(field.name) || field.name === "display_name" }));
  const form = renderForm({ action: "/account", token: formToken, fields, submit: "保存", values, hidden, faults });
  const content = html`<p>邮箱：${email}</p>
    ${labels.length > 0 && html`<p class="note">还需要填写：${labels.join("、")}</p>`}
    ${form}
    <ul class="links"><li><a href="/account/password">修改密码</a></li></ul>`;
  return formPage("我的信息", content, { done: faults ? undefined : DONE[query.get("done") ?? ""], faults });
}

/** @type {Handler} */
export async function showPassword(context) {
  if (!context.session) return { redirect: withQuery("/login", { next: context.path }) };
  return renderPassword(context);
}

/** @type {Handler} */
export async function changeOwnPassword(context) {
  const { session, sessions, form, path } = context;
  if (!session) return { redirect: withQuery("/login", { next: path }) };
  const body = { current_password: form.get("current_password") ?? "", new_password: form.get("password") ?? "" };
  try {
    const tokens = await changePassword(session.client, body);
    return { redirect: "/account?done=password", session: sessions.replace(session, tokens) };
  } catch (error) {
    return renderPassword(context, readFaults(error, { new_password: "password" }));
  }
}

/**
 * @param {FullContext} context
 * @param {FormFaults} [faults]
 */
function renderPassword({ formToken, session }, faults) {
  /** @type {Field} */
  const current = {
    name: "current_password",
    label: "现在的密码",
    type: "password",
    autocomplete: "current-password",
    required: true,
    maxlength: 1024,
  };
  const form = renderForm({
    action: "/account/password",
    token: formToken,
    fields: [current, { ...NEW_PASSWORD, label: "新密码" }],
    submit: "修改密码",
    faults,
  });
  const content = html`<p>账号：${session?.member.name}</p>${form}<ul class="links"><li><a href="/account">返回我的信息</a></li></ul>`;
  return formPage("修改密码", content, { faults });
}
