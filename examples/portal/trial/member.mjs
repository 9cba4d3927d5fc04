// What members do.
import { readMailedLink } from "./mails.mjs";
import { showMembersPicture } from "./pictures.mjs";

/** @typedef {import("./browser.mjs").Trial} Trial */
/** @typedef {import("./browser.mjs").WatchedPage} WatchedPage */

const EMAIL = "reader@example.org";
const PASSWORD = "砚台 and a long pass phrase";
const SECOND_PASSWORD = "another long pass phrase";
const THIRD_PASSWORD = "the third long pass phrase";
/** A name that would run a script where it is not escaped. */
const NAME = `<script>alert("name")</script>`;
const MEMBERS_NOTICE = "会员资料库新增校准记录模板";

/**
 * The whole way of a member.
 * @param {Trial} trial
 * @param {string} mails The folder of mails.
 */
export async function beMember(trial, mails) {
  const watched = await trial.openPage();
  await register(watched, mails);
  await logIn(watched, PASSWORD, "**/account?*");
  await watched.has("还需要填写");
  await watched.look("account-welcome");
  await completeProfile(watched);
  const notice = await readMembersNotice(watched);
  await showMembersPicture(watched);
  await checkCookies(watched);
  await logOut(watched);
  await watched.open(notice, 404);
  await watched.has("请先登录");
  await recoverPassword(watched, mails);
  await watched.expecting(401, () => logIn(watched, PASSWORD, "**/login"));
  await logIn(watched, SECOND_PASSWORD, trial.portal + "/");
  await changePassword(watched);
  await logOut(watched);
  await watched.open("/login?next=%2Fnotices%3Fkind%3Dnotice");
  await logIn(watched, THIRD_PASSWORD, trial.portal + "/notices?kind=notice");
  await watched.close();
}

/**
 * @param {WatchedPage} watched
 * @param {string} mails
 */
async function register(watched, mails) {
  const { page } = watched;
  await watched.open("/register");
  await page.getByLabel("邮箱").fill(EMAIL);
  await page.getByLabel("昵称").fill(NAME);
  await page.getByLabel("密码").fill("password");
  await watched.expecting(422, () => submit(watched, "注册"));
  watched.trial.check((await page.locator("#password-fault").count()) === 1, "a weak password is not told at its field");
  await watched.look("register-faults");
  await page.getByLabel("密码").fill(PASSWORD);
  await submit(watched, "注册", "**/login?done=confirm");
  await watched.look("login-confirm");
  await watched.expecting(401, () => logIn(watched, PASSWORD, "**/login"));
  await watched.has("还没有确认");
  await watched.look("login-refused");
  await page.goto(await readMailedLink(mails, EMAIL));
  await submit(watched, "确认邮箱", "**/login?done=confirmed");
}

/**
 * Presses the button of the form, and waits for the page that follows.
 * @param {WatchedPage} watched
 * @param {string} name
 * @param {string} [url]
 */
async function submit({ page }, name, url) {
  const button = page.getByRole("main").getByRole("button", { name });
  await Promise.all([page.waitForEvent("load"), button.click()]);
  if (url) await page.waitForURL(url);
}

/**
 * @param {WatchedPage} watched
 * @param {string} password
 * @param {string} url
 */
async function logIn(watched, password, url) {
  const { page } = watched;
  if (!page.url().includes("/login")) await page.goto(`${watched.trial.portal}/login`);
  await page.getByLabel("邮箱").fill(EMAIL);
  await page.getByLabel("密码").fill(password);
  await submit(watched, "登录", url);
}

/** @param {WatchedPage} watched */
async function logOut(watched) {
  const { page } = watched;
  await page.getByRole("button", { name: "退出" }).click();
  await page.waitForURL("**/login?done=bye");
}

/** @param {WatchedPage} watched */
async function completeProfile(watched) {
  const { page, trial } = watched;
  await page.getByLabel("电话").fill("010-1234 5678");
  await page.getByLabel("单位").fill("砚台计量院");
  await page.getByLabel("简介").fill("一行\n\n两行 </textarea><script>alert(1)</script>");
  await submit(watched, "保存", `${trial.portal}/`);
  await watched.has(NAME);
  await watched.open("/account");
  trial.check((await page.getByLabel("单位").inputValue()) === "砚台计量院", "the profile is not kept");
  trial.check((await page.getByLabel("简介").inputValue()).endsWith("</textarea><script>alert(1)</script>"), "the text about a member is not kept");
  await watched.look("account");
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.getByLabel("职务").fill("检定员");
  await Promise.all([other.waitForEvent("load"), other.getByRole("button", { name: "保存" }).click()]);
  await other.close();
  await page.getByLabel("职务").fill("工程师");
  await watched.expecting(412, () => submit(watched, "保存"));
  await watched.has("已在别处修改");
  trial.check((await page.getByLabel("职务").inputValue()) === "检定员", "after a change elsewhere the form has not what is stored");
}

/**
 * Reads a notice for members. Returns its path.
 * @param {WatchedPage} watched
 */
async function readMembersNotice(watched) {
  const { page } = watched;
  await watched.open("/notices");
  await page.getByRole("link", { name: MEMBERS_NOTICE }).click();
  await page.waitForURL("**/notices/*");
  await watched.has(MEMBERS_NOTICE);
  return new URL(page.url()).pathname;
}

/**
 * Checks that scripts of the page can read nothing of the session.
 * @param {WatchedPage} watched
 */
async function checkCookies({ page, trial }) {
  const readable = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }));
  trial.check(readable === "{}", `a script can read ${readable}`);
  const cookies = await page.context().cookies();
  trial.check(cookies.length > 0 && cookies.every(({ httpOnly, sameSite }) => httpOnly && sameSite === "Lax"), "a cookie is open");
  trial.check(!cookies.some(({ value }) => /ink[a-z]_|^ey/.test(value)), "a cookie has a token of Inkstone");
}

/**
 * @param {WatchedPage} watched
 * @param {string} mails
 */
async function recoverPassword(watched, mails) {
  const { page } = watched;
  await watched.open("/login");
  await page.getByRole("link", { name: "找回密码" }).click();
  await page.waitForURL("**/forgot-password");
  await page.getByLabel("邮箱").fill(EMAIL);
  await submit(watched, "发送邮件", "**/login?done=forgot");
  await page.goto(await readMailedLink(mails, EMAIL));
  await page.getByLabel("新密码").fill(SECOND_PASSWORD);
  await submit(watched, "设置新密码", "**/login?done=reset");
  await watched.has("新密码已生效");
}

/** @param {WatchedPage} watched */
async function changePassword(watched) {
  const { page } = watched;
  await watched.open("/account/password");
  await watched.look("password");
  await page.getByLabel("现在的密码").fill("not the password");
  await page.getByLabel("新密码").fill(THIRD_PASSWORD);
  await watched.expecting(403, () => submit(watched, "修改密码"));
  await page.getByLabel("现在的密码").fill(SECOND_PASSWORD);
  await page.getByLabel("新密码").fill(THIRD_PASSWORD);
  await submit(watched, "修改密码", "**/account?done=password");
  await watched.has("密码已修改");
}
