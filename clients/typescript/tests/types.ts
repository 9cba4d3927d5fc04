// Compiled with `tsc --strict`, never run: what the types promise to those who write a frontend.
import { createInkstone, isProblem, unwrap, type Item, type Schemas } from "../dist/index.js";

const site = createInkstone({ url: "https://news.example" });

export async function titles(): Promise<string[]> {
  const found: string[] = [];
  for await (const card of site.walk("/api/v1/articles", { category: ["news"], fields: ["title", "slug"] })) {
    const same: Schemas["ArticleCard"] = card;
    found.push(same.title);
  }
  // @ts-expect-error: no such order
  site.walk("/api/v1/articles", { sort: ["colour"] });
  // @ts-expect-error: not a list that has pages
  site.walk("/api/v1/site");
  // @ts-expect-error: the walk goes by cursor itself
  site.walk("/api/v1/articles", { cursor: "x" });
  return found;
}

export async function layout(id: string): Promise<unknown> {
  const { data: article } = unwrap(await site.GET("/api/v1/articles/{id}", { params: { path: { id } } }));
  const version: number = article.version;
  return [article.extra.layout, version, article.category?.path.map((crumb) => crumb.slug)];
}

export const notice = (one: Item<"/api/v1/notices">): string => one.title;

export async function save(id: string, etag: string): Promise<string> {
  try {
    const header = { "If-Match": etag };
    unwrap(await site.PATCH("/api/v1/articles/{id}", { params: { path: { id }, header }, body: { title: "New" } }));
    return "saved";
  } catch (error) {
    if (isProblem(error, "version_mismatch")) return `changed meanwhile: ${error.problem.current_version}`;
    throw error;
  }
}

export async function upload(file: File, stream: ReadableStream<Uint8Array>): Promise<string[]> {
  const media: Schemas["Media"] = await site.uploadMedia(file, { audience: "members", onProgress: (sent: number) => sent });
  await site.uploadMedia(stream, { size: 5, signal: AbortSignal.timeout(5), headers: { "Accept-Language": "zh" } });
  await site.uploadMedia(new Uint8Array(5));
  // @ts-expect-error: no such audience
  await site.uploadMedia(file, { audience: "friends" });
  // @ts-expect-error: a path is no file
  await site.uploadMedia("harbour.jpg");
  return media.tags;
}

export function takeOver(session: Schemas["Session"]): void {
  site.adoptSession(session);
  site.walk("/api/v1/articles", {}, { headers: { "Accept-Language": "zh" } });
}
