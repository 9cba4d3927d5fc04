//! Articles about the same, and copies.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{publish, start};

const ARTICLES: &str = "/api/v1/articles";

fn text(seed: usize, sentences: usize) -> String {
    const WORDS: [&str; 12] =
        ["计量", "检定", "钢材", "抽查", "标准", "企业", "市场", "监管", "设备", "安全", "认证", "食品"];
    let word = |at: usize| WORDS[(at * at * 7 + at * seed + seed * 13) % WORDS.len()];
    (0..sentences).map(|at| format!("{}{}{}{at}号。", word(at), word(at + seed), word(at * 3 + 1))).collect()
}

#[actix_web::test]
async fn a_copy_is_told_to_whoever_writes_it_and_found_in_its_group() {
    let (app, _, editor) = start().await;
    let author = app.db_member(Role::Author).await;
    let body = text(3, 60);
    let first = publish(&editor, json!({"title": "通报", "body": body})).await;
    let hidden = editor.post(ARTICLES, json!({"title": "草稿", "body": text(5, 60)})).await.data(201);
    publish(&editor, json!({"title": "别的", "body": text(11, 60)})).await;
    app.index().await;
    let copy = json!({"title": "通报(转载)", "body": format!("{body}来源:某网。")});
    let answer = author.post(ARTICLES, copy).await.expect(201).json();
    let warning = &answer["warnings"][0];
    assert_eq!((&warning["code"], &warning["params"]["id"]), (&json!("possible_duplicate"), &first["id"]));
    assert!(warning["params"]["similarity"].as_f64().unwrap() > 0.9, "{warning}");
    // A draft of somebody else is nobody's business.
    let answer = author.post(ARTICLES, json!({"title": "x", "body": text(5, 60)})).await.expect(201).json();
    assert!(answer.get("warnings").is_none(), "{answer}");
    app.index().await;
    let path = format!("{ARTICLES}/duplicates");
    let groups = editor.get(&path).await.expect(200).json();
    let ids = |group: &Value| -> Vec<String> {
        group["articles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all: Vec<Vec<String>> = groups["data"].as_array().unwrap().iter().map(ids).collect();
    assert_eq!(all.len(), 2, "{groups}");
    assert_eq!(all[0][1], hidden["id"].as_str().unwrap());
    assert_eq!(all[1][1], first["id"].as_str().unwrap());
    assert_eq!(groups["page"]["has_next"], false);
    // Page by page, and only what the caller may see.
    let one = editor.get(&format!("{path}?page_size=1")).await.expect(200).json();
    let next = one["page"]["next_cursor"].as_str().unwrap();
    let two = editor.get(&format!("{path}?page_size=1&cursor={next}")).await.expect(200).json();
    assert_eq!(ids(&two["data"][0]), all[1]);
    let own = author.get(&path).await.expect(200).json();
    assert_eq!(own["data"].as_array().unwrap().len(), 1);
    // The word of the path is no slug.
    editor.post(ARTICLES, json!({"title": "x", "slug": "duplicates"})).await.expect(422);
}

#[actix_web::test]
async fn a_copy_of_a_very_long_text_is_told_by_its_beginning() {
    let (app, _, editor) = start().await;
    // Longer than what is compared, with and without its markup.
    let mut number = 1_u64;
    let mut write = |paragraphs: usize| -> String {
        let mut character = |_| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_u32(0x4e00 + (number >> 33) as u32 % 3_000).unwrap()
        };
        // Much markup, so that the beginning has less text than is compared of others.
        let mut paragraph =
            |_| format!("<p><strong>{}</strong></p>", (0..6).map(&mut character).collect::<String>());
        (0..paragraphs).map(&mut paragraph).collect()
    };
    let beginning = write(250);
    let body = format!("{beginning}{}", write(4_750));
    let first = publish(&editor, json!({"title": "长篇", "body": body})).await;
    app.index().await;
    let copy = json!({"title": "长篇(转载)", "body": format!("{body}<p>来源:某网。</p>")});
    let answer = editor.post(ARTICLES, copy).await.expect(201).json();
    let warning = &answer["warnings"][0];
    assert_eq!((&warning["code"], &warning["params"]["id"]), (&json!("possible_duplicate"), &first["id"]));
    // Another text that only begins like it is none.
    let other = json!({"title": "长篇", "body": format!("{beginning}{}", write(4_700))});
    let answer = editor.post(ARTICLES, other).await.expect(201).json();
    assert!(answer.get("warnings").is_none(), "{}", answer["warnings"]);
}

#[actix_web::test]
async fn more_copies_than_a_group_has_are_one_group_with_the_newest_of_them() {
    let (app, _, editor) = start().await;
    let mut newest = Value::Null;
    for _ in 0..25 {
        newest = publish(&editor, json!({"title": "同一篇", "body": text(7, 60)})).await["id"].clone();
    }
    app.index().await;
    let page = editor.get(&format!("{ARTICLES}/duplicates?page_size=100")).await.expect(200).json();
    let groups = page["data"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{}", groups.len());
    let articles = groups[0]["articles"].as_array().unwrap();
    assert_eq!((articles.len(), &articles[0]["id"]), (21, &newest));
}

#[actix_web::test]
async fn related_articles_are_about_the_same_and_no_copies() {
    let (app, anon, editor) = start().await;
    let filler = |topic: &str, seed: usize| {
        format!("关于{topic}的情况由省院第{seed}研究室负责说明,{topic}的结果向社会公布,欢迎来电询问。")
    };
    for seed in 0..60 {
        publish(&editor, json!({"title": format!("快讯 {seed}"), "body": text(seed * 3 + 1, 9)})).await;
    }
    let about = publish(
        &editor,
        json!({"title": "砝码检定规程修订", "tags": ["砝码"], "body": filler("砝码的检定周期", 2)}),
    )
    .await;
    let near = publish(
        &editor,
        json!({"title": "砝码比对结果公布", "tags": ["砝码"], "body": filler("砝码比对", 6)}),
    )
    .await;
    let words =
        publish(&editor, json!({"title": "新的砝码检定装置", "body": filler("砝码检定装置", 9)})).await;
    publish(
        &editor,
        json!({"title": "食品抽检", "tags": ["食品"], "body": "蔬菜与水果的农药残留全部合格。"}),
    )
    .await;
    publish(
        &editor,
        json!({"title": "砝码检定规程修订(转载)", "tags": ["砝码"], "body": filler("砝码的检定周期", 2)}),
    )
    .await;
    editor
        .post(ARTICLES, json!({"title": "砝码草稿", "tags": ["砝码"], "body": filler("砝码", 8)}))
        .await
        .data(201);
    app.index().await;
    let path = format!("{ARTICLES}/{}?include=related,neighbors", about["slug"].as_str().unwrap());
    let related = anon.get(&path).await.data(200)["related"].clone();
    let ids: Vec<&Value> = related.as_array().unwrap().iter().map(|one| &one["id"]).collect();
    let titles: Vec<&str> =
        related.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert_eq!(ids[..2], [&near["id"], &words["id"]], "{titles:?}");
    let titles: Vec<&str> =
        related.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert!(
        !titles
            .iter()
            .any(|title| title.contains("草稿") || title.contains("转载") || *title == "砝码检定规程修订")
    );
    // What is unpublished goes at once.
    editor
        .patch(&format!("{ARTICLES}/{}", near["id"].as_str().unwrap()), json!({"status": "draft"}))
        .await
        .expect(200);
    let related = anon.get(&path).await.data(200)["related"].clone();
    assert_eq!(related[0]["id"], words["id"]);
}
