import { registerMember } from "../api.mjs";
import { html } from "../html.mjs";
import { EMAIL, formPage, NEW_PASSWORD, readFaults, readFields, renderForm } from "./forms.mjs";

/** @type {import("../portal.mjs").Handler} */
export async function showRegister(context) {
  return renderRegister(context);
}

/** @type {import("../portal.mjs").Handler} */
export async function register(context) {
  const values = readFields(context.form, ["email", "display_name"]);
  const password = context.form.get("password") ?? "";
  try {
    const mustConfirm = await registerMember(context.visitors, { ...values, password });
    return { redirect: `/login?done=${mustConfirm ? "confirm" : "registered"}` };
  } catch (error) {
    return renderRegister(context, values, readFaults(error));
  }
}

/**
 * @param {import("../portal.mjs").Context} context
 * @param {Record<string, string>} [values]
 * @param {import("./forms.mjs").FormFaults} [faults]
 */
function renderRegister({ formToken }, values, faults) {
  const form = renderForm({
    action: "/register",
    token: formToken,
    fields: [
      EMAIL,
      { name: "display_name", label: "昵称", autocomplete: "nickname", required: true, maxlength: 100 },
      NEW_PASSWORD,
    ],
    submit: "注册",
    values,
    faults,
  });
  const content = html`${form}<p>已有账号？<a href="/login">会员登录</a></p>`;
  return formPage("会员注册", content, { faults });
}
