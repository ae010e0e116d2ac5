// SPDX-License-Identifier: MIT
#include "veer/report/html.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/report/assets.h"

namespace veer {

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
          out += "\xEF\xBF\xBD";
        } else {
          out += c;
        }
    }
  }
  return out;
}

std::string json_for_script(const Json& value) {
  const std::string plain = dump_json(value);
  std::string out;
  out.reserve(plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::string_view rest(plain.data() + i, plain.size() - i);
    if (plain[i] == '<') {
      out += "\\u003c";
    } else if (rest.starts_with("\xE2\x80\xA8")) {
      out += "\\u2028";
      i += 2;
    } else if (rest.starts_with("\xE2\x80\xA9")) {
      out += "\\u2029";
      i += 2;
    } else {
      out += plain[i];
    }
  }
  return out;
}

std::string html_table(const std::vector<Column>& columns,
                       const std::vector<std::vector<std::string>>& rows) {
  std::string out = "<div class=\"scroll\"><table><thead><tr>";
  for (const auto& column : columns) {
    out +=
        fmt::format("<th{}>{}</th>", column.number ? " class=\"number\"" : "",
                    escape_html(column.title));
  }
  out += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool number = i < columns.size() && columns[i].number;
      out += fmt::format("<td{}>{}</td>", number ? " class=\"number\"" : "",
                         row[i]);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string html_chart(std::string_view id, const Json& specification,
                       std::string_view caption) {
  return fmt::format(
      "<figure id=\"{0}\"><div class=\"chart\" data-chart=\"{0}-spec\"></div>"
      "<figcaption>{1}</figcaption></figure>\n"
      "<script type=\"application/json\" id=\"{0}-spec\">{2}</script>\n",
      id, escape_html(caption), json_for_script(specification));
}

std::string html_section(std::string_view id, std::string_view title,
                         std::string_view body) {
  return fmt::format(
      "<section id=\"{0}\"><h2><a href=\"#{0}\">{1}</a></h2>\n{2}</section>\n",
      id, escape_html(title), body);
}

std::string html_page(const Page& page) {
  std::string nav;
  for (const auto& [id, name] : page.links) {
    nav += fmt::format("<a href=\"#{}\">{}</a>", id, escape_html(name));
  }
  // Vega compiles its expressions, hence 'unsafe-eval'; nothing may be loaded.
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
      "'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src "
      "'unsafe-inline'; img-src data:\">\n"
      "<title>{0}</title>\n<link rel=\"icon\" href=\"data:,\">\n"
      "<style>{1}</style></head>\n<body><main>\n"
      "<header><h1>{0}</h1><p>{2}</p></header>\n<nav>{3}</nav>\n",
      escape_html(page.title), report_style(), escape_html(page.subtitle), nav);
  out += page.body;
  out += "</main>\n<script>";
  out += vega_bundle();
  out += "</script>\n<script>";
  out += report_behaviour();
  return out + "</script>\n</body></html>\n";
}

}  // namespace veer
