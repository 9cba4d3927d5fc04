//! SQL of the addresses that articles had elsewhere. An index has them in the spelling of `make_address_key`.

use diesel::{OptionalExtension, QueryResult};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::FoundId;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::Articles;

/// An address that is looked for.
#[derive(Clone, Debug)]
pub struct Address {
    /// A whole address, or a path.
    pub text: String,
    /// Whether it may be on any host.
    pub is_of_any_host: bool,
}

impl Address {
    /// The conditions that articles with it meet, if they are visible. In `key`, `?` stands for the address.
    fn conditions(&self, key: &str, visible: Articles) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.and("articles.source_url IS NOT NULL");
        conditions.and_if(key, Some(Value::Text(self.text.clone())));
        let host = "find_address_host(articles.source_url) = find_address_host(?)";
        conditions.and_if(host, (!self.is_of_any_host).then(|| Value::Text(self.text.clone())));
        visible.restrict(&mut conditions);
        conditions
    }
}

/// The newest article with this address, if it is visible.
pub async fn find_exact(
    mut conn: &Connection,
    address: &Address,
    visible: Articles,
) -> QueryResult<Option<Uuid>> {
    let (conditions, text) = exact_statement(address, visible);
    let found: Option<FoundId> = conditions.statement(text).get_result(&mut conn).await.optional()?;
    Ok(found.map(|found| found.id))
}

/// The statement of [`find_exact`], and the values it binds.
pub fn exact_statement(address: &Address, visible: Articles) -> (Conditions, String) {
    let conditions =
        address.conditions("make_address_key(articles.source_url) = make_address_key(?)", visible);
    // Public articles have a time, and an index has them in this order.
    let nulls = if visible == Articles::Public { "" } else { "NULLS LAST" };
    let text = format!(
        "SELECT articles.id FROM articles WHERE {} ORDER BY articles.published_at DESC {nulls}, articles.id DESC LIMIT 1",
        conditions.sql()
    );
    (conditions, text)
}

/// Addresses that differ in their query alone which are looked at.
const MAX_NEAR: usize = 100;

/// The article whose address is this one with a query, if it is visible and the only one.
pub async fn find_only_with_query(
    mut conn: &Connection,
    address: &Address,
    visible: Articles,
) -> QueryResult<Option<Uuid>> {
    // The byte after a question mark is an at sign.
    let key = "make_address_key(articles.source_url) > make_address_key(?) || '?'::bytea \
         AND make_address_key(articles.source_url) < make_address_key(?) || '@'::bytea";
    let key = key.replace("'?'::bytea", "decode('3f', 'hex')");
    // Of an old system's one page for all, a few are looked at: such an address leads to none of them.
    let mut near = Conditions::default();
    near.and_if(&key, Some(Value::Text(address.text.clone())));
    let near_met = near.sql();
    let host = "find_address_host(articles.source_url) = find_address_host(?)";
    let mut rest = near;
    let rest_met = rest.apart(|rest| {
        rest.and_if(host, (!address.is_of_any_host).then(|| Value::Text(address.text.clone())));
        visible.restrict(rest);
    });
    let conditions = rest;
    let text = format!(
        "SELECT articles.id FROM (SELECT * FROM articles WHERE articles.source_url IS NOT NULL AND {near_met} \
         LIMIT {MAX_NEAR}) AS articles WHERE {rest_met} LIMIT 2"
    );
    let found: Vec<FoundId> = conditions.statement(text).load(&mut conn).await?;
    Ok(match &found[..] {
        [only] => Some(only.id),
        _ => None,
    })
}

/// The article that has or has had the first of `slugs` that leads to one, if it is visible.
pub async fn find_by_slugs(
    mut conn: &Connection,
    slugs: Vec<String>,
    visible: Articles,
) -> QueryResult<Option<Uuid>> {
    let mut conditions = Conditions::default();
    let mark = conditions.bind(Value::Texts(slugs));
    conditions.and(format!("article_slugs.slug = ANY({mark})"));
    visible.restrict(&mut conditions);
    let text = format!(
        "SELECT articles.id FROM article_slugs JOIN articles ON articles.id = article_slugs.article_id WHERE {} \
         ORDER BY array_position({mark}, article_slugs.slug) LIMIT 1",
        conditions.sql()
    );
    let found: Option<FoundId> = conditions.statement(text).get_result(&mut conn).await.optional()?;
    Ok(found.map(|found| found.id))
}
