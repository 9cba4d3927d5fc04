//! A page as HTML: finds its article, and what the page says of it.

use chrono::{DateTime, TimeDelta, Utc};
use dom_query::Document;
use url::Url;

use super::addresses::{Addresses, merge_noscript_twins};
use super::body::write_body;
use super::breadcrumb::{add_breadcrumb, is_home};
use super::linked_data::LinkedData;
use super::main_text::MainText;
use super::media::{warn_of_lost_media, warn_of_media};
use super::metadata::Metadata;
use super::page_source::PageSource;
use super::roles::{Role, Roles};
use super::source::{find_hidden_sentences, strip_page};
use super::text::{PageText, check_size};
use super::title::find_title;
use crate::interchange::origins::dates;
use crate::interchange::origins::row_builder::{RowBuilder, RowResult, fold_whitespace};
use crate::markup::bounds;
use crate::markup::html_text;

/// Most elements of a page that is parsed.
const MAX_ELEMENTS: usize = 50_000;
/// Characters of a sentence that is told.
const TOLD_CHARS: usize = 40;

/// Reads an article from a page. The body is unsanitised HTML.
///
/// # Errors
///
/// The page is larger than 8 MiB, has no text, exceeds the parser's [`bounds`], or has no date and must have one.
pub fn read_html(html: &str, page: &PageSource) -> RowResult {
    check_size(html)?;
    let check = |html| bounds::check(html, MAX_ELEMENTS).map_err(|beyond| format!("The page {beyond}."));
    check(html)?;
    let stripped = strip_page(html);
    // More tags are found in it: those after a frame that was not closed, and those of `noscript`.
    check(&stripped.html)?;
    let doc = Document::from(stripped.html.as_str());
    let markup = PageMarkup {
        metadata: Metadata::read(&doc),
        linked: LinkedData::read(&stripped.linked_data, page.options.timezone),
        doc: &doc,
        source: html,
        page,
    };
    markup.read_article(&stripped.html)
}

struct PageMarkup<'p> {
    doc: &'p Document,
    source: &'p str,
    metadata: Metadata,
    linked: LinkedData,
    page: &'p PageSource<'p>,
}

impl PageMarkup<'_> {
    fn read_article(&self, stripped: &str) -> RowResult {
        let timezone = self.page.options.timezone;
        let saved_from = self.page.saved_from.as_ref();
        let known = saved_from.or(self.page.address.as_ref());
        let own_address =
            self.metadata.find_address(self.doc, self.source, known).or_else(|| saved_from.cloned());
        let address = own_address.clone().or_else(|| known.cloned());
        let by_lines = || {
            let text = html_text::html_to_lines(stripped);
            PageText::new(&text, timezone).find_title().map(fold_whitespace)
        };
        let title = find_title(self.doc, &self.metadata, self.page.site_names).or_else(by_lines);
        let title = title.ok_or("The page has no text.")?;
        let body = self.doc.body().ok_or("The page has no text.")?;
        merge_noscript_twins(&body);
        let main = MainText::find(&body, &title);
        let roles = Roles::assign(&main, &title, timezone);
        let mut addresses = Addresses { base: self.find_base(address.as_ref()), ..Addresses::default() };
        let html = write_body(&main, &roles.roles, &mut addresses);
        let mut row = self.page.begin_row(own_address.as_ref(), &title);
        row = self.add_category(row, &roles, &title);
        row = self.add_facts(row, &roles, address.as_ref(), &title, &mut addresses);
        row = self.page.add_date(row, self.find_date(&roles, own_address.as_ref()))?;
        if html.is_empty() {
            row = row.warn("/body", "empty_body", "is empty: no text was found on the page");
        }
        row = warn_of_lost_text(row, &main, &roles, self.source);
        row = warn_of_lost_media(warn_of_media(row, &addresses), &main, &roles);
        Ok(warn_of_addresses(row, &addresses).with_body(html, "html").build(self.page.place))
    }

    fn find_base(&self, address: Option<&Url>) -> Option<Url> {
        let base = self.doc.select("base[href]").attr("href");
        let named = base.and_then(|base| match address {
            Some(address) => address.join(base.trim()).ok(),
            None => Url::parse(base.trim()).ok(),
        });
        named.filter(|base| matches!(base.scheme(), "http" | "https")).or_else(|| address.cloned())
    }

    /// The date of publication: what the markup says, then labels, then what stands beside the title, then the address.
    fn find_date(&self, roles: &Roles, address: Option<&Url>) -> Option<DateTime<Utc>> {
        let timezone = self.page.options.timezone;
        let tomorrow = Utc::now() + TimeDelta::days(1);
        // Without a word for it, a date to come is that of an event.
        let past = |at: Option<DateTime<Utc>>| at.filter(|at| *at < tomorrow);
        let labels = &roles.labels;
        self.metadata
            .find_date(timezone)
            .or(self.linked.published_at)
            .or_else(|| self.find_marked_date())
            .or(labels.published_at)
            .or(past(roles.time))
            .or(past(labels.bare_date))
            .or(past(labels.time))
            .or(past(roles.bare_date))
            .or(past(labels.made_at))
            .or_else(|| past(address.and_then(|address| find_date_in_path(address.path(), timezone))))
            .or_else(|| past(find_date_in_path(&self.page.relative_path, timezone)))
    }

    /// The date of an element that is marked as the date of publication.
    fn find_marked_date(&self) -> Option<DateTime<Utc>> {
        let nodes =
            self.doc.select("[itemprop='datePublished'], time[pubdate], time.published, time.entry-date");
        nodes.nodes().iter().find_map(|node| {
            let text = node.attr("content").or_else(|| node.attr("datetime")).unwrap_or_else(|| node.text());
            dates::parse_stamp(&text, self.page.options.timezone)
        })
    }

    /// Adds the breadcrumb. Its last step is left out if it names the article itself.
    fn add_category(&self, row: RowBuilder, roles: &Roles, title: &str) -> RowBuilder {
        let mut steps = roles.breadcrumb.clone();
        if steps.is_empty() {
            let inner = self.linked.breadcrumb.iter().filter(|step| !is_home(step));
            steps = inner.cloned().collect();
        }
        add_breadcrumb(row, steps, title)
    }

    fn add_facts(
        &self,
        row: RowBuilder,
        roles: &Roles,
        address: Option<&Url>,
        title: &str,
        addresses: &mut Addresses,
    ) -> RowBuilder {
        let (labels, metadata, linked) = (&roles.labels, &self.metadata, &self.linked);
        let labelled = labels.author.clone();
        let author =
            labelled.or_else(|| metadata.find_author().map(str::to_owned)).or_else(|| linked.author.clone());
        let source = labels.source_name.clone().or_else(|| metadata.find_source().map(str::to_owned));
        let cover = metadata.find_cover().map(str::to_owned).or_else(|| linked.image.clone());
        let before = addresses.relative;
        let cover = cover.map(|cover| addresses.resolve(&cover)).and_then(|cover| Url::parse(&cover).ok());
        addresses.relative = before;
        let cover = cover.filter(|cover| matches!(cover.scheme(), "http" | "https")).map(String::from);
        let mut keywords = metadata.list_keywords();
        if keywords.is_empty() {
            keywords = linked.keywords.clone();
        }
        let site = metadata.find_site_name().unwrap_or_default();
        keywords.retain(|word| word != title && word != site);
        let summary = metadata.find_summary().filter(|summary| *summary != title);
        row.with(
            "source_url",
            address.map(|address| address.as_str().to_owned()).filter(|text| text.len() <= 2000),
        )
        .with_author(author.as_deref().unwrap_or_default())
        .with_source_name(source.as_deref().unwrap_or_default())
        .with("views", labels.views)
        .with("cover_url", cover)
        .with_tags(keywords)
        .with_summary(&fold_whitespace(summary.unwrap_or_default()))
    }
}

/// Tells the sentences of the page that are not in the article.
fn warn_of_lost_text(row: RowBuilder, main: &MainText, roles: &Roles, source: &str) -> RowBuilder {
    let lost = main.lines.iter().zip(&roles.roles).filter(|(_, role)| **role == Role::LeftOut);
    let hidden = find_hidden_sentences(source);
    let lost: Vec<&str> =
        lost.map(|(line, _)| line.text.as_str()).chain(hidden.iter().map(String::as_str)).collect();
    let Some(first) = lost.first() else { return row };
    let beginning: String = first.chars().take(TOLD_CHARS).collect();
    let more = if lost.len() > 1 { format!(" and {} more lines", lost.len() - 1) } else { String::new() };
    row.warn(
        "/body",
        "page_text_left_out",
        format!("is without text beside the article: “{beginning}”{more}"),
    )
}

/// Tells the addresses that could not be completed, and the pictures that have none.
fn warn_of_addresses(row: RowBuilder, addresses: &Addresses) -> RowBuilder {
    let notes = [
        (addresses.relative, "relative_addresses", "addresses without a host; --base-url completes them"),
        (addresses.local, "local_addresses", "addresses of files that a browser saved beside the page"),
        (addresses.inlined, "inlined_images", "images without an address, whose data is in the page"),
    ];
    let told = notes.into_iter().filter(|(count, ..)| *count > 0);
    told.fold(row, |row, (count, code, detail)| row.warn("/body", code, format!("has {count} {detail}")))
}

/// The date in the path of an address: `/2019/09/24/`, `/2019-09/24/`, `/20190924/`, `t20190924_1.html`.
fn find_date_in_path(path: &str, timezone: chrono_tz::Tz) -> Option<DateTime<Utc>> {
    let numbers: Vec<&str> =
        path.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).collect();
    let compact = numbers
        .iter()
        .filter(|number| matches!(number.len(), 8 | 12 | 14))
        .map(|number| number[..8].to_owned());
    let is_short = |number: &str| number.len() <= 2;
    let apart =
        numbers.windows(3).filter(|three| three[0].len() == 4 && is_short(three[1]) && is_short(three[2]));
    let joined = numbers.windows(2).filter(|two| two[0].len() == 6 && two[1].len() == 2);
    let halves = numbers.windows(2).filter(|two| two[0].len() == 4 && two[1].len() == 4);
    let texts = apart.map(|three| three.join("-")).chain(compact);
    let texts = texts.chain(joined.map(|two| two.concat())).chain(halves.map(|two| two.concat()));
    texts.into_iter().find_map(|text| dates::parse_date(&text, timezone))
}
