//! Answers that are made anew for each request, beside pgbench with the SQL that they take. Both have all cores.

use std::fs;

use anyhow::ensure;
use serde_json::json;

use crate::Plan;
use crate::cached::OURS;
use crate::client::{address, get};
use crate::connection::Connection;
use crate::drive::rate;
use crate::floor::Statement;
use crate::results::{Results, median, median_run};
use crate::site::{self, Site};
use crate::support::{Server, block_on};
use crate::wrk::{self, Load, Measured};

const CONNECTIONS: [usize; 2] = [1, 32];
const FLOOR: &str = "pgbench";
/// The least share of pgbench's rate.
const LEAST: f64 = 0.5;

pub fn measure(plan: &Plan, site: &Site, server: &Server, results: &mut Results) -> anyhow::Result<()> {
    let script = site.database.folder.join("random.lua");
    fs::write(
        &script,
        format!(
            "request = function() return wrk.format('GET', '/api/v1/articles/' .. math.random({})) end\n",
            site.articles
        ),
    )?;
    let (single, list) = (server.url.clone(), format!("{}{}", server.url, site.list));
    let of_category = format!("{}?category={}", site.list, site.category);
    let below = format!("{}{of_category}", server.url);
    let load = |url, script| Load { url, script, seconds: plan.seconds, ..Load::default() };
    let reads = [
        ("one article", site::path(1), load(&single, Some(script.as_path())), Some(("1", site.articles))),
        ("list of 20", site.list.clone(), load(&list, None), None),
        ("list of a category", of_category, load(&below, None), None),
    ];
    for (name, path, load, random) in reads {
        let (part, query) = (format!("uncached: {name}"), find_query(site, server, &path)?);
        for connections in CONNECTIONS {
            let (mut ours, mut floor) = (Vec::new(), Vec::new());
            for _ in 0..plan.runs {
                ours.push(wrk::measure(Load { connections, ..load })?);
                floor.push(site.database.query_rate(connections, &query, random, plan.seconds)?);
            }
            results.note(&part, connections, OURS, median_run(&ours));
            results.note_rate(&part, connections, FLOOR, median(&floor));
            if name != "list of a category" {
                results.judge_ratio(&part, connections, (OURS, FLOOR), LEAST);
            }
        }
    }
    measure_creates(plan, site, server, results)
}

/// The query of articles that the server runs for a GET of `path`.
fn find_query(site: &Site, server: &Server, path: &str) -> anyhow::Result<Statement> {
    let address = address(server)?;
    block_on(async {
        let mut connection = Connection::open(address).await?;
        let request = async || {
            let status = connection.send(&get(path)).await?;
            ensure!(status == 200, "{path} answers {status}");
            Ok(())
        };
        site.database.article_query(request).await
    })
}

fn measure_creates(plan: &Plan, site: &Site, server: &Server, results: &mut Results) -> anyhow::Result<()> {
    let (part, address) = ("create an article", address(server)?);
    let mut number = site.articles;
    for connections in CONNECTIONS {
        let write = |_: u64, request: &mut Vec<u8>| {
            number += 1;
            request.extend_from_slice(&post(site, number));
        };
        let served = block_on(rate(address, connections, 201, write))?;
        results.note(part, connections, OURS, Measured { rate: served, p99: f64::NAN });
        results.note_rate(
            part,
            connections,
            FLOOR,
            site.database.insert_rate(connections, "1", plan.seconds)?,
        );
    }
    Ok(())
}

/// A POST of the article `number`, older than what the first list shows.
fn post(site: &Site, number: usize) -> Vec<u8> {
    let mut article = site::article(number);
    article["category"] = json!(site.category);
    article.as_object_mut().map(|article| article.remove("slug"));
    let (key, body) = (&site.key, article.to_string());
    format!(
        "POST /api/v1/articles HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
