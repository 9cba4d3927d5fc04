// Forms, and what is wrong with them.
import { ProblemError } from "#inkstone-client";

import { html } from "../html.mjs";

/** @typedef {import("../html.mjs").Html} Html */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {"text" | "email" | "password" | "tel" | "textarea"} [type]
 * @property {string} [autocomplete]
 * @property {boolean} [required]
 * @property {number} [minlength]
 * @property {number} [maxlength]
 * @property {string} [hint]
 */

/**
 * What is wrong with a form: in all, and by field.
 * @typedef {object} FormFaults
 * @property {number} status
 * @property {string} message
 * @property {Record<string, string>} fields
 */

/**
 * @typedef {object} Form
 * @property {string} action
 * @property {string} token
 * @property {Field[]} fields
 * @property {string} submit
 * @property {Record<string, string>} [values]
 * @property {Record<string, string>} [hidden]
 * @property {FormFaults} [faults]
 */

/**
 * Renders a form. Values of passwords are never sent back.
 * @param {Form} form
 */
export function renderForm({ action, token, fields, submit, values = {}, hidden = {}, faults }) {
  return html`${faults && html`<p class="note note-fault" role="alert">${faults.message}</p>`}
  <form class="form" action="${action}" method="post">
    <input type="hidden" name="form_token" value="${token}">
    ${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
    ${fields.map((field) => renderField(field, values[field.name] ?? "", faults?.fields[field.name]))}
    <button type="submit">${submit}</button>
  </form>`;
}

/**
 * @param {Field} field
 * @param {string} value
 * @param {string | undefined} fault
 */
function renderField({ name, label, type = "text", hint, ...rules }, value, fault) {
  const describedBy = [fault && `${name}-fault`, hint && `${name}-hint`].filter(Boolean).join(" ");
  const attributes = html`id="${name}" name="${name}"${renderRules(rules)}${fault && html` aria-invalid="true"`}${
    describedBy && html` aria-describedby="${describedBy}"`
  }`;
  return html`<div class="field">
      <label for="${name}">${label}${!rules.required && html` <span class="optional">（选填）</span>`}</label>
      ${type === "textarea"
        ? html`<textarea ${attributes} rows="4">${"\n"}${value}</textarea>`
        : html`<input ${attributes} type="${type}"${type !== "password" && html` value="${value}"`}>`}
      ${fault && html`<p class="fault" id="${name}-fault">${fault}</p>`}
      ${hint && html`<p class="hint" id="${name}-hint">${hint}</p>`}
    </div>`;
}

/** @param {{ autocomplete?: string, required?: boolean, minlength?: number, maxlength?: number }} rules */
function renderRules({ required, autocomplete, minlength, maxlength }) {
  return [
    required && html` required`,
    autocomplete && html` autocomplete="${autocomplete}"`,
    minlength && html` minlength="${minlength}"`,
    maxlength && html` maxlength="${maxlength}"`,
  ];
}

/**
 * Reads from a refusal what is wrong with a form: Inkstone's own sentences, in Chinese. Anything else is thrown again.
 * @param {unknown} error
 * @param {Record<string, string>} [names] The fields of the form by the keys of the body, where they differ.
 * @returns {FormFaults}
 */
export function readFaults(error, names = {}) {
  if (!(error instanceof ProblemError) || ![400, 401, 403, 409, 412, 422, 429].includes(error.status)) throw error;
  /** @type {Record<string, string>} */
  const fields = {};
  for (const { pointer, detail } of error.faults) {
    const key = (pointer ?? "").slice(1);
    fields[names[key] ?? key] ??= detail;
  }
  const message = Object.keys(fields).length > 0 ? "请检查标出的内容。" : error.message;
  return { status: error.status, message, fields };
}

/**
 * Reads fields of a form, without spaces around them.
 * @template {string} Name
 * @param {URLSearchParams} form
 * @param {Name[]} names
 */
export function readFields(form, names) {
  return /** @type {Record<Name, string>} */ (
    Object.fromEntries(names.map((name) => [name, (form.get(name) ?? "").trim()]))
  );
}

/**
 * Makes the answer that shows a form.
 * @param {string} title
 * @param {Html} content
 * @param {{ intro?: string, done?: string, faults?: FormFaults }} [options]
 * @returns {import("../portal.mjs").Answer}
 */
export function formPage(title, content, { intro, done, faults } = {}) {
  const main = html`<div class="narrow">
    <h1>${title}</h1>
    ${done && html`<p class="note note-done" role="status">${done}</p>`}
    ${intro && html`<p class="intro">${intro}</p>`}
    ${content}
  </div>`;
  return { status: faults?.status ?? 200, page: { title, main, isPrivate: true } };
}

/** @type {Field} */
export const EMAIL = { name: "email", label: "邮箱", type: "email", autocomplete: "email", required: true, maxlength: 254 };

/** @type {Field} */
export const NEW_PASSWORD = {
  name: "password",
  label: "密码",
  type: "password",
  autocomplete: "new-password",
  required: true,
  minlength: 8,
  maxlength: 1024,
  hint: "至少 8 个字符，任何字符都可以；一句话比一个词更安全。",
};
