#ifndef CONSENTRY_PROTO_SUPPORT_HTML_H_
#define CONSENTRY_PROTO_SUPPORT_HTML_H_

#include <string>
#include <string_view>

// What pages for people have in common: one file, without scripts or anything
// from elsewhere.
namespace consentry {

// Text inside of an element or a quoted attribute.
std::string HtmlText(std::string_view text);

// From <!DOCTYPE> to the opening <body>. `title` and `language` are escaped
// here; `style` is CSS added to that of all pages, and trusted.
std::string HtmlHead(std::string_view title, std::string_view language,
                     std::string_view style = "");

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_HTML_H_
