import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Milliseconds for which a mail is waited for. */
const PATIENCE = 20_000;
const seen = new Set();

/**
 * Waits for a new mail to an address, and returns the link in it.
 * @param {string} folder
 * @param {string} email
 */
export async function readMailedLink(folder, email) {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      const text = seen.has(name) ? "" : decodeMail(await readFile(join(folder, name), "utf8"));
      const link = text.includes(email) && /https?:\/\/\S+[?]token=[\w-]+/.exec(text)?.[0];
      if (!link) continue;
      seen.add(name);
      return link;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no mail to ${email}`);
}

/**
 * Decodes all parts of a mail.
 * @param {string} mail
 */
function decodeMail(mail) {
  const quoted = mail.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  const based = mail.split(/\r?\n\r?\n/).map((part) => Buffer.from(part.replace(/\s/g, ""), "base64").toString("utf8"));
  return [quoted, ...based].join("\n");
}
