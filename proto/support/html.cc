#include "proto/support/html.h"

#include "absl/strings/str_cat.h"

namespace consentry {
namespace {

constexpr char kStyle[] =
    "body{font:16px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.7rem;line-height:1.2}"
    "h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:1px solid #d5dbe3;"
    "padding-bottom:.3rem}"
    "h3{font-size:1.05rem;margin-top:1.5rem}"
    ".scroll{overflow-x:auto}.scroll+.scroll{margin-top:1.25rem}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;"
    "border-bottom:1px solid #e6eaef}"
    "td{min-width:4.5rem;overflow-wrap:anywhere}"
    "th{background:#f4f6f9;font-weight:600}th[scope=row]{width:30%}"
    "p{overflow-wrap:anywhere}"
    ".quiet{color:#5a6676;font-size:.9rem}"
    ".held{color:#5a6676;font-style:italic}"
    "@media print{body{max-width:none}.scroll{overflow:visible}}";

}  // namespace

std::string HtmlText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '"':
        out.append("&quot;");
        break;
      case '\'':
        out.append("&#39;");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string HtmlHead(std::string_view title, std::string_view language,
                     std::string_view style) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"", HtmlText(language),
      "\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
      HtmlText(title), "</title>\n<style>", kStyle, std::string(style),
      "</style>\n</head>\n<body>\n");
}

}  // namespace consentry
