//! Documents that share rare words with a text.

use std::collections::{HashMap, HashSet};

use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED, Term};
use uuid::Uuid;

use super::store::Index;
use super::tokens::{Units, WRITTEN, each_token};
use super::{Field, Filter, Result};

/// Tokens of a text that others are looked up by.
const MAX_TOKENS: usize = 40;
/// Tokens of a text that are considered.
const MAX_CONSIDERED: usize = 4_000;
/// The part of all documents that may have a token.
const MAX_SHARE: f32 = 0.1;
/// The fields that are compared, and what a shared token counts in them.
const FIELDS: [(Field, f32); 3] = [(Field::Title, 3.0), (Field::Tags, 2.0), (Field::Body, 1.0)];

impl Index {
    /// The documents that share the most rare tokens with `text`, best first, and how much.
    pub fn find_related(
        &self,
        text: &str,
        filter: &Filter,
        without: &HashSet<Uuid>,
        top: usize,
    ) -> Result<Vec<(Uuid, f32)>> {
        let rare = self.find_rare_tokens(text, MAX_TOKENS)?;
        self.look(|searcher| {
            let mut found: Vec<(Uuid, f32)> = Vec::new();
            self.each_segment(searcher, |segment| {
                let docs = segment.select(filter, without)?;
                let mut scores: HashMap<u32, f32> = HashMap::new();
                for (token, rarity) in &rare {
                    for (field, weight) in FIELDS {
                        let term = Term::from_field_text(segment.columns.text(field), token);
                        let terms = segment.terms(term.field())?;
                        let Some(mut postings) = terms.read_postings(&term, IndexRecordOption::Basic)? else {
                            continue;
                        };
                        while postings.doc() != TERMINATED {
                            if docs.contains(postings.doc()) {
                                *scores.entry(postings.doc()).or_default() += rarity * weight;
                            }
                            postings.advance();
                        }
                    }
                }
                found.extend(scores.into_iter().map(|(doc, score)| (segment.id(doc), score)));
                found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
                found.truncate(top);
                Ok(())
            })?;
            Ok(found)
        })
    }

    /// The tokens of a text that say most about it: frequent in it, and rare elsewhere.
    fn find_rare_tokens(&self, text: &str, most: usize) -> Result<Vec<(String, f32)>> {
        let mut counts: HashMap<String, u32> = HashMap::new();
        each_token(&Units::cut(text), |token, _| {
            let is_known = counts.contains_key(token);
            // A single character, a digit or a sign says nothing.
            let says = token.chars().count() > 1 && !token.starts_with(WRITTEN);
            if says && (is_known || counts.len() < MAX_CONSIDERED) {
                *counts.entry(token.to_owned()).or_default() += 1;
            }
        });
        self.look(|searcher| {
            let all = searcher.num_docs() as f32;
            let body = self.store().columns.text(Field::Body);
            let mut rare = Vec::new();
            for (token, count) in counts {
                let documents = searcher.doc_freq(&Term::from_field_text(body, &token))? as f32;
                if documents <= (all * MAX_SHARE).max(3.0) {
                    let rarity = (1.0 + all / (documents + 1.0)).ln();
                    rare.push((token, rarity * (count as f32).sqrt()));
                }
            }
            rare.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            rare.truncate(most);
            Ok(rare)
        })
    }
}
