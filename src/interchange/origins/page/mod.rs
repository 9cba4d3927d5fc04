//! Saved article pages, as HTML or as the text that was copied out of one.
//!
//! What a page says in its markup comes first (canonical link, `article:published_time`,
//! JSON-LD), then what it says in words, as Chinese portals do: a breadcrumb, and a
//! line like `发布时间：2019-09-20 作者： 来源： 浏览：2600`. The texts themselves are not cleaned.

mod facts;
pub mod html;
#[cfg(test)]
mod tests;
pub mod text;
