//! Readers beside a flood of logins, writers of long markdown, visitors on the most expensive list, sockets
//! that drip, an import, and large pictures: no read fails, and the slowest hundredth may wait three times as long as on an
//! idle server. `-- logins`, `writers`, `lists`, `drips`, `import` and `pictures` choose among them.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "support/rows.rs"]
mod rows;
mod support;
#[path = "support/texts.rs"]
mod texts;
#[path = "support/timed.rs"]
mod timed;
#[path = "support/times.rs"]
mod times;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::join_all;
use inkstone::priority::lower_thread_priority;
use reqwest::Client;
use serde_json::{Value, json};
use support::{ADMIN, PASSWORD, Server, block_on, login};
use texts::{Numbers, write_words};
use timed::timed;
use times::quantile;

/// Logins at once.
const PARALLEL: usize = 64;
/// How long the flood lasts, and how long the idle server is read before it.
const SPAN: Duration = Duration::from_secs(10);
/// How much longer the slowest hundredth of readers may wait.
const LIMIT: f64 = 3.0;

/// Writers at once.
const WRITERS: usize = 32;
/// The length of what each of them writes, in bytes of markdown.
const MARKDOWN_BYTES: usize = 800_000;

/// Articles of the category that the expensive list shows.
const LISTED: usize = 10_000;
/// Visitors on the expensive list at once.
const LISTERS: usize = 24;
/// The most expensive list that a visitor may ask for.
const EXPENSIVE: &str = "articles?category=busy&page=100&page_size=100&sort=title";
/// Sockets that drip at once.
const DRIPPERS: usize = 2_000;
/// Rows of the import.
const IMPORTED: usize = 200_000;
/// Words of each of them: about 1 KB of HTML.
const SHORT: usize = 150;
/// Pictures that are uploaded at once, each of 24 megapixels.
const PICTURES: usize = 10;
/// The sides of such a picture.
const SIDES: (u16, u16) = (6_000, 4_000);
/// Presets of each picture that are asked for at once, for the first time.
const PRESETS: [&str; 4] = ["w320", "w960", "w1920", "card"];
/// How much the server may grow by large pictures, in MiB.
const MAX_GROWTH_MIB: u64 = 300;
/// How often what was turned away is asked for again.
const ATTEMPTS: usize = 100;

/// What became of the requests beside the readers.
#[derive(Default)]
struct Load {
    done: AtomicUsize,
    turned_away: AtomicUsize,
    other: AtomicUsize,
}

impl Load {
    fn count(&self, done: u16, answer: reqwest::Result<reqwest::Response>) {
        let count = match answer.map(|answer| answer.status().as_u16()) {
            Ok(status) if status == done => &self.done,
            Ok(429 | 503) => &self.turned_away,
            _ => &self.other,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Signs the admin in and returns the token.
async fn sign_in(server: &Server, client: &Client) -> anyhow::Result<String> {
    let login = server.post(client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
    let session: Value = login.error_for_status()?.json().await?;
    Ok(session["data"]["access_token"].as_str().context("a token")?.to_owned())
}

/// Publishes an article and returns its address.
async fn article(server: &Server, client: &Client) -> anyhow::Result<String> {
    let token = sign_in(server, client).await?;
    let body = json!({"title": "News", "body": "<p>Fit to print.</p>".repeat(100), "status": "published"});
    let made = server.post(client, "/articles", &body).bearer_auth(token).send().await?;
    let article: Value = made.error_for_status()?.json().await?;
    Ok(format!("{}/api/v1/articles/{}", server.url, article["data"]["id"].as_str().context("an id")?))
}

/// Reads `article` again and again.
async fn read(client: &Client, article: &str) -> anyhow::Result<Vec<Duration>> {
    let (end, mut times) = (Instant::now() + SPAN, Vec::new());
    while Instant::now() < end {
        times.push(timed(client.get(article), 200).await?);
        // A reader has thoughts too; without a pause this thread would be a load of its own.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(times)
}

/// Tries wrong passwords, many at once.
async fn flood(server: &Server, load: &Load) -> anyhow::Result<()> {
    let (client, end) = (Client::new(), Instant::now() + SPAN);
    let body = login(ADMIN, "three wrong words");
    let guesser = async || {
        while Instant::now() < end {
            load.count(401, server.post(&client, "/auth/login", &body).send().await);
        }
    };
    join_all((0..PARALLEL).map(|_| guesser())).await;
    Ok(())
}

/// Creates articles of long markdown, many at once.
async fn write(server: &Server, load: &Load) -> anyhow::Result<()> {
    let client = Client::new();
    let (token, end) = (sign_in(server, &client).await?, Instant::now() + SPAN);
    let bodies: Vec<Value> = (0..WRITERS)
        .map(|seed| json!({"title": "Long", "body": write_markdown(seed), "body_format": "markdown"}))
        .collect();
    let writer = async |body| {
        while Instant::now() < end {
            load.count(201, server.post(&client, "/articles", body).bearer_auth(&token).send().await);
        }
    };
    join_all(bodies.iter().map(writer)).await;
    Ok(())
}

/// A long text with much markup.
fn write_markdown(seed: usize) -> String {
    let (mut numbers, mut text) = (Numbers(seed as u64 + 1), String::with_capacity(MARKDOWN_BYTES));
    while text.len() < MARKDOWN_BYTES {
        let words = write_words(&mut numbers, 40);
        let [one, two, three, four] =
            [&words[..10], &words[10..20], &words[20..30], &words[30..]].map(|part| part.concat());
        text += &format!("{one} *{two}* [{three}](https://example.org/), `code` and **{four}**.\n\n");
    }
    text
}

/// Builds `count` articles of the category `busy`, as NDJSON.
fn build_rows(name: &str, count: usize) -> String {
    let row = |number: usize| {
        let mut row = rows::row(number, SHORT);
        row["external_id"] = json!(format!("{name}-{number}"));
        row["category"] = json!("busy");
        format!("{row}\n")
    };
    (0..count).map(row).collect()
}

/// Imports articles of NDJSON.
async fn import(server: &Server, rows: String) -> anyhow::Result<()> {
    let client = Client::new();
    let token = sign_in(server, &client).await?;
    let request = client.post(format!("{}/api/v1/articles/import?create_categories=true", server.url));
    let request = request.bearer_auth(token).header("content-type", "application/x-ndjson");
    let summary = request.body(rows).send().await?.error_for_status()?.text().await?;
    ensure!(summary.contains("\"failed\":0"), "the import has failed rows: {summary}");
    Ok(())
}

/// Asks for the expensive list, many at once.
async fn list(server: &Server, load: &Load) -> anyhow::Result<()> {
    let (client, end) = (Client::new(), Instant::now() + SPAN);
    let address = format!("{}/api/v1/{EXPENSIVE}", server.url);
    let lister = async || {
        while Instant::now() < end {
            load.count(200, client.get(&address).send().await);
        }
    };
    join_all((0..LISTERS).map(|_| lister())).await;
    Ok(())
}

/// Draws a picture of 24 megapixels, like a photograph: gradients and noise.
fn draw_picture(seed: u32) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (u32::from(SIDES.0), u32::from(SIDES.1));
    let mut noise = seed.wrapping_mul(2_654_435_761).max(1);
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            // A xorshift generator (Marsaglia).
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let grain = noise % 16;
            let bytes = [x * 239 / width + grain, y * 239 / height + grain, (x + y) % 240 + grain];
            pixels.extend(bytes.map(|byte| byte as u8));
        }
    }
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 85).encode(
        &pixels,
        SIDES.0,
        SIDES.1,
        jpeg_encoder::ColorType::Rgb,
    )?;
    Ok(jpeg)
}

/// Uploads large pictures at once, and then asks for many of their variants at once, until all are served.
async fn upload_pictures(server: &Server, load: &Load, pictures: Vec<Vec<u8>>) -> anyhow::Result<()> {
    let client = Client::new();
    let token = sign_in(server, &client).await?;
    let uploads = pictures.into_iter().map(async |picture| {
        for _ in 0..ATTEMPTS {
            let request = client.post(format!("{}/api/v1/media", server.url)).bearer_auth(&token);
            let answer = request.body(picture.clone()).send().await?;
            if answer.status() == 201 {
                return Ok(answer.json::<Value>().await?);
            }
            load.count(201, Ok(answer));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        anyhow::bail!("a picture was never taken")
    });
    let uploaded = join_all(uploads).await.into_iter().collect::<anyhow::Result<Vec<Value>>>()?;
    let mut addresses = Vec::new();
    for media in &uploaded {
        addresses.extend(PRESETS.iter().filter_map(|name| media["data"]["variants"][*name].as_str()));
    }
    let variants = addresses.into_iter().map(async |address| {
        for _ in 0..ATTEMPTS {
            let answer = client.get(address.replace(&site_of(address), &server.url)).send().await;
            let is_served = answer.as_ref().is_ok_and(|answer| answer.status() == 200);
            load.count(200, answer);
            if is_served {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        anyhow::bail!("{address} was never served")
    });
    join_all(variants).await.into_iter().collect()
}

/// The scheme and the host of an address.
fn site_of(address: &str) -> String {
    address.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// Memory that the server uses, or has used at most, in MiB.
fn read_memory(server: &Server, name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("a line of memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

/// Reads beside large pictures, on a server of its own, and says how much more memory it has used.
fn read_beside_pictures() -> anyhow::Result<bool> {
    let server = Server::start(&[])?;
    let article = block_on(article(&server, &Client::new()))?;
    let pictures = (0..PICTURES as u32).map(draw_picture).collect::<anyhow::Result<Vec<_>>>()?;
    let idle = report("idle", &mut block_on(read(&Client::new(), &article))?);
    let before = read_memory(&server, "VmRSS:")?;
    let load = Load::default();
    let times = read_beside(&article, async || upload_pictures(&server, &load, pictures).await)?;
    let is_fine = report_beside("pictures", &load, times, idle);
    let growth = read_memory(&server, "VmHWM:")?.saturating_sub(before);
    println!("pictures: the server grew by {growth} MiB, at most {MAX_GROWTH_MIB}");
    Ok(is_fine && growth <= MAX_GROWTH_MIB)
}

/// Opens sockets that send the head of a request a byte at a time, and again when they are closed.
async fn drip(server: &Server, load: &Load) -> anyhow::Result<()> {
    let address = server.url.trim_start_matches("http://").to_owned();
    let end = Instant::now() + SPAN;
    let dripper = async || {
        while Instant::now() < end {
            let Ok(mut socket) = tokio::net::TcpStream::connect(&address).await else { continue };
            load.done.fetch_add(1, Ordering::Relaxed);
            let mut head = b"GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
                .iter()
                .chain([b'x'].iter().cycle());
            while Instant::now() < end {
                let byte = [*head.next().context("the head never ends")?];
                if tokio::io::AsyncWriteExt::write_all(&mut socket, &byte).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        anyhow::Ok(())
    };
    for dripped in join_all((0..DRIPPERS).map(|_| dripper())).await {
        dripped?;
    }
    Ok(())
}

/// Reads `article` while `load` runs on another thread.
fn read_beside(
    article: &str,
    load: impl AsyncFnOnce() -> anyhow::Result<()> + Send,
) -> anyhow::Result<Vec<Duration>> {
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| {
            // The work of the clients is not the server's.
            lower_thread_priority();
            block_on(load())
        });
        let times = block_on(read(&Client::new(), article));
        loading.join().ok().context("the load failed")??;
        times
    })
}

fn report(name: &str, times: &mut [Duration]) -> f64 {
    let (median, slow) = (quantile(times, 0.5), quantile(times, 0.99));
    println!("{name}: {} reads, median {median:.2} ms, p99 {slow:.2} ms", times.len());
    slow
}

/// Says how readers fared beside a load. Returns whether that is good.
fn report_beside(name: &str, load: &Load, mut times: Vec<Duration>, idle: f64) -> bool {
    let [done, turned_away, other] =
        [&load.done, &load.turned_away, &load.other].map(|count| count.load(Ordering::Relaxed));
    println!("{name}: {done} done, {turned_away} turned away, {other} otherwise");
    let ratio = report(name, &mut times) / idle;
    println!("p99 ratio {ratio:.2}, at most {LIMIT}");
    done > 0 && other == 0 && ratio <= LIMIT
}

/// Reads beside those of the loads that are wanted.
fn read_beside_loads(is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<bool> {
    let server = Server::start(&[])?;
    // The connections of a client belong to the runtime that opened them.
    let article = block_on(article(&server, &Client::new()))?;
    let idle = report("idle", &mut block_on(read(&Client::new(), &article))?);
    block_on(import(&server, build_rows("listed", LISTED)))?;
    let mut rows = if is_wanted("import") { build_rows("imported", IMPORTED) } else { String::new() };
    let mut are_fine = true;
    for name in ["logins", "writers", "lists", "drips", "import"].into_iter().filter(|name| is_wanted(name)) {
        let load = Load::default();
        let times = read_beside(&article, async || match name {
            "logins" => flood(&server, &load).await,
            "writers" => write(&server, &load).await,
            "lists" => list(&server, &load).await,
            "drips" => drip(&server, &load).await,
            _ => {
                load.done.fetch_add(1, Ordering::Relaxed);
                import(&server, std::mem::take(&mut rows)).await
            }
        })?;
        are_fine &= report_beside(name, &load, times, idle);
    }
    Ok(are_fine)
}

fn main() -> anyhow::Result<()> {
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut are_fine = !is_wanted("pictures") || read_beside_pictures()?;
    if names.iter().any(|name| name != "pictures") || names.is_empty() {
        are_fine &= read_beside_loads(is_wanted)?;
    }
    ensure!(are_fine, "readers wait too long, or a load was none");
    Ok(())
}
