// The pages that mails lead to, and those that ask for a mail.
import { requestPasswordReset, resendConfirmation, resetPassword, verifyEmail } from "../api.mjs";
import { html } from "../html.mjs";
import { EMAIL, formPage, NEW_PASSWORD, readFaults, readFields, renderForm } from "./forms.mjs";

/** @typedef {import("../portal.mjs").Context} Context */
/** @typedef {import("../portal.mjs").Handler} Handler */
/** @typedef {import("./forms.mjs").FormFaults} FormFaults */

/** @type {Handler} */
export async function showForgot(context) {
  return renderForgot(context);
}

/** @type {Handler} */
export async function mailReset(context) {
  const values = readFields(context.form, ["email"]);
  try {
    await requestPasswordReset(context.visitors, values.email);
    return { redirect: "/login?done=forgot" };
  } catch (error) {
    return renderForgot(context, values, readFaults(error));
  }
}

/**
 * @param {Context} context
 * @param {Record<string, string>} [values]
 * @param {FormFaults} [faults]
 */
function renderForgot({ formToken }, values, faults) {
  const form = renderForm({ action: "/forgot-password", token: formToken, fields: [EMAIL], submit: "发送邮件", values, faults });
  const intro = "请输入注册时的邮箱，我们会发送一封带有链接的邮件，您可以由此设置新密码。";
  return formPage("找回密码", form, { intro, faults });
}

/** @type {Handler} */
export async function showResend(context) {
  return renderResend(context);
}

/** @type {Handler} */
export async function mailConfirmation(context) {
  const values = readFields(context.form, ["email"]);
  try {
    await resendConfirmation(context.visitors, values.email);
    return { redirect: "/login?done=resent" };
  } catch (error) {
    return renderResend(context, values, readFaults(error));
  }
}

/**
 * @param {Context} context
 * @param {Record<string, string>} [values]
 * @param {FormFaults} [faults]
 */
function renderResend({ formToken }, values, faults) {
  const form = renderForm({ action: "/resend-confirmation", token: formToken, fields: [EMAIL], submit: "重新发送", values, faults });
  return formPage("重新发送确认邮件", form, { intro: "请输入注册时的邮箱。", faults });
}

/**
 * Shows a button: programs that look at the links of mails must not use the token up.
 * @type {Handler}
 */
export async function showVerify({ formToken, query }) {
  return renderVerify(formToken, query.get("token") ?? "");
}

/** @type {Handler} */
export async function confirmEmail(context) {
  const { token } = readFields(context.form, ["token"]);
  try {
    const mustChoose = await verifyEmail(context.visitors, token);
    return mustChoose ? renderReset(context, token, CHOOSE) : { redirect: "/login?done=confirmed" };
  } catch (error) {
    return renderVerify(context.formToken, token, readFaults(error));
  }
}

/**
 * @param {string} formToken
 * @param {string} token
 * @param {FormFaults} [faults]
 */
function renderVerify(formToken, token, faults) {
  const hidden = { token };
  const form = renderForm({ action: "/verify-email", token: formToken, fields: [], submit: "确认邮箱", hidden, faults });
  const again = html`<p>链接已失效？<a href="/resend-confirmation">重新发送确认邮件</a></p>`;
  const intro = "请点击下面的按钮，确认这个邮箱属于您。";
  return formPage("确认邮箱", html`${form}${faults && again}`, { intro, faults });
}

const RESET = "请设置新密码。所有设备上的登录都会结束。";
const CHOOSE = "邮箱已确认。这个邮箱收到过不止一个密码，请在此设置您的密码。";

/** @type {Handler} */
export async function showReset(context) {
  return renderReset(context, context.query.get("token") ?? "", RESET);
}

/** @type {Handler} */
export async function choosePassword(context) {
  const { token } = readFields(context.form, ["token"]);
  try {
    await resetPassword(context.visitors, token, context.form.get("password") ?? "");
    return { redirect: "/login?done=reset", session: null };
  } catch (error) {
    return renderReset(context, token, RESET, readFaults(error));
  }
}

/**
 * @param {Context} context
 * @param {string} token
 * @param {string} intro
 * @param {FormFaults} [faults]
 */
function renderReset({ formToken }, token, intro, faults) {
  const fields = [{ ...NEW_PASSWORD, label: "新密码" }];
  const hidden = { token };
  const form = renderForm({ action: "/reset-password", token: formToken, fields, submit: "设置新密码", hidden, faults });
  const again = html`<p>链接已失效？<a href="/forgot-password">重新申请</a></p>`;
  return formPage("设置新密码", html`${form}${faults && again}`, { intro, faults });
}
