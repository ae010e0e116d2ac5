"""The tables of a report."""
import html.parser


class _Tables(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.heading, self.tables = "", []
        self._text = None

    def handle_starttag(self, tag, _):
        if tag == "table":
            self.tables.append((self.heading, []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th", "h2", "h3"):
            self._text = ""

    def handle_data(self, data):
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][1][-1].append(self._text.strip())
        elif tag in ("h2", "h3"):
            self.heading = self._text
        if tag in ("td", "th", "h2", "h3"):
            self._text = None


def columns_without_text(page):
    """(heading, column) of every column of which all cells are empty."""
    parser = _Tables()
    parser.feed(page)
    found = []
    for heading, (titles, *rows) in parser.tables:
        found += [(heading, title) for i, title in enumerate(titles)
                  if rows and all(not row[i] for row in rows)]
    return found
