// What all trials in TypeScript share: where the server is, and how they fail.

export const url = process.env.INKSTONE_URL!;
export const token = process.env.INKSTONE_TOKEN!;

/** Names of things that this run of this trial makes, and no other. */
export const unique = (word: string) => `${word}-${Date.now().toString(36)}-${process.pid}`;

export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function equal(actual: unknown, wanted: unknown, message: string) {
  const [seen, expected] = [JSON.stringify(actual), JSON.stringify(wanted)];
  check(seen === expected, `${message}: ${seen}, not ${expected}`);
}

/** Three rows for an import. */
export const rows = (prefix: string) =>
  [1, 2, 3].map((number) => ({
    external_id: `${prefix}-${number}`,
    title: `Imported ${number}`,
    body: `<p>Row ${number}.</p>`,
    status: "published" as const,
  }));
