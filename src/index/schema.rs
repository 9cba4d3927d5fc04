//! The fields of the index, as Tantivy has them, and how texts become their terms.

use tantivy::schema::{
    BytesOptions, FAST, Field as Column, INDEXED, IndexRecordOption, STRING, Schema, SchemaBuilder,
    TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use tantivy::{TantivyDocument, Term};

use super::tokens::{BREAK, Kind, Units, WRITTEN, each_token};
use super::{Document, Field};

/// The name of the tokenizer of texts.
const TEXT_TOKENIZER: &str = "inkstone-text";
/// The name of the tokenizer of single characters.
const CHARACTER_TOKENIZER: &str = "inkstone-characters";

/// The columns of the index.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// The id as a term.
    pub id: Column,
    id_high: Column,
    id_low: Column,
    texts: [Column; Field::ALL.len()],
    /// The characters of all texts, each after the letter of its field, without positions. As a text writes them, too,
    /// if that is not how they fold.
    pub characters: Column,
    /// The labels, as terms.
    pub labels: Column,
    begins_at: Column,
    ends_at: Column,
    updated_at: Column,
    created_at: Column,
    popularity: Column,
    /// What documents are completed by.
    pub completions: Column,
    /// What alike documents share.
    pub likeness: Column,
}

/// The letter of a field in the column of characters.
pub fn find_letter(field: Field) -> char {
    match field {
        Field::Title => 't',
        Field::Summary => 's',
        Field::Body => 'b',
        Field::Tags => 'g',
        Field::Author => 'a',
        Field::Source => 'o',
    }
}

/// The name of a field's column.
fn name(field: Field) -> &'static str {
    match field {
        Field::Title => "title",
        Field::Summary => "summary",
        Field::Body => "body",
        Field::Tags => "tags",
        Field::Author => "author",
        Field::Source => "source",
    }
}

/// Options of a text that `tokenizer` cuts.
fn text(tokenizer: &str, keep: IndexRecordOption) -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(tokenizer)
        .set_index_option(keep)
        .set_fieldnorms(keep == IndexRecordOption::WithFreqsAndPositions);
    TextOptions::default().set_indexing_options(indexing)
}

/// Builds the schema.
pub fn build() -> (Schema, Columns) {
    let mut builder = SchemaBuilder::default();
    let words = text(TEXT_TOKENIZER, IndexRecordOption::WithFreqsAndPositions);
    let texts = Field::ALL.map(|field| builder.add_text_field(name(field), words.clone()));
    let characters = text(CHARACTER_TOKENIZER, IndexRecordOption::WithFreqs);
    let columns = Columns {
        id: builder.add_bytes_field("id", BytesOptions::default().set_indexed()),
        id_high: builder.add_u64_field("id_high", FAST),
        id_low: builder.add_u64_field("id_low", FAST),
        texts,
        characters: builder.add_text_field("characters", characters),
        labels: builder.add_text_field("labels", STRING | FAST),
        begins_at: builder.add_i64_field("begins_at", FAST),
        ends_at: builder.add_i64_field("ends_at", FAST),
        updated_at: builder.add_i64_field("updated_at", FAST),
        created_at: builder.add_i64_field("created_at", FAST),
        popularity: builder.add_u64_field("popularity", FAST),
        completions: builder.add_text_field("completions", STRING),
        likeness: builder.add_u64_field("likeness", INDEXED),
    };
    (builder.build(), columns)
}

/// The tokenizers that the schema names.
pub fn make_tokenizers() -> TokenizerManager {
    let tokenizers = TokenizerManager::default();
    tokenizers.register(TEXT_TOKENIZER, TextTokenizer);
    tokenizers.register(CHARACTER_TOKENIZER, CharacterTokenizer);
    tokenizers
}

impl Columns {
    /// The column of a field's text.
    pub fn text(&self, field: Field) -> Column {
        let at = Field::ALL.iter().position(|other| *other == field);
        self.texts[at.unwrap_or_default()]
    }

    /// The term of an id.
    pub fn id_term(&self, id: uuid::Uuid) -> Term {
        Term::from_field_bytes(self.id, id.as_bytes())
    }

    /// A document as Tantivy takes it.
    pub fn write(&self, document: &Document) -> TantivyDocument {
        let mut written = TantivyDocument::new();
        let (high, low) = document.id.as_u64_pair();
        written.add_bytes(self.id, document.id.as_bytes());
        written.add_u64(self.id_high, high);
        written.add_u64(self.id_low, low);
        let separator = BREAK.to_string();
        let body = document.body.join(&separator);
        let tags = document.tags.join(&separator);
        for field in Field::ALL {
            let text = match field {
                Field::Title => &document.title,
                Field::Summary => &document.summary,
                Field::Body => &body,
                Field::Tags => &tags,
                Field::Author => &document.author,
                Field::Source => &document.source,
            };
            written.add_text(self.text(field), text);
            written.add_text(self.characters, format!("{}{text}", find_letter(field)));
        }
        document.labels.iter().for_each(|label| written.add_text(self.labels, label));
        written.add_i64(self.begins_at, document.begins_at);
        written.add_i64(self.ends_at, document.ends_at);
        written.add_i64(self.updated_at, document.updated_at);
        written.add_i64(self.created_at, document.created_at);
        written.add_u64(self.popularity, document.popularity);
        document.completions.iter().for_each(|word| written.add_text(self.completions, word));
        document.likeness.iter().for_each(|number| written.add_u64(self.likeness, *number));
        written
    }
}

/// Cuts a text into its tokens.
#[derive(Clone)]
struct TextTokenizer;

/// Cuts a text, after the letter of its field, into the single characters that are in its tokens.
#[derive(Clone)]
struct CharacterTokenizer;

impl Tokenizer for TextTokenizer {
    type TokenStream<'a> = Tokens;

    fn token_stream(&mut self, text: &str) -> Tokens {
        let mut tokens = Tokens::default();
        each_token(&Units::cut(text), |token, position| tokens.push(&[token], position));
        tokens
    }
}

impl Tokenizer for CharacterTokenizer {
    type TokenStream<'a> = Tokens;

    fn token_stream(&mut self, text: &str) -> Tokens {
        let (letter, text) = text.split_at_checked(1).unwrap_or_default();
        let units = Units::cut(text);
        let mut tokens = Tokens::default();
        for unit in units.units.iter().filter(|unit| unit.kind == Kind::Dense) {
            tokens.push(&[letter, units.text(unit)], 0);
            if units.is_converted(unit) {
                tokens.push(&[letter, &format!("{WRITTEN}{}", unit.written)], 0);
            }
        }
        tokens
    }
}

/// The tokens of a text, one after the other.
#[derive(Default)]
struct Tokens {
    text: String,
    ends: Vec<(usize, u32)>,
    next: usize,
    token: Token,
}

impl Tokens {
    fn push(&mut self, parts: &[&str], position: u32) {
        parts.iter().for_each(|part| self.text.push_str(part));
        self.ends.push((self.text.len(), position));
    }
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        let Some(&(end, position)) = self.ends.get(self.next) else { return false };
        let start = if self.next == 0 { 0 } else { self.ends[self.next - 1].0 };
        self.token.text.clear();
        self.token.text.push_str(&self.text[start..end]);
        self.token.position = position as usize;
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
