"""Counts what is in a WordPress export. Shares nothing with the reader: xml.etree, html.parser and a few rules.

Prints JSON: for each post its date, categories, tags, images, paragraphs and characters of text; and how many
things of each other kind there are.
"""

import collections
import html.parser
import json
import re
import sys
import xml.etree.ElementTree

WP = "{http://wordpress.org/export/1.2/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CAPTION = re.compile(r"\[/?caption[^\]]*\]")
BLOCK = re.compile(r"<(/?)(ul|ol|li|table|tr|td|h2|figure|blockquote|pre)\b")


class Text(html.parser.HTMLParser):
    """The text of HTML, and how many images are in it."""

    def __init__(self):
        super().__init__()
        self.text, self.images = "", 0

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.images += tag == "img"


def count_paragraphs(content):
    """Paragraphs of the text that is in no block, and those of the block editor."""
    if "<!-- wp:" in content:
        return content.count("<p>")
    content = re.sub(r"(?s)<pre>.*?</pre>|\[caption.*?\[/caption\]|<(ul|table|h2)>.*?</\1>", "\n\n", content)
    return sum(1 for part in re.split(r"\n\s*\n", content) if re.sub(r"<!--.*?-->", "", part).strip())


def read_post(item):
    content = item.findtext(CONTENT) or ""
    reader = Text()
    reader.feed(CAPTION.sub("", content))
    reader.close()
    terms = collections.defaultdict(set)
    for term in item.findall("category"):
        terms[term.get("domain")].add(term.text)
    return {
        "date": item.findtext(WP + "post_date_gmt").replace(" ", "T") + "Z",
        "terms": sorted(terms["category"] | terms["post_tag"]),
        "images": reader.images,
        "paragraphs": count_paragraphs(content),
        "characters": len(re.sub(r"\s", "", reader.text)),
    }


def main():
    posts, others = {}, collections.Counter()
    for item in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("item"):
        kind, status = item.findtext(WP + "post_type"), item.findtext(WP + "status")
        others["comment"] += len(item.findall(WP + "comment"))
        if kind == "post" and status != "trash":
            posts[item.findtext(WP + "post_id")] = read_post(item)
        else:
            others["trashed post" if kind == "post" else kind] += 1
    json.dump({"posts": posts, "others": others}, sys.stdout)


main()
